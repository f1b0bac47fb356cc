//go:build integration

package scalecluster_test

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// cutter loses the updates of one stack on their way, as when the sender dies before it.
type cutter struct{ stack string }

func (c cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/"+c.stack) {
		return nil, errors.New("cut off")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// nodes are the servers by node.
func (r *onCloud) nodes() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	nodes, _ := r.stack().Outputs["nodes"].(map[string]any)
	for name, value := range nodes {
		parts, _ := value.(map[string]any)
		out[name], _ = parts["server"].(string)
	}
	return out
}

// rests waits for the end of an update, which has to be a good one.
func (r *onCloud) rests() {
	r.t.Helper()
	if state := r.steady(); state != "UPDATE_COMPLETE" {
		r.t.Fatalf("the stack is %s: %s", state, r.stack().Reason)
	}
}

// A cluster of an AutoScalingGroup on a real cloud: out, in by the chosen nodes, which Heat alone would take last, a node made
// anew, and a removal that is cut off between mark and update: taken back by a later pass, or gone on with by the same request.
func TestRealScalingGroup(t *testing.T) {
	t.Parallel()
	r := startRealWith(t, scalingTemplate(t), "")
	first := r.nodes()
	r.want("/out", `{"by": 2}`, http.StatusAccepted, "scaled")
	r.rests()
	grown := r.nodes()
	victims := slices.Sorted(maps.Keys(without(grown, slices.Collect(maps.Keys(first)))))
	if len(grown) != 3 || len(victims) != 2 {
		t.Fatalf("%v became %v", first, grown)
	}
	r.want("/replace", ask(victims[:1]), http.StatusAccepted, "replaced")
	r.rests()
	replaced := r.nodes()
	if !maps.Equal(without(replaced, victims[:1]), without(grown, victims[:1])) || replaced[victims[0]] == "" || replaced[victims[0]] == grown[victims[0]] {
		t.Errorf("%v became %v, want %s anew", grown, replaced, victims[0])
	}
	alive := r.h
	cut, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute, Transport: cutter{r.ref.ID}})
	if err != nil {
		t.Fatal(err)
	}
	dies := func() {
		t.Helper()
		r.h = r.process(cut, time.Now)
		if status, answer := r.post("/in", ask(victims)); status < http.StatusInternalServerError {
			t.Errorf("cut off: %d %v", status, answer)
		}
		r.h = alive
	}
	dies()
	r.want("/reconcile", ``, http.StatusOK, "steady")
	r.want("/out", ``, http.StatusConflict, "busy")
	r.h = r.process(r.cloud, func() time.Time { return time.Now().Add(3 * time.Minute) })
	r.want("/reconcile", ``, http.StatusAccepted, "repaired")
	r.want("/reconcile", ``, http.StatusOK, "steady")
	r.h = alive
	if err := r.cloud.PatchStack(t.Context(), r.ref, openstack.StackChange{}); err != nil {
		t.Fatal(err)
	}
	r.rests()
	if got := r.nodes(); !maps.Equal(got, replaced) {
		t.Errorf("after an update of somebody else's %v became %v", replaced, got)
	}
	dies()
	r.want("/in", ask(victims), http.StatusAccepted, "scaled")
	r.rests()
	if got := r.nodes(); !maps.Equal(got, first) {
		t.Errorf("%v became %v, want %v", replaced, got, first)
	}
	r.want("/reconcile", ``, http.StatusOK, "steady")
}

// By a drain: nobody is marked before it is over, and the pass that removes the node marks it; the newest goes, which only its
// server's age tells.
func TestRealScalingGroupDrains(t *testing.T) {
	t.Parallel()
	template := scalingTemplate(t)
	// A monitor finds nobody at home in the test cloud, and who is out of service is not drained.
	template.Text = regexp.MustCompile(`(?s)  monitor:\n.*?\n\n`).ReplaceAllString(template.Text, "")
	r := startRealWith(t, template, ", drain: {timeout: 5m}, victims: newest")
	first := r.nodes()
	r.want("/out", ``, http.StatusAccepted, "scaled")
	r.rests()
	r.want("/in", ``, http.StatusAccepted, "draining")
	r.want("/reconcile", ``, http.StatusOK, "steady")
	pool, _ := r.stack().Outputs["pool_id"].(string)
	members, err := r.cloud.Members(t.Context(), pool)
	if err != nil || len(members) != 2 || members[0].Weight+members[1].Weight != 1 {
		t.Errorf("%+v, %v", members, err)
	}
	r.h = r.process(r.cloud, func() time.Time { return time.Now().Add(6 * time.Minute) })
	r.want("/reconcile", ``, http.StatusAccepted, "removed")
	r.rests()
	if got := r.nodes(); !maps.Equal(got, first) {
		t.Errorf("left are %v, want %v", got, first)
	}
	r.want("/reconcile", ``, http.StatusOK, "steady")
}
