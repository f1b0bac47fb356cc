package launchlab_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	launchURL = "https://hooks.example.org/launch-lab/launch"
	key       = "academy"
	secret    = "consumer-test-secret-hunter2-12-abcdef"
	naming    = "naming-test-secret-hunter2-12-abcdefgh"
	sealing   = "sealing-test-secret-hunter2-12-abcdefg"
)

const configuration = `
public_url: https://hooks.example.org
naming_key: ` + naming + `
seal_keys: [{id: "1", secret: ` + sealing + `}]
lti:
  consumers:
    - key: academy
      secret: ` + secret + `
      labs: [web, small]
      instructors: true
      frame_ancestors: [https://lms.example.org, https://apps.lms.example.org]
    - key: school
      secret: another-test-secret-hunter2-12-abcdefg
      labs: [web]
      frame_ancestors: [https://school.example.org]
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    build_timeout: 15m
    lifetime: 8h
    access: [{kind: url, output: lab_url, title: Open the lab}]
  small:
    title: A smaller one
    template: labs/web.yaml
    parameters: {flavor: m1.tiny}
    access: [{kind: url, output: lab_url}]
  secret:
    title: Not for this consumer
    template: labs/web.yaml
`

// site is launch-lab on a fake cloud, with everything it logs.
type site struct {
	*openstacktest.Cloud
	handler http.Handler
	log     *loggingtest.Log
}

// start runs launch-lab and, when the test is over, looks for secrets in all that it logged.
func start(t *testing.T) *site {
	t.Helper()
	return startWith(t, configuration)
}

func startWith(t *testing.T, text string) *site {
	t.Helper()
	s := &site{Cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now())), log: loggingtest.Catch(t, "oauth_signature=", "X-Auth-Token")}
	handler, err := launchlab.Build(t.Context(), config.Map(environment(s.Cloud, text)))
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(s.log, "launch-lab"), handler)
	return s
}

func environment(cloud *openstacktest.Cloud, text string) map[string]string {
	env := maps.Clone(cloud.Env())
	env[config.Variable] = text
	return env
}

func launch(user string) ltitest.Launch {
	return ltitest.New(launchURL, key, secret, user, time.Now())
}

func request(l ltitest.Launch) *http.Request {
	u, err := url.Parse(l.URL)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/launch?"+u.RawQuery, strings.NewReader(l.Body()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// shown is the part of a lab page that its script reads.
type shown struct {
	Ticket string
	Status struct {
		State, Step string
		Percent     int
		Steps       []struct{ Title, State string }
		Access      []struct{ Kind, URL, Title string }
		Reason      struct{ Code, Text string }
		Next        *struct {
			Method, URL string
			AfterMS     int `json:"after_ms"`
		}
	}
}

var island = regexp.MustCompile(`(?s)<script type="application/json" id="data"[^>]*>(.*?)</script>`)

// labPage checks that w is a lab page and reads it.
func labPage(t *testing.T, w *httptest.ResponseRecorder) shown {
	t.Helper()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %s:\n%s", w.Code, w.Header().Get("Content-Type"), said(w))
	}
	found := island.FindStringSubmatch(w.Body.String())
	if found == nil {
		t.Fatalf("no data in the page:\n%s", w.Body)
	}
	var out shown
	if err := json.Unmarshal([]byte(found[1]), &out); err != nil {
		t.Fatalf("read data: %v\n%s", err, found[1])
	}
	if out.Ticket == "" {
		t.Error("the page has no ticket")
	}
	noInternals(t, w.Body.String())
	return out
}

// said is a page without its style and script.
func said(w *httptest.ResponseRecorder) string {
	_, text, _ := strings.Cut(w.Body.String(), "</head>")
	text, _, _ = strings.Cut(text, "<script nonce")
	return text
}

func (s *site) launch(t *testing.T, user string) shown {
	t.Helper()
	return labPage(t, s.serve(request(launch(user))))
}

// problemPage checks that w is a problem page with this code that tells nothing of our insides.
func problemPage(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	body := w.Body.String()
	if w.Code != status || !strings.Contains(body, "<code>"+code+"</code>") {
		t.Errorf("got %d, want %d and code %s:\n%s", w.Code, status, code, said(w))
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("content type %s", w.Header().Get("Content-Type"))
	}
	if id := w.Header().Get("X-Request-Id"); id == "" || !strings.Contains(body, ">"+id+"</code>") {
		t.Errorf("the page does not show the reference %q", id)
	}
	noInternals(t, body)
}

func noInternals(t *testing.T, body string) {
	t.Helper()
	openstacktest.NoInternals(t, body, secret, naming, sealing, "openstack", "Keystone")
}

// nothingDone checks that the cloud was not asked anything.
func (s *site) nothingDone(t *testing.T) {
	t.Helper()
	if calls := s.CallNames(); len(calls) > 0 {
		t.Errorf("the cloud was asked: %v", calls)
	}
}

// calls checks the requests since the last ResetCalls.
func (s *site) called(t *testing.T, want ...string) {
	t.Helper()
	if got := s.CallNames(); !slices.Equal(got, want) {
		t.Errorf("calls\n got %q\nwant %q", got, want)
	}
}

// oneStack checks that there is exactly one, and that none was ever deleted.
func (s *site) oneStack(t *testing.T) openstacktest.Stack {
	t.Helper()
	stacks := s.Stacks()
	if len(stacks) != 1 {
		t.Fatalf("%d stacks, want 1", len(stacks))
	}
	s.noDelete(t)
	return stacks[0]
}

func (s *site) noDelete(t *testing.T) {
	t.Helper()
	for _, call := range s.Calls() {
		if call.Method == http.MethodDelete {
			t.Errorf("a launch deleted: %s", call.Path)
		}
	}
}

// atOnce serves requests in parallel.
func (s *site) atOnce(requests []*http.Request) []*httptest.ResponseRecorder {
	answers := make([]*httptest.ResponseRecorder, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() { answers[i] = s.serve(r) })
	}
	wg.Wait()
	return answers
}
