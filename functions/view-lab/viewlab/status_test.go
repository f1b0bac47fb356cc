package viewlab_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestFromLaunchToReady(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, status := s.launch(t, "web")
	if status.State != lab.Building {
		t.Fatalf("launch: %+v", status)
	}
	got := s.follow(t, ticket, status)
	if got.State != "ready" || got.Percent != 100 || got.Expires == nil || got.Headline == "" {
		t.Errorf("%+v", got)
	}
	if len(got.Access) != 3 || !strings.HasPrefix(got.Access[0].URL, "http://") || !strings.HasPrefix(got.Access[1].Command, "ssh learner@") || got.Access[1].HasKey || got.Access[2].Title != "Screen" {
		t.Errorf("ways in %+v", got.Access)
	}
}

// While Heat builds, every status is one call, shows steps that only go forward, and ends in the outputs.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, _ := s.launch(t, "web")
	look, percent, named := "/status?look=events", 0, map[string]bool{}
	for range 40 {
		s.ResetCalls()
		a := read(t, s.ask("GET", look, ticket))
		if n := len(s.heatCalls()); n != 1 {
			t.Fatalf("%s: %d calls", look, n)
		}
		if a.Percent < percent {
			t.Errorf("went back from %d to %d %%", percent, a.Percent)
		}
		if a.Ticket != "" {
			ticket = a.Ticket
		}
		percent = a.Percent
		named[a.Step] = true
		if a.State == "ready" {
			break
		}
		if a.Next == nil || len(a.Steps) == 0 {
			t.Fatalf("building: %+v", a)
		}
		look = a.Next.URL
		s.Advance(500 * time.Millisecond)
	}
	if percent != 100 || !named["Machine"] {
		t.Errorf("ended at %d %%, steps %v", percent, named)
	}
}

func TestStatusNeverChangesAnything(t *testing.T) {
	t.Parallel()
	s := start(t)
	// A ticket of a lab that was never created: the launch met a cloud that was down.
	s.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	ticket, status := s.launch(t, "web")
	if status.Reason != lab.CloudTrouble {
		t.Fatalf("launch: %+v", status)
	}
	problem(t, s.ask("GET", "/status", ticket), http.StatusServiceUnavailable, "cloud_unavailable")
	s.ClearFaults()
	s.ResetCalls()
	for _, look := range []string{"", "?look=events", "?look=stack", "?look=name", "?look=nonsense"} {
		a := read(t, s.ask("GET", "/status"+look, ticket))
		if a.State != "starting" || a.Reason.Code != "missing" || a.Next == nil || a.Next.Method != http.MethodPost || a.Next.URL != "/stage/view-lab/start" {
			t.Errorf("look %q: %+v", look, a)
		}
	}
	for _, call := range s.Calls() {
		if call.Method != http.MethodGet && call.Service != "identity" {
			t.Errorf("a status did %s", call.Name)
		}
	}
	if n := len(s.Stacks()); n != 0 {
		t.Errorf("%d stacks", n)
	}
}

// Whatever happened at the create, the page goes on to one ready lab.
func TestPageGoesOnAfterTrouble(t *testing.T) {
	t.Parallel()
	create := openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Times: 1}
	for name, spoil := range map[string]func(*openstacktest.Fault){
		"503 before":    func(f *openstacktest.Fault) { f.Status = 503 },
		"dropped reply": func(f *openstacktest.Fault) { f.DropReply = true },
		"429":           func(f *openstacktest.Fault) { f.Status = 429 },
		"all down":      func(f *openstacktest.Fault) { *f = openstacktest.Fault{Service: "heat", Status: 503, Times: 3} },
		"reply and look lost": func(f *openstacktest.Fault) {
			*f = openstacktest.Fault{Service: "heat", PathPattern: "/stacks", DropReply: true, Times: 4}
		},
		"quota": func(f *openstacktest.Fault) { f.Status = 413 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			fault := create
			spoil(&fault)
			s.Inject(fault)
			ticket, status := s.launch(t, "web")
			s.ClearFaults()
			if got := s.follow(t, ticket, status); got.State != "ready" {
				t.Errorf("%+v", got)
			}
			if n := len(s.Stacks()); n != 1 {
				t.Errorf("%d stacks, want 1", n)
			}
		})
	}
}

func TestStartTwiceIsOneStack(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	ticket, _ := s.launch(t, "web")
	s.ClearFaults()
	first := read(t, s.ask("POST", "/start", ticket))
	second := read(t, s.ask("POST", "/start", ticket)) // the page sent it again: it did not hear the first answer
	if first.State != "building" || first.Ticket == "" || second.State != "building" || second.Ticket == "" {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	if n := len(s.Stacks()); n != 1 {
		t.Errorf("%d stacks, want 1", n)
	}
}

func TestFailedBuild(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.FailServer("web", 1)
	ticket, status := s.launch(t, "web")
	got := s.follow(t, ticket, status)
	failed := slices.ContainsFunc(got.Steps, func(step struct{ Key, Title, State string }) bool {
		return step.Key == "machine" && step.State == "failed"
	})
	if got.State != "failed" || got.Reason.Code != "cloud_full" || got.Reason.Text == "" || !failed || got.Next != nil {
		t.Errorf("%+v", got)
	}
	noInternals(t, got.Reason.Text)
}

func TestEndedLabStaysEnded(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, _ := s.launch(t, "web")
	s.Settle()
	s.delete(t)
	for _, look := range []string{"", "?look=events", "?look=stack"} {
		if a := read(t, s.ask("GET", "/status"+look, ticket)); a.State != "gone" || a.Reason.Code != "ended" || a.Next != nil {
			t.Errorf("look %q: %+v", look, a)
		}
	}
	if a := read(t, s.ask("POST", "/start", ticket)); a.State != "gone" {
		t.Errorf("start brought it back: %+v", a)
	}
	if n := len(s.Stacks()); n != 0 {
		t.Errorf("%d stacks", n)
	}
}

func TestNewLabWaitsForTheOldToGo(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "web")
	s.Settle()
	s.startDelete(t)
	ticket, status := s.launch(t, "web")
	if status.Reason != lab.Clearing {
		t.Fatalf("launch: %+v", status)
	}
	if got := s.follow(t, ticket, status); got.State != "ready" {
		t.Errorf("%+v", got)
	}
}

func TestFallingAsleepIsWokenByTheLaunchThatMetIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "web")
	s.Settle()
	s.act(t, openstack.Suspend)
	ticket, status := s.launch(t, "web")
	if status.State != lab.Suspended {
		t.Fatalf("launch: %+v", status)
	}
	if got := s.follow(t, ticket, status); got.State != "ready" {
		t.Errorf("%+v", got)
	}
}

// A page that was open when the lab fell asleep does not wake it up by itself: that takes a press of the button.
func TestSleepIsNotDisturbedByAnOpenPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, status := s.launch(t, "web")
	s.follow(t, ticket, status)
	s.act(t, openstack.Suspend)
	s.Settle()
	a := read(t, s.ask("GET", "/status?look=stack", ticket))
	if a.State != "suspended" || !a.Wake || a.Next == nil || a.Next.Method != http.MethodGet {
		t.Errorf("%+v", a)
	}
	woken := read(t, s.ask("POST", "/start", ticket))
	if woken.State != "resuming" || woken.Ticket == "" {
		t.Errorf("woken: %+v", woken)
	}
	if got := s.follow(t, woken.Ticket, lab.Status{}); got.State != "ready" {
		t.Errorf("%+v", got)
	}
}

func (s *site) client(t *testing.T) (*openstack.Cloud, openstack.StackRef) {
	t.Helper()
	env := s.Env()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	stacks := s.Stacks()
	if len(stacks) != 1 {
		t.Fatalf("%d stacks", len(stacks))
	}
	return cloud, openstack.StackRef{Name: stacks[0].Name, ID: stacks[0].ID}
}

func (s *site) act(t *testing.T, action openstack.Action) {
	t.Helper()
	cloud, ref := s.client(t)
	if err := cloud.Act(t.Context(), ref, action); err != nil {
		t.Fatal(err)
	}
}

func (s *site) startDelete(t *testing.T) {
	t.Helper()
	cloud, ref := s.client(t)
	if err := cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
}

func (s *site) delete(t *testing.T) {
	t.Helper()
	s.startDelete(t)
	s.Settle()
}

func TestWithoutScript(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	ticket, _ := s.launch(t, "web")
	form := url.Values{"ticket": {ticket}}
	w := s.post("/", form)
	problem(t, w, http.StatusServiceUnavailable, "cloud_unavailable")
	if !strings.Contains(w.Body.String(), `value="`+ticket+`"`) {
		t.Error("the problem page does not lead back to the lab")
	}
	s.ClearFaults()
	for _, want := range []string{"Your lab is being built", "Your lab is being built", "Your lab is ready"} {
		w := s.post("/", form)
		body := w.Body.String()
		if w.Code != http.StatusOK || !regexp.MustCompile(`id="headline"[^>]*>`+want+`<`).MatchString(body) {
			t.Fatalf("want %q: %d %s", want, w.Code, body)
		}
		_, rest, _ := strings.Cut(body, `name="ticket" value="`)
		fresh, _, _ := strings.Cut(rest, `"`)
		form.Set("ticket", fresh)
		if !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "frame-ancestors https://lms.example.org") {
			t.Errorf("policy %q", w.Header().Get("Content-Security-Policy"))
		}
		if strings.Contains(body, `<li data-state="active">`) {
			s.Settle()
		} else {
			s.Advance(time.Second)
		}
	}
	if n := len(s.Stacks()); n != 1 {
		t.Errorf("%d stacks", n)
	}
}

// A learner who leans on reload, or has the lab open in many tabs, costs the cloud one look at a time; and a look tells nothing that
// was so before it.
func TestManyLooksAtOneLab(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	s.Inject(openstacktest.Fault{Service: "heat", Latency: 300 * time.Millisecond})
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			if a := s.ask("GET", "/status?look=stack", ticket); a.Code != http.StatusOK || !strings.Contains(a.Body.String(), `"state":"ready"`) {
				t.Errorf("%d: %s", a.Code, a.Body)
			}
		})
	}
	all.Wait()
	calls := len(s.heatCalls()) // two, and one more for a goroutine that had to wait for its processor
	if calls > 4 {
		t.Errorf("24 looks took %d calls, want the first one's and one for those who came after it", calls)
	}
	if n := strings.Count(s.log.String(), `"asked":"together"`); n != 24-calls {
		t.Errorf("%d lines say that the look was shared, want %d", n, 24-calls)
	}
}
