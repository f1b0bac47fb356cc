package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/serve"
)

func invoke(t *testing.T, h http.HandlerFunc, event []byte) []byte {
	t.Helper()
	text, err := serve.Lambda(h, zerolog.Nop()).Invoke(t.Context(), event)
	if err != nil {
		t.Fatalf("Invoke returned an error, which its caller would see: %v", err)
	}
	return text
}

// Every sample in testdata/events is what a sender really sends; each must reach a function as the same launch.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	launch := func(query string) map[string]string {
		return map[string]string{
			"method": "POST", "path": "/launch", "query": query, "type": "application/x-www-form-urlencoded", "cookies": "lang=de lab=1 ",
			"form": "academy basic-lti-launch-request Zoë K a+b=",
		}
	}
	bare := map[string]string{"method": "POST", "path": "/", "query": "", "type": "application/json", "cookies": "", "form": "   "}
	wants := map[string]map[string]string{
		"api-gateway-v1.json": launch("lab=a%2Bb&lab=b+c"), "api-gateway-v2.json": launch("lab=a%2Bb&lab=b%20c"),
		"function-url.json": launch("lab=a%2Bb&lab=b%20c"), "load-balancer.json": launch("lab=b%20c"),
		"load-balancer-multi-value.json": launch("lab=a%2Bb&lab=b%20c"), "eventbridge.json": bare, "invoke.json": bare,
	}
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) != len(wants) {
		t.Fatalf("%d samples, %d wanted (%v): every sample needs its row", len(files), len(wants), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			var body []byte
			invoke(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				_ = r.ParseForm()
				var cookies strings.Builder
				for _, c := range r.Cookies() {
					cookies.WriteString(c.Name + "=" + c.Value + " ")
				}
				form := []string{}
				for _, name := range []string{"oauth_consumer_key", "lti_message_type", "lis_person_name_full", "oauth_signature"} {
					form = append(form, r.PostForm.Get(name))
				}
				got = map[string]string{
					"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "type": r.Header.Get("Content-Type"), "cookies": cookies.String(),
					"form": strings.Join(form, " "),
				}
			}, event)
			want := wants[filepath.Base(file)]
			if !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if want["path"] == "/" && !bytes.Equal(body, event) {
				t.Errorf("a bare event's body is %q", body)
			}
		})
	}
}

func TestAnswerForms(t *testing.T) {
	t.Parallel()
	answer := func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "2")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "ok")
	}
	for file, want := range map[string]string{
		"api-gateway-v1": `{"statusCode":202,"multiValueHeaders":{"Content-Type":["text/plain"],"Set-Cookie":["a=1","b=2"]},"body":"ok","isBase64Encoded":false}`,
		"api-gateway-v2": `{"statusCode":202,"headers":{"Content-Type":"text/plain"},"cookies":["a=1","b=2"],"body":"ok","isBase64Encoded":false}`,
		"function-url":   `{"statusCode":202,"headers":{"Content-Type":"text/plain"},"cookies":["a=1","b=2"],"body":"ok","isBase64Encoded":false}`,
		"load-balancer":  `{"statusCode":202,"statusDescription":"202 Accepted","headers":{"Content-Type":"text/plain","Set-Cookie":"a=1"},"body":"ok","isBase64Encoded":false}`,
		"load-balancer-multi-value": `{"statusCode":202,"statusDescription":"202 Accepted","multiValueHeaders":{"Content-Type":["text/plain"],"Set-Cookie":["a=1","b=2"]},` +
			`"body":"ok","isBase64Encoded":false}`,
		"invoke": `"ok"`,
	} {
		event, err := os.ReadFile("testdata/events/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(invoke(t, answer, event)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", file, got, want)
		}
	}
}

func TestBareAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"done": 3}`: `{"done":3}`, "text \"quoted\"": `"text \"quoted\""`, "": `null`, "\xff\xfe": `"//4="`, "12": "12",
	} {
		got := invoke(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }, []byte(`{"any": "event"}`))
		if string(got) != want {
			t.Errorf("%q became %s, want %s", body, got, want)
		}
	}
}

func TestEventsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"", "null", "3", `"text"`, "[]", "{", `{"version":"2.0"}`, `{"requestContext":3}`, `{"requestContext":{}}`, `{"httpMethod":"GET"}`, `{"version":2,"requestContext":{"http":{}}}`} {
		var path, body string
		invoke(t, func(_ http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			path, body = r.Method+" "+r.URL.Path, string(text)
		}, []byte(event))
		if path != "POST /" || body != event {
			t.Errorf("%q reached the function as %s %q", event, path, body)
		}
	}
}

func TestBrokenBase64IsTheSendersFault(t *testing.T) {
	t.Parallel()
	text, err := serve.Lambda(subject(t), zerolog.Nop()).Invoke(t.Context(),
		[]byte(`{"httpMethod":"POST","path":"/echo/","body":"***","isBase64Encoded":true,"requestContext":{"stage":"prod"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := readReply(t, text); got.status != 400 || !strings.Contains(got.body, `"code":"bad_body"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestPanicAroundTheFunction(t *testing.T) {
	t.Parallel()
	event := []byte(`{"httpMethod":"POST","path":"/","requestContext":{"stage":"prod"}}`)
	got := readReply(t, invoke(t, func(http.ResponseWriter, *http.Request) { panic("S3CRET") }, event))
	if got.status != 500 || !strings.Contains(got.body, `"code":"internal"`) || strings.Contains(got.body, "S3CRET") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestGatewaysRequestIDIsKept(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		`{"httpMethod":"GET","path":"/","requestContext":{"requestId":"c6af9ac6-7b61"}}`:                                          "c6af9ac6-7b61",
		`{"version":"2.0","rawPath":"/","requestContext":{"requestId":"JKJaXmPLvHcESHA=","http":{"method":"GET"}}}`:               "JKJaXmPLvHcESHA",
		`{"httpMethod":"GET","path":"/","headers":{"x-request-id":"the-callers"},"requestContext":{"requestId":"c6af9ac6-7b61"}}`: "the-callers",
	} {
		var got string
		invoke(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Request-Id") }, []byte(event))
		if got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

// Nothing that a proxy or a caller claims about host and scheme may matter: public_url is configured.
func TestStagesAndPrefixes(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/prod/echo/x": "/echo/x", "/echo/x": "/echo/x", "/prod/hooks/probe/echo/x": "/echo/x", "/probe/echo/prod": "/echo/prod",
		"/prod/probe/echo/hooks": "/echo/hooks", "/hooks/echo/x%2Fprobe": "/echo/x/probe",
	} {
		event, err := json.Marshal(map[string]any{
			"version": "2.0", "rawPath": path, "requestContext": map[string]any{"stage": "prod", "http": map[string]string{"method": "GET"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := serve.Lambda(subject(t), zerolog.Nop()).Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		if got := readReply(t, text); !strings.Contains(got.body, `"path":"`+want+`"`) {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}
}

func FuzzInvoke(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(event)
	}
	for _, seed := range []string{"", "{", `{"version":"2.0","rawPath":"%zz","requestContext":{"http":{"method":"G T"}}}`, `{"httpMethod":"GET","headers":{"":"","a b":"\n"},"requestContext":{"elb":null}}`} {
		f.Add([]byte(seed))
	}
	h := subject(f)
	wrapped := []int{200, 202, 204, 301, 303, 307, 308, 400, 404, 405, 413}
	f.Fuzz(func(t *testing.T, event []byte) {
		if bytes.Contains(event, []byte("/deaf")) || bytes.Contains(event, []byte("/slow")) || bytes.Contains(event, []byte("/panic")) {
			return // they are meant to fail
		}
		text, err := serve.Lambda(h, zerolog.Nop()).Invoke(context.Background(), event)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%q, %v", text, err)
		}
		var out reply
		if json.Unmarshal(text, &out) == nil && out.StatusCode != 0 && !slices.Contains(wrapped, out.StatusCode) {
			t.Errorf("status %d for %s", out.StatusCode, event)
		}
		if len(text) > 4*function.MaxBody {
			t.Errorf("%d bytes", len(text))
		}
	})
}
