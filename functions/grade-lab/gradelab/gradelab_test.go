package gradelab_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

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
