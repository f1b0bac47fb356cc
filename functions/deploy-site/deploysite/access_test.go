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
	r := h.put(academy, `{"app": {"nodes": 9, "min": 2, "max": 300}, "network": {"subnet": "x"}, "cooldowns": {"in": "soon"}, "nodes": 3,
		"alarm": {"high": 1, "low": 2, "periods": 0}, "backend": {"nodes": 5, "mysql_gb": "20"}}`)
	r.want(t, http.StatusUnprocessableEntity, "invalid")
	for _, field := range []string{
		"hosts.lms", "contact_email", "app.max", "network.id", "cooldowns.in", "alarm.low", "alarm.periods", "nodes", "backend.nodes", "backend.mysql_gb",
	} {
		if strings.Count(r.text, `{"field":"`+field+`"`) != 1 {
			t.Errorf("not one fault for %s: %s", field, r.text)
		}
	}
	h.put("Bad_Name", spec()).want(t, http.StatusUnprocessableEntity, "invalid")
	h.put(academy, `{`).want(t, http.StatusBadRequest, "bad_spec")
	h.put(academy, `[1]`).want(t, http.StatusBadRequest, "bad_spec")
	h.put(academy, spec()+"x").want(t, http.StatusBadRequest, "bad_spec")
	h.put(academy, spec(), "Authorization", "Bearer "+ciToken, "Content-Type", "text/plain").want(t, http.StatusUnsupportedMediaType, "content_type")
	h.send(http.MethodPut, "/sites/academy?override=all", spec()).want(t, http.StatusUnprocessableEntity, "invalid")
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
		{http.MethodPatch, "/sites/academy", 405, "method"},
		{http.MethodGet, "/sites/academy/preview", 405, "method"},
		{http.MethodPost, "/sites/academy/page", 405, "method"},
		{http.MethodDelete, "/sites/academy", 404, "no_such_site"},
		{http.MethodPost, "/sites/academy", 405, "method"},
		{http.MethodPost, "/sites", 405, "method"},
		{http.MethodPost, "/sites/academy/undo", 404, "not_found"},
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
	h.ready("one", spec())
	h.foreign("three", []string{"stackhook"})
	h.put("two", spec())
	h.calls()
	r := h.send(http.MethodGet, "/sites", "")
	if strings.Count(r.text, `"name"`) != 2 || !strings.Contains(r.text, `"name":"one","state":"ready"`) || !strings.Contains(r.text, `"name":"two","state":"creating"`) {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{find}) {
		t.Errorf("%v", got)
	}
}
