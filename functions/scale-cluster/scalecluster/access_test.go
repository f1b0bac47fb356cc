package scalecluster_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

func TestBadRequests(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, row := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/academy/auto", aodh("alarm", 1), 400, "direction_missing"},
		{"/academy/auto", ``, 400, "direction_missing"},
		{"/academy/set", ``, 400, "size_missing"},
		{"/academy/set", aodh("alarm", 1), 400, "size_missing"},
		{"/academy/out", `{"to": 2}`, 400, "direction_or_size"},
		{"/academy/out", `{"direction": "in"}`, 400, "directions_differ"},
		{"/academy/out", `{"up": 1}`, 415, "unknown_schema"},
		{"/academy/out", `{"by": 0}`, 400, "bad_field"},
		{"/academy/out", `{`, 400, "not_json"},
		{"/academy/out?dry_run=maybe", ``, 400, "bad_option"},
		{"/academy/out?force=1", aodh("alarm", 1), 400, "bad_option"},
		{"/academy/up", ``, 404, "not_found"},
		{"/academy/out/", ``, 404, "not_found"},
		{"//academy/out", ``, 404, "not_found"},
		{"/", ``, 404, "not_found"},
		{"/academy", ``, 405, "method"},
	} {
		h.post(row.path, row.body, ci()).want(t, row.status, row.code)
	}
	form := append(ci(), "Content-Type", "application/x-www-form-urlencoded")
	h.post("/academy/out", "direction=out", form).want(t, http.StatusUnsupportedMediaType, "media_type")
	// A redirected notification arrives as a GET, and must not scale.
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions} {
		r := h.send(method, h.signed(alone, "out"), ``, nobody())
		r.want(t, http.StatusMethodNotAllowed, "method")
		if r.header.Get("Allow") != http.MethodPost {
			t.Errorf("Allow %q", r.header.Get("Allow"))
		}
	}
	if calls := h.cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

// Nothing is asked of the cloud for somebody who has not said who they are.
func TestNobodyGetsIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	sig := h.signed(alone, "out")[len("/alone/out"):]
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	for _, row := range []struct {
		path    string
		headers []string
	}{
		{"/academy/out", nobody()},
		{"/academy/out", bearer("wrong")},
		{"/academy/out", bearer(otherToken)},
		{"/academy/out", bearer(strangeToken)},
		{"/alone/out", theAlarm()},
		{"/other/out", theAlarm()},
		{"/academy/out", []string{"Authorization", "Basic YWxhcm06d3Jvbmc="}},
		{"/academy/out?sig=", nobody()},
		{"/academy/out" + sig, nobody()},
		{"/alone/in" + sig, nobody()},
		{"/alone/auto" + sig, nobody()},
		{"/alone/set" + sig, nobody()},
		{"/alone/out" + sig + "x", nobody()},
		{"/alone/out" + strings.ToUpper(sig), nobody()},
	} {
		r := h.post(row.path, aodh("alarm", 1), row.headers)
		r.want(t, http.StatusUnauthorized, "unauthorized")
		if r.header.Get("WWW-Authenticate") == "" {
			t.Error("no challenge")
		}
	}
	h.send(http.MethodGet, "/alone"+sig, ``, nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	if calls := h.cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
	// A signed address is read by all who may see the alarm: it does what the alarm does, and no more.
	h.post(h.signed(alone, "out"), `{"by": 3}`, nobody()).want(t, http.StatusForbidden, "alarms_only")
	h.post(h.signed(alone, "out"), ``, nobody()).want(t, http.StatusForbidden, "alarms_only")
	if calls := h.cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

func TestEveryCredentialWorks(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.cluster(alone, 1, "stackhook")
	for name, row := range map[string]struct {
		path    string
		headers []string
	}{
		"basic":      {"/academy/out", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("alarm:"+alarmSecret))}},
		"bearer":     {"/academy/out", theAlarm()},
		"api token":  {"/academy/out", ci()},
		"api, alone": {"/alone/out", ci()},
		"keystone":   {"/academy/out", []string{"X-Auth-Token", h.cloud.Token()}},
		"signed":     {h.signed(alone, "out"), nobody()},
	} {
		sep := "?"
		if strings.Contains(row.path, "?") {
			sep = "&"
		}
		r := h.post(row.path+sep+"dry_run=1", aodh("alarm", 1), row.headers)
		if r.status != http.StatusOK || r.code() != "scaled" {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}

// Who comes with a Keystone token acts with it, and is told when it is not enough.
func TestKeystoneToken(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	h.post("/alone/out", ``, []string{"X-Auth-Token", h.cloud.Token()}).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/alone/out", ``, []string{"X-Auth-Token", "nonsense"}).want(t, http.StatusUnauthorized, "unauthorized")
	if r := h.post("/alone/set", `{"to": 1}`, []string{"X-Auth-Token", h.cloud.ForeignToken()}); r.status < 400 {
		t.Errorf("a token of another project: %d %s", r.status, r.text)
	}
	if h.count(alone) != 2 {
		t.Errorf("count %d", h.count(alone))
	}
}

// F20: an alarm with trust+https comes with a token that Keystone does not show. Heat says what it is good for, and it is
// acted on with the alarm's own rights.
func TestF20TrustToken(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	with := func(token string) []string { return []string{"X-Auth-Token", token} }
	r := h.post("/alone/out", aodh("alarm", 1), with(h.cloud.TrustToken(true)))
	if r.status != http.StatusForbidden || h.count(alone) != 1 {
		t.Errorf("a trust of another project: %d %s", r.status, r.text)
	}
	h.post("/alone/out", aodh("alarm", 1), with("nonsense")).want(t, http.StatusUnauthorized, "unauthorized")
	h.calls()
	token := h.cloud.TrustToken(false)
	h.post("/alone/out", aodh("alarm", 1), with(token)).want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{find, read, update, read}) {
		t.Errorf("%v", got)
	}
	h.post("/alone/out", aodh("alarm", 1), with(token)).want(t, http.StatusOK, "duplicate")
	if strings.Contains(h.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// Only what is ours, or what the configuration names, can be scaled.
func TestWhatIsNoCluster(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("theirs", 1)
	_, err := h.client().CreateStack(t.Context(), openstack.NewStack{
		Name: "no-cluster", Tags: []string{"stackhook"}, Template: "heat_template_version: 2018-08-31\nresources: {r: {type: OS::Heat::RandomString}}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.cloud.Settle()
	h.calls()
	for _, name := range []string{"theirs", "no-cluster", "nothing"} {
		h.post("/"+name+"/out", ``, ci()).want(t, http.StatusNotFound, "no_such_cluster")
		h.send(http.MethodGet, "/"+name, ``, ci()).want(t, http.StatusNotFound, "no_such_cluster")
	}
	h.post(h.signed("gone", "out"), aodh("alarm", 1), nobody()).want(t, http.StatusGone, "gone")
	h.post("/academy/out", ``, ci()).want(t, http.StatusGone, "gone")
	if got := h.calls(); slices.Contains(got, update) {
		t.Errorf("%v", got)
	}
}
