package doctor_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/doctor"
)

// discovered is the address of a platform that describes itself so; ISSUER in the text is that address.
func discovered(t *testing.T, status int, text string) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", server.URL+"/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(text, "ISSUER", server.URL))
	})
	return server.URL
}

func document(issuer, endpoint string) string {
	return fmt.Sprintf(`{"issuer":%q,"registration_endpoint":%q,"scopes_supported":["openid"]}`, issuer, endpoint)
}

func TestR13Discovery(t *testing.T) {
	t.Parallel()
	const (
		fine     = "its discovery document can be used"
		byHTTPS  = "has no registration_endpoint, or not by https"
		endpoint = "https://lms.example.org/register"
	)
	for name, c := range map[string]struct {
		issuer string
		faults int
		words  string
	}{
		"well":                     {discovered(t, 200, document("ISSUER", endpoint)), 0, fine},
		"well, on this machine":    {discovered(t, 200, document("ISSUER", "http://localhost:8080/register")), 0, fine},
		"well, with a slash":       {discovered(t, 200, document("ISSUER/", endpoint)) + "/", 0, fine},
		"none there":               {discovered(t, 404, ""), 0, "has no discovery document there; that is fine if the platform passes its own address"},
		"broken":                   {discovered(t, 500, ""), 1, "answers 500 at /.well-known/openid-configuration"},
		"redirect":                 {discovered(t, 302, ""), 1, "answers 302"},
		"no JSON":                  {discovered(t, 200, "<html>"), 1, "is not the JSON"},
		"JSON of another kind":     {discovered(t, 200, `{"issuer":1}`), 1, "is not the JSON"},
		"too large":                {discovered(t, 200, document("ISSUER", endpoint)+strings.Repeat(" ", 256<<10)), 1, "too large"},
		"issuer without its slash": {discovered(t, 200, document("ISSUER", endpoint)) + "/", 1, "correct issuer, to the last slash"},
		"issuer with a slash":      {discovered(t, 200, document("ISSUER/", endpoint)), 1, `/"; correct issuer`},
		"issuer in other case":     {discovered(t, 200, document("HTTP://127.0.0.1", endpoint)), 1, `says "HTTP://127.0.0.1"`},
		"no issuer":                {discovered(t, 200, `{"registration_endpoint":"https://a.example.org"}`), 1, `says ""`},
		"no registration":          {discovered(t, 200, `{"issuer":"ISSUER"}`), 1, byHTTPS},
		"registration by http":     {discovered(t, 200, document("ISSUER", "http://lms.example.org/register")), 1, byHTTPS},
		"registration nowhere":     {discovered(t, 200, document("ISSUER", "https:///register")), 1, byHTTPS},
		"registration no address":  {discovered(t, 200, document("ISSUER", "https://%zz")), 1, byHTTPS},
		"registration by script":   {discovered(t, 200, document("ISSUER", "javascript://localhost/")), 1, byHTTPS},
		"nobody answers":           {"http://127.0.0.1:1", 1, "connection refused"},
		"a private address":        {"https://10.0.0.1", 1, "is not a public one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := with()
			entries.LTI.Registration = []config.Registration{{Issuer: c.issuer}}
			var out bytes.Buffer
			faults := doctor.Doctor(t.Context(), entries, nil, time.Now, &out)
			word := "ok "
			if c.faults > 0 {
				word = "FIX"
			}
			line := fmt.Sprintf("%s registration %q: ", word, c.issuer)
			if faults != c.faults || !strings.Contains(out.String(), line) || !strings.Contains(out.String(), c.words) {
				t.Errorf("%d faults, want %d and %q with %q:\n%s", faults, c.faults, line, c.words, out.String())
			}
		})
	}
}

// Every entry has a line, in the configuration's order.
func TestR13DiscoveryOfEach(t *testing.T) {
	t.Parallel()
	c := with()
	var lines strings.Builder
	for range 20 {
		issuer := discovered(t, 404, "")
		c.LTI.Registration = append(c.LTI.Registration, config.Registration{Issuer: issuer})
		fmt.Fprintf(&lines, "ok  registration %q: has no discovery document there; that is fine if the platform passes its own address\n", issuer)
	}
	want := lines.String()
	var out bytes.Buffer
	if faults := doctor.Doctor(t.Context(), c, nil, time.Now, &out); faults != 0 || !strings.Contains(out.String(), want) {
		t.Errorf("%d faults, want the lines\n%sgot\n%s", faults, want, out.String())
	}
}
