//go:build integration

package shim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
)

const killedEntry = `{min: 1, max: 9, cooldown_out: 0s, cooldown_in: 0s, drain: {timeout: 5m}}`

// scissors are a way to the cloud that ends for ever at one call: before it is sent, or before its answer is there. Logging
// in does not count.
type scissors struct {
	mu     sync.Mutex
	at     int // the number of the call, from 0
	sent   bool
	calls  int
	method string // of the call at which it ended
}

var errCut = errors.New("the process has died")

func (s *scissors) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/auth/tokens") {
		return http.DefaultTransport.RoundTrip(r) //nolint:wrapcheck // a transport does not
	}
	s.mu.Lock()
	number := s.calls
	s.calls++
	if number == s.at {
		s.method = r.Method
	}
	s.mu.Unlock()
	if number < s.at {
		return http.DefaultTransport.RoundTrip(r) //nolint:wrapcheck // a transport does not
	}
	if number == s.at && s.sent {
		if reply, err := http.DefaultTransport.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, reply.Body) // nobody gets to see it
			_ = reply.Body.Close()
		}
	}
	return nil, errCut
}

// mortal is a cluster whose processes die.
type mortal struct {
	*loop

	size     int
	ahead    time.Duration // of the processes' clock: a drain is over when they say so
	balancer string
	notes    int
}

// killedBetweenCalls kills the process between any two of its calls to the cloud, in each kind of work, and lets a fresh
// one hear the same notification: together they do it, once.
func killedBetweenCalls(t *testing.T) {
	t.Helper()
	m := &mortal{loop: newLoop(t, killedEntry), size: 1}
	m.build(1)
	stack, err := m.cloud.Stack(t.Context(), m.ref)
	if err != nil {
		t.Fatal(err)
	}
	m.balancer, _ = stack.Outputs["loadbalancer_id"].(string)
	m.part("out", func() {
		m.dies("out", func() {}, func() { m.size++; m.reaches(m.size) })
	})
	in := func() { m.size--; m.drains(m.size) }
	m.part("in, to the drain", func() { m.dies("in", func() {}, in) })
	m.part("out, while nodes leave", func() { m.dies("out", func() {}, func() { m.size++; m.drains(m.size) }) })
	m.part("the removal", func() {
		m.dies("reconcile", func() {
			if m.drained() == 0 {
				m.ask(nil, m.note("in"))
				in()
				m.ahead += 6 * time.Minute
			}
		}, func() { m.reaches(m.size) })
	})
	m.part("a process, by the system", func() { m.processKilled() })
}

// note is a notification that nobody has heard yet. For a pass it says that all is well.
func (m *mortal) note(verb string) notification {
	m.notes++
	if verb == "reconcile" {
		return aodhSays("/"+m.name+"/in"+m.signature("in"), fmt.Sprint("tick ", m.notes), "ok", 50)
	}
	return aodhSays("/"+m.name+"/"+verb+m.signature(verb), fmt.Sprint(verb, " ", m.notes), "alarm", 50)
}

func (m *mortal) signature(verb string) string {
	_, query, _ := strings.Cut(m.s.ScaleURL(m.name, verb), "?")
	return "?" + query
}

// ask is one notification to a process of its own, which may have little time to live.
func (m *mortal) ask(s *scissors, n notification) verdict {
	m.t.Helper()
	m.idle()
	cfg, err := m.source(killedEntry + "\npublic_url: " + m.gate.url).Load()
	if err != nil {
		m.t.Fatal(err)
	}
	o := openstack.Options{Getenv: os.Getenv, Timeout: time.Minute}
	if s != nil {
		o.Transport = s
	}
	cloud, err := openstack.New(o)
	if err != nil {
		m.t.Fatal(err)
	}
	h, err := scalecluster.New(cfg, cloud, func() time.Time { return time.Now().Add(m.ahead) }, metrics.NewRegistry())
	if err != nil {
		m.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(m.t.Context(), http.MethodPost, n.path, strings.NewReader(n.body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	v := verdict{notification: n, status: w.Code}
	var answer struct {
		Code string
		Pass struct{ Code string }
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // the dead say little
	v.code, v.pass = answer.Code, answer.Pass.Code
	return v
}

// idle waits until the load balancer takes a change.
func (m *mortal) idle() {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		lb, err := m.cloud.LoadBalancer(m.t.Context(), m.balancer)
		if err == nil && lb.ProvisioningStatus == "ACTIVE" {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("the load balancer is %s: %v", lb.ProvisioningStatus, err)
		}
	}
}

// trace is all that a process can have written.
func (m *mortal) trace() string {
	m.t.Helper()
	list := m.list()
	slices.SortFunc(list, func(a, b openstack.Member) int { return strings.Compare(a.ID, b.ID) })
	lines := []string{m.memory()}
	for _, member := range list {
		slices.Sort(member.Tags)
		lines = append(lines, fmt.Sprint(member.ID, member.Weight, member.Tags))
	}
	return strings.Join(lines, "\n")
}

func (m *mortal) drained() int {
	n := 0
	for _, w := range m.weights() {
		if w == 0 {
			n++
		}
	}
	return n
}

// drains waits until so many nodes have a weight.
func (m *mortal) drains(size int) {
	m.t.Helper()
	until(m.t, fmt.Sprint(size, " nodes are in service"), patience, func() (string, bool) {
		list := m.weights()
		return fmt.Sprint(list), len(list)-m.drained() == size
	})
}

// dies lets a process die at its first call, then one at its second, and so on, until one lived to the end. step looks at
// what one notification is to come to; it is called for every process that has come so far as to write.
func (m *mortal) dies(verb string, prepare, step func()) {
	m.t.Helper()
	var calls []string
	for n := 0; ; n++ {
		for _, sent := range []bool{false, true} {
			if sent && calls[n] == http.MethodGet {
				continue // to die after a read is to die before the next call
			}
			prepare()
			before, note := m.trace(), m.note(verb)
			s := &scissors{at: n, sent: sent}
			got := m.ask(s, note)
			if s.method == "" {
				if got.code == "" {
					m.t.Errorf("%s was answered %d with nothing", verb, got.status)
				}
				step()
				m.t.Logf("%s: died at each of %d calls: %v", verb, n, calls)
				return
			}
			if !sent {
				calls = append(calls, s.method)
			}
			wrote := slices.ContainsFunc(calls[:n], func(c string) bool { return c != http.MethodGet }) || sent
			if changed := m.trace() != before; changed != wrote {
				m.t.Fatalf("%s, dead at call %d (%s, sent: %t): changed: %t", verb, n, s.method, sent, changed)
			}
			if !wrote {
				continue // the next one does not even know of it
			}
			again := m.ask(nil, note)
			if verb != "reconcile" && again.code != "duplicate" {
				m.t.Errorf("%s, dead at call %d (%s): the next process said %q", verb, n, s.method, again.code)
			}
			step()
		}
	}
}

// processKilled kills the real program at several moments of a request. Whoever sent the notification sends it again.
func (m *mortal) processKilled() {
	program := filepath.Join(m.t.TempDir(), "shim")
	if said, err := exec.Command("go", "build", "-o", program, "github.com/stackhook/stackhook/functions/shim").CombinedOutput(); err != nil {
		m.t.Fatalf("build the shim: %v\n%s", err, said)
	}
	m.ahead = 0
	for _, after := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond} {
		note := m.note("out")
		note.path = "/scale-cluster" + note.path
		stop := m.run(program)
		done := make(chan struct{})
		go func() { defer close(done); m.gate.deliver(note) }()
		time.Sleep(after)
		stop()
		<-done
		stop = m.run(program)
		until(m.t, "somebody has heard it", time.Minute, func() (string, bool) {
			got := m.gate.deliver(note)[0]
			return got.code, got.code == "scaled" || got.code == "duplicate"
		})
		m.size++
		v := m.reaches(m.size)
		m.t.Logf("killed after %s: %v", after, v.Decisions[0])
		stop()
	}
}

// run starts the program behind the gate; the function that it gives kills it.
func (m *mortal) run(program string) (kill func()) {
	m.t.Helper()
	address := port(m.t)
	cmd := exec.Command(program, "-listen", address)
	// Its clock is right, and those of the parts before were ahead: what they remember is in its future.
	cmd.Env = append(os.Environ(), config.Variable+"="+m.text(killedEntry+"\npublic_url: "+m.gate.url))
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	m.t.Cleanup(kill)
	until(m.t, "the program serves", time.Minute, func() (string, bool) {
		reply, err := m.gate.client.Get("http://" + address + "/healthz")
		if err != nil {
			return err.Error(), false
		}
		_ = reply.Body.Close()
		return reply.Status, reply.StatusCode == http.StatusOK
	})
	m.gate.serve(1, address)
	return kill
}
