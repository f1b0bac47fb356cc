package deploysite_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEveryFaultIsListed(t *testing.T) {
	t.Parallel()
	h := start(t)
	r := h.put(academy, `{"nodes": 9, "min": 2, "max": 3, "subnet": "x", "health_path": "up", "cooldown_in": "soon",
		"app_port": 70000, "alarm": {"high": 1, "low": 2, "periods": 0}}`)
	r.want(t, http.StatusUnprocessableEntity, "invalid")
	for _, field := range []string{"network", "health_path", "cooldown_in", "app_port", "alarm.low", "alarm.periods"} {
		if !strings.Contains(r.text, `{"field":"`+field+`"`) {
			t.Errorf("no fault for %s: %s", field, r.text)
		}
	}
	r = h.put("Bad_Name", `{}`)
	r.want(t, http.StatusUnprocessableEntity, "invalid")
	h.put(academy, `{"nodes": 9, "min": 2, "max": 3}`).want(t, http.StatusUnprocessableEntity, "invalid")
	h.put(academy, `{"node": 9}`).want(t, http.StatusBadRequest, "bad_json")
	h.put(academy, `{"nodes": "9"}`).want(t, http.StatusBadRequest, "bad_json")
	h.put(academy, `{`).want(t, http.StatusBadRequest, "bad_json")
	h.put(academy, `{}`, "Authorization", "Bearer "+ciToken, "Content-Type", "text/plain").want(t, http.StatusUnsupportedMediaType, "content_type")
	if calls := h.cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

func TestNobodyGetsIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, header := range []string{"", "Bearer wrong", "Bearer " + otherToken, "Basic Y2k6Y2k=", "Bearer "} {
		for _, r := range []reply{
			h.put(academy, spec(), "Authorization", header),
			h.send(http.MethodGet, "/sites", "", "Authorization", header),
			h.send(http.MethodGet, "/sites/academy", "", "Authorization", header),
		} {
			r.want(t, http.StatusUnauthorized, "unauthorized")
			if r.header.Get("WWW-Authenticate") == "" {
				t.Error("no challenge")
			}
		}
	}
	if calls := h.cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

// A person acts with their own rights and no others.
func TestKeystoneToken(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec(), "X-Auth-Token", h.cloud.Token()).want(t, http.StatusAccepted, "created")
	h.cloud.Settle()
	h.put(academy, spec(), "X-Auth-Token", h.cloud.Token()).want(t, http.StatusOK, "unchanged")
	h.put(academy, spec(), "X-Auth-Token", "nonsense").want(t, http.StatusUnauthorized, "unauthorized")
	if r := h.send(http.MethodGet, "/sites/academy", "", "X-Auth-Token", h.cloud.ForeignToken()); r.status < 400 || strings.Contains(r.text, "address") {
		t.Errorf("a token of another project: %d %s", r.status, r.text)
	}
	if n := len(h.cloud.Stacks()); n != 1 {
		t.Errorf("%d stacks", n)
	}
}

func TestAddressesAndMethods(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, row := range []struct {
		method, path string
		status       int
		code         string
	}{
		{http.MethodDelete, "/sites/academy", 405, "method"},
		{http.MethodPost, "/sites/academy", 405, "method"},
		{http.MethodPost, "/sites", 405, "method"},
		{http.MethodPost, "/sites/academy/preview", 404, "not_found"},
		{http.MethodPut, "//sites/academy", 404, "not_found"},
		{http.MethodPut, "/sites/academy/", 404, "not_found"},
		{http.MethodPut, "/sites/../sites/academy", 404, "not_found"},
		{http.MethodGet, "/", 404, "not_found"},
		{http.MethodGet, "/sites/nothing", 404, "no_such_site"},
	} {
		r := h.send(row.method, row.path, `{}`)
		r.want(t, row.status, row.code)
		if r.header.Get("Location") != "" {
			t.Errorf("%s %s redirects", row.method, row.path)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	h := start(t)
	if r := h.send(http.MethodGet, "/sites", ""); r.status != http.StatusOK || strings.TrimSpace(r.text) != `{"sites":[]}` {
		t.Errorf("none: %d %s", r.status, r.text)
	}
	h.ready("one", `{}`)
	h.foreign("three", []string{"stackhook"})
	h.put("two", `{}`)
	h.calls()
	r := h.send(http.MethodGet, "/sites", "")
	if strings.Count(r.text, `"name"`) != 2 || !strings.Contains(r.text, `"name":"one","state":"ready"`) || !strings.Contains(r.text, `"name":"two","state":"creating"`) {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{find}) {
		t.Errorf("%v", got)
	}
}
