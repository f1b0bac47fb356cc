package viewlab_test

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const lively = `
public_url: https://hooks.example.org/stage
naming_key: ` + naming + `
seal_keys: [{id: "1", secret: ` + sealing + `}]
templates_dir: testdata
lti:
  consumers:
    - {key: academy, secret: consumer-test-secret-hunter2-12-abcdef, labs: [web], frame_ancestors: [https://lms.example.org]}
labs:
  web:
    title: Web server basics
    template: signals.yaml
    lifetime: 8h
    idle_timeout: 30m
    access: [{kind: url, output: lab_url}, {kind: ssh, host: host, key: made, user: learner}]
    checks: [{name: install, title: The server is installed, kind: report}, {name: serve, kind: report}]
`

// Row 6: after a reset the old lab stays usable, the page leads to it, and an undo brings it back: while the new one is in
// the making and once it is up, asked once, twice or by several at once.
func TestRow6UndoOnThePage(t *testing.T) {
	t.Parallel()
	for _, up := range []bool{false, true} {
		t.Run(fmt.Sprintf("up %v", up), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			ticket := s.ready(t, learner("u1"))
			before := s.Stacks()[0]
			reset := read(t, s.send("/reset", form(ticket)))
			if reset.State != "building" || reset.Kept == nil || !reset.Meanwhile || reset.Note == "" || !slices.Contains(reset.keys(), "undo") {
				t.Fatalf("after the reset: %+v", reset)
			}
			if w := s.post("/old", form(reset.Ticket)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Your lab is ready") || !strings.Contains(w.Body.String(), "A new lab is being built for you.") {
				t.Errorf("the old lab's page: %d %s", w.Code, w.Body)
			}
			if up {
				s.Settle()
				if a := read(t, s.ask("GET", "/status?look=stack", reset.Ticket)); a.Ticket != "" {
					reset.Ticket = a.Ticket
				}
				a := read(t, s.ask("GET", "/status?look=stack", reset.Ticket))
				if a.State != "ready" || a.Kept == nil || a.Meanwhile || !slices.Contains(a.keys(), "undo") {
					t.Fatalf("once it is up: %+v", a)
				}
			}
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					if a := read(t, s.send("/undo", form(reset.Ticket))); a.State != "ready" || a.Kept != nil {
						t.Errorf("undone: %+v", a)
					}
				})
			}
			all.Wait()
			if w := s.post("/undo", form(reset.Ticket)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "You have your old lab again.") {
				t.Errorf("without script: %d %s", w.Code, w.Body)
			}
			s.Settle()
			if after := s.Stacks(); len(after) != 1 || after[0].ID != before.ID {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
}

// The old lab's page only looks, also when there is none.
func TestTheOldLabIsNotBroughtBackByItsPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	read(t, s.send("/end", form(ticket)))
	s.Settle()
	s.ResetCalls()
	if w := s.post("/old", form(ticket)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if calls := s.heatCalls(); !slices.Equal(calls, []string{"heat GET /stacks"}) {
		t.Errorf("calls %q", calls)
	}
}

// W20: a heartbeat is one call, and leaves no more than one note in five minutes.
func TestW20Heartbeat(t *testing.T) {
	t.Parallel()
	s := startWith(t, lively, keeper.Site{})
	ticket := s.ready(t, learner("u1"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if w := s.send("/heartbeat", form(ticket)); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if w := s.ask("POST", "/heartbeat", ticket); w.Code != http.StatusNoContent { // as the page sends it
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if calls := s.heatCalls(); len(calls) != 5 || strings.Contains(strings.Join(calls, " "), "PATCH") {
		t.Errorf("calls %q", calls)
	}
	s.ResetCalls()
	read(t, s.send("/suspend", form(ticket)))
	s.Settle()
	s.ResetCalls()
	if w := s.send("/heartbeat", form(ticket)); w.Code != http.StatusNoContent {
		t.Errorf("asleep: %d %s", w.Code, w.Body)
	}
	if calls := s.heatCalls(); len(calls) > 1 {
		t.Errorf("asleep: %q", calls)
	}
	s.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	problem(t, s.send("/heartbeat", form(ticket)), http.StatusServiceUnavailable, "cloud_unavailable")
}

// Only a lab that goes to sleep by itself has its page tell that it is in use, and only a template with a handle is told.
func TestNoHeartbeatWithoutIdleTimeout(t *testing.T) {
	t.Parallel()
	beats := regexp.MustCompile(`"beat":(true|false)`)
	for text, want := range map[string]string{strings.Replace(lively, "30m", "0s", 1): `"beat":false`, lively: `"beat":true`} {
		s := startWith(t, text, keeper.Site{})
		ticket := s.ready(t, learner("u1"))
		if got := beats.FindString(s.post("/", form(ticket)).Body.String()); got != want {
			t.Errorf("the page has %s, want %s", got, want)
		}
	}
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	s.ResetCalls()
	if w := s.send("/heartbeat", form(ticket)); w.Code != http.StatusNoContent || len(s.heatCalls()) > 1 {
		t.Errorf("%d after %q", w.Code, s.heatCalls())
	}
}

// Row 5: who comes to a full class is told the place, and when to ask again.
func TestRow5WaitingInLine(t *testing.T) {
	t.Parallel()
	s := startWith(t, configuration, keeper.Site{MaxBuilds: 1})
	s.launchFor(t, learner("u1"))
	ticket, status := s.launchFor(t, learner("u2"))
	if status.State != lab.InLine {
		t.Fatalf("%+v", status)
	}
	w := s.send("/start", form(ticket))
	a := read(t, w)
	if a.State != "waiting" || a.Place != 1 || a.Reason.Code != "in_line" || !strings.HasSuffix(a.Reason.Text, "You are next in line.") || a.Next == nil || a.Next.Method != http.MethodPost {
		t.Errorf("%+v", a)
	}
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	page := s.post("/", form(ticket))
	if page.Code != http.StatusOK || page.Header().Get("Retry-After") == "" || !strings.Contains(page.Body.String(), "You are next in line.") {
		t.Errorf("without script: %d %v", page.Code, page.Header())
	}
	if n := len(s.Stacks()); n != 1 {
		t.Errorf("%d stacks", n)
	}
	s.Settle()
	s.ahead.Add(int64(time.Minute)) // what is known of the cloud's load is some seconds old
	if a.Ticket != "" {
		ticket = a.Ticket
	}
	a = read(t, s.send("/start", form(ticket)))
	if a.State != "building" {
		t.Errorf("its turn came: %+v", a)
	}
}

// Row 8: what a lab reports is shown as text, with the score that it comes to.
func TestRow8CheckResultsOnThePage(t *testing.T) {
	t.Parallel()
	s := startWith(t, lively, keeper.Site{})
	ticket := s.ready(t, learner("u1"))
	a := read(t, s.send("/check", form(ticket)))
	if a.Checks == nil || len(a.Checks.List) != 2 || a.Checks.List[0].State != "no_result" || a.Checks.Score != nil || !slices.Contains(a.keys(), "check") {
		t.Fatalf("before any result: %+v", a.Checks)
	}
	result := func(id, check string, passed bool, message string) {
		data := map[string]any{"check": check, "passed": passed, "score": map[bool]float64{true: 1}[passed], "message": message, "at": time.Now().Unix()}
		if !s.Signal(s.Stacks()[0].Name, "signals", map[string]any{"id": lab.ResultID(id), "status": "SUCCESS", "reason": "result", "data": data}) {
			t.Fatal("the lab has no handle")
		}
	}
	result("1", "install", true, "")
	result("2", "serve", false, "Nothing answers <b>\x00at</b> port 80\u202e"+strings.Repeat(" really", 200))
	s.ResetCalls()
	a = read(t, s.send("/check", form(ticket)))
	if calls := s.heatCalls(); !slices.Equal(calls, []string{"heat GET /stacks/{}/{}"}) {
		t.Errorf("calls %q", calls)
	}
	list := a.Checks.List
	if list[0].State != "passed" || list[1].State != "not_passed" || list[1].Title != "serve" || a.Checks.Score == nil || *a.Checks.Score != 50 {
		t.Errorf("%+v", a.Checks)
	}
	if hint := list[1].Hint; !strings.HasPrefix(hint, "Nothing answers <b>at</b> port 80 really") || len([]rune(hint)) > 501 || strings.ContainsAny(hint, "\x00\u202e") {
		t.Errorf("hint %q", hint)
	}
	w := s.post("/check", form(ticket))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Nothing answers &lt;b&gt;at") || !strings.Contains(w.Body.String(), "Score: 50 of 100") {
		t.Errorf("without script: %d %s", w.Code, w.Body)
	}
}

// A key that was made for the learner is for them alone, the same at every download, and nowhere but in the answer.
func TestMadeKey(t *testing.T) {
	t.Parallel()
	s := startWith(t, lively, keeper.Site{})
	ticket := s.ready(t, learner("u1"))
	fields := form(ticket)
	fields.Set("way", "1")
	w := s.post("/key", fields)
	name := s.Stacks()[0].Name + ".pem"
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "-----BEGIN OPENSSH PRIVATE KEY-----") || w.Header().Get("Content-Disposition") != `attachment; filename="`+name+`"` {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	first, err := ssh.ParseRawPrivateKey(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	second, err := ssh.ParseRawPrivateKey(s.post("/key", fields).Body.Bytes())
	if err != nil || !first.(*ed25519.PrivateKey).Equal(*second.(*ed25519.PrivateKey)) {
		t.Errorf("the second download is another key, %v", err)
	}
	if calls := s.heatCalls(); len(calls) != 0 {
		t.Errorf("calls %q", calls)
	}
	a := read(t, s.ask("GET", "/status?look=stack", ticket))
	if want := "ssh -i " + name + " learner@203.0.113.7"; len(a.Access) != 2 || a.Access[1].Command != want || !a.Access[1].HasKey {
		t.Errorf("%+v, want %s", a.Access, want)
	}
}

// Extension and sleep: the lab that sleeps can be given more time too.
func TestExtendWhileAsleep(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	asleep(s, ticket)
	before := read(t, s.ask("GET", "/status?look=stack", ticket))
	if before.State != "suspended" || !slices.Contains(before.keys(), "extend") {
		t.Fatalf("%+v", before)
	}
	for range 2 {
		after := read(t, s.send("/extend", form(ticket)))
		if after.State != "suspended" || after.Expires.Sub(*before.Expires) != 2*time.Hour {
			t.Errorf("until %s, was %s", after.Expires, before.Expires)
		}
	}
}

// A lab whose grade may not have arrived yet is looked at before it is deleted. (What has no checks is not: TestActs.)
func TestEndSavesTheGradeFirst(t *testing.T) {
	t.Parallel()
	s := startWith(t, lively, keeper.Site{})
	ticket := s.ready(t, learner("u1"))
	if a := read(t, s.send("/end", form(ticket))); a.State != "gone" {
		t.Errorf("%+v", a)
	}
	if calls, want := s.heatCalls(), []string{"heat GET /stacks", "heat GET /stacks/{}/{}", "heat DELETE /stacks/{}/{}"}; !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

// A lab whose servers do not come back says so, and what can be done: a new lab is built, and what is in this one stays for
// course staff to look at.
func TestResumeTroubleOffersANewLab(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	waking(s, ticket)
	s.SetStackState(s.Stacks()[0].Name, "RESUME", "FAILED", "Resource RESUME failed: ResourceInError: resources.web: Went to status ERROR")
	a := read(t, s.ask("GET", "/status?look=stack", ticket))
	if a.State != "failed" || a.Reason.Code != "resume_failed" || !slices.Equal(a.keys(), []string{"reset", "end"}) || a.Next != nil {
		t.Fatalf("%+v", a)
	}
	page := s.post("/", form(ticket)).Body.String()
	for _, want := range []string{"It could not be woken up.", `action="/stage/view-lab/reset"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	broken := s.Stacks()[0]
	for range 2 {
		if a = read(t, s.send("/reset", form(ticket))); a.State != "building" {
			t.Errorf("%+v", a)
		}
	}
	s.Settle()
	if kept, there := s.Stack(broken.Name); !there || kept.ID != broken.ID || len(s.Stacks()) != 2 {
		t.Errorf("%d stacks, the old one %+v", len(s.Stacks()), kept)
	}
}

// A lab that is built and does not answer yet keeps its link back, and after its time says that it does not answer.
func TestReadinessOnThePage(t *testing.T) {
	t.Parallel()
	const closed = "    ready: {kind: tcp, output: nowhere, port: 9}\n    build_timeout: 15m\n"
	s := startWith(t, strings.Replace(lively, "    lifetime: 8h\n", "    lifetime: 8h\n"+closed, 1), keeper.Site{})
	ticket, _ := s.launchFor(t, learner("u1"))
	s.Settle()
	var a answer
	for range 2 { // the first finds out which stack counts
		if a = read(t, s.ask("GET", "/status?look=stack", ticket)); a.Ticket != "" {
			ticket = a.Ticket
		}
	}
	if a.State != "building" || a.Reason.Code != "answering" || len(a.Access) != 0 || a.Next == nil {
		t.Errorf("%+v", a)
	}
	s.ahead.Add(int64(10 * time.Minute))
	a = read(t, s.ask("GET", "/status?look=stack", ticket))
	if a.State != "ready" || a.Reason.Code != "unreachable" || len(a.Access) == 0 || !slices.Contains(a.keys(), "reset") {
		t.Errorf("later: %+v", a)
	}
}
