//go:build integration

package shim_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/logging/loggingtest"
)

// TestRealFiftyLearners: a class of fifty launches at once on a real cloud, half by each version. A launch is answered
// within a second however long Heat takes; in the end everybody has a lab of their own, once.
func TestRealFiftyLearners(t *testing.T) {
	src, cloud := realCloud(t)
	log := lines{loggingtest.Catch(t)}
	t.Cleanup(func() { removeAll(t, cloud, log) })
	k := startClass(t, src, log)
	times, _ := k.fifty(10 * time.Minute)
	p50, p95, longest := percentile(times, 50), percentile(times, 95), percentile(times, 100)
	t.Logf("50 launches at once: p50 %s, p95 %s, longest %s", p50, p95, longest)
	if p95 > time.Second {
		t.Errorf("p95 of the launches is %s, want 1 s at most", p95)
	}
	ours := map[string]int{}
	for _, name := range stacksOf(log) {
		ours[name] = 0
	}
	if len(ours) != 52 { // and the two that came before
		t.Errorf("the log names %d stacks, want 52", len(ours))
	}
	for s, err := range cloud.Stacks(t.Context(), "stackhook") {
		if err != nil {
			t.Fatal(err)
		}
		if _, known := ours[s.Name]; known {
			ours[s.Name]++
		}
	}
	for name, n := range ours {
		if n != 1 {
			t.Errorf("%d stacks are called %s", n, name)
		}
	}
}
