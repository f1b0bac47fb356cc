//go:build integration

package shim_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/shared/openstack"
)

// lastOf is how long a story waits for one lab on a real cloud.
const lastOf = 3 * time.Minute

// TestRealReadyWithinThreeSeconds: a learner's page in a real browser says that the lab is ready soon after Heat does,
// and asks for it sparingly: one call a look, and no look while nobody sees the page.
func TestRealReadyWithinThreeSeconds(t *testing.T) {
	const launches = 10
	c, cloud, log := onRealCloud(t)
	t.Cleanup(func() { removeAll(t, cloud, log) })
	b := newBrowserFor(t, c.s, 20*time.Minute)
	var lags []time.Duration
	for i := range launches {
		name := b.opensUnit(log, []string{"1.1", "1.3"}[i%2])
		lags = append(lags, b.lag(cloud, name))
	}
	slices.Sort(lags)
	median := (lags[launches/2-1] + lags[launches/2]) / 2
	t.Logf("from Heat's completion to the page: median %s, all %s", median.Round(time.Millisecond), lags)
	if median > 3*time.Second {
		t.Errorf("the page says ready %s after Heat, want 3 s at most", median)
	}
	looks := 0
	for _, calls := range looksIn(log.since(0)) {
		looks++
		if calls > 1 {
			t.Errorf("a look made %d calls to Heat", calls)
		}
	}
	if looks < launches {
		t.Errorf("the pages looked %d times", looks)
	}
	b.opensUnit(log, "1.3")
	b.hiddenIsQuiet(log)
	b.noComplaints()
}

// opensUnit launches as a learner nobody has seen before, and gives the name of the stack.
func (b *browser) opensUnit(log lines, version string) string {
	b.t.Helper()
	mark := log.size()
	b.do("open the page", chromedp.Navigate(b.base+"/"))
	b.fill("launch", "learner", "ready-"+rand.Text())
	b.fill("launch", "version", version)
	b.click("launch the lab", "#launch button.primary")
	b.until("the lab page", inFrame+`?.querySelector("main[data-state]#lab")`)
	launchCalls(b.t, log, mark, 1)
	return stackOf(b.t, log.since(mark))
}

// lag is the time from Heat's CREATE_COMPLETE, looked for every 100 ms with a client of our own, to the page's word.
func (b *browser) lag(cloud *openstack.Cloud, name string) time.Duration {
	b.t.Helper()
	complete := make(chan time.Time, 1)
	go func() {
		defer close(complete)
		for end := time.Now().Add(lastOf); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			asked := time.Now()
			if s, err := cloud.FindStack(b.ctx, name); err == nil && s.State() == "CREATE_COMPLETE" {
				complete <- asked
				return
			}
		}
	}()
	for end := time.Now().Add(lastOf); !eval[bool](b, "Boolean("+labReady+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the page of %s is not ready after %s", name, lastOf)
		}
	}
	shown := time.Now()
	done, ok := <-complete
	if !ok {
		b.t.Fatalf("Heat never completed %s", name)
	}
	return shown.Sub(done)
}

// looksIn are the calls to Heat of each status request in these log lines.
func looksIn(log string) []int {
	var looks []int
	for line := range strings.Lines(log) {
		if decodeLine(line)["path"] == "/status" {
			looks = append(looks, len(heatCalls(line, "view-lab")))
		}
	}
	return looks
}

// hiddenIsQuiet tells the lab page that nobody sees it, as a browser does for a tab in the back, and counts its looks
// while its lab is being built. Seen again, it goes on.
func (b *browser) hiddenIsQuiet(log lines) {
	b.t.Helper()
	hide := func(hidden string) {
		eval[bool](b, `(() => {
			const page = `+inFrame+`;
			Object.defineProperty(page, "hidden", { configurable: true, get: () => `+hidden+` });
			Object.defineProperty(page, "visibilityState", { configurable: true, get: () => `+hidden+` ? "hidden" : "visible" });
			return page.dispatchEvent(new Event("visibilitychange"));
		})()`)
	}
	hide("true")
	time.Sleep(time.Second) // a look may be under way
	mark := log.size()
	const quiet = 8 * time.Second
	time.Sleep(quiet)
	if looks := looksIn(log.since(mark)); len(looks) > 0 {
		b.t.Errorf("the hidden page looked %d times in %s", len(looks), quiet)
	}
	hide("false")
	for end := time.Now().Add(lastOf); !eval[bool](b, "Boolean("+labReady+")"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("seen again, the page did not go on")
		}
	}
}
