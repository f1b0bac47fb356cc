package traffic

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:80": true, "http://localhost:8080/hooks": true,
		"http://0.0.0.0:8080": false, "http://192.0.2.1": false, "http://localhost.example.org": false, "http://127.0.0.1.example.org": false,
		"https://127.0.0.1": false, "127.0.0.1": false, "": false, "http://2130706433": false, "http://127.0.0.1@192.0.2.1": false,
	} {
		if _, err := Local(address); (err == nil) != good || err != nil && !errors.Is(err, ErrNotHere) {
			t.Errorf("%s: %v, want good %t", address, err, good)
		}
	}
}

// The client goes nowhere else either, whatever it is given.
func TestClientStaysHere(t *testing.T) {
	t.Parallel()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1:81/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client(1).Do(request)
	if err == nil {
		response.Body.Close()
	}
	if !errors.Is(err, ErrNotHere) {
		t.Errorf("got %v", err)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	after := http.Header{"Retry-After": {"5"}}
	lab := func(state, reason string) string {
		return `<main data-state="` + state + `" id="lab"><input type="hidden" name="ticket" value="T1">` +
			`<script type="application/json" id="data" nonce="n">{"ticket":"T1","status":{"state":"` + state + `","reason":{"code":"` + reason + `"}}}</script>`
	}
	for name, c := range map[string]struct {
		act  Act
		a    Answer
		want Class
		why  string
	}{
		"nobody answers":              {Status, Answer{Err: errors.New(`Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused`)}, Wrong, "no answer: connection refused"},
		"a launch":                    {Launch11, Answer{Code: 200, Body: lab("building", "")}, Right, ""},
		"a launch, cloud down":        {Launch13, Answer{Code: 200, Body: lab("starting", "cloud_trouble")}, Later, "starting, cloud_trouble"},
		"a launch that failed":        {Launch11, Answer{Code: 200, Body: lab("failed", "build_failed")}, Told, "failed, build_failed"},
		"a launch, another's page":    {Launch11, Answer{Code: 200, Body: "<h1>It works!</h1>"}, Wrong, "200"},
		"a launch without a ticket":   {Launch11, Answer{Code: 200, Body: `<main data-state="building" id="lab">`}, Wrong, "200"},
		"a launch refused":            {Launch11, Answer{Code: 403, Body: "<code>lti_signature</code>"}, Wrong, "403 lti_signature"},
		"a launch, store down":        {Launch11, Answer{Code: 503, Header: after, Body: "<code>lti_store</code>"}, Later, "503 lti_store"},
		"a status":                    {Status, Answer{Code: 200, Body: `{"state": "ready"}`}, Right, ""},
		"a status, gone":              {Status, Answer{Code: 200, Body: `{"state": "gone", "reason": {"code": "ended"}}`}, Wrong, "gone, ended"},
		"a status of nothing":         {Status, Answer{Code: 200, Body: `{}`}, Wrong, "a status that cannot be read"},
		"a status, cloud down":        {Status, Answer{Code: 503, Header: after, Body: `{"code": "cloud_unavailable"}`}, Later, "503 cloud_unavailable"},
		"a status, balancer's 503":    {Status, Answer{Code: 503, Body: "No server is available"}, Wrong, "503"},
		"a status, forbidden":         {Status, Answer{Code: 502, Header: after, Body: `{"code": "cloud_forbidden"}`}, Wrong, "502 cloud_forbidden"},
		"a status, 500":               {Status, Answer{Code: 500, Body: `{"code": "internal"}`}, Wrong, "500 internal"},
		"a heartbeat":                 {Heartbeat, Answer{Code: 204}, Right, ""},
		"a heartbeat without an end":  {Heartbeat, Answer{Code: 200}, Wrong, "200"},
		"an alarm":                    {Alarm, Answer{Code: 202, Body: `{"code": "scaled"}`}, Right, ""},
		"an alarm, cooldown":          {Alarm, Answer{Code: 200, Body: `{"code": "cooldown"}`}, Right, ""},
		"an alarm, cloud down":        {Alarm, Answer{Code: 202, Body: `{"code": "unavailable"}`}, Later, "unavailable"},
		"an alarm, the wrong node":    {Alarm, Answer{Code: 202, Body: `{"code": "wrong_victim"}`}, Wrong, "wrong_victim"},
		"an alarm, not let in":        {Alarm, Answer{Code: 401, Body: `{"code": "unauthorized"}`}, Wrong, "401 unauthorized"},
		"the sites":                   {Sites, Answer{Code: 200, Body: `{"sites": []}`}, Right, ""},
		"the sites, no such":          {Sites, Answer{Code: 404, Body: `{"code": "no_such_site"}`}, Wrong, "404 no_such_site"},
		"the sites, later, no number": {Sites, Answer{Code: 503, Header: http.Header{"Retry-After": {"soon"}}}, Wrong, "503"},
	} {
		got := Judge(c.act, c.a)
		if got.Class != c.want || got.Why != c.why {
			t.Errorf("%s: %v %q, want %v %q", name, got.Class, got.Why, c.want, c.why)
		}
	}
	if v := Judge(Launch11, Answer{Code: 200, Body: lab("ready", "")}); v.page.Ticket != "T1" || v.page.State != "ready" {
		t.Errorf("the page is %+v", v.page)
	}
}

// A page that shows another lab than before, or somebody else's, is wrong whatever its state.
func TestWhoseLab(t *testing.T) {
	t.Parallel()
	d := NewDriver(&House{}, DefaultPace())
	ready := func(address string) Verdict {
		return Verdict{page: page{State: "ready", Access: []struct{ URL string }{{address}}}}
	}
	one, two := &learner{id: "one"}, &learner{id: "two"}
	for i, c := range []struct {
		l       *learner
		address string
		want    Class
	}{{one, "a", Right}, {two, "b", Right}, {one, "a", Right}, {one, "c", Wrong}, {two, "a", Wrong}, {&learner{id: "three"}, "a", Wrong}} {
		if got := c.l.give(ready(c.address), &d.owners); got.Class != c.want {
			t.Errorf("%d: %s at %s: %v %s", i, c.l.id, c.address, got.Class, got.Why)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	ta := newTally("p")
	for i := range 100 {
		ta.add(Status, Answer{Code: 200, Took: time.Duration(i+1) * time.Millisecond}, Verdict{})
	}
	ta.add(Sites, Answer{Code: 503, Took: time.Second}, Verdict{Class: Later, Why: "503 x"})
	ta.add(Sites, Answer{Took: time.Second}, Verdict{Class: Wrong, Why: "no answer: EOF"})
	ta.hold()
	r := ta.report()
	row, all := r.Rows[0], r.All()
	if row.P50 != 51 || row.P95 != 96 || row.P99 != 100 || row.Max != 100 || row.Codes[200] != 100 {
		t.Errorf("status: %+v", row)
	}
	if all.Requests != 102 || all.Right != 100 || all.Later != 1 || all.Wrong != 1 || all.Max != 1000 || r.Held != 1 {
		t.Errorf("all: %+v, %d held", all, r.Held)
	}
	var text strings.Builder
	r.Table(&text)
	for _, want := range []string{"status of a page", "none×1 503×1", "1 requests held back", "1  later: sites: 503 x", "1  wrong: sites: no answer: EOF"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
