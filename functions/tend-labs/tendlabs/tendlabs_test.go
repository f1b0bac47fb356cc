package tendlabs_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/tend-labs/tendlabs"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	operator = "hunter2-token-of-the-operator-with-enough-characters"
	scraper  = "hunter2-token-of-the-scraper-with-enough-characters"
	stranger = "hunter2-token-of-somebody-else-with-enough-characters"
	naming   = "hunter2, a naming key for tests, long enough"
)

const configuration = `
public_url: https://hooks.example.org
naming_key: ` + naming + `
seal_keys: [{id: "1", secret: "hunter2, a sealing key for tests, long enough"}]
templates_dir: testdata
tend: {rate: 100, parallel: 4}
labs:
  web:
    title: Web
    template: lab.yaml
    lifetime: 8h
    extend: {by: 2h, times: 1}
  graded:
    title: Graded
    template: graded.yaml
    access: [{kind: ssh, host: address, key: made, user: learner}]
    checks:
      - {name: done, kind: ssh, script: probe.sh, host: address, user: learner, host_key: host_key}
      - {name: told}
api:
  tokens:
    - {name: operator, token: ` + operator + `, may: [labs]}
    - {name: scraper, token: ` + scraper + `, may: [metrics]}
    - {name: stranger, token: ` + stranger + `, may: [sites, clusters]}
`

// house is tend-labs on a fake cloud whose clock is its own.
type house struct {
	*openstacktest.Cloud
	t       *testing.T
	handler http.Handler
	client  *openstack.Cloud
	log     *loggingtest.Log
}

func open(t *testing.T, change ...func(*tendlabs.Parts)) *house {
	t.Helper()
	h := &house{t: t, Cloud: openstacktest.Start(t, openstacktest.TokenLife(1000*time.Hour)), log: loggingtest.Catch(t, operator, scraper, naming)}
	env := maps.Clone(h.Env())
	env[config.Variable] = configuration
	src := config.Map(env)
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	if h.client, err = openstack.New(openstack.Options{Getenv: src.Getenv}); err != nil {
		t.Fatal(err)
	}
	numbers := metrics.NewRegistry()
	parts := tendlabs.Parts{Clouds: keeper.One(h.client), Now: h.Now, Metrics: numbers}
	for _, fn := range change {
		fn(&parts)
	}
	handler, err := tendlabs.New(c, parts)
	if err != nil {
		t.Fatal(err)
	}
	h.handler = function.Wrap("tend-labs", logging.New(h.log, "tend-labs"), caller.Scraped(handler, c.API, numbers))
	if _, err := tendlabs.Build(t.Context(), src); err != nil {
		t.Errorf("build from the environment: %v", err)
	}
	return h
}

func (h *house) send(method, path, token, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	openstacktest.NoInternals(h.t, w.Body.String(), "hunter2")
	return w
}

// answer reads what was sent back.
func answer[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	if w.Code != status {
		t.Fatalf("got %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("read %s: %v", w.Body, err)
	}
	return v
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var p struct{ Code, Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != code || p.Detail == "" {
		t.Errorf("got %d %s, want %d %s", w.Code, w.Body, status, code)
	}
}

// lab makes a learner's lab that is up, launched now.
func (h *house) lab(t *testing.T, learner string, tags ...string) openstack.StackRef {
	t.Helper()
	return h.labOf(t, "web", "testdata/lab.yaml", learner, tags...)
}

func (h *house) labOf(t *testing.T, key, file, learner string, tags ...string) openstack.StackRef {
	t.Helper()
	o := lab.Identity{Tenant: "academy", Context: "course", Lab: key, Learner: learner}.Hide([]byte(naming))
	text, err := config.OS().ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := h.client.CreateStack(t.Context(), openstack.NewStack{
		Name: lab.NameOf(o.Stack, lab.Generation(tags)), Template: string(text), Tags: lab.Lease{Until: h.Now().Add(8 * time.Hour)}.Retag(append(o.Tags(), tags...)),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Second)
	h.Signal(ref.Name, "signals", map[string]any{"id": "ready", "status": "SUCCESS"})
	h.Advance(5 * time.Second)
	return ref
}

func (h *house) state(ref openstack.StackRef) string {
	for _, s := range h.Stacks() {
		if s.ID == ref.ID {
			return s.State
		}
	}
	return "gone"
}

// writes are the calls that changed something.
func (h *house) writes() []string {
	return slices.DeleteFunc(h.CallNames(), func(name string) bool { return strings.Contains(name, " GET ") || strings.HasPrefix(name, "identity ") })
}

// Only a token that may is let in, and only POST changes anything.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.lab(t, "u1")
	h.Advance(9 * time.Hour)
	h.ResetCalls()
	for _, c := range []struct {
		method, path, token string
		status              int
		code                string
	}{
		{"POST", "/", "", 401, "unauthorized"},
		{"POST", "/", stranger, 401, "unauthorized"},
		{"POST", "/", scraper, 401, "unauthorized"},
		{"POST", "/doctor", stranger, 401, "unauthorized"},
		{"GET", "/labs", stranger, 401, "unauthorized"},
		{"POST", "/labs/end", stranger, 401, "unauthorized"},
		{"POST", "/preflight", "", 401, "unauthorized"},
		{"POST", "/prebuild", "", 401, "unauthorized"},
		{"GET", "/metrics", operator, 401, "unauthorized"},
		{"GET", "/", operator, 405, "method"},
		{"HEAD", "/", operator, 405, "method"},
		{"PUT", "/", operator, 405, "method"},
		{"GET", "/doctor", operator, 405, "method"},
		{"GET", "/labs/end", operator, 405, "method"},
		{"POST", "/labs", operator, 405, "method"},
		{"POST", "/?dry_run=maybe", operator, 400, "bad_option"},
		{"GET", "/labs?limit=none", operator, 400, "bad_option"},
		{"POST", "/nothing", operator, 404, "not_found"},
		{"POST", "/labs/explode", operator, 404, "not_found"},
	} {
		w := h.send(c.method, c.path, c.token, `{"ref": "x"}`)
		if c.method == http.MethodHead {
			if w.Code != c.status {
				t.Errorf("%s %s: %d", c.method, c.path, w.Code)
			}
			continue
		}
		wantProblem(t, w, c.status, c.code)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("X-Auth-Token", "a token of Keystone's")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	wantProblem(t, w, 401, "unauthorized")
	if calls := h.CallNames(); len(calls) > 0 {
		t.Errorf("the cloud was asked: %q", calls)
	}
}

type report struct {
	tender.Report
	Reference string
}

// A timer's POST does what is due and says what; a dry run only says it.
func TestPass(t *testing.T) {
	t.Parallel()
	h := open(t)
	ended := h.lab(t, "ended")
	h.Advance(8*time.Hour + 10*time.Minute)
	h.lab(t, "new")
	h.ResetCalls()
	dry := answer[report](t, h.send("POST", "/?dry_run=1", operator, "whatever the timer says"), 200)
	if len(h.writes()) > 0 || dry.Counts["delete"] != 1 || !dry.DryRun {
		t.Errorf("%q, %+v", h.writes(), dry)
	}
	r := answer[report](t, h.send("POST", "/", operator, ""), 200)
	if r.Counts["delete"] != 1 || r.Labs != 2 || r.Reference == "" || r.Calls != 3 || len(r.Changes) != 1 {
		t.Fatalf("%+v", r)
	}
	if c := r.Changes[0]; c.Name != ended.Name || c.Why == "" || c.Owner == "" || c.Lab != "web" || c.Result != "done" {
		t.Errorf("%+v", c)
	}
	for _, want := range []string{`"changes":"delete 1"`, `"cloud_calls":"3"`, `"caller":"api operator"`, `"labs":"2"`} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("the log line lacks %s: %s", want, h.log.String())
		}
	}
	h.Settle()
	if again := answer[report](t, h.send("POST", "/", operator, ""), 200); len(again.Changes) != 0 || again.Calls != 1 {
		t.Errorf("again: %+v", again)
	}
	metrics := h.send("GET", "/metrics", scraper, "").Body.String()
	for _, want := range []string{`stackhook_tend_changes_total{do="delete"} 1`, "stackhook_tend_passes_total 2\n", "stackhook_tend_calls_total 4\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s:\n%s", want, metrics)
		}
	}
}

// Timers of several hosts that fire at once do each thing once.
func TestPassesAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 12 {
		h.lab(t, strconv.Itoa(i))
	}
	h.Advance(9 * time.Hour)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if w := h.send("POST", "/", operator, ""); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	h.Settle()
	if left := h.Stacks(); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
}

// A cloud that does not answer is no silent success: the timer's log shows it.
func TestCloudDown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Inject(openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable})
	wantProblem(t, h.send("POST", "/", operator, ""), 503, "unavailable")
	wantProblem(t, h.send("POST", "/doctor", operator, ""), 503, "unavailable")
	wantProblem(t, h.send("GET", "/labs", operator, ""), 503, "unavailable")
}

// The fleet comes in pages, with totals over all of it, and looking at it changes nothing.
func TestFleet(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 7 {
		h.lab(t, strconv.Itoa(i))
	}
	asleep := h.lab(t, "asleep")
	if err := h.client.Act(t.Context(), asleep, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Hour)
	h.ResetCalls()
	seen, after := map[string]bool{}, ""
	for pages := 0; pages == 0 || after != ""; pages++ {
		f := answer[tender.Fleet](t, h.send("GET", "/labs?limit=3&after="+url.QueryEscape(after), operator, ""), 200)
		if f.Totals.Labs != 8 || f.Totals.States["suspended"] != 1 || f.Totals.ByLab["web"] != 8 || f.Totals.HoursAtMost < 8 || len(f.Labs) > 3 || pages > 3 {
			t.Fatalf("page %d: %+v", pages, f)
		}
		for _, row := range f.Labs {
			if seen[row.Ref] || row.Until == nil || row.Owner == "" || row.AgeSeconds < 3600 || row.Lab != "web" {
				t.Errorf("%+v", row)
			}
			seen[row.Ref] = true
		}
		after = f.Next
	}
	if len(seen) != 8 || len(h.writes()) > 0 {
		t.Errorf("%d seen; wrote %q", len(seen), h.writes())
	}
	f := answer[tender.Fleet](t, h.send("GET", "/labs?state=suspended", operator, ""), 200)
	if len(f.Labs) != 1 || f.Labs[0].Name != asleep.Name || f.Totals.Labs != 1 || f.Next != "" {
		t.Errorf("%+v", f)
	}
	if f := answer[tender.Fleet](t, h.send("GET", "/labs?lab=other", operator, ""), 200); len(f.Labs) != 0 {
		t.Errorf("%+v", f)
	}
}

type outcome struct {
	Ref     string
	Verdict lab.Verdict
	Why     string
	Until   time.Time
}

func (h *house) order(t *testing.T, act string, ref openstack.StackRef, shown time.Time, status int) outcome {
	t.Helper()
	body := fmt.Sprintf(`{"ref": ":%s:%s"`, ref.Name, ref.ID)
	if !shown.IsZero() {
		body += fmt.Sprintf(`, "shown": %q`, shown.Format(time.RFC3339))
	}
	return answer[outcome](t, h.send("POST", "/labs/"+act, operator, body+"}"), status)
}

// Each order may be given twice, and is carried out once.
func TestOrders(t *testing.T) {
	t.Parallel()
	h := open(t)
	ref := h.lab(t, "u1")
	until := h.Now().Add(8 * time.Hour).Add(-6 * time.Second)
	shown := h.Now()
	h.ResetCalls()
	if o := h.order(t, "extend", ref, shown, 202); o.Verdict != lab.Now || !o.Until.Equal(until.Add(2*time.Hour)) {
		t.Errorf("%+v", o)
	}
	h.Settle()
	if o := h.order(t, "extend", ref, shown, 200); o.Verdict != lab.Already {
		t.Errorf("given twice: %+v", o)
	}
	if o := h.order(t, "suspend", ref, time.Time{}, 202); o.Verdict != lab.Now {
		t.Errorf("%+v", o)
	}
	h.order(t, "suspend", ref, time.Time{}, 200) // going to sleep already
	h.Settle()
	h.order(t, "suspend", ref, time.Time{}, 200)
	if got := h.state(ref); got != "SUSPEND_COMPLETE" {
		t.Fatal(got)
	}
	later := shown.Add(time.Minute)
	first := h.order(t, "extend", ref, later, 202)
	h.Settle()
	h.order(t, "extend", ref, later, 200) // noted beside it, and once
	if !first.Until.Equal(until.Add(4 * time.Hour)) {
		t.Errorf("while asleep: %+v", first)
	}
	f := answer[tender.Fleet](t, h.send("GET", "/labs", operator, ""), 200)
	if len(f.Labs) != 1 || !f.Labs[0].Until.Equal(first.Until) {
		t.Errorf("the list does not know of it: %+v", f.Labs)
	}
	if o := h.order(t, "end", ref, time.Time{}, 202); o.Verdict != lab.Now {
		t.Errorf("%+v", o)
	}
	h.order(t, "end", ref, time.Time{}, 200)
	h.Settle()
	h.order(t, "end", ref, time.Time{}, 200)
	if n := strings.Count(strings.Join(h.writes(), " "), "DELETE"); n != 1 {
		t.Errorf("%d deletes: %q", n, h.writes())
	}
	if o := h.order(t, "extend", ref, shown, 409); o.Verdict != lab.Never {
		t.Errorf("gone: %+v", o)
	}
}

// Orders that come at once are one.
func TestOrdersAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	ref := h.lab(t, "u1")
	shown, until := h.Now(), h.Now().Add(8*time.Hour).Add(-6*time.Second)
	body := fmt.Sprintf(`{"ref": ":%s:%s", "shown": %q}`, ref.Name, ref.ID, shown.Format(time.RFC3339))
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if w := h.send("POST", "/labs/extend", operator, body); w.Code != 202 && w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	h.Settle()
	f := answer[tender.Fleet](t, h.send("GET", "/labs", operator, ""), 200)
	if !f.Labs[0].Until.Equal(until.Add(2 * time.Hour)) {
		t.Errorf("until %s, want two hours more than %s", f.Labs[0].Until, until)
	}
	for range 6 {
		all.Go(func() {
			if w := h.send("POST", "/labs/end", operator, body); w.Code != 202 && w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	h.Settle()
	if got := h.state(ref); got != "gone" {
		t.Error(got)
	}
}

// An undo goes back to the lab from before a reset, wakes it if need be, and is one however often it is asked for.
func TestUndo(t *testing.T) {
	t.Parallel()
	h := open(t)
	old := h.lab(t, "u1")
	h.Advance(time.Minute)
	renewed := h.lab(t, "u1", lab.TagGen+"1")
	if err := h.client.Act(t.Context(), old, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	if o := h.order(t, "undo", renewed, time.Time{}, 202); o.Verdict != lab.Now {
		t.Errorf("%+v", o)
	}
	h.order(t, "undo", renewed, time.Time{}, 200)
	h.Settle()
	h.order(t, "undo", renewed, time.Time{}, 200)
	if h.state(renewed) != "gone" || h.state(old) != "RESUME_COMPLETE" {
		t.Errorf("new %s, old %s", h.state(renewed), h.state(old))
	}
	if o := h.order(t, "undo", old, time.Time{}, 409); o.Verdict != lab.Never {
		t.Errorf("nothing to go back to: %+v", o)
	}
}

// What an order names must be a lab of ours.
func TestOrdersOfWhatIsNoLab(t *testing.T) {
	t.Parallel()
	h := open(t)
	site, err := h.client.CreateStack(t.Context(), openstack.NewStack{Name: "academy-app", Template: "heat_template_version: 2018-08-31\n", Tags: []string{lab.Tag}})
	if err != nil {
		t.Fatal(err)
	}
	named, err := h.client.CreateStack(t.Context(), openstack.NewStack{Name: "lab-0123456789abcdef01", Template: "heat_template_version: 2018-08-31\n"})
	if err != nil {
		t.Fatal(err)
	}
	h.Settle()
	h.ResetCalls()
	for _, ref := range []string{
		":" + site.Name + ":" + site.ID, ":" + named.Name + ":" + named.ID, "elsewhere:lab-0123456789abcdef01:" + named.ID, "x", ":::", ":lab-0123456789abcdef01:../../x",
	} {
		body, _ := json.Marshal(map[string]string{"ref": ref})
		w := h.send("POST", "/labs/end", operator, string(body))
		if w.Code != 404 && !strings.Contains(ref, "..") {
			t.Errorf("%s: %d %s", ref, w.Code, w.Body)
		}
	}
	if len(h.writes()) > 0 {
		t.Errorf("wrote %q", h.writes())
	}
	wantProblem(t, h.send("POST", "/labs/end", operator, `{}`), 422, "invalid")
	wantProblem(t, h.send("POST", "/labs/end", operator, `{`), 400, "bad_json")
	wantProblem(t, h.send("POST", "/labs/extend", operator, `{"ref": ":lab-0123456789abcdef01:x"}`), 422, "invalid")
}

// A class is looked ahead at, and built ahead, by POST.
func TestClassAhead(t *testing.T) {
	t.Parallel()
	h := open(t)
	w := h.send("POST", "/preflight", operator, `{"lab": "web", "learners": 20}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"learners":20`) || len(slices.DeleteFunc(h.writes(), func(c string) bool { return c == "heat POST /stacks/preview" })) > 0 {
		t.Errorf("%d %s; wrote %q", w.Code, w.Body, h.writes())
	}
	wantProblem(t, h.send("POST", "/preflight", operator, `{"lab": "web"}`), 422, "invalid")
	wantProblem(t, h.send("POST", "/preflight", operator, `{"lab": "other", "learners": 1}`), 404, "unknown_lab")
	class := `{"tenant": "academy", "context": "course", "lab": "web", "learners": ["u1", "u2", "u2"]}`
	if w := h.send("POST", "/prebuild", operator, class); w.Code != 202 || !strings.Contains(w.Body.String(), `"built":2`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.Settle()
	if w := h.send("POST", "/prebuild", operator, class); w.Code != 200 || !strings.Contains(w.Body.String(), `"there":2`) {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	if n := len(h.Stacks()); n != 2 {
		t.Errorf("%d stacks", n)
	}
}
