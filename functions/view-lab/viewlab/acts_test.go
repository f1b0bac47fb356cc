package viewlab_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var (
	acts      = []string{"/extend", "/suspend", "/reset", "/undo", "/end", "/check"}
	classActs = []string{"/class/extend", "/class/suspend", "/class/reset", "/class/undo", "/class/end"}
)

// send posts a form as a page's script does: it wants JSON.
func (s *site) send(path string, fields url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.serve(r)
}

func form(ticket string) url.Values { return url.Values{"ticket": {ticket}} }

func (a answer) keys() []string {
	keys := make([]string, len(a.Actions))
	for i, action := range a.Actions {
		keys[i] = action.Key
	}
	return keys
}

// budget is what each act costs on a lab that is up, and what it comes to.
func TestActs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		calls  []string
		state  string
		reason string
		notice string
	}{
		"/extend":  {[]string{"heat GET /stacks/{}/{}", "heat PATCH /stacks/{}/{}", "heat GET /stacks/{}/{}"}, "ready", "", "You have more time now."},
		"/suspend": {[]string{"heat GET /stacks/{}/{}", "heat POST /stacks/{}/{}/actions"}, "suspended", "suspending", "Your lab goes to sleep."},
		"/reset":   {[]string{"heat GET /stacks", "heat POST /stacks"}, "building", "", "Your lab is built anew."},
		"/end":     {[]string{"heat GET /stacks", "heat DELETE /stacks/{}/{}"}, "gone", "ended", "Your lab is being removed."},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			ticket := s.ready(t, learner("u1"))
			got := read(t, s.send(path, form(ticket)))
			if got.State != want.state || got.Reason.Code != want.reason {
				t.Errorf("%+v", got)
			}
			if calls := s.heatCalls(); !slices.Equal(calls, want.calls) {
				t.Errorf("calls %q, want %q", calls, want.calls)
			}
			// The same again from a form without script, which gets a page that says what was done.
			w := s.post(path, form(ticket))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want.notice) || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "frame-ancestors https://lms.example.org") {
				t.Errorf("without script: %d %s", w.Code, w.Body)
			}
			writes := slices.DeleteFunc(s.Calls(), func(c openstacktest.Call) bool { return c.Method == http.MethodGet || c.Service == "identity" })
			if changed := slices.DeleteFunc(writes, func(c openstacktest.Call) bool { return c.Method == http.MethodDelete }); len(changed) > 1 {
				t.Errorf("done twice: %+v", changed)
			}
		})
	}
}

func TestExtendOnThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	before := read(t, s.ask("GET", "/status?look=stack", ticket))
	if want := []string{"extend", "suspend", "reset", "end"}; !slices.Equal(before.keys(), want) {
		t.Errorf("offered %q", before.keys())
	}
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			if got := read(t, s.send("/extend", form(ticket))); got.Expires.Sub(*before.Expires) != 2*time.Hour || got.Ticket == "" {
				t.Errorf("until %s, was %s", got.Expires, before.Expires)
			}
		})
	}
	both.Wait()
	s.Settle()
	after := read(t, s.ask("GET", "/status?look=stack", ticket))
	if slices.Contains(after.keys(), "extend") || after.Expires.Sub(*before.Expires) != 2*time.Hour {
		t.Errorf("offered %q until %s", after.keys(), after.Expires)
	}
	problem(t, s.send("/extend", form(after.Ticket)), http.StatusConflict, "extend_used_up")
	problem(t, s.post("/extend", form(after.Ticket)), http.StatusConflict, "extend_used_up")
}

// What the other routes cost on a lab that is up, asleep, or not there. (Status, console, key and password have theirs
// beside what they do.)
func TestBudgets(t *testing.T) {
	t.Parallel()
	const (
		list, read, act, create = "heat GET /stacks", "heat GET /stacks/{}/{}", "heat POST /stacks/{}/{}/actions", "heat POST /stacks"
		events, remove          = "heat GET /stacks/{}/{}/events", "heat DELETE /stacks/{}/{}"
	)
	for name, c := range map[string]struct {
		prepare func(*site, string)
		path    string
		want    []string
	}{
		"start of a lab that is up":     {func(*site, string) {}, "/start", []string{read, list, read}},
		"start of a sleeping lab":       {asleep, "/start", []string{read, list, act}},
		"start of a lab that has ended": {ended, "/start", []string{read}},
		"refresh of a lab that is up":   {func(*site, string) {}, "/", []string{read}},
		"refresh of a sleeping lab":     {asleep, "/", []string{read}},
		"refresh while it wakes up":     {waking, "/", []string{read, events}},
		"refresh of one that has ended": {ended, "/", []string{read}},
		"suspend of a sleeping lab":     {asleep, "/suspend", []string{read}},
		"reset of a lab that has ended": {ended, "/reset", []string{list, create}},
		"undo of a reset":               {reset, "/undo", []string{list, remove, read}},
		"undo of no reset":              {func(*site, string) {}, "/undo", []string{list, read}},
		"the old lab after a reset":     {reset, "/old", []string{list, read}},
		"extend of a sleeping lab":      {asleep, "/extend", []string{read, create}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			ticket := s.ready(t, learner("u1"))
			c.prepare(s, ticket)
			s.ResetCalls()
			if w := s.post(c.path, form(ticket)); w.Code != http.StatusOK {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if calls := s.heatCalls(); !slices.Equal(calls, c.want) {
				t.Errorf("calls %q, want %q", calls, c.want)
			}
		})
	}
}

func asleep(s *site, ticket string) {
	s.send("/suspend", form(ticket))
	s.Settle()
}

func waking(s *site, ticket string) {
	asleep(s, ticket)
	s.send("/start", form(ticket))
}

func reset(s *site, ticket string) { s.send("/reset", form(ticket)) }

func ended(s *site, ticket string) {
	s.send("/end", form(ticket))
	s.Settle()
}

// What cannot be done now says when it can, and leads back to the lab.
func TestActsAtTheWrongTime(t *testing.T) {
	t.Parallel()
	for _, path := range acts {
		s := start(t)
		early, _ := s.launchFor(t, learner("u1"))
		w := s.send(path, form(early))
		problem(t, w, http.StatusConflict, "lab_busy")
		if w.Header().Get("Retry-After") != "5" {
			t.Errorf("%s: retry after %q", path, w.Header().Get("Retry-After"))
		}
		if w := s.post(path, form(early)); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `value="`+early+`"`) {
			t.Errorf("%s: the problem page does not lead back to the lab: %d", path, w.Code)
		}
	}
}

// A lab that is reset, or that has ended, is followed by a new one, with and without script.
func TestResetAndEndOnThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	reset := read(t, s.send("/reset", form(ticket)))
	if got := s.follow(t, reset.Ticket, lab.Status{}); got.State != "ready" {
		t.Fatalf("%+v", got)
	}
	s.ResetCalls()
	joined := read(t, s.send("/reset", form(ticket))) // the old page is still open
	if joined.State != "ready" || len(s.Stacks()) != 2 {
		t.Errorf("%+v with %q", joined, s.heatCalls())
	}
	for _, call := range s.heatCalls() {
		if !strings.HasPrefix(call, "heat GET ") {
			t.Errorf("joining what is there did %s", call)
		}
	}
	ended := s.post("/end", form(joined.Ticket))
	if ended.Code != http.StatusOK || !strings.Contains(ended.Body.String(), `action="/stage/view-lab/reset"`) {
		t.Fatalf("%d %s", ended.Code, ended.Body)
	}
	s.Settle()
	_, rest, _ := strings.Cut(ended.Body.String(), `name="ticket" value="`)
	last, _, _ := strings.Cut(rest, `"`)
	if anew := read(t, s.send("/reset", form(last))); anew.State != "building" || len(s.Stacks()) != 1 {
		t.Errorf("a new lab: %+v", anew)
	}
}

// A ticket opens its own lab. Whatever is asked with one learner's ticket never names another's stack.
func TestR8TicketsOpenTheirOwnLabOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	mine := s.ready(t, learner("u1"))
	theirs := s.Stacks()[0]
	s.ready(t, learner("u2"))
	other := s.Stacks()[slices.IndexFunc(s.Stacks(), func(st openstacktest.Stack) bool { return st.ID != theirs.ID })]
	fields := url.Values{
		"ticket": {mine}, "way": {"2"}, "lab": {other.Name + ":" + other.ID}, "stack": {other.Name}, "id": {other.ID}, "all": {"1"}, "ref": {other.ID},
	}
	for _, path := range slices.Concat([]string{"/", "/console"}, acts) {
		s.send(path, fields)
	}
	for _, call := range s.Calls() {
		if strings.Contains(call.Path+"?"+call.Query, other.Name) || strings.Contains(call.Path, other.ID) {
			t.Errorf("%s %s?%s", call.Method, call.Path, call.Query)
		}
	}
	if after, ok := s.Stack(other.Name); !ok || after.State != other.State || !slices.Equal(after.Tags, other.Tags) {
		t.Errorf("the other's lab was %+v, is %+v", other, after)
	}
}

// The languages of pages and problems are the learner's.
func TestActsInGerman(t *testing.T) {
	t.Parallel()
	s := start(t)
	tk := s.keeper.Ticket(learner("u1"))
	tk.Locale = "de-AT"
	tk, _ = s.keeper.Start(t.Context(), tk)
	s.Settle()
	sealed, err := s.keeper.Seal(tk)
	if err != nil {
		t.Fatal(err)
	}
	w := s.post("/", form(sealed))
	if w.Header().Get("Content-Language") != "de" {
		t.Errorf("page in %s", w.Header().Get("Content-Language"))
	}
	r := httptest.NewRequest(http.MethodPost, "/end", strings.NewReader("ticket=none"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "fr-CA,fr;q=0.9,en;q=0.8")
	if w := s.serve(r); w.Code != http.StatusUnauthorized || w.Header().Get("Content-Language") != "fr" {
		t.Errorf("nobody's page: %d in %s", w.Code, w.Header().Get("Content-Language"))
	}
}

// Course staff whose page is drawn again is still led to the class; a learner never is.
func TestStaffKeepTheWayToTheClass(t *testing.T) {
	t.Parallel()
	s := start(t)
	const way = `action="/stage/view-lab/class"`
	tk, _ := s.keeper.Start(t.Context(), s.keeper.Ticket(learner("teacher")))
	for _, staff := range []bool{false, true} {
		if staff {
			tk.Staff, tk.Course = tk.Launched, "A course"
		}
		sealed, err := s.keeper.Seal(tk)
		if err != nil {
			t.Fatal(err)
		}
		if w := s.post("/", form(sealed)); w.Code != http.StatusOK || strings.Contains(w.Body.String(), way) != staff {
			t.Errorf("staff %v: %d %s", staff, w.Code, w.Body)
		}
	}
}

// An open page sees that a sleeping lab was woken, and how long it may live now.
func TestWakingUpOnThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	read(t, s.send("/suspend", form(ticket)))
	s.Settle()
	cloud, ref := s.client(t)
	if st, err := cloud.Stack(t.Context(), ref); err != nil || st.State() != "SUSPEND_COMPLETE" {
		t.Fatalf("%s, %v", st.State(), err)
	}
	woken := read(t, s.ask("POST", "/start", ticket))
	if got := s.follow(t, woken.Ticket, lab.Status{}); got.State != "ready" {
		t.Errorf("%+v", got)
	}
	if st, err := cloud.Stack(t.Context(), ref); err != nil || st.Action != "RESUME" {
		t.Errorf("%s, %v", st.State(), err)
	}
}
