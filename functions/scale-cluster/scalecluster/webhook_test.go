package scalecluster_test

import (
	"net/http"
	"strings"
	"testing"
)

// A sender of CloudEvents is told that it may send by whoever would let it in, and by nobody else; OpenStack is not asked.
func TestWebhookHandshake(t *testing.T) {
	t.Parallel()
	h := start(t)
	asks := func(headers ...string) []string {
		return append([]string{"WebHook-Request-Origin", "events.example.com"}, headers...)
	}
	for name, row := range map[string]struct {
		path    string
		headers []string
		status  int
		rate    string
	}{
		"signed":               {h.signed(alone, "out"), asks(), 200, "120"},
		"slower":               {h.signed(alone, "in"), asks("WebHook-Request-Rate", "10"), 200, "10"},
		"faster":               {h.signed(alone, "in"), asks("WebHook-Request-Rate", "1000"), 200, "120"},
		"no rate":              {h.signed(alone, "in"), asks("WebHook-Request-Rate", "many"), 200, "120"},
		"by a credential":      {"/academy/auto", asks(theAlarm()...), 200, "120"},
		"nobody":               {"/academy/auto", asks(), 401, ""},
		"other direction":      {strings.Replace(h.signed(alone, "out"), "/out", "/in", 1), asks(), 401, ""},
		"an origin of its own": {h.signed(alone, "out"), []string{"WebHook-Request-Origin", "a b\"<c>"}, 400, ""},
		"no origin":            {h.signed(alone, "out"), nobody(), 405, ""},
		"no address of ours":   {"/academy/up", asks(theAlarm()...), 404, ""},
	} {
		r := h.send(http.MethodOptions, row.path, ``, row.headers)
		origin := ""
		if row.status == 200 {
			origin = "events.example.com"
		}
		if r.status != row.status || r.header.Get("WebHook-Allowed-Rate") != row.rate || r.header.Get("WebHook-Allowed-Origin") != origin {
			t.Errorf("%s: %d %v %s", name, r.status, r.header, r.text)
		}
		if row.status == 200 && (r.text != "" || r.header.Get("Allow") != http.MethodPost) {
			t.Errorf("%s: %v %q", name, r.header, r.text)
		}
	}
	if calls := h.calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

// What an event came to is said without a body, which a broker would take for an event: 202, 204, 503 to have it again,
// and 410 for a cluster that is no more.
func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 3, "stackhook")
	event := func(id string) []string {
		return []string{"Ce-Specversion", "1.0", "Ce-Id", id, "Ce-Source", "/alarms", "Ce-Type", "org.example.alarm"}
	}
	out := h.signed(alone, "out")
	dry := h.post(out+"&dry_run=1", aodh("alarm", 1), event("0"))
	dry.want(t, http.StatusOK, "scaled")
	if dry.body["reason"] == nil {
		t.Errorf("a dry run says nothing: %s", dry.text)
	}
	for _, row := range []struct {
		path, state, id string
		status          int
		code            string
	}{
		{out, "alarm", "1", http.StatusAccepted, "scaled"},
		{out, "alarm", "1", http.StatusNoContent, "duplicate"},
		{out, "ok", "2", http.StatusNoContent, "not_alarm"},
		{out, "alarm", "3", http.StatusServiceUnavailable, "busy"},
		{h.signed("gone", "out"), "alarm", "4", http.StatusGone, "gone"},
	} {
		r := h.post(row.path, aodh(row.state, 1), event(row.id))
		r.want(t, row.status, row.code)
		if (r.text == "") != (row.status < 300) {
			t.Errorf("%s: %d %q", row.id, r.status, r.text)
		}
	}
	h.settle(longEnough)
	h.post(out, aodh("alarm", 1), event("5")).want(t, http.StatusNoContent, "at_max")
	if h.count(alone) != 4 {
		t.Errorf("count %d", h.count(alone))
	}
}
