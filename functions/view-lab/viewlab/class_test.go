package viewlab_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

type roll struct {
	Course, Notice, Ticket string
	Truncated              bool
	Labs                   []struct {
		Ref, Owner, Lab, State, Reason string
		Mine                           bool
		Created                        time.Time `json:"created_at"`
		Expires                        time.Time `json:"expires_at"`
		Kept                           time.Time `json:"kept_until"`
		Generation                     int
	}
	Outcome *struct{ Done, Left, Cannot int }
}

func readRoll(t *testing.T, w *httptest.ResponseRecorder) roll {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v: %s", w.Code, w.Header(), w.Body)
	}
	noInternals(t, w.Body.String())
	var out roll
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// class is a sealed class ticket as the launch of an instructor gives it out.
func (s *site) class(t *testing.T, tenant, course string) string {
	t.Helper()
	own := s.keeper.Ticket(lab.Identity{Tenant: tenant, Context: course, Lab: "web", Learner: "teacher"})
	own.Ancestors, own.Locale = []string{"https://lms.example.org"}, "en"
	sealed, err := s.keeper.SealClass(s.keeper.ClassOf(own.AsStaff("Course <b>1</b>")))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestClassView(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.ready(t, learner("teacher"))
	s.ready(t, learner("ada@example.org"))
	s.launchFor(t, learner("grace@example.org"))
	s.launchFor(t, lab.Identity{Tenant: "academy", Context: "another course", Lab: "web", Learner: "u3"})
	class := s.class(t, "academy", "course")
	s.ResetCalls()
	got := readRoll(t, s.send("/class", form(class)))
	if calls := s.heatCalls(); !slices.Equal(calls, []string{"heat GET /stacks"}) {
		t.Errorf("calls %q", calls)
	}
	if len(got.Labs) != 3 || got.Course != "Course <b>1</b>" || got.Ticket == "" || got.Outcome != nil || got.Notice != "" {
		t.Fatalf("%+v", got)
	}
	mine := 0
	for _, l := range got.Labs {
		if l.Mine {
			mine++
		}
		if len(l.Owner) != 6 || l.Lab != "Web server basics" || l.Expires.IsZero() || l.Created.IsZero() || l.State != "ready" && l.State != "building" && l.State != "starting" {
			t.Errorf("%+v", l)
		}
	}
	if mine != 1 {
		t.Errorf("%d are the teacher's", mine)
	}
	w := s.post("/class", form(class))
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(body, "Course &lt;b&gt;1&lt;/b&gt;") || !strings.Contains(body, got.Labs[1].Owner) || !strings.Contains(body, got.Labs[2].Ref) {
		t.Errorf("the page: %d %s", w.Code, body)
	}
	if !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "frame-ancestors https://lms.example.org") {
		t.Errorf("policy %q", w.Header().Get("Content-Security-Policy"))
	}
	for _, name := range []string{"ada@example.org", "grace@example.org", "academy"} {
		if strings.Contains(body, name) {
			t.Errorf("the page names %s", name)
		}
	}
}

// What each button does, what it costs, and what it answers, with script and without.
func TestClassActs(t *testing.T) {
	t.Parallel()
	for path, one := range map[string][]string{
		"/class/extend":  {"heat GET /stacks/{}/{}", "heat PATCH /stacks/{}/{}", "heat GET /stacks"},
		"/class/suspend": {"heat GET /stacks/{}/{}", "heat POST /stacks/{}/{}/actions", "heat GET /stacks"},
		"/class/reset":   {"heat GET /stacks/{}/{}", "heat GET /stacks", "heat DELETE /stacks/{}/{}", "heat GET /stacks"},
		"/class/end":     {"heat GET /stacks/{}/{}", "heat GET /stacks", "heat DELETE /stacks/{}/{}", "heat GET /stacks"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for _, name := range []string{"u1", "u2", "u3"} {
				s.ready(t, learner(name))
			}
			list := readRoll(t, s.send("/class", form(s.class(t, "academy", "course"))))
			fields := form(list.Ticket)
			fields.Set("lab", list.Labs[1].Ref)
			s.ResetCalls()
			got := readRoll(t, s.send(path, fields))
			if got.Outcome == nil || got.Outcome.Done != 1 || got.Outcome.Left != 0 || got.Notice == "" {
				t.Errorf("%+v", got.Outcome)
			}
			if calls := s.heatCalls(); !slices.Equal(calls, one) {
				t.Errorf("calls %q, want %q", calls, one)
			}
			s.ResetCalls()
			all := form(list.Ticket)
			all.Set("all", "1")
			w := s.post(path, all)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), ": 3.") {
				t.Errorf("all: %d %s", w.Code, w.Body)
			}
			if calls := s.heatCalls(); len(calls) != 4 {
				t.Errorf("two lists and what was left of three: %q", calls)
			}
			s.ResetCalls()
			if again := readRoll(t, s.send(path, all)); again.Outcome.Done != 3 && path == "/class/extend" || again.Outcome.Left != 0 {
				t.Errorf("again: %+v", again.Outcome)
			}
			if calls := s.heatCalls(); len(calls) != 2 {
				t.Errorf("done again: %q", calls)
			}
		})
	}
}

// Row 6: course staff sees that a learner's lab was built anew, and can bring the old one back while it is kept.
func TestRow6StaffUndoesAReset(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	before := s.Stacks()[0]
	read(t, s.send("/reset", form(ticket)))
	s.Settle()
	list := readRoll(t, s.send("/class", form(s.class(t, "academy", "course"))))
	if len(list.Labs) != 1 || list.Labs[0].Generation != 1 || list.Labs[0].Kept.IsZero() {
		t.Fatalf("%+v", list.Labs)
	}
	fields := form(list.Ticket)
	fields.Set("lab", list.Labs[0].Ref)
	if w := s.post("/class", form(list.Ticket)); !strings.Contains(w.Body.String(), `formaction="/stage/view-lab/class/undo"`) {
		t.Errorf("the page has no way back: %s", w.Body)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { readRoll(t, s.send("/class/undo", fields)) })
	}
	all.Wait()
	s.Settle()
	if after := s.Stacks(); len(after) != 1 || after[0].ID != before.ID {
		t.Errorf("%+v, want %+v", after, before)
	}
	got := readRoll(t, s.send("/class/undo", fields)) // the page is still open
	if n := len(s.Stacks()); n != 1 || got.Outcome.Done != 0 || len(got.Labs) != 1 || got.Labs[0].Generation != 0 || !got.Labs[0].Kept.IsZero() {
		t.Errorf("once more: %d stacks, %+v", n, got)
	}
}

func TestLearnerSeesTheResetOfStaff(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	list := readRoll(t, s.send("/class", form(s.class(t, "academy", "course"))))
	fields := form(list.Ticket)
	fields.Set("lab", list.Labs[0].Ref)
	readRoll(t, s.send("/class/reset", fields))
	a := read(t, s.ask("GET", "/status?look=stack", ticket))
	if a.State != "gone" || !slices.Equal(a.keys(), []string{"reset"}) || a.Next != nil {
		t.Errorf("%+v", a)
	}
	s.Settle()
	if anew := read(t, s.send("/reset", form(ticket))); anew.State != "building" {
		t.Errorf("%+v", anew)
	}
}

// R10: rights come from a class ticket alone, and reach as far as its tenant and course. Whatever else is sent is refused,
// and nothing is changed.
func TestClassIsForStaffOfTheCourse(t *testing.T) {
	t.Parallel()
	s := start(t)
	lesson := s.ready(t, learner("u1"))
	own := s.Stacks()[0]
	good := s.class(t, "academy", "course")
	stale, err := s.keeper.SealClass(keeper.ClassTicket{Tenant: "t", Context: "c", Launched: time.Now().Add(-9 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.ResetCalls()
	for _, c := range []struct{ name, ticket, code string }{
		{"none", "", "ticket_missing"},
		{"a learner's", lesson, "ticket_invalid"},
		{"expired", stale, "ticket_expired"},
		{"cut", good[:len(good)-9], "ticket_invalid"},
		{"nonsense", "1.nonsense", "ticket_invalid"},
	} {
		fields := url.Values{"ticket": {c.ticket}, "lab": {own.Name + ":" + own.ID}, "role": {"instructor"}, "context": {"course"}}
		for _, path := range append([]string{"/class"}, classActs...) {
			problem(t, s.send(path, fields), http.StatusUnauthorized, c.code)
			w := s.post(path, fields)
			problem(t, w, http.StatusUnauthorized, c.code)
			if !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors https://lms.example.org") {
				t.Errorf("%s: %s", path, w.Header().Get("Content-Security-Policy"))
			}
		}
	}
	if calls := s.CallNames(); len(calls) > 0 {
		t.Errorf("the cloud was asked: %q", calls)
	}
	for name, foreign := range map[string]string{"another course's": s.class(t, "academy", "another course"), "another tenant's": s.class(t, "school", "course")} {
		for _, path := range classActs {
			fields := form(foreign)
			fields.Set("lab", own.Name+":"+own.ID)
			problem(t, s.send(path, fields), http.StatusNotFound, "no_such_lab")
			problem(t, s.post(path, fields), http.StatusNotFound, "no_such_lab")
			all := form(foreign)
			all.Set("all", "1")
			if got := readRoll(t, s.send(path, all)); len(got.Labs) != 0 || got.Outcome.Done != 0 {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
	for _, fields := range []url.Values{{}, {"all": {"0"}}, {"all": {"true"}}, {"lab": {""}}, {"lab": {"x"}, "all": {"1"}}} {
		fields.Set("ticket", good)
		for _, path := range classActs {
			problem(t, s.send(path, fields), http.StatusNotFound, "no_such_lab")
		}
	}
	for _, call := range s.Calls() {
		if call.Method != http.MethodGet && call.Service != "identity" {
			t.Errorf("changed: %s %s", call.Method, call.Path)
		}
	}
}

func TestClassWhileTheCloudIsDown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.ready(t, learner("u1"))
	class := s.class(t, "academy", "course")
	s.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	for _, w := range []*httptest.ResponseRecorder{s.send("/class", form(class)), s.post("/class", form(class))} {
		problem(t, w, http.StatusServiceUnavailable, "cloud_unavailable")
		if w.Header().Get("Retry-After") != "5" {
			t.Errorf("retry after %q", w.Header().Get("Retry-After"))
		}
	}
}
