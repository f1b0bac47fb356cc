package launchlab_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
)

// gateway sends requests as events of AWS: format 2.0 with its array of cookies, or 1.0 with lists of header values; the
// body in base64, as gateways send forms. It is a handler, so that the same tests run on it.
func gateway(t *testing.T, version string, inner http.Handler) http.Handler {
	t.Helper()
	lambda := serve.Lambda(inner, zerolog.Nop())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		path := "/launch-lab" + r.URL.EscapedPath()
		event := map[string]any{"version": version, "body": base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true}
		if version == "2.0" {
			headers := map[string]string{}
			for name, values := range r.Header {
				if name != "Cookie" {
					headers[strings.ToLower(name)] = strings.Join(values, ",")
				}
			}
			cookies := []string{}
			for _, c := range r.Cookies() {
				cookies = append(cookies, c.Name+"="+c.Value)
			}
			event["rawPath"], event["rawQueryString"], event["headers"], event["cookies"] = path, r.URL.RawQuery, headers, cookies
			event["requestContext"] = map[string]any{"stage": "$default", "http": map[string]any{"method": r.Method, "path": path}}
		} else {
			event["path"], event["httpMethod"], event["multiValueHeaders"] = path, r.Method, map[string][]string(r.Header)
			event["multiValueQueryStringParameters"] = map[string][]string(r.URL.Query())
			event["requestContext"] = map[string]any{"stage": "$default", "httpMethod": r.Method}
		}
		text, err := json.Marshal(event)
		if err != nil {
			t.Error(err)
		}
		out, err := lambda.Invoke(r.Context(), text)
		if err != nil {
			t.Error(err)
		}
		var answer struct {
			StatusCode        int
			Headers           map[string]string
			MultiValueHeaders map[string][]string
			Cookies           []string
			Body              string
			IsBase64Encoded   bool
		}
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		for name, value := range answer.Headers {
			w.Header().Set(name, value)
		}
		for name, values := range answer.MultiValueHeaders {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		for _, cookie := range answer.Cookies {
			w.Header().Add("Set-Cookie", cookie)
		}
		if answer.IsBase64Encoded {
			decoded, err := base64.StdEncoding.DecodeString(answer.Body)
			if err != nil {
				t.Error(err)
			}
			answer.Body = string(decoded)
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.WriteString(w, answer.Body)
	})
}

// W06, and A01: the same requests get the same verdicts, whatever carries them. (All adapters: shared/serve.)
func TestW06SameVerdictEverywhere(t *testing.T) {
	t.Parallel()
	for _, runtime := range []string{"http", "1.0", "2.0"} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			s := start13(t)
			env := environment(s.Cloud, configuration13(s.lms))
			program := serve.Program{Name: "launch-lab", Build: launchlab.Build, Source: config.Map(env)}
			handler, err := program.Handler(t.Context(), zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			if s.handler = handler; runtime != "http" {
				s.handler = gateway(t, runtime, handler)
			}
			l := launch("u1").With("custom_note", "a b+c&d=ü;e")
			l.URL += "?theme=a+b%20c&empty="
			labPage(t, s.serve(request(l)))
			problemPage(t, s.serve(request(l)), http.StatusConflict, "lti_replayed")
			forged := launch("u1")
			forged.Secret = "wrong"
			problemPage(t, s.serve(request(forged)), http.StatusForbidden, "lti_signature")

			b := s.begin(t, s.lms.link("u1"))
			if !strings.Contains(b.page.Header().Get("Set-Cookie"), "; HttpOnly; Secure; SameSite=None; Partitioned") {
				t.Errorf("cookie %q", b.page.Header().Values("Set-Cookie"))
			}
			form := s.lms.answer(t, b)
			if w := s.serve(post(form)); !strings.Contains(w.Body.String(), `name="browser_secret"`) {
				t.Errorf("without the cookie: %d", w.Code)
			}
			other := http.Cookie{Name: "other", Value: "x"}
			w := s.serve(post(form, &other, b.cookie))
			labPage(t, w)
			if !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
				t.Errorf("cookie %q", w.Header().Values("Set-Cookie"))
			}
			problemPage(t, s.serve(post(form, b.cookie)), http.StatusConflict, "lti_replayed")
			s.stacks(t, 2) // one for each version: they are different tenants
		})
	}
}

// W04: logins and launches come from other sites; forms of our own do not.
func TestW04WhoMayPost(t *testing.T) {
	t.Parallel()
	s := start13(t)
	from := func(r *http.Request, site string) *http.Request {
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Origin", "null")
		return r
	}
	labPage(t, s.serve(from(request(launch("u1")), "cross-site")))
	if w := s.serve(from(s.loginRequest(func(url.Values) {}), "cross-site")); w.Code != http.StatusOK {
		t.Errorf("login: %d", w.Code)
	}
	s.ResetCalls()
	for _, route := range []string{"/pick", "/register"} {
		for _, site := range []string{"cross-site", "same-site"} {
			problemPage(t, s.serve(from(httptest.NewRequest(http.MethodPost, route, nil), site)), http.StatusForbidden, "cross_site")
		}
	}
	s.nothingDone(t)
}

// W07: a fault of ours is a page of 500 that says nothing of itself.
func TestW07PanicTellsNothing(t *testing.T) {
	t.Parallel()
	s := start13(t)
	s.remade(t, func(p *launchlab.Parts) { p.Keys = nil })
	b := s.begin(t, s.lms.link("u1"))
	w := s.serve(post(s.lms.answer(t, b), b.cookie))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got %d", w.Code)
	}
	noInternals(t, w.Body.String())
	s.nothingDone(t)
}
