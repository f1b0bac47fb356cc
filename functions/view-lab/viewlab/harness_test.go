package viewlab_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/view-lab/viewlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	naming  = "naming-test-secret-hunter2-12-abcdefgh"
	sealing = "sealing-test-secret-hunter2-12-abcdefg"
	private = "-----BEGIN PRIVATE KEY----- hunter2"
	opening = "hunter2 opens the lab"
)

const configuration = `
public_url: https://hooks.example.org/stage
naming_key: ` + naming + `
seal_keys: [{id: "1", secret: ` + sealing + `}]
templates_dir: testdata
lti:
  consumers:
    - key: academy
      secret: consumer-test-secret-hunter2-12-abcdef
      labs: [web]
      frame_ancestors: [https://lms.example.org]
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    build_timeout: 15m
    lifetime: 8h
    extend: {by: 2h, times: 1}
    access:
      - {kind: url, output: lab_url, title: Open the lab}
      - {kind: ssh, host: public_ip, key: private_key, user: learner}
      - {kind: console, server: web, title: Screen}
  keyed:
    title: With a key
    template: keyed.yaml
    access:
      - {kind: ssh, host: address, key: private_key, password: password, user: learner, title: Log in}
`

// site is view-lab on a fake cloud, with a keeper that plays the launch.
type site struct {
	*openstacktest.Cloud
	handler http.Handler
	keeper  *keeper.Keeper
	log     *loggingtest.Log
	ahead   atomic.Int64 // of view-lab's clock to the real one, in nanoseconds
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// start runs view-lab and, when the test is over, looks for secrets in all that it logged.
func start(t *testing.T) *site {
	t.Helper()
	return startWith(t, configuration, keeper.Site{})
}

// startWith is start with a configuration, and with bounds for the cloud.
func startWith(t *testing.T, text string, bounds keeper.Site) *site {
	t.Helper()
	s := &site{Cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now())), log: loggingtest.Catch(t, "X-Auth-Token", "vnc_auto.html?")}
	env := maps.Clone(s.Env())
	env[config.Variable] = text
	src := config.Map(env)
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	clouds[0].Capacity, clouds[0].MaxBuilds = bounds.Capacity, bounds.MaxBuilds
	handler, err := viewlab.New(c, clouds, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("view-lab", logging.New(s.log, "view-lab"), handler)
	if s.keeper, err = keeper.New(c, clouds, s.now); err != nil {
		t.Fatal(err)
	}
	return s
}

// launch does what launch-lab does after it has verified a launch.
func (s *site) launch(t *testing.T, labKey string) (ticket string, status lab.Status) {
	t.Helper()
	return s.launchFor(t, lab.Identity{Tenant: "academy", Context: "course", Lab: labKey, Learner: "u1"})
}

func (s *site) launchFor(t *testing.T, i lab.Identity) (ticket string, status lab.Status) {
	t.Helper()
	tk := s.keeper.Ticket(i)
	tk.Ancestors = []string{"https://lms.example.org"}
	tk, status = s.keeper.Start(t.Context(), tk)
	ticket, err := s.keeper.Seal(tk)
	if err != nil {
		t.Fatal(err)
	}
	return ticket, status
}

type next struct {
	Method, URL string
	AfterMS     int `json:"after_ms"`
}

type answer struct {
	State, Headline, Step, Ticket string
	Percent                       int
	ETA                           int `json:"eta_seconds"`
	Steps                         []struct{ Key, Title, State string }
	Actions                       []struct{ Key, Title string }
	Access                        []struct {
		Way                    int
		Kind, Title, URL, Host string
		User, Command          string
		HasKey                 bool `json:"has_key"`
		HasPassword            bool `json:"has_password"`
	}
	Reason  struct{ Code, Text string }
	Expires *time.Time `json:"expires_at"`
	Next    *next
	Wake    bool
	// What there is to say of a lab's life.
	Note      string
	Place     int
	Meanwhile bool
	Kept      *struct{ At time.Time }
	Checks    *struct {
		List  []struct{ Name, Title, State, Hint string }
		Score *int
	}
}

func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// ask sends what a page's script sends.
func (s *site) ask(method, path, ticket string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, strings.TrimPrefix(path, "/stage/view-lab"), nil)
	r.Header.Set("Authorization", "Bearer "+ticket)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.serve(r)
}

// post sends what a form without script sends.
func (s *site) post(path string, fields url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.serve(r)
}

func read(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	noInternals(t, w.Body.String())
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("read %s: %v", w.Body, err)
	}
	return a
}

// ready is the ticket of a lab that is up, with the calls so far forgotten.
func (s *site) ready(t *testing.T, i lab.Identity) string {
	t.Helper()
	ticket, _ := s.launchFor(t, i)
	s.Settle()
	var a answer
	for range 2 { // the first finds out which stack counts
		if a = read(t, s.ask("GET", "/status?look=stack", ticket)); a.Ticket != "" {
			ticket = a.Ticket
		}
	}
	if a.State != "ready" {
		t.Fatalf("%+v", a)
	}
	s.ResetCalls()
	return ticket
}

func learner(name string) lab.Identity {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: name}
}

// follow does what the page does until nothing more is to be expected soon, with time passing in the cloud.
func (s *site) follow(t *testing.T, ticket string, first lab.Status) answer {
	t.Helper()
	step := &next{Method: "GET", URL: "/status"}
	if first.Poll.Start {
		step = &next{Method: "POST", URL: "/start"}
	}
	for range 60 {
		s.ResetCalls()
		a := read(t, s.ask(step.Method, step.URL, ticket))
		if calls := s.heatCalls(); step.Method == http.MethodGet && len(calls) != 1 {
			t.Errorf("status %s made %d calls: %q", step.URL, len(calls), calls)
		}
		if a.Ticket != "" {
			ticket = a.Ticket
		}
		if a.Next == nil || a.Next.AfterMS >= int(time.Minute/time.Millisecond) {
			return a
		}
		step = a.Next
		s.Advance(time.Duration(step.AfterMS) * time.Millisecond)
	}
	t.Fatal("the page never came to an end")
	return answer{}
}

// heatCalls are the calls but for logging in.
func (s *site) heatCalls() []string {
	return slices.DeleteFunc(s.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") })
}

func noInternals(t *testing.T, body string) {
	t.Helper()
	openstacktest.NoInternals(t, body, naming, sealing, "openstack", "Keystone")
}

func problem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	body := w.Body.String()
	json := strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") && strings.Contains(body, `"code":"`+code+`"`)
	html := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && strings.Contains(body, "<code>"+code+"</code>")
	if w.Code != status || !json && !html {
		t.Errorf("got %d, want %d and %s: %s", w.Code, status, code, body)
	}
	noInternals(t, body)
}
