package openstack_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	octaviaError := func(text string) string {
		return `{"faultcode": "Client", "faultstring": "` + text + `", "debuginfo": null}`
	}
	neutronError := func(kind, text string) string {
		return `{"NeutronError": {"type": "` + kind + `", "message": "` + text + `", "detail": ""}}`
	}
	tests := []struct {
		name   string
		status int
		body   string
		code   openstack.Code
	}{
		{"heat stack exists", 409, heatError(409, "StackExists", "The Stack (lab-1) already exists."), openstack.Conflict},
		{"a stack named quota exists", 409, heatError(409, "StackExists", "The Stack (quota) already exists."), openstack.Conflict},
		{"heat at work", 409, heatError(409, "ActionInProgress", "Stack lab-1 already has an action (UPDATE) in progress."), openstack.Busy},
		{"heat not found", 404, heatError(404, "EntityNotFound", "The Stack (x) could not be found."), openstack.Gone},
		{"heat not supported", 400, heatError(400, "NotSupported", "Updating a stack when it is suspended is not supported."), openstack.Refused},
		{"heat template", 400, heatError(400, "StackValidationFailed", "Property error"), openstack.Refused},
		{"heat too many stacks", 400, heatError(400, "RequestLimitExceeded", "Request limit exceeded: You have reached the maximum stacks per tenant, 512."), openstack.Quota},
		{"heat body too large", 400, heatError(400, "RequestLimitExceeded", "Request limit exceeded: JSON body size (1048600 bytes) exceeds maximum allowed size"), openstack.Refused},
		{"heat too many resources", 403, heatError(403, "StackResourceLimitExceeded", "Maximum resources per stack exceeded."), openstack.Quota},
		{"heat forbidden", 403, heatError(403, "Forbidden", "You are not authorized to complete this action."), openstack.Forbidden},
		{"octavia pending", 409, octaviaError("Pool 1 is immutable and cannot be updated."), openstack.Busy},
		{"octavia same member", 409, octaviaError("Another member on this pool is already using ip 10.0.0.1 on protocol_port 80"), openstack.Conflict},
		{"octavia quota", 403, octaviaError("Quota has been met for resources: Member"), openstack.Quota},
		{"octavia provider cannot", 501, octaviaError("Provider 'ovn' does not support a requested option"), openstack.Refused},
		{"lbaasv2 pending", 409, neutronError("StateInvalid", "Invalid state PENDING_UPDATE of loadbalancer resource 1"), openstack.Busy},
		{"neutron quota", 409, neutronError("OverQuota", "Quota exceeded for resources: ['port']."), openstack.Quota},
		{"nova quota", 403, `{"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"}}`, openstack.Quota},
		{"nova over limit", 413, `{"overLimit": {"code": 413, "message": "This request was rate-limited."}}`, openstack.Quota},
		{"nova wrong state", 409, `{"conflictingRequest": {"code": 409, "message": "Instance not yet ready"}}`, openstack.Busy},
		{"gone", 410, ``, openstack.Gone},
		{"too many requests", 429, ``, openstack.Unavailable},
		{"proxy page", 502, `<html>Bad Gateway</html>`, openstack.Unavailable},
		{"internal", 500, heatError(500, "DBError", "boom\nTraceback: secret"), openstack.Unavailable},
		{"service unavailable", 503, ``, openstack.Unavailable},
		{"method", 405, ``, openstack.Refused},
		{"redirect", 302, `{"code": "302"}`, openstack.Broken},
		{"no json", 200, `<html>hello</html>`, openstack.Broken},
		{"empty", 200, ``, openstack.Broken},
		{"other shape", 200, `{"stacks": {"a": 1}}`, openstack.Broken},
		{"cut off", 200, `{"stacks": [{"id": "1"`, openstack.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.handle("GET /heat/v1/p1/stacks", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/heat/v1/p1/elsewhere")
				w.Header().Set("X-Openstack-Request-Id", "req-theirs")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			_, err := p.cloud(t).FindStack(t.Context(), "x")
			wantCode(t, err, tt.code)
			failed, ok := errors.AsType[*openstack.Error](err)
			if !ok || tt.status >= 300 && failed.Status != tt.status {
				t.Errorf("error: got %#v, want status %d", err, tt.status)
			}
			if tt.status >= 300 && !strings.Contains(err.Error(), "req-theirs") {
				t.Errorf("error %q does not name the service's request", err)
			}
			if strings.Contains(err.Error(), "Traceback") {
				t.Errorf("error carries a traceback: %q", err)
			}
		})
	}
}

func TestLostConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("POST /heat/v1/p1/stacks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := p.cloud(t).CreateStack(t.Context(), openstack.NewStack{Name: "x"})
	wantCode(t, err, openstack.Unavailable)
}

func TestMessagesAreCut(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(400, heatError(400, "Invalid", strings.Repeat("é", 5000))))
	_, err := p.cloud(t).FindStack(t.Context(), "x")
	if got := len(err.Error()); got > 400 {
		t.Errorf("error has %d bytes", got)
	}
}

func TestCodeHTTP(t *testing.T) {
	t.Parallel()
	tests := map[openstack.Code]struct {
		status int
		after  time.Duration
	}{
		openstack.Busy:          {409, 30 * time.Second},
		openstack.Conflict:      {409, 0},
		openstack.Gone:          {404, 0},
		openstack.Forbidden:     {502, 0},
		openstack.Quota:         {503, time.Minute},
		openstack.Refused:       {502, 0},
		openstack.Unavailable:   {503, 5 * time.Second},
		openstack.Broken:        {502, 0},
		openstack.Code("other"): {502, 0},
	}
	for code, want := range tests {
		if status, after := code.HTTP(); status != want.status || after != want.after {
			t.Errorf("%s: got %d, %s, want %d, %s", code, status, after, want.status, want.after)
		}
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	if got := openstack.CodeOf(nil); got != "" {
		t.Errorf("nil: got %q", got)
	}
	if got := openstack.CodeOf(errors.New("x")); got != openstack.Broken {
		t.Errorf("foreign: got %q", got)
	}
	if got := openstack.CodeOf(fmt.Errorf("wrapped: %w", &openstack.Error{Code: openstack.Busy})); got != openstack.Busy {
		t.Errorf("wrapped: got %q", got)
	}
}
