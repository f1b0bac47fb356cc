package serve_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
	"github.com/stackhook/stackhook/shared/serve/servetest"
)

// request is one exchange's first half, independent of how it travels.
type request struct {
	method, path, query string
	header              http.Header
	cookies             []string
	body                []byte
	patience            time.Duration // of the runtime; 0 means plenty
}

// result is its second half.
type result struct {
	status  int
	header  http.Header
	cookies []string
	body    string
}

const testConfig = `public_url: https://hooks.example.org/hooks
seal_keys: [{id: a, secret: 0123456789abcdef0123456789abcdef}]
`

// subject is a function named probe, as every runtime serves it.
func subject(tb testing.TB) http.Handler {
	tb.Helper()
	p := serve.Program{Name: "probe", Build: servetest.Probe, Source: config.Map(map[string]string{config.Variable: testConfig})}
	h, err := p.Handler(tb.Context(), zerolog.Nop())
	if err != nil {
		tb.Fatalf("Handler: %v", err)
	}
	return h
}

func TestConformance(t *testing.T) {
	t.Parallel()
	jsonBody := http.Header{"Content-Type": {"application/json"}}
	formBody := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	// Without multi-value headers a load balancer carries one value of each, and where a body is text in JSON it is UTF-8:
	// nothing can be equal there.
	const single, noBytes = "load balancer", "text only"
	all := carriers(t)
	for name, c := range map[string]struct {
		request
		status int
		words  string
		except string
	}{
		"JSON":                {request{method: "POST", path: "/echo/", header: jsonBody, body: []byte(`{"name": "Zoë"}`)}, 202, `{\"name\": \"Zoë\"}`, ""},
		"a form":              {request{method: "POST", path: "/echo/launch", header: formBody, body: []byte("oauth_signature=a%2Bb%3D&roles=Learner&x=%C3%A4+1")}, 202, "oauth_signature=a%2Bb%3D", ""},
		"no UTF-8 in a body":  {request{method: "POST", path: "/echo/", header: formBody, body: []byte("a=\xff\xfe")}, 202, `"length":4`, noBytes},
		"no body":             {request{method: "DELETE", path: "/echo/sites/a"}, 202, `"method":"DELETE"`, ""},
		"query":               {request{method: "GET", path: "/echo/", query: "b=%C3%A4&a=1%202&c=x%2By&e=&d=1+2"}, 202, "a=1+2\\u0026b=%C3%A4\\u0026c=x%2By\\u0026d=1+2\\u0026e=", ""},
		"query, repeated":     {request{method: "GET", path: "/echo/", query: "a=1&a=2"}, 202, "a=1\\u0026a=2", single},
		"cookies in":          {request{method: "GET", path: "/echo/", cookies: []string{"lab=a%3D", "lang=de"}}, 202, `"lab":"a%3D","lang":"de"`, ""},
		"one cookie out":      {request{method: "GET", path: "/cookies/x"}, 303, "", ""},
		"two cookies out":     {request{method: "GET", path: "/cookies/xx"}, 303, "", single},
		"a header":            {request{method: "GET", path: "/echo/", header: http.Header{"Authorization": {"Bearer abc"}}}, 202, "Bearer abc", ""},
		"a header, repeated":  {request{method: "GET", path: "/echo/", header: http.Header{"X-Thing": {"a", "b"}}}, 202, `"thing":"a,b"`, single},
		"escaped path":        {request{method: "GET", path: "/echo/a%20b/%C3%A4"}, 202, `"rest":"a b/ä"`, ""},
		"under its own name":  {request{method: "GET", path: "/probe/echo/x"}, 202, `"path":"/echo/x"`, ""},
		"under the public":    {request{method: "GET", path: "/hooks/probe/echo/x"}, 202, `"path":"/echo/x"`, ""},
		"a name that is part": {request{method: "GET", path: "/probes"}, 404, `"code":"not_found"`, ""},
		"text answer":         {request{method: "GET", path: "/text"}, 200, "Grüße & <b>", ""},
		"binary answer":       {request{method: "GET", path: "/binary"}, 200, "\x00\xff\xfea", ""},
		"HEAD":                {request{method: "HEAD", path: "/text"}, 200, "", ""},
		"no content":          {request{method: "POST", path: "/nothing"}, 204, "", ""},
		"unknown path":        {request{method: "GET", path: "/nowhere"}, 404, `"code":"not_found"`, ""},
		"wrong method":        {request{method: "POST", path: "/cookies/x"}, 405, `"code":"method"`, ""},
		"health":              {request{method: "GET", path: "/healthz"}, 200, "probe is up", ""},
		"health under a name": {request{method: "GET", path: "/probe/healthz"}, 200, "probe is up", ""},
		"1 MB":                {request{method: "POST", path: "/nothing", body: make([]byte, 1<<20)}, 204, "", ""},
		"more than 1 MB":      {request{method: "POST", path: "/nothing", body: make([]byte, 1<<20+1)}, 413, `"code":"too_large"`, ""},
		"panic":               {request{method: "GET", path: "/panic"}, 500, `"code":"internal"`, ""},
		"slow":                {request{method: "GET", path: "/slow", patience: time.Second}, 504, `"code":"deadline"`, ""},
		"deaf":                {request{method: "GET", path: "/deaf", patience: time.Second}, 504, `"code":"deadline"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := subject(t)
			want := overHTTP(t, h, c.request)
			if want.status != c.status || !strings.Contains(want.body, c.words) {
				t.Fatalf("over HTTP: %d %q, want %d with %q", want.status, want.body, c.status, c.words)
			}
			for through, carrier := range all {
				if through == c.except || c.patience > 0 && !carrier.patient || c.except == noBytes && carrier.textOnly {
					continue
				}
				got := carrier.carry(t, h, c.request)
				if got.status != want.status || got.body != want.body || !slices.Equal(got.cookies, want.cookies) {
					t.Errorf("through %s: %d %v %q\n over HTTP: %d %v %q", through, got.status, got.cookies, cut(got.body), want.status, want.cookies, cut(want.body))
				}
				if !maps.EqualFunc(got.header, want.header, slices.Equal) {
					t.Errorf("through %s: header %v\n over HTTP: %v", through, got.header, want.header)
				}
			}
		})
	}
}

// Every form carries the cookies of a login and its launch, character by character: also a load balancer without
// multi-value headers, since each answer has one.
func TestW06LoginCookies(t *testing.T) {
	t.Parallel()
	const attributes = "; HttpOnly; Secure; SameSite=None; Partitioned"
	sent := []string{"__Host-stackhook-a=1", "__Host-stackhook-b=x_-2", "__Host-stackhook-c=3"}
	login := request{method: "GET", path: "/probe/login"}
	launch := request{
		method: "POST", path: "/probe/launch", cookies: sent, body: []byte("state=a.b-c_d&id_token=x"),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"null"}},
	}
	h := subject(t)
	for through, carrier := range carriers(t) {
		t.Run(through, func(t *testing.T) {
			t.Parallel()
			carry := carrier.carry
			if got, want := carry(t, h, login).cookies, []string{"__Host-stackhook-b=secret; Path=/; Max-Age=600" + attributes}; !slices.Equal(got, want) {
				t.Errorf("a login sets %q, want %q", got, want)
			}
			got := carry(t, h, launch)
			if want := []string{"__Host-stackhook-b=; Path=/; Max-Age=0" + attributes}; !slices.Equal(got.cookies, want) {
				t.Errorf("a launch sets %q, want %q", got.cookies, want)
			}
			if want := strings.Join(sent, "; ") + " a.b-c_d"; got.body != want {
				t.Errorf("a launch came with %q, want %q", got.body, want)
			}
		})
	}
}

func cut(text string) string { return text[:min(len(text), 600)] }

// overHTTP is the reference: net/http on both ends.
func overHTTP(t *testing.T, h http.Handler, r request) result {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.patience > 0 {
			ctx, cancel := context.WithTimeout(req.Context(), r.patience/2)
			defer cancel()
			req = req.WithContext(ctx)
		}
		h.ServeHTTP(w, req)
	}))
	defer server.Close()
	target := server.URL + r.path
	if r.query != "" {
		target += "?" + r.query
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, target, bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.headers()
	req.Host = "gateway.example.org"
	if len(r.cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(r.cookies, "; "))
	}
	res, err := (&http.Transport{}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := firstError(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return neutral(res.StatusCode, res.Header, res.Header.Values("Set-Cookie"), string(body))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// headers are the request's, with an id, so that references in answers are alike.
func (r request) headers() http.Header {
	h := r.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("X-Request-Id", "conformance-1")
	return h
}

// neutral leaves out what the runtimes add themselves, and joins repeated headers, which mean the same (RFC 9110 §5.3).
func neutral(status int, h http.Header, cookies []string, body string) result {
	out := http.Header{}
	for name, values := range h {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Date", "Content-Length", "Connection", "Set-Cookie":
		default:
			out[name] = []string{strings.Join(values, ", ")}
		}
	}
	return result{status, out, cookies, body}
}

// overEvent carries through an Invoke of the event that make builds.
func overEvent(build func(request) map[string]any) func(*testing.T, http.Handler, request) result {
	return func(t *testing.T, h http.Handler, r request) result {
		t.Helper()
		event, err := json.Marshal(build(r))
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if r.patience > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.patience)
			defer cancel()
		}
		text, err := serve.Lambda(h, zerolog.Nop()).Invoke(ctx, event)
		if err != nil {
			t.Fatalf("Invoke returned an error, which its caller would see: %v", err)
		}
		if ctx.Err() != nil {
			t.Errorf("answered only after the platform gave up")
		}
		return readReply(t, text)
	}
}

// reply is every form's answer as the platforms read it.
type reply struct {
	StatusCode        int
	StatusDescription string
	Headers           map[string]string
	MultiValueHeaders http.Header
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func readReply(t *testing.T, text []byte) result {
	t.Helper()
	var out reply
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("reply %q: %v", text, err)
	}
	h := out.MultiValueHeaders
	if h == nil {
		h = http.Header{}
	}
	for name, value := range out.Headers {
		h.Set(name, value)
	}
	body := out.Body
	if out.IsBase64Encoded {
		plain, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			t.Fatalf("body: %v", err)
		}
		body = string(plain)
	}
	return neutral(out.StatusCode, h, append(h.Values("Set-Cookie"), out.Cookies...), body)
}

func last(all map[string][]string) map[string]string {
	out := map[string]string{}
	for name, values := range all {
		out[name] = values[len(values)-1]
	}
	return out
}

func parsed(query string) url.Values {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(err) // the tables' own queries
	}
	return values
}
