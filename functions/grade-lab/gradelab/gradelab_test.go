package gradelab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

const template = `
heat_template_version: 2018-08-31
parameters:
  grading: {type: string, default: ""}
  report_url: {type: string, default: ""}
resources:
  signals: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: TOKEN_SIGNAL}}
  ready: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: signals}, timeout: 600}}
outputs:
  signals: {value: {get_attr: [ready, data]}}
`

const configuration = `
public_url: https://hooks.example.org
naming_key: naming-key-hunter2-hunter2-hunte-01
seal_keys: [{id: one, secret: seal-secret-hunter2-hunter2-hunte-0}]
lti:
  consumers:
    - {key: academy, secret: ` + outcometest.Secret + `, labs: [web], outcome_hosts: ["HOST"]}
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    checks: [{name: up}, {name: tls}, {name: cache, weight: 2}]
  run:
    title: Checked by us
    template: labs/web.yaml
    access: [{kind: ssh, host: ip, key: made, user: learner}]
    checks: [{name: up, kind: ssh, script: checks/up.sh, host: ip, user: learner, host_key: key}]
`

const base = "lab-0123456789abcdef01"

type house struct {
	*openstacktest.Cloud

	t       *testing.T
	lms     *outcometest.LMS
	os      *openstack.Cloud
	box     *seal.Box
	handler http.Handler
	log     *loggingtest.Log
	path    string // of the lab's own address
}

func start(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, Cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now().Truncate(time.Second)))}
	h.lms = outcometest.Start(t, nil)
	h.lms.Now = h.Now
	env := maps.Clone(h.Env())
	env["STACKHOOK_CONFIG"] = strings.Replace(configuration, "HOST", h.lms.Host(), 1)
	src := config.Map(env)
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	if h.os, err = openstack.New(openstack.Options{Getenv: src.Getenv}); err != nil {
		t.Fatal(err)
	}
	if h.box, err = c.Box(); err != nil {
		t.Fatal(err)
	}
	g, err := grades.New(c, grades.Options{Client: h.lms.Client(20 * time.Second), Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := gradelab.New(c, []grades.Cloud{h.os}, g, h.Now)
	if err != nil {
		t.Fatal(err)
	}
	h.path = h.ticket(base)
	h.log = loggingtest.Catch(t, h.path[len(h.path)-20:])
	h.handler = function.Wrap("grade-lab", logging.New(h.log, "grade-lab"), handler)
	return h
}

// ticket is the path of the address that the lab of that name is given.
func (h *house) ticket(stack string) string {
	h.t.Helper()
	address, err := grades.ReportURL(h.box, "https://hooks.example.org", stack, h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimPrefix(address, "https://hooks.example.org/grade-lab")
}

// begin creates the lab and leaves it under construction.
func (h *house) begin(name string) openstack.StackRef {
	h.t.Helper()
	sealed, err := grades.Seal(h.box, base, grades.Destination{Key: outcometest.Key, Outcome: h.lms.OutcomeURL(), SourcedID: "ada"}, h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	ref, err := h.os.CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: template, Parameters: map[string]any{"grading": sealed},
		Tags: []string{lab.Tag, "lab=web", lab.TagOwner + base, "learner=0123456789"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Advance(2 * time.Second)
	return ref
}

// lab makes a lab that is up.
func (h *house) lab() openstack.StackRef {
	h.t.Helper()
	ref := h.begin(base)
	if err := h.os.Signal(h.t.Context(), ref, grades.Handle, openstack.Signal{ID: "ready", Status: "SUCCESS"}); err != nil {
		h.t.Fatal(err)
	}
	h.Settle()
	h.ResetCalls()
	return ref
}

type reply struct {
	status int
	header http.Header
	text   string
	Code   string
	Errors []struct{ Field, Message string }

	Recorded  []struct{ ID, Check string }
	Heartbeat bool
	Grade     *struct {
		Did, Why string
		Score    float64
	}
}

func (h *house) send(method, path, body string, header ...string) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), text: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		h.t.Errorf("%d %q is no JSON", w.Code, got.text)
	}
	if strings.Contains(got.text, "hunter2") || strings.Contains(got.text, "Heat") || strings.Contains(got.text, "127.0.0.1") {
		h.t.Errorf("the answer says %s", got.text)
	}
	if problem := got.header.Get("Content-Type") == "application/problem+json"; problem != (got.status >= 400) {
		h.t.Errorf("%d is %s", got.status, got.header.Get("Content-Type"))
	}
	return got
}

func (h *house) post(body string, header ...string) reply {
	h.t.Helper()
	return h.send(http.MethodPost, h.path, body, header...)
}

func (h *house) signals(ref openstack.StackRef) lab.Signals {
	h.t.Helper()
	h.Advance(time.Second)
	s, err := h.os.Stack(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return lab.ReadSignals(s.Outputs, h.Now())
}

func (h *house) calls() int {
	n := len(slices.DeleteFunc(h.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") }))
	h.ResetCalls()
	return n
}

func TestR9ReportIsRecordedAndGraded(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	got := h.post(`{"check": "up", "passed": true, "message": "answers in 3 ms\nwell"}`)
	if got.status != http.StatusAccepted || len(got.Recorded) != 1 || got.Grade == nil || got.Grade.Did != "sent" || got.Grade.Score != 0.25 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if n := h.calls(); n != 6 { // find, read, the result, other labs of the owner, that it was sent, a look
		t.Errorf("%d calls", n)
	}
	sig := h.signals(ref)
	if len(sig.Results) != 1 || sig.Results[0].ID != got.Recorded[0].ID || sig.Results[0].Message != "answers in 3 ms well" || len(sig.Sent) != 1 {
		t.Errorf("%+v", sig)
	}
	if got := h.lms.Changes("ada"); !slices.Equal(got, []float64{0.25}) {
		t.Errorf("the grade was %v", got)
	}
	if log := h.log.String(); !strings.Contains(log, base) || !strings.Contains(log, `"path":"/-"`) {
		t.Errorf("the log is %s", log)
	}
}

// The forms in which programs and people report.
func TestForms(t *testing.T) {
	t.Parallel()
	form := "application/x-www-form-urlencoded"
	for name, row := range map[string]struct {
		media, body string
		want        []lab.Result
	}{
		"object":             {"application/json", `{"check":"up","passed":true}`, []lab.Result{{Check: "up", Passed: true, Score: 1}}},
		"score alone":        {"application/json", `{"check":"up","score":0.5}`, []lab.Result{{Check: "up", Score: 0.5}}},
		"full score":         {"application/json", `{"check":"up","score":1}`, []lab.Result{{Check: "up", Passed: true, Score: 1}}},
		"both":               {"application/json", `{"check":"up","score":0.9,"passed":true}`, []lab.Result{{Check: "up", Passed: true, Score: 0.9}}},
		"a field of our own": {"application/json", `{"check":"up","passed":false,"more":[1]}`, []lab.Result{{Check: "up"}}},
		"list":               {"application/json", `[{"check":"up","passed":true},{"check":"tls","passed":false}]`, []lab.Result{{Check: "tls"}, {Check: "up", Passed: true, Score: 1}}},
		"results":            {"application/json", `{"results":[{"check":"up","passed":true},{"check":"tls","passed":false}]}`, []lab.Result{{Check: "tls"}, {Check: "up", Passed: true, Score: 1}}},
		"curl -d JSON":       {form, `{"check":"up","passed":true}`, []lab.Result{{Check: "up", Passed: true, Score: 1}}},
		"curl -d form":       {form, `check=up&passed=1&message=fine%20so+far`, []lab.Result{{Check: "up", Passed: true, Score: 1, Message: "fine so far"}}},
		"form with score":    {form, `check=up&score=0.25`, []lab.Result{{Check: "up", Score: 0.25}}},
		"no type at all":     {"", ` {"check":"up","passed":true} `, []lab.Result{{Check: "up", Passed: true, Score: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			ref := h.lab()
			if got := h.post(row.body, "Content-Type", row.media); got.status != http.StatusAccepted || len(got.Recorded) != len(row.want) {
				t.Fatalf("%d %s", got.status, got.text)
			}
			results := h.signals(ref).Results
			slices.SortFunc(results, func(a, b lab.Result) int { return strings.Compare(a.Check, b.Check) })
			for i, r := range results {
				r.ID, r.At = "", time.Time{}
				if r != row.want[i] {
					t.Errorf("%+v, want %+v", r, row.want[i])
				}
			}
			if len(results) != len(row.want) {
				t.Errorf("%+v", results)
			}
		})
	}
}

func TestFaultyReports(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.lab()
	long, _ := json.Marshal(slices.Repeat([]map[string]any{{"check": "up", "passed": true}}, 51))
	for name, row := range map[string]struct {
		body, code string
		status     int
		field      string
	}{
		"empty":            {"", "report_invalid", 400, ""},
		"blank":            {" \n", "report_invalid", 400, ""},
		"cut off":          {`{"check":"up"`, "report_invalid", 400, ""},
		"two objects":      {`{"check":"up","passed":true}{}`, "report_invalid", 400, ""},
		"no list":          {`[]`, "report_invalid", 400, ""},
		"no results":       {`{"results":[]}`, "report_invalid", 400, ""},
		"too many":         {string(long), "report_invalid", 400, ""},
		"a number":         {`{"check":3}`, "report_invalid", 400, "check"},
		"passed is text":   {`{"check":"up","passed":"yes"}`, "report_invalid", 400, "passed"},
		"score is text":    {`{"check":"up","score":"0.5"}`, "report_invalid", 400, "score"},
		"score too high":   {`{"check":"up","score":1.01}`, "report_invalid", 400, "score"},
		"score too low":    {`{"check":"up","score":-0.1}`, "report_invalid", 400, "score"},
		"score overflows":  {`{"check":"up","score":1e999}`, "report_invalid", 400, "score"},
		"score is no one":  {`check=up&score=NaN`, "report_invalid", 400, "score"},
		"form's score":     {`check=up&score=half`, "report_invalid", 400, "score"},
		"form's truth":     {`check=up&passed=maybe`, "report_invalid", 400, "passed"},
		"no check":         {`{"passed":true}`, "report_invalid", 400, "check"},
		"no outcome":       {`{"check":"up"}`, "report_invalid", 400, "passed"},
		"an unknown check": {`{"check":"else","passed":true}`, "check_unknown", 422, "check"},
		"one bad of two":   {`[{"check":"up","passed":true},{"check":"else","passed":true}]`, "check_unknown", 422, "check"},
		"a broken form":    {`check=%zz`, "report_invalid", 400, ""},
		"too large":        {`{"check":"up","message":"` + strings.Repeat("x", 65<<10) + `"}`, "report_too_large", 413, ""},
	} {
		got := h.post(row.body)
		if got.status != row.status || got.Code != row.code || row.field != "" && (len(got.Errors) != 1 || got.Errors[0].Field != row.field) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	if sig := h.signals(openstack.StackRef{Name: base, ID: h.Stacks()[0].ID}); len(sig.Results) > 0 || len(h.lms.Asked()) > 0 {
		t.Errorf("%+v, %q", sig, h.lms.Asked())
	}
}

// What we run ourselves, a lab does not report.
func TestS10ChecksThatWeRun(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	if err := h.os.PatchStack(t.Context(), ref, openstack.StackChange{Tags: []string{lab.Tag, "lab=run", lab.TagOwner + base}}); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusUnprocessableEntity || got.Code != "check_unknown" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := h.signals(ref); len(got.Results) > 0 || len(h.lms.Asked()) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestS10Tickets(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.lab()
	other, err := seal.New(seal.Key{ID: "one", Secret: []byte("another-hunter2-hunter2-hunter2-hunte")})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := grades.ReportURL(other, "", base, h.Now())
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.box.Seal("lab", map[string]string{"stack": base}, h.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	nameless, err := h.box.Seal("report", map[string]string{}, h.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"none": "/", "nonsense": "/nonsense", "a stack's name": "/" + base, "cut": h.path[:len(h.path)-1], "longer": h.path + "A",
		"another key": strings.TrimPrefix(foreign, "/grade-lab"), "another purpose": "/" + page, "nameless": "/" + nameless,
		"with more behind": h.path + "/x", "with a line break": h.path + "%0a", "another key id": "/two" + strings.TrimPrefix(h.path, "/one"),
	} {
		h.calls()
		if got := h.send(http.MethodPost, path, `{"check":"up","passed":true}`); got.status != http.StatusNotFound || got.Code != "report_unknown" {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
		if n := h.calls(); n > 0 {
			t.Errorf("%s: %d calls", name, n)
		}
	}
	if got := h.send(http.MethodPost, h.ticket("lab-ffffffffffffffffff"), `{"check":"up","passed":true}`); got.status != http.StatusGone || got.Code != "lab_gone" {
		t.Errorf("a lab that is no more: %d %s", got.status, got.text)
	}
	h.Advance(401 * 24 * time.Hour)
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusGone || got.Code != "report_expired" {
		t.Errorf("expired: %d %s", got.status, got.text)
	}
	if got := h.lms.Asked(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.lab()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		got := h.send(method, h.path, `{"check":"up","passed":true}`)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: %d %s", method, got.status, got.text)
		}
	}
	if n := h.calls(); n > 0 {
		t.Errorf("%d calls", n)
	}
}

func TestR9RepeatsAreOne(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	body := `{"check":"up","passed":true}`
	first := h.post(body, "Idempotency-Key", "run-1")
	h.Advance(time.Second)
	again := h.post(body, "Idempotency-Key", "run-1")
	if first.Recorded[0].ID != again.Recorded[0].ID || again.Grade.Did != "nothing" {
		t.Errorf("%s, %s", first.text, again.text)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got := h.post(body, "Idempotency-Key", "run-2"); got.status != http.StatusAccepted {
				t.Errorf("%d %s", got.status, got.text)
			}
		})
	}
	all.Wait()
	if got := h.signals(ref).Results; len(got) != 2 {
		t.Errorf("%+v", got)
	}
	// Without a key, the same report counts once a minute.
	h.Advance(time.Duration(60-h.Now().Second()) * time.Second)
	one, two := h.post(body), h.post(body)
	h.Advance(time.Minute)
	three, other := h.post(body), h.post(`{"check":"up","passed":true,"message":"x"}`)
	if one.Recorded[0].ID != two.Recorded[0].ID || one.Recorded[0].ID == three.Recorded[0].ID || three.Recorded[0].ID == other.Recorded[0].ID {
		t.Errorf("%s %s %s %s", one.text, two.text, three.text, other.text)
	}
	if got := h.lms.Changes("ada"); !slices.Equal(got, []float64{0.25}) {
		t.Errorf("the grade was %v", got)
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	for i, row := range []struct {
		body         string
		calls        int
		busy, active bool
	}{
		{`{"heartbeat": true}`, 2, false, false}, // the first one looks where the lab is
		{`{"busy": true}`, 1, true, true},
		{`{"busy": false}`, 1, false, false},
		{`{"active": true}`, 1, false, true},
		{`busy=true`, 1, true, true},
	} {
		h.Advance(5 * time.Minute)
		h.ResetCalls()
		got := h.post(row.body)
		if got.status != http.StatusAccepted || !got.Heartbeat || got.Grade != nil || len(got.Recorded) > 0 {
			t.Errorf("%d: %d %s", i, got.status, got.text)
		}
		if n := h.calls(); n != row.calls {
			t.Errorf("%d: %d calls", i, n)
		}
		at := h.Now().Truncate(time.Second)
		sig := h.signals(ref)
		if !sig.Beat.Equal(at) || sig.Busy != row.busy || sig.Active.Equal(at) != row.active {
			t.Errorf("%s: %+v at %v", row.body, sig, at)
		}
	}
	got := h.post(`[{"busy": true}, {"check": "up", "passed": true}]`)
	if !got.Heartbeat || len(got.Recorded) != 1 {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// A signal while a lab is being built would count as its own word that it is ready.
func TestLabThatIsBeingBuilt(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.begin(base)
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"up","passed":true}`} {
		if got := h.post(body); got.status != http.StatusServiceUnavailable || got.Code != "lab_building" || got.header.Get("Retry-After") != "30" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	h.Advance(time.Minute)
	if s, _ := h.Stack(base); s.State != "CREATE_IN_PROGRESS" {
		t.Errorf("the lab is %s", s.State)
	}
}

func TestLabThatSleepsAndEnds(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusAccepted {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if err := h.os.Act(t.Context(), ref, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusConflict || got.Code != "lab_asleep" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "sent" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if err := h.os.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"up","passed":true}`} {
		if got := h.post(body); got.status != http.StatusGone || got.Code != "lab_gone" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	// A new one under the same name is found.
	h.lab()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusAccepted {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	var batch []map[string]any
	for range 50 {
		batch = append(batch, map[string]any{"check": "up", "passed": false, "message": strings.Repeat("é", 600)})
	}
	body, _ := json.Marshal(batch)
	for i := range 5 {
		got := h.post(string(body), "Idempotency-Key", fmt.Sprint("run ", i))
		h.Advance(11 * time.Second)
		switch {
		case i < 4 && got.status != http.StatusAccepted:
			t.Fatalf("batch %d: %d %s", i, got.status, got.text)
		case i == 4 && (got.status != http.StatusTooManyRequests || got.Code != "results_full"):
			t.Errorf("batch %d: %d %s", i, got.status, got.text)
		}
	}
	if got := h.signals(ref).Results[0].Message; len([]rune(got)) != 500 || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d: %s", len([]rune(got)), got)
	}
}

func TestR9CourseSiteAndCloudInTrouble(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	h.lms.Feel(outcometest.Broken)
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "postponed" {
		t.Errorf("%d %s", got.status, got.text)
	}
	h.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"tls","passed":true}`} {
		if got := h.post(body); got.status != http.StatusServiceUnavailable || got.Code != "cloud_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	h.ClearFaults()
	h.Advance(2 * time.Minute)
	if got := h.post(`{"check":"tls","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "sent" || got.Grade.Score != 0.5 {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := h.signals(ref); len(got.Results) != 2 {
		t.Errorf("%+v", got)
	}
}

// A lab in the second cloud is found; a first one that does not answer may be the one that has it.
func TestClouds(t *testing.T) {
	t.Parallel()
	h, second := start(t), start(t)
	second.lab()
	src := config.Map(map[string]string{"STACKHOOK_CONFIG": strings.Replace(configuration, "HOST", h.lms.Host(), 1)})
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	g, err := grades.New(c, grades.Options{Client: second.lms.Client(20 * time.Second), Now: second.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, down := range []bool{true, false} {
		handler, err := gradelab.New(c, []grades.Cloud{h.os, second.os}, g, second.Now)
		if err != nil {
			t.Fatal(err)
		}
		h.handler = function.Wrap("grade-lab", logging.New(h.log, "grade-lab"), handler)
		path := second.path
		if down {
			h.Inject(openstacktest.Fault{Service: "heat", Status: 503})
			path = second.ticket("lab-ffffffffffffffffff")
		}
		got := h.send(http.MethodPost, path, `{"heartbeat": true}`)
		if down && (got.status != http.StatusServiceUnavailable) || !down && got.status != http.StatusAccepted {
			t.Errorf("down %v: %d %s", down, got.status, got.text)
		}
		h.ClearFaults()
	}
}

func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"check":"up","passed":true}`, `[{"check":"up","score":0.5}]`, `{"results":[]}`, `check=up&passed=1`, `busy=true`, `{"check":"up","score":1e999}`,
		`{"check":"up","message":"\ud800\u0000"}`, "{\"check\":\"up\",\"message\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := gradelab.Read(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
		if err != nil {
			if status := gradelab.StatusOf(err); status < 400 || status >= 500 {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		for _, e := range entries {
			if e, err := gradelab.Check(e, "up"); err == nil && (*e.Score < 0 || *e.Score > 1 || len([]rune(e.Message)) > 500 || strings.ContainsAny(e.Message, "\x00\n")) {
				t.Errorf("%q: %+v", body, e)
			}
		}
	})
}
