package viewlab_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/seal"
)

func TestConsole(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, _ := s.launch(t, "web")
	s.Settle()
	s.ResetCalls()
	w := s.post("/console", url.Values{"ticket": {ticket}, "way": {"2"}})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `<meta http-equiv="refresh" content="0;url=http`) {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	if n := len(s.heatCalls()); n != 2 {
		t.Errorf("%d calls: %q", n, s.heatCalls())
	}
	for _, way := range []string{"0", "1", "3", "-1", "x", ""} {
		problem(t, s.post("/console", url.Values{"ticket": {ticket}, "way": {way}}), http.StatusNotFound, "no_such_way")
	}
}

// commandPattern is what is typed for ssh, with the key's file as it is called when it is downloaded.
var commandPattern = regexp.MustCompile(`^ssh -i lab-[0-9a-f]{18}\.pem learner@203\.0\.113\.9$`)

func TestPrivateKeyIsFetchedOnDemandOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, status := s.launch(t, "keyed")
	got := s.follow(t, ticket, status)
	if len(got.Access) != 1 || !got.Access[0].HasKey || !commandPattern.MatchString(got.Access[0].Command) {
		t.Fatalf("ways in %+v", got.Access)
	}
	for _, w := range []*httptest.ResponseRecorder{s.ask("GET", "/status?look=stack", ticket), s.post("/", url.Values{"ticket": {ticket}})} {
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), private) {
			t.Errorf("%d, or the key is in the page", w.Code)
		}
	}
	s.ResetCalls()
	w := s.post("/key", url.Values{"ticket": {ticket}, "way": {"0"}})
	if w.Code != http.StatusOK || w.Body.String() != private+"\n" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=\"lab-") {
		t.Errorf("got %d %v: %s", w.Code, w.Header(), w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" || len(s.heatCalls()) != 1 {
		t.Errorf("headers %v, calls %q", w.Header(), s.heatCalls())
	}
	problem(t, s.post("/key", url.Values{"ticket": {ticket}, "way": {"1"}}), http.StatusNotFound, "no_such_way")
}

func TestPasswordIsFetchedOnDemandOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, status := s.launch(t, "keyed")
	if got := s.follow(t, ticket, status); len(got.Access) != 1 || !got.Access[0].HasPassword {
		t.Fatalf("ways in %+v", got.Access)
	}
	for _, w := range []*httptest.ResponseRecorder{s.ask("GET", "/status?look=stack", ticket), s.post("/", url.Values{"ticket": {ticket}})} {
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), opening) {
			t.Errorf("%d, or the password is in the page", w.Code)
		}
	}
	form := url.Values{"ticket": {ticket}, "way": {"0"}}
	s.ResetCalls()
	w := s.send("/password", form)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"password":"`+opening+`"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("for the script: %d %v", w.Code, w.Header())
	}
	if w.Header().Get("Cache-Control") != "no-store" || len(s.heatCalls()) != 1 {
		t.Errorf("headers %v, calls %q", w.Header(), s.heatCalls())
	}
	w = s.post("/password", form)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), opening) || !strings.Contains(w.Body.String(), "Log in") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("without script: %d %v", w.Code, w.Header())
	}
	s.ResetCalls()
	for _, way := range []string{"1", "-1", "x", ""} {
		problem(t, s.post("/password", url.Values{"ticket": {ticket}, "way": {way}}), http.StatusNotFound, "no_such_way")
	}
	if calls := s.heatCalls(); len(calls) > 0 {
		t.Errorf("asked for ways that there are not: %q", calls)
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	s := start(t)
	good, _ := s.launch(t, "web")
	stale, err := s.keeper.Seal(keeper.Ticket{Owner: lab.Owner{Stack: "lab-1", Lab: "web"}, Launched: time.Now().Add(-9 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(seal.Key{ID: "1", Secret: []byte(sealing)})
	if err != nil {
		t.Fatal(err)
	}
	other, err := box.Seal("scale", keeper.Ticket{Owner: lab.Owner{Stack: "lab-1", Lab: "web"}}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	class, err := s.keeper.SealClass(s.keeper.ClassOf(s.keeper.Ticket(lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "teacher"}).AsStaff("A course")))
	if err != nil {
		t.Fatal(err)
	}
	withdrawn, err := s.keeper.Seal(keeper.Ticket{Owner: lab.Owner{Stack: "lab-1", Lab: "old"}, Launched: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	s.ResetCalls()
	for _, c := range []struct {
		name, ticket string
		status       int
		code         string
	}{
		{"none", "", 401, "ticket_missing"},
		{"nonsense", "nonsense", 401, "ticket_invalid"},
		{"changed", good[:len(good)-2] + "AA", 401, "ticket_invalid"},
		{"expired", stale, 401, "ticket_expired"},
		{"made for something else", other, 401, "ticket_invalid"},
		{"cut", good[:len(good)/2], 401, "ticket_invalid"},
		{"a class's", class, 401, "ticket_invalid"},
		{"of a lab that is gone from the catalogue", withdrawn, 410, "lab_withdrawn"},
	} {
		problem(t, s.ask("GET", "/status", c.ticket), c.status, c.code)
		problem(t, s.ask("POST", "/start", c.ticket), c.status, c.code)
		for _, path := range slices.Concat([]string{"/", "/start", "/old", "/heartbeat", "/console", "/key", "/password"}, acts) {
			problem(t, s.send(path, url.Values{"ticket": {c.ticket}, "way": {"0"}}), c.status, c.code)
			w := s.post(path, url.Values{"ticket": {c.ticket}, "way": {"0"}})
			problem(t, w, c.status, c.code)
			if !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors https://lms.example.org") {
				t.Errorf("%s %s: the page cannot be seen in the course: %s", c.name, path, w.Header().Get("Content-Security-Policy"))
			}
		}
	}
	if calls := s.CallNames(); len(calls) > 0 {
		t.Errorf("the cloud was asked: %q", calls)
	}
	// Never from the query: queries end up in logs and histories.
	problem(t, s.serve(httptest.NewRequest(http.MethodGet, "/status?ticket="+url.QueryEscape(good), nil)), 401, "ticket_missing")
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket, _ := s.launch(t, "web")
	s.ResetCalls()
	for _, path := range slices.Concat([]string{"/", "/start", "/old", "/heartbeat", "/console", "/key", "/password", "/class"}, acts, classActs) {
		for _, site := range []string{"cross-site", "same-site"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"ticket": {ticket}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", site)
			problem(t, s.serve(r), http.StatusForbidden, "cross_site")
		}
	}
	if calls := s.CallNames(); len(calls) > 0 {
		t.Errorf("the cloud was asked: %q", calls)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/", 405, "method_not_allowed"},
		{"GET", "/start", 405, "method_not_allowed"},
		{"POST", "/status", 405, "method_not_allowed"},
		{"DELETE", "/key", 405, "method_not_allowed"},
		{"GET", "/nowhere", 404, "not_found"},
		{"GET", "/extend", 405, "method_not_allowed"},
		{"PUT", "/class", 405, "method_not_allowed"},
		{"GET", "/class/end", 405, "method_not_allowed"},
		{"POST", "/class/check", 404, "not_found"},
		{"GET", "/heartbeat", 405, "method_not_allowed"},
		{"GET", "/old", 405, "method_not_allowed"},
		{"GET", "/undo", 405, "method_not_allowed"},
		{"POST", "/delete", 404, "not_found"},
	} {
		w := s.ask(c.method, c.path, "")
		problem(t, w, c.status, c.code)
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
}
