package shim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// every is each function by its name.
func every() []string {
	return []string{"launch-lab", "view-lab", "tend-labs", "grade-lab", "scale-cluster", "deploy-site"}
}

// watched is a shim with a collector, after a launch and a pass over the labs, with what it logged.
func watched(t *testing.T) (s *shim.Shim, log *loggingtest.Log, spans func() string) {
	t.Helper()
	var mu sync.Mutex
	var sent strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&sent, r.Body)
	}))
	t.Cleanup(collector.Close)
	log = loggingtest.Catch(t)
	s, err := shim.Start(t.Context(), shim.Options{
		Source: config.Map(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}), Listen: "127.0.0.1:0", Fake: quick(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	k := s.Keys()
	l := ltitest.New(s.URL()+"/launch-lab/launch", k.ConsumerKey, k.ConsumerSecret, "learner-17", time.Now()).With("custom_lab", k.Lab)
	answer, err := http.PostForm(s.URL()+"/launch-lab/launch", values(t, l.Body()))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the launch answered %d", answer.StatusCode)
	}
	if w := serve(s, http.MethodPost, "/tend-labs/", bearer(s)); w.Code != http.StatusOK {
		t.Fatalf("the pass answered %d %s", w.Code, w.Body)
	}
	return s, log, func() string {
		if err := s.Close(); err != nil { // sends what waits
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return sent.String()
	}
}

func values(t *testing.T, body string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func bearer(s *shim.Shim) map[string]string {
	return map[string]string{"Authorization": "Bearer " + s.Keys().APIToken}
}

// Every function counts what all functions count, none of them can forget, and one page shows them all.
func TestR14OnePageForAllFunctions(t *testing.T) {
	t.Parallel()
	s, _, end := watched(t)
	for _, name := range every() {
		if w := serve(s, http.MethodGet, "/"+name+"/metrics", bearer(s)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `stackhook_build_info{function="`+name+`"`) {
			t.Errorf("%s: %d %.200s", name, w.Code, w.Body)
		}
		if w := serve(s, http.MethodGet, "/"+name+"/metrics", nil); w.Code != http.StatusUnauthorized {
			t.Errorf("%s shows its numbers to everybody: %d", name, w.Code)
		}
	}
	if w := serve(s, http.MethodGet, "/metrics", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("the page for all is for everybody: %d", w.Code)
	}
	page := serve(s, http.MethodGet, "/metrics", bearer(s)).Body.String()
	for _, line := range []string{
		`stackhook_requests_total{function="launch-lab",class="2xx",problem=""} 2`, // the launch, and the look at its own page
		`stackhook_requests_total{function="view-lab",class="4xx",problem="unauthorized"} 1`,
		`stackhook_request_seconds_count{function="tend-labs"} `,
		`stackhook_requests_in_flight{function="grade-lab"} 0`,
		`stackhook_openstack_calls_total{function="launch-lab",service="heat",method="POST",route="/stacks",status="201"} 1`,
		`stackhook_openstack_calls_total{function="launch-lab",service="keystone",method="POST",route="/auth/tokens",status="201"} 1`,
		`stackhook_openstack_call_seconds_bucket{function="launch-lab",service="heat",method="POST",le="+Inf"} 1`,
		`stackhook_openstack_logins_total{function="tend-labs",result="ok"} 1`,
		`stackhook_configuration_faulty{function="deploy-site"} 0`,
		`stackhook_labs{lab="` + s.Keys().Lab + `",state="`,
		`stackhook_tend_passes_total 1`,
		`stackhook_launches_total{code="accepted"} 1`,
		`stackhook_grades_waiting 0`,
	} {
		if !strings.Contains(page, "\n"+line) {
			t.Errorf("missing %s", line)
		}
	}
	for _, word := range []string{"learner-17", s.Keys().ConsumerKey, s.Keys().APIToken} {
		if strings.Contains(page, word) {
			t.Errorf("the page holds %q", word)
		}
	}
	for kind := range strings.SplitSeq(page, "\n") {
		if name, ok := strings.CutPrefix(kind, "# TYPE "); ok && strings.Count(page, "# TYPE "+name+"\n") != 1 {
			t.Errorf("twice: %s", name)
		}
	}
	end()
}

// Each request is a span with a span for each of its calls, the log names the trace, and nobody is in them.
func TestTracesOfALaunch(t *testing.T) {
	t.Parallel()
	s, log, end := watched(t)
	r := httptest.NewRequest(http.MethodPost, "/grade-lab/ticket-of-a-lab-hunter2?token=hunter2", http.NoBody)
	r.Host = s.Addr()
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	token := s.Keys().APIToken
	sent := end()
	for _, words := range []string{
		`"name":"POST /launch"`, `"key":"http.route","value":{"stringValue":"/launch"}`, `"name":"POST /stacks","kind":3`, `"key":"openstack.service","value":{"stringValue":"heat"}`,
		`"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"`, `"parentSpanId":"00f067aa0ba902b7"`, `"key":"stackhook.problem"`, `"service.name","value":{"stringValue":"tend-labs"}`,
	} {
		if !strings.Contains(sent, words) {
			t.Errorf("no span has %s", words)
		}
	}
	for _, word := range []string{"learner-17", "hunter2", token, "lab-"} {
		if word != "lab-" && strings.Contains(sent, word) || word == "lab-" && strings.Contains(sent, `"lab-`) {
			t.Errorf("a span holds %q", word)
		}
	}
	if !strings.Contains(log.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
		t.Error("the log does not name the caller's trace")
	}
}

// Whoever changes the cloud through a function is named, and why.
func TestAuditOfALaunchAndAScale(t *testing.T) {
	t.Parallel()
	s, log, end := watched(t)
	defer end()
	writes := 0
	for line := range strings.Lines(log.String()) {
		var a struct{ Message, Who, Why, What, Call, Function string }
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if a.Message != "audit" {
			continue
		}
		writes++
		if a.Who == "unknown" || a.Why == "unknown" || a.Function == "" {
			t.Errorf("nobody, or no reason: %s", line)
		}
		if a.Call == "heat POST /stacks" && a.Function == "launch-lab" && (!strings.HasPrefix(a.Who, "learner lab-") || a.Why != "create") {
			t.Errorf("a launch: %s", line)
		}
	}
	if writes == 0 {
		t.Error("nothing was written")
	}
	if strings.Contains(log.String(), "learner-17") || s.Keys().ConsumerSecret != "" && strings.Contains(log.String(), s.Keys().ConsumerSecret) {
		t.Error("the log holds a learner's name or a secret")
	}
}
