package openstack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/trace"
)

// Each call is counted and part of its request's trace, which OpenStack is told of, and the request's line has OpenStack's own
// id of the call that failed.
func TestCallsAreCountedAndTraced(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var parent, ours string
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	p.handle("DELETE /heat/v1/p1/stacks/", func(w http.ResponseWriter, r *http.Request) {
		parent, ours = r.Header.Get("Traceparent"), r.Header.Get("X-Openstack-Request-Id")
		w.Header().Set("X-Openstack-Request-Id", "req-11111111-2222-3333-4444-555555555555")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	seen := observe.New("f", "v1")
	tracer, err := trace.New(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}[name]
	}, trace.Options{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	seen.Tracer = tracer
	ctx, _ := seen.Begin(t.Context(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})
	ctx = logging.WithRequest(ctx, zerolog.Nop(), "0190c1d2-1111-7222-8333-444455556666")
	cloud := p.cloud(t)
	_, err = cloud.FindStack(ctx, "x")
	wantCode(t, err, openstack.Gone)
	p.revoke()
	_, err = cloud.FindStack(ctx, "x")
	wantCode(t, err, openstack.Gone)
	wantCode(t, cloud.DeleteStack(ctx, lab), openstack.Unavailable)
	if !strings.HasPrefix(parent, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || strings.Contains(parent, "00f067aa0ba902b7") || ours != "req-0190c1d2-1111-7222-8333-444455556666" {
		t.Errorf("OpenStack was told %q and %q", parent, ours)
	}
	if got := logging.Noted(ctx, "openstack_failed"); got != "heat DELETE /stacks/{}/{} 503 req-11111111-2222-3333-4444-555555555555" {
		t.Errorf("noted %q", got)
	}
	var text strings.Builder
	if _, err := seen.Registry.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`stackhook_openstack_calls_total{function="f",service="heat",method="DELETE",route="/stacks/{}/{}",status="503"} 1`,
		`stackhook_openstack_calls_total{function="f",service="heat",method="GET",route="/stacks",status="200"} 2`,
		`stackhook_openstack_calls_total{function="f",service="heat",method="GET",route="/stacks",status="401"} 1`,
		`stackhook_openstack_calls_total{function="f",service="keystone",method="POST",route="/auth/tokens",status="201"} 2`,
		`stackhook_openstack_call_seconds_count{function="f",service="heat",method="GET"} 3`,
		`stackhook_openstack_logins_total{function="f",result="ok"} 2`,
		`stackhook_openstack_retries_total{function="f"} 1`,
	} {
		if !strings.Contains(text.String(), "\n"+line+"\n") {
			t.Errorf("missing %s in\n%s", line, text.String())
		}
	}
}
