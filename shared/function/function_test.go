package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

type in struct {
	Name  string            `json:"name" validate:"required,stackname"`
	Count int               `json:"count" validate:"min=1"`
	Tags  []string          `json:"tags"`
	Env   map[string]string `json:"env"`
	Deep  struct {
		On bool `json:"on"`
	} `json:"deep"`
	cluster string
}

func (i *in) ReadRequest(r *http.Request) error {
	i.cluster = r.PathValue("cluster")
	if i.cluster == "gone" {
		return &function.Error{Code: "gone", Status: http.StatusNotFound, Public: "There is no such cluster."}
	}
	return nil
}

type out struct {
	Name    string `json:"name"`
	Cluster string `json:"cluster"`
}

func (out) Status() int             { return http.StatusAccepted }
func (o out) Headers(h http.Header) { h.Set("Location", "/sites/"+o.Name) }

func echo(_ context.Context, i in) (out, error) { return out{i.Name, i.cluster}, nil }

// answered is a problem document or an answer, read.
type answered struct {
	Status    int
	Header    http.Header
	Text      string
	Code      string           `json:"code"`
	Detail    string           `json:"detail"`
	Title     string           `json:"title"`
	Type      string           `json:"type"`
	Reference string           `json:"reference"`
	Errors    []function.Fault `json:"errors"`
}

func ask(t *testing.T, h http.Handler, r *http.Request) answered {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return read(t, w)
}

func read(t *testing.T, w *httptest.ResponseRecorder) answered {
	t.Helper()
	a := answered{Status: w.Code, Header: w.Header(), Text: w.Body.String()}
	if strings.HasPrefix(a.Text, "{") {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("answer %q: %v", w.Body, err)
		}
		a.Status = w.Code
	}
	return a
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

func wrap(log io.Writer, h http.Handler) http.Handler {
	return function.Wrap("test", logging.New(log, "test"), h)
}

func TestHandle(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("POST /{cluster}", function.Handle(echo))
	r := post(`{"name": "site-1", "count": 2}`)
	r.URL.Path = "/academy"
	a := ask(t, mux, r)
	if a.Status != http.StatusAccepted || a.Header.Get("Location") != "/sites/site-1" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("status, header: %d %v", a.Status, a.Header)
	}
	if want := `{"name":"site-1","cluster":"academy"}` + "\n"; a.Text != want {
		t.Errorf("body %q, want %q", a.Text, want)
	}
	r = post(`{"name": "site-1", "count": 2}`)
	r.URL.Path = "/gone"
	if a := ask(t, mux, r); a.Status != http.StatusNotFound || a.Code != "gone" {
		t.Errorf("ReadRequest's error became %d %s", a.Status, a.Code)
	}
}

func TestHandleRefuses(t *testing.T) {
	t.Parallel()
	typed := func(contentType, body string) *http.Request {
		r := post(body)
		r.Header.Set("Content-Type", contentType)
		return r
	}
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		code   string
		field  string
		words  string
	}{
		"form":            {typed("application/x-www-form-urlencoded", "a=b"), 415, "content_type", "", "application/json"},
		"no type":         {typed("", "{}"), 415, "content_type", "", ""},
		"text":            {typed("text/json", "{}"), 415, "content_type", "", ""},
		"empty":           {post(""), 400, "bad_json", "", "no body"},
		"no JSON":         {post("{"), 400, "bad_json", "", "not valid JSON"},
		"two objects":     {post(`{"name":"a","count":1} {}`), 400, "bad_json", "", "one object"},
		"a list":          {post(`[]`), 400, "bad_json", "", "must be an object"},
		"unknown field":   {post(`{"colour":"a"}`), 400, "bad_json", "colour", "not known"},
		"text for number": {post(`{"count":"many"}`), 400, "bad_json", "count", "must be a whole number"},
		"fraction":        {post(`{"count":1.5}`), 400, "bad_json", "count", "must be a whole number"},
		"number for text": {post(`{"name":1}`), 400, "bad_json", "name", "must be text"},
		"text for list":   {post(`{"tags":"a"}`), 400, "bad_json", "tags", "must be a list"},
		"list for object": {post(`{"env":[]}`), 400, "bad_json", "env", "must be an object"},
		"nested":          {post(`{"deep":{"on":1}}`), 400, "bad_json", "deep.on", "must be true or false"},
		"rules":           {post(`{"name":"1"}`), 422, "invalid", "name", "begin with a letter"},
		"too large":       {post(`{"name":"` + strings.Repeat("a", function.MaxBody) + `"}`), 413, "too_large", "", "1 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, function.Handle(echo), c.r)
			if a.Status != c.status || a.Code != c.code || a.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%d %s %s, want %d %s", a.Status, a.Code, a.Header, c.status, c.code)
			}
			text := a.Detail
			if c.field != "" {
				if len(a.Errors) == 0 || a.Errors[0].Field != c.field {
					t.Fatalf("errors are %v, want %s first", a.Errors, c.field)
				}
				text = a.Errors[0].Message
			}
			if !strings.Contains(text, c.words) {
				t.Errorf("%q does not say %q", text, c.words)
			}
			for _, inner := range []string{"json:", "Go ", "offset", "function_test", "invalid character"} {
				if strings.Contains(a.Text, inner) {
					t.Errorf("the answer shows the decoder's words: %s", a.Text)
				}
			}
		})
	}
}

func TestEveryFieldAtOnce(t *testing.T) {
	t.Parallel()
	a := ask(t, function.Handle(echo), post(`{"name":"", "count":0}`))
	if a.Status != 422 || len(a.Errors) != 2 || a.Errors[0].Field != "name" || a.Errors[1].Field != "count" {
		t.Errorf("%d %v", a.Status, a.Errors)
	}
}

func TestHandleOptions(t *testing.T) {
	t.Parallel()
	type loose struct {
		A string `json:"a"`
	}
	got := func(_ context.Context, l loose) (loose, error) { return l, nil }
	if a := ask(t, function.Handle(got, function.AllowUnknown()), post(`{"a":"x","b":1}`)); a.Status != 200 || a.Text != "{\"a\":\"x\"}\n" {
		t.Errorf("unknown fields allowed: %d %s", a.Status, a.Text)
	}
	if a := ask(t, function.Handle(got, function.AllowEmpty()), httptest.NewRequest(http.MethodPost, "/", nil)); a.Status != 200 {
		t.Errorf("no body allowed: %d %s", a.Status, a.Text)
	}
	if a := ask(t, function.Handle(got), httptest.NewRequest(http.MethodGet, "/", nil)); a.Status != 200 {
		t.Errorf("GET has no body: %d %s", a.Status, a.Text)
	}
	nothing := func(context.Context, struct{}) (string, error) { return "done", nil }
	if a := ask(t, function.Handle(nothing), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("whatever"))); a.Status != 200 {
		t.Errorf("struct{} looks at no body: %d %s", a.Status, a.Text)
	}
	cannot := func(context.Context, struct{}) (func(), error) { return func() {}, nil }
	if a := ask(t, function.Handle(cannot), httptest.NewRequest(http.MethodGet, "/", nil)); a.Status != 500 || a.Code != "internal" {
		t.Errorf("an answer that cannot be encoded: %d %s", a.Status, a.Text)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	cause := errors.New("POST https://heat.internal/v1: 500 Traceback")
	for name, c := range map[string]struct {
		err          error
		status       int
		code, detail string
		retry        string
	}{
		"ours":        {&function.Error{Code: "busy", Status: 409, Public: "Wait.", RetryAfter: 1500 * time.Millisecond, Err: cause}, 409, "busy", "Wait.", "2"},
		"wrapped":     {fmt.Errorf("launch: %w", &function.Error{Code: "gone", Status: 404, Public: "Gone."}), 404, "gone", "Gone.", ""},
		"any":         {cause, 500, "internal", "Something went wrong on our side", ""},
		"deadline":    {fmt.Errorf("heat: %w", context.DeadlineExceeded), 504, "deadline", "did not answer in time", "5"},
		"body":        {fmt.Errorf("parse form: %w", &http.MaxBytesError{}), 413, "too_large", "1 MB", ""},
		"wild status": {&function.Error{Code: "x", Status: 0, Public: "P."}, 500, "x", "P.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			a := ask(t, wrap(&log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { function.Fail(w, r, c.err) })), post("{}"))
			if a.Status != c.status || a.Code != c.code || !strings.Contains(a.Detail, c.detail) || a.Header.Get("Retry-After") != c.retry {
				t.Errorf("%d %s %q retry %q", a.Status, a.Code, a.Detail, a.Header.Get("Retry-After"))
			}
			if a.Type != "about:blank" || a.Title != http.StatusText(c.status) || a.Reference == "" || a.Reference != a.Header.Get("X-Request-Id") {
				t.Errorf("document is %s", a.Text)
			}
			if strings.Contains(a.Text, "heat") || strings.Contains(a.Text, "Traceback") {
				t.Errorf("the cause is shown: %s", a.Text)
			}
			if errors.Is(c.err, cause) && !strings.Contains(log.String(), "Traceback") {
				t.Errorf("the cause is not in the log: %s", log.String())
			}
			if !strings.Contains(log.String(), a.Reference) || !strings.Contains(log.String(), `"problem":"`+c.code+`"`) {
				t.Errorf("the log does not have reference and code: %s", log.String())
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	e := &function.Error{Code: "busy", Public: "Wait.", Err: cause}
	if e.Error() != "busy: cause" || !errors.Is(e, cause) {
		t.Errorf("%v", e)
	}
	if e := (&function.Error{Code: "busy", Public: "Wait."}); e.Error() != "busy: Wait." {
		t.Errorf("%v", e)
	}
}
