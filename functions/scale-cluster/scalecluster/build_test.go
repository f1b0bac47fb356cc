package scalecluster_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Build needs a configuration and a login, and asks the cloud nothing.
func TestBuild(t *testing.T) {
	t.Parallel()
	cloud := openstacktest.Start(t)
	env := maps.Clone(cloud.Env())
	env["STACKHOOK_CONFIG"] = configText
	h, err := scalecluster.Build(t.Context(), config.Map(env))
	if err != nil || h == nil {
		t.Fatalf("Build: %v", err)
	}
	if calls := cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
	for _, broken := range []map[string]string{{}, {"STACKHOOK_CONFIG": "public_url: x\n"}, {"STACKHOOK_CONFIG": configText}} {
		if _, err := scalecluster.Build(t.Context(), config.Map(broken)); err == nil {
			t.Errorf("Build with %d variables succeeded", len(broken))
		}
	}
}

// A schedule that cannot be read is a fault of the start, with its place.
func TestBuildRefusesSchedules(t *testing.T) {
	t.Parallel()
	env := maps.Clone(openstacktest.Start(t).Env())
	for schedule, want := range map[string]string{
		`{name: exam, start: daily, length: 1h}`:                          "clusters.alone: read schedule exam: there must be five fields",
		`{name: exam, start: "0 8 * * *", zone: Mars/Phobos, length: 1h}`: `clusters.alone: read schedule exam: there is no time zone "Mars/Phobos"`,
	} {
		env["STACKHOOK_CONFIG"] = "public_url: https://hooks.example.org\nseal_keys: [{id: a, secret: hunter2-hunter2-hunter2-hunter2-}]\n" +
			"clusters: {alone: {min: 1, max: 2, schedules: [" + schedule + "]}}\n"
		if _, err := scalecluster.Build(t.Context(), config.Map(env)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", schedule, err, want)
		}
	}
}

// A caller whose token OpenStack has not accepted yet keeps nobody waiting.
func TestStrangersKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	h.post("/alone/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled") // our own token is there now
	h.cloud.ResetCalls()
	h.cloud.Inject(openstacktest.Fault{Service: "identity", Latency: holdTime, Times: 1})
	held := make(chan struct{})
	go func() {
		defer close(held)
		h.post("/alone/out", ``, []string{"X-Auth-Token", "stranger"})
	}()
	for len(h.cloud.Calls()) == 0 {
		time.Sleep(time.Millisecond) // until the stranger is on their way to Keystone
	}
	h.post("/alone/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	select {
	case <-held:
		t.Error("waited for a stranger")
	default:
	}
	<-held
}

// A queue that is too long for a request's time ends in an answer that its sender understands, not in a time-out.
func TestQueueTooLong(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.post("/academy/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	h.cloud.ResetCalls()
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Latency: holdTime, Times: 1})
	held := make(chan struct{})
	go func() {
		defer close(held)
		h.post("/academy/out", ``, ci())
	}()
	for len(h.cloud.Calls()) == 0 {
		time.Sleep(time.Millisecond) // until the first one has the turn
	}
	hurried := func(body string, headers []string) reply {
		ctx, cancel := context.WithTimeout(t.Context(), holdTime/2)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/academy/out", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(headers[0], headers[1])
		return h.do(h.h, r)
	}
	hurried(aodh("alarm", 7), theAlarm()).want(t, http.StatusAccepted, "unavailable")
	<-held
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Latency: holdTime, Times: 1})
	h.cloud.ResetCalls()
	held = make(chan struct{})
	go func() {
		defer close(held)
		h.post("/academy/out", ``, ci())
	}()
	for len(h.cloud.Calls()) == 0 {
		time.Sleep(time.Millisecond)
	}
	hurried(`{"by": 1}`, ci()).want(t, http.StatusServiceUnavailable, "busy")
	<-held
}
