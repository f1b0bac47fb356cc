package deploy_test

import (
	"strings"
	"testing"
)

// Every timer posts to its function, with a token, and leaves a pass the time it may take.
func TestTimersReachTheFunction(t *testing.T) {
	t.Parallel()
	for file, parts := range map[string][]string{
		"systemd/stackhook-tend.service": {"--unix-socket /run/stackhook/tend-labs.sock", "--header @%d/tend-token", "--request POST", "--max-time 40"},
		"kubernetes/base/tend.yaml":      {"http://tend-labs/", "Authorization: Bearer $TOKEN", "--request POST", "--max-time 40"},
		"systemd/stackhook-reconcile.service": {
			"--unix-socket /run/stackhook/scale-cluster.sock", "--header @%d/reconcile-token", "--request POST http://scale-cluster/reconcile", "--max-time 40",
		},
		"kubernetes/base/reconcile.yaml": {"--request POST http://scale-cluster/reconcile", "Authorization: Bearer $TOKEN", "--max-time 40"},
	} {
		for _, part := range parts {
			if !strings.Contains(read(t, file), part) {
				t.Errorf("%s does not have %q", file, part)
			}
		}
	}
	if !strings.Contains(read(t, "systemd/stackhook@.socket"), "/run/stackhook/%i.sock") {
		t.Error("the timer's socket is not the functions'")
	}
}

// The policy lets the timers through, and nothing else needs the label that it looks at.
func TestTimersMayAsk(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, "kubernetes/base/network.yaml"), "{key: stackhook-timer, operator: Exists}") {
		t.Error("the policy knows no timers")
	}
	for _, file := range []string{"kubernetes/base/tend.yaml", "kubernetes/base/reconcile.yaml"} {
		if !strings.Contains(read(t, file), "labels: {stackhook-timer: ") {
			t.Errorf("%s is kept away from the function", file)
		}
	}
}
