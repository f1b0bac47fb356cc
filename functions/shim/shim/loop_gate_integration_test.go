//go:build integration

package shim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is the address that alarms call, whichever processes serve behind it. It passes every notification on, as often and
// to as many processes at once as the story wants, and remembers what came and what was answered.
type gate struct {
	t      *testing.T
	url    string
	client *http.Client

	mu     sync.Mutex
	to     []string // host:port of those who serve
	copies int
	next   int
	heard  []notification
	told   []verdict
}

// notification is one request of Aodh, as it came.
type notification struct{ path, state, body string }

// verdict is what a process answered to one copy of a notification; status 0 if it did not.
type verdict struct {
	notification
	status     int
	code, pass string
}

// newGate opens one until the test is over.
func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, copies: 1, client: &http.Client{Timeout: 40 * time.Second}}
	address, _ := local(t, g.ServeHTTP)
	g.url = "http://" + address
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

// serve says who is behind the gate from now on, and in how many copies they get each notification.
func (g *gate) serve(copies int, to ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.copies, g.to = copies, to
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // Aodh has given up
	}
	n := notification{path: r.URL.RequestURI(), body: string(body)}
	var aodh struct{ Current string }
	_ = json.Unmarshal(body, &aodh) // what is not Aodh's has no state
	n.state = aodh.Current
	g.mu.Lock()
	g.heard = append(g.heard, n)
	copies := g.copies
	g.mu.Unlock()
	all := g.deliver(slices.Repeat([]notification{n}, copies)...)
	w.WriteHeader(max(all[0].status, http.StatusAccepted)) // Aodh does not care
}

// deliver passes notifications on, all at once, and waits for the answers.
func (g *gate) deliver(list ...notification) []verdict {
	out := make([]verdict, len(list))
	var wg sync.WaitGroup
	for i, n := range list {
		wg.Go(func() { out[i] = g.pass(n) })
	}
	wg.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, out...)
	return out
}

// pass sends one notification to the next process in turn.
func (g *gate) pass(n notification) verdict {
	v := verdict{notification: n}
	g.mu.Lock()
	if len(g.to) == 0 {
		g.mu.Unlock()
		return v
	}
	to := g.to[g.next%len(g.to)]
	g.next++
	g.mu.Unlock()
	r, err := http.NewRequest(http.MethodPost, "http://"+to+n.path, strings.NewReader(n.body)) // also while the test ends
	if err != nil {
		g.t.Error(err)
		return v
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := g.client.Do(r)
	if err != nil {
		return v // killed
	}
	defer reply.Body.Close()
	var answer struct {
		Code string
		Pass struct{ Code string }
	}
	text, err := io.ReadAll(reply.Body)
	if err != nil || json.NewDecoder(bytes.NewReader(text)).Decode(&answer) != nil {
		return v
	}
	v.status, v.code, v.pass = reply.StatusCode, answer.Code, answer.Pass.Code
	return v
}

// mark is how many answers there are; since counts those that came after it, by direction, state and code.
func (g *gate) mark() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.told)
}

func (g *gate) since(mark int) map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	counts := map[string]int{}
	for _, v := range g.told[mark:] {
		counts[v.direction()+" "+v.state+": "+v.code]++
		if v.pass != "" {
			counts["+"+v.pass]++
		}
	}
	return counts
}

// all are the notifications that came, newest first, each as often as it differs from the others.
func (g *gate) all() []notification {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []notification
	for _, n := range slices.Backward(g.heard) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (n notification) direction() string {
	path, _, _ := strings.Cut(n.path, "?")
	return path[strings.LastIndex(path, "/")+1:]
}

// aodhSays is a notification in Aodh's words. Two of one id and value are two deliveries of one.
func aodhSays(path, id, state string, value float64) notification {
	body := fmt.Sprintf(`{"alarm_name": %q, "alarm_id": %q, "severity": "low", "previous": "ok", "current": %q, `+
		`"reason": "Transition to %s due to 1 samples outside threshold, most recent: %g", `+
		`"reason_data": {"type": "threshold", "disposition": "outside", "count": 1, "most_recent": %g}}`, "loop", id, state, state, value, value)
	return notification{path: path, state: state, body: body}
}
