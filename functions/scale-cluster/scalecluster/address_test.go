package scalecluster_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// mine is an address made for an API token, without what comes before the cluster.
func (h *house) mine(path string) string {
	h.t.Helper()
	r := h.send(http.MethodGet, path, ``, ci())
	address, _ := r.body["address"].(string)
	_, local, ok := strings.Cut(address, "https://hooks.example.org/scale-cluster")
	if r.status != http.StatusOK || !ok {
		h.t.Fatalf("%s: %d %s", path, r.status, r.text)
	}
	return local
}

// F20: an address with limits keeps to them, until it ends.
func TestF20AddressWithLimitsAndRow7027AuthenticatedWebhook(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	limited := h.mine("/alone/address?direction=out&max=3&days=2")
	if calls := h.calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
	h.post(limited, aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	h.post(limited, aodh("alarm", 2), nobody()).want(t, http.StatusOK, "at_max")
	h.post(strings.Replace(limited, "max=3", "max=4", 1), aodh("alarm", 3), nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.post(strings.Replace(limited, "/out", "/in", 1), aodh("alarm", 3), nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.cloud.Advance(48 * time.Hour)
	h.post(limited, aodh("alarm", 4), nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	if h.count(alone) != 3 {
		t.Errorf("count %d", h.count(alone))
	}
	h.post(h.mine("/alone/address?direction=in&min=3"), aodh("alarm", 5), nobody()).want(t, http.StatusOK, "at_min")
	h.post(h.mine("/alone/address?direction=in"), aodh("alarm", 6), nobody()).want(t, http.StatusAccepted, "scaled")
}

func TestWhoMayMakeAddresses(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.send(http.MethodGet, "/academy/address?direction=out", ``, nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.send(http.MethodGet, "/academy/address?direction=out", ``, theAlarm()).want(t, http.StatusForbidden, "forbidden")
	h.send(http.MethodGet, "/academy/address?direction=out", ``, []string{"X-Auth-Token", h.cloud.Token()}).want(t, http.StatusForbidden, "forbidden")
	h.post("/academy/address?direction=out", ``, ci()).want(t, http.StatusMethodNotAllowed, "method")
	for path, code := range map[string]string{
		"/academy/address":                            "direction_missing",
		"/academy/address?direction=set":              "direction_missing",
		"/academy/address?direction=in&min=0":         "bad_option",
		"/academy/address?direction=in&min=3&max=2":   "bad_option",
		"/academy/address?direction=out&days=forever": "bad_option",
	} {
		h.send(http.MethodGet, path, ``, ci()).want(t, http.StatusBadRequest, code)
	}
	if calls := h.calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}
