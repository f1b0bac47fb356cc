package scalecluster_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lbMetrics is a PROMETHEUS listener.
type lbMetrics struct {
	*httptest.Server
	mu     sync.Mutex
	text   string
	status int
	hits   int
}

func newMetrics(t *testing.T) *lbMetrics {
	t.Helper()
	m := &lbMetrics{status: http.StatusOK}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.hits++
		w.WriteHeader(m.status)
		fmt.Fprint(w, m.text)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *lbMetrics) say(status int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.text, m.hits = status, text, 0
}

func (m *lbMetrics) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hits
}

// F7: a node without sessions is removed before its time; whatever is wrong with the numbers, time decides, and the answer
// says so.
func TestF7SessionsEndADrain(t *testing.T) {
	t.Parallel()
	lb := newMetrics(t)
	h := leaving(t, 3, "min: 10s, sessions_url: "+lb.URL+"/metrics")
	lb.say(http.StatusOK, "")
	h.pass().want(t, http.StatusOK, "steady")
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	member := h.member(leaver, "0").ID
	h.pass().want(t, http.StatusOK, "steady")
	if lb.asked() != 0 {
		t.Error("asked for sessions that did not matter")
	}
	h.settle(10 * time.Second)
	line := func(value string) string {
		return `octavia_member_current_sessions{pool="p:l1",member="` + member + `"} 0` + "\n" +
			`octavia_member_current_sessions{pool="p:l2",member="` + member + `"} ` + value + "\n"
	}
	for name, row := range map[string]struct {
		status int
		text   string
		known  bool
	}{
		"some left":      {http.StatusOK, line("3"), true},
		"no number":      {http.StatusOK, line("NaN"), false},
		"not the metric": {http.StatusOK, "octavia_member_status{member=\"" + member + "\"} 0\n", false},
		"not now":        {http.StatusBadGateway, line("0"), false},
		"elsewhere":      {http.StatusFound, line("0"), false},
		"too much":       {http.StatusOK, line("0") + strings.Repeat("#\n", 5<<20), false},
	} {
		lb.say(row.status, row.text)
		r := h.pass()
		r.want(t, http.StatusOK, "steady")
		if got := !strings.Contains(r.text, "time alone"); got != row.known || lb.asked() != 1 {
			t.Errorf("%s: asked %d times: %s", name, lb.asked(), r.text)
		}
	}
	lb.say(http.StatusOK, line("0"))
	h.post("/leaver/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "removed")
	h.calls()
	r := h.pass()
	r.want(t, http.StatusAccepted, "removed")
	if !strings.Contains(r.text, "no sessions left") {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	if strings.Contains(h.log.String(), lb.URL) {
		t.Error("the log has the address")
	}
}

// A listener that is not there, or never ends, holds a drain up no longer than its time.
func TestF7SessionsNotToBeHad(t *testing.T) {
	t.Parallel()
	lb := newMetrics(t)
	lb.Close()
	h := leaving(t, 3, "min: 10s, sessions_url: "+lb.URL+"/metrics")
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(time.Minute)
	r := h.pass()
	r.want(t, http.StatusOK, "steady")
	if !strings.Contains(r.text, "time alone") || !strings.Contains(h.log.String(), "time alone ends the drain") {
		t.Errorf("%s\n%s", r.text, h.log)
	}
	h.settle(4 * time.Minute)
	h.pass().want(t, http.StatusAccepted, "removed")
}
