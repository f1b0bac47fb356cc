//go:build integration && compare

package shim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// The comparison of scripts/bench-scaling. It asserts nothing but that each contender works; what it prints is for people.

const (
	mostNodes = 10
	inAMinute = 100
)

// rival is one way to let a webhook scale a cluster. All have nodes of cluster-node.yaml, in a pool of their own.
type rival struct {
	name string
	pool string
	post func(n int) sent
	// idle says whether it has done what it was last told.
	idle func() bool
	// recorded are, of the notifications that were taken without a word, those of which an operator finds what became.
	recorded func(list []sent) int

	taken, active []time.Duration
	missed        int // notifications of the calm part that brought no node
}

// sent is one notification that was sent.
type sent struct {
	took   time.Duration
	status int
	text   string
}

// TestCompareScaling is run by scripts/bench-scaling.
func TestCompareScaling(t *testing.T) {
	rounds := 5
	if text := os.Getenv("ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	rivals := []*rival{stackhook(t), heatPolicy(t), senlin(t)}
	_, cloud := realCloud(t)
	for range rounds { // in turn, so that all see the same load of the machine
		for _, r := range rivals {
			r.measure(t, cloud)
		}
	}
	fmt.Printf("\n%d rounds in turn, sizes from 1 up. Median (worst).\n\n| webhook | accepted | new member ACTIVE | no node came |\n| --- | --- | --- | --- |\n", rounds)
	for _, r := range rivals {
		fmt.Printf("| %s | %s | %s | %d |\n", r.name, figure(r.taken, time.Millisecond), figure(r.active, 100*time.Millisecond), r.missed)
	}
	fmt.Printf("\n%d notifications of as many alarms within a minute, at most %d nodes, no cooldown. Heard: answered with what was done, or why not.\n"+
		"Recorded: taken without a word, but an operator finds what became of it. Lost: neither.\n\n"+
		"| webhook | accepted | heard | recorded | lost | nodes |\n| --- | --- | --- | --- | --- | --- |\n", inAMinute, mostNodes)
	for _, r := range rivals {
		r.storm(t, cloud)
	}
}

func figure(list []time.Duration, unit time.Duration) string {
	if len(list) == 0 {
		return "none"
	}
	slices.Sort(list)
	return fmt.Sprint(list[len(list)/2].Round(unit), " (", list[len(list)-1].Round(unit), ")")
}

// measure is one notification in a calm moment.
func (r *rival) measure(t *testing.T, cloud *openstack.Cloud) {
	t.Helper()
	until(t, r.name+" is idle", patience, func() (string, bool) { return "", r.idle() })
	before, begun := members(t, cloud, r.pool), time.Now()
	s := r.post(0)
	r.taken = append(r.taken, s.took)
	for time.Since(begun) < 3*time.Minute {
		list, err := cloud.Members(t.Context(), r.pool)
		n := 0
		for _, m := range list {
			if m.ProvisioningStatus == "ACTIVE" {
				n++
			}
		}
		if err == nil && n > before {
			r.active = append(r.active, time.Since(begun))
			t.Logf("%s: %d %s, accepted after %s, ACTIVE after %s", r.name, s.status, s.text, s.took.Round(time.Millisecond), r.active[len(r.active)-1].Round(time.Millisecond))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%s: %d %s: no node came", r.name, s.status, s.text)
	r.missed++
}

// storm is a busy minute.
func (r *rival) storm(t *testing.T, cloud *openstack.Cloud) {
	t.Helper()
	until(t, r.name+" is idle", patience, func() (string, bool) { return "", r.idle() })
	before := members(t, cloud, r.pool)
	list := make([]sent, inAMinute)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { list[i] = r.post(i + 1) })
		time.Sleep(time.Minute / inAMinute)
	}
	wg.Wait()
	var taken []time.Duration
	for _, s := range list {
		taken = append(taken, s.took)
	}
	time.Sleep(2 * time.Second)
	until(t, r.name+" is idle", patience, func() (string, bool) { return "", r.idle() })
	answers, heard := map[string]int{}, 0
	var silent []sent
	for _, s := range list {
		answers[fmt.Sprint(s.status, " ", said(s))]++
		switch {
		case s.status == 0:
		case said(s) != "" || s.status >= 400: // a refusal is a word, too
			heard++
		default:
			silent = append(silent, s)
		}
	}
	recorded := r.recorded(silent)
	fmt.Printf("| %s | %s | %d | %d | %d | %d to %d |\n", r.name, figure(taken, time.Millisecond), heard, recorded, inAMinute-heard-recorded, before, members(t, cloud, r.pool))
	t.Logf("%s: answers %v", r.name, answers)
}

// said is the word in an answer that says what was done, or why nothing was.
func said(s sent) string {
	var v struct {
		Code  string
		Error struct{ Code int }
	}
	switch {
	case json.Unmarshal([]byte(s.text), &v) != nil:
		return ""
	case v.Code != "":
		return v.Code
	case s.status == http.StatusConflict:
		return "conflict" // Senlin's: locked, in cooldown, or another action
	}
	return ""
}
