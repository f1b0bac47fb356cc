package scalecluster_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// hookServer is an operator's: it checks signatures and answers what it is told.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	now    func() time.Time
	status int
	bodies []map[string]any
	wrong  []string
}

func newHook(t *testing.T) *hookServer {
	t.Helper()
	k := &hookServer{status: http.StatusNoContent}
	k.Server = httptest.NewServer(k)
	t.Cleanup(k.Close)
	return k
}

func (k *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	stamp := r.Header.Get("X-Stackhook-Timestamp")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(stamp + "." + string(body)))
	if r.Header.Get("X-Stackhook-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || stamp != strconv.FormatInt(k.now().Unix(), 10) || r.Method != http.MethodPost {
		k.wrong = append(k.wrong, fmt.Sprint(r.Method, r.Header))
	}
	var about map[string]any
	if json.Unmarshal(body, &about) != nil {
		k.wrong = append(k.wrong, string(body))
	}
	k.bodies = append(k.bodies, about)
	if k.status == http.StatusFound {
		w.Header().Set("Location", "/agreed")
	}
	w.WriteHeader(k.status)
}

func (k *hookServer) answer(status int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status = status
}

// heard are the requests since the last look.
func (k *hookServer) heard(t *testing.T) []map[string]any {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.wrong) > 0 {
		t.Errorf("wrongly signed: %v", k.wrong)
	}
	out := k.bodies
	k.bodies = nil
	return out
}

// hooked is a house with a cluster of four that has a hook.
func hooked(t *testing.T) (*house, *hookServer) {
	t.Helper()
	k := newHook(t)
	h := leaving(t, 4, "hook: {url: "+k.URL+"/leaves, secret: "+hookSecret+", timeout: 1s, deadline: 2m}")
	k.now = h.cloud.Now
	return h, k
}

// F11: the hook is asked, signed, when a node's time is over and not before; without its word the node stays until the hook's
// deadline, and then goes without.
func TestF11TerminateHook(t *testing.T) {
	t.Parallel()
	h, k := hooked(t)
	server, since := h.servers(leaver)["0"], h.cloud.Now().UTC()
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(4 * time.Minute)
	h.pass().want(t, http.StatusOK, "steady")
	if got := k.heard(t); got != nil {
		t.Errorf("asked before the time: %v", got)
	}
	h.settle(time.Minute)
	h.post("/leaver/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "removed")
	if got := k.heard(t); got != nil {
		t.Errorf("N11: a dry run asks: %v", got)
	}
	var ids []any
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusForbidden} {
		k.answer(status)
		h.calls()
		r := h.pass()
		r.want(t, http.StatusOK, "waiting")
		if r.body["retry_after"] == nil || strings.Contains(r.text, "leaves") {
			t.Errorf("%s", r.text)
		}
		if got := h.calls(); !slices.Equal(got, []string{read, membersOf}) {
			t.Errorf("%d: %v", status, got)
		}
		heard := k.heard(t)
		if len(heard) != 1 {
			t.Fatalf("%d: asked %v", status, heard)
		}
		ids = append(ids, heard[0]["id"])
		delete(heard[0], "id")
		address := h.member(leaver, "0").Address
		want := map[string]any{
			"cluster": leaver, "stack": leaver, "node": "0", "server": server, "address": address,
			"since": since.Format(time.RFC3339), "deadline": since.Add(7 * time.Minute).Format(time.RFC3339),
		}
		if fmt.Sprint(heard[0]) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", heard[0], want)
		}
	}
	if ids[0] == "" || ids[0] == nil || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the same question has other ids: %v", ids)
	}
	k.answer(http.StatusAccepted)
	h.calls()
	h.pass().want(t, http.StatusAccepted, "removed")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	k.heard(t)
	h.settle(0)
	if got := h.servers(leaver); len(got) != 3 || got["0"] != "" {
		t.Errorf("%v", got)
	}
	// One that never answers holds a node no longer than its deadline.
	k.Close()
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(6*time.Minute + 50*time.Second)
	h.pass().want(t, http.StatusOK, "waiting")
	h.settle(10 * time.Second)
	r := h.pass()
	r.want(t, http.StatusAccepted, "removed")
	if !strings.Contains(r.text, "had not agreed") || strings.Contains(h.log.String(), k.URL) {
		t.Errorf("%s", r.text)
	}
}

// F11: the update after the hook's word is lost: it is asked once more, and the node goes once.
func TestF11AtLeastOnce(t *testing.T) {
	t.Parallel()
	h, k := hooked(t)
	h.post("/leaver/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.post("/leaver/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "draining") // the load balancer took one a time
	h.settle(5 * time.Minute)
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
	h.pass().want(t, http.StatusOK, "lost")
	if got := k.heard(t); len(got) != 2 {
		t.Errorf("asked %v", got)
	}
	together := func() {
		var wg sync.WaitGroup
		hosts := []http.Handler{h.process(), h.process(), h.h}
		for i := range 6 {
			wg.Go(func() {
				if r := h.sendTo(hosts[i%3], http.MethodPost, "/leaver/reconcile", ``, ci()); r.status != http.StatusOK && r.status != http.StatusAccepted {
					t.Errorf("%d %s", r.status, r.text)
				}
			})
		}
		wg.Wait()
	}
	together()
	if got := k.heard(t); len(got) < 2 {
		t.Errorf("asked %v", got)
	}
	h.settle(0)
	h.pass()
	h.settle(0)
	if got := h.servers(leaver); len(got) != 2 || got["2"] == "" || got["3"] == "" {
		t.Errorf("%v", got)
	}
}
