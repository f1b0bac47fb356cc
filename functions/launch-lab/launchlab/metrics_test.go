package launchlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const scraper = "metrics-test-token-hunter2-12-abcdefghi"

// scrapable adds a token that may read metrics, and one that may not.
func scrapable(text string) string {
	return text + "api: {tokens: [{name: prometheus, token: " + scraper + ", may: [metrics]}," +
		" {name: ci, token: ci-test-token-hunter2-12-abcdefghijklmn, may: [sites, clusters]}]}\n"
}

func (s *site) metrics(headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.serve(r)
}

var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-z_]+) [^\n]+$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-z_]+) counter$`)
	sampleLine = regexp.MustCompile(`^(([a-z_]+)(?:\{code="[a-z_0-9]+"\})?) ([0-9]+)$`)
)

// scrape reads the metrics as Prometheus does, line by line: a counter's lines stand together, HELP and TYPE first.
func (s *site) scrape(t *testing.T) map[string]string {
	t.Helper()
	w := s.metrics("Authorization", "Bearer "+scraper)
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Fatalf("got %d %s: %s", w.Code, got, w.Body)
	}
	samples, help, kind := map[string]string{}, "", ""
	for line := range strings.Lines(w.Body.String()) {
		text, ended := strings.CutSuffix(line, "\n")
		if !ended {
			t.Errorf("a line without an end: %q", line)
		}
		if found := helpLine.FindStringSubmatch(text); found != nil {
			help = found[1]
			continue
		}
		if found := typeLine.FindStringSubmatch(text); found != nil {
			kind = found[1]
			continue
		}
		found := sampleLine.FindStringSubmatch(text)
		if found == nil || found[2] != help || found[2] != kind {
			t.Fatalf("a line that does not parse, or not here: %q", text)
		}
		if _, twice := samples[found[1]]; twice {
			t.Errorf("twice: %s", found[1])
		}
		samples[found[1]] = found[3]
	}
	return samples
}

func wantSamples(t *testing.T, got, want map[string]string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) { // maps are printed in order
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestR14Scrape(t *testing.T) {
	t.Parallel()
	s := start13(t, scrapable)
	wantSamples(t, s.scrape(t), map[string]string{
		`stackhook_launches_total{code="accepted"}`: "0", `stackhook_logins_total{code="accepted"}`: "0", `stackhook_key_set_fetches_total`: "0",
	})

	l := launch("u1")
	labPage(t, s.serve(request(l)))
	problemPage(t, s.serve(request(l)), http.StatusConflict, "lti_replayed")
	forged := launch("u2")
	forged.Secret = "wrong"
	problemPage(t, s.serve(request(forged)), http.StatusForbidden, "lti_signature")
	problemPage(t, s.serve(request(launch("u1").With("custom_lab", "nowhere"))), http.StatusForbidden, "lab_not_offered")

	labPage(t, s.launch13(t, s.lms.link("u3")))
	badKey := s.attempt(t)
	badKey.header["kid"] = "another"
	problemPage(t, s.serve(badKey.sign()), http.StatusForbidden, "lti_key")
	unbound := s.attempt(t)
	s.serve(post(unbound.form)) // asked for the browser's secret: not decided yet
	q := s.lms.link("u3")
	q.ClientID = "client-9"
	stranger := s.serve(httptest.NewRequest(http.MethodGet, strings.TrimPrefix(s.lms.LoginURL("/login", q), toolURL), nil))
	problemPage(t, stranger, http.StatusForbidden, "lti_platform")
	problemPage(t, s.serve(httptest.NewRequest(http.MethodPost, "/launch/x", nil)), http.StatusNotFound, "not_found")

	wantSamples(t, s.scrape(t), map[string]string{
		`stackhook_launches_total{code="accepted"}`:        "2",
		`stackhook_launches_total{code="lab_not_offered"}`: "1",
		`stackhook_launches_total{code="lti_key"}`:         "1",
		`stackhook_launches_total{code="lti_replayed"}`:    "1",
		`stackhook_launches_total{code="lti_signature"}`:   "1",
		`stackhook_logins_total{code="accepted"}`:          "3",
		`stackhook_logins_total{code="lti_platform"}`:      "1",
		`stackhook_key_set_fetches_total`:                  strconv.Itoa(s.lms.Fetches()),
	})
}

// Nobody is in the labels: neither who launched nor from where.
func TestR14NobodyIsALabel(t *testing.T) {
	t.Parallel()
	s := start13(t, scrapable)
	s.launch(t, "u1")
	labPage(t, s.launch13(t, s.lms.link("learner-3")))
	text := s.metrics("Authorization", "Bearer "+scraper).Body.String()
	for _, word := range []string{"learner-3", "u1", "client-1", s.lms.Issuer, key + `"`, "Academy", "hunter2"} {
		if strings.Contains(text, word) {
			t.Errorf("the metrics hold %q", word)
		}
	}
}

func TestR14WhoMayScrape(t *testing.T) {
	t.Parallel()
	s := start13(t, scrapable)
	for name, headers := range map[string][]string{
		"no token":                nil,
		"wrong token":             {"Authorization", "Bearer wrong"},
		"empty token":             {"Authorization", "Bearer "},
		"another scheme":          {"Authorization", scraper},
		"a token for other ends":  {"Authorization", "Bearer ci-test-token-hunter2-12-abcdefghijklmn"},
		"a Keystone token":        {"X-Auth-Token", "some-token-hunter2"},
		"ours as a Keystone one":  {"X-Auth-Token", scraper},
		"a consumer's LTI secret": {"Authorization", "Bearer " + secret},
	} {
		w := s.metrics(headers...)
		var problem struct{ Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code != "unauthorized" {
			t.Errorf("%s: %v, code %q", name, err, problem.Code)
		}
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	s.nothingDone(t)
}

// Without a token that may scrape, there is nothing at that address.
func TestR14NoTokenNoMetrics(t *testing.T) {
	t.Parallel()
	s := start13(t, func(text string) string { return strings.Replace(scrapable(text), "may: [metrics]", "may: [sites]", 1) })
	problemPage(t, s.metrics(), http.StatusNotFound, "not_found")
	problemPage(t, s.metrics("Authorization", "Bearer "+scraper), http.StatusNotFound, "not_found")
}

func TestR14AtOnce(t *testing.T) {
	t.Parallel()
	s := start13(t, scrapable)
	requests := make([]*http.Request, 8)
	for i := range requests {
		requests[i] = request(launch(fmt.Sprint("u", i)))
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.atOnce(requests) })
	for range 4 {
		wg.Go(func() { s.metrics("Authorization", "Bearer "+scraper) })
	}
	wg.Wait()
	if got := s.scrape(t)[`stackhook_launches_total{code="accepted"}`]; got != "8" {
		t.Errorf("%s launches", got)
	}
}

// Counts belong to the process, and the README says so.
func TestR14AnotherProcessCountsForItself(t *testing.T) {
	t.Parallel()
	here := start13(t, scrapable)
	here.launch(t, "u1")
	there := start13On(t, here.Cloud, here.lms, scrapable)
	if got := there.scrape(t)[`stackhook_launches_total{code="accepted"}`]; got != "0" {
		t.Errorf("%s launches", got)
	}
	text, err := os.ReadFile("../README.md")
	if err != nil || !strings.Contains(string(text), "they survive nothing") {
		t.Errorf("README: %v", err)
	}
}
