//go:build integration

package pool_test

import (
	"context"
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRow4Real is TestRow4 on the cloud that OS_CLOUD or OS_* name.
func TestRow4Real(t *testing.T) {
	t.Parallel()
	const learners, made = 20, 10
	host := open{realHost(t)}
	lesson := strings.ToLower(rand.Text())[:12]
	identity := lab.Identity{Tenant: "academy", Context: "course", Lab: lesson}
	owner := func(i int) lab.Owner {
		identity := identity
		identity.Learner = string(rune('a' + i))
		return identity.Hide([]byte("a naming key for tests, long enough"))
	}
	t.Cleanup(func() { cleanUp(t, host, lesson) })

	refill := pool.Refill{Cloud: host, Now: time.Now, New: newStack}
	wanted := pool.Want{Lab: lesson, Count: made, Revision: revision}
	report, err := refill.Run(t.Context(), wanted, nil)
	if err != nil || len(report.Changes) != made {
		t.Fatalf("make labs ready: %+v, %v", report, err)
	}
	await(t, func() bool { return len(ready(t, host, owner(0))) == made })

	var mu sync.Mutex
	holders, outcomes := map[string]string{}, map[pool.Outcome]int{}
	took := map[pool.Outcome][]time.Duration{}
	atOnce(learners, func(i int) {
		client := host
		if i%2 == 1 {
			client = open{realHost(t)}
		}
		began := time.Now()
		ref, outcome, err := launch(t.Context(), client, owner(i), time.Now)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Errorf("learner %d: %s, %v", i, outcome, err)
		}
		if other, taken := holders[ref.ID]; taken {
			t.Errorf("learners %s and %s have one lab", other, owner(i).Stack)
		}
		holders[ref.ID] = owner(i).Stack
		outcomes[outcome]++
		took[outcome] = append(took[outcome], time.Since(began))
	})
	for outcome, times := range took {
		slices.Sort(times)
		t.Logf("%s: %d, median %s, last %s", outcome, len(times), times[len(times)/2].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond))
	}
	if outcomes[pool.Taken] != made || outcomes[pool.None] != learners-made {
		t.Errorf("%v, want %d taken and %d none", outcomes, made, learners-made)
	}
	for i := range learners {
		var has []string
		for s, err := range host.StacksWhere(t.Context(), openstack.StackFilter{Tags: []string{lab.TagOwner + owner(i).Stack}}) {
			if err != nil {
				t.Fatal(err)
			}
			has = append(has, s.ID)
		}
		if len(has) != 1 || holders[has[0]] != owner(i).Stack {
			t.Errorf("learner %d has %q", i, has)
		}
	}
	marks, err := pool.Marks(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	for id, base := range holders {
		at := slices.IndexFunc(marks, func(m pool.Mark) bool { return m.Name == pool.ClaimName(id) })
		if at >= 0 && (marks[at].Base != base || time.Since(marks[at].At) > 5*time.Minute) {
			t.Errorf("the claim of %s reads %+v", base, marks[at])
		}
	}
}

// TestLaunchOfReadyMadeReal measures ten launches of ready-made labs, one after another.
func TestLaunchOfReadyMadeReal(t *testing.T) {
	t.Parallel()
	const launches = 10
	host := open{realHost(t)}
	lesson := strings.ToLower(rand.Text())[:12]
	t.Cleanup(func() { cleanUp(t, host, lesson) })
	owner := lab.Identity{Tenant: "academy", Context: "course", Lab: lesson, Learner: "a"}.Hide([]byte("a naming key for tests, long enough"))
	refill := pool.Refill{Cloud: host, Now: time.Now, New: newStack}
	if report, err := refill.Run(t.Context(), pool.Want{Lab: lesson, Count: launches, Revision: revision}, nil); err != nil || len(report.Changes) != launches {
		t.Fatalf("make labs ready: %+v, %v", report, err)
	}
	await(t, func() bool { return len(ready(t, host, owner)) == launches })
	var times []time.Duration
	for i := range launches {
		owner := lab.Identity{Tenant: "academy", Context: "course", Lab: lesson, Learner: string(rune('a' + i))}.Hide([]byte("a naming key for tests, long enough"))
		began := time.Now()
		if _, outcome, err := launch(t.Context(), host, owner, time.Now); outcome != pool.Taken || err != nil {
			t.Errorf("%s, %v", outcome, err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	t.Logf("list, claim, hand over and read back: median %s, slowest %s of %d", times[launches/2].Round(time.Millisecond), times[launches-1].Round(time.Millisecond), launches)
}

func realHost(t *testing.T) *openstack.Cloud {
	t.Helper()
	client, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func ready(t *testing.T, host open, owner lab.Owner) []openstack.Stack {
	t.Helper()
	stacks, err := host.list(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	return pool.Candidates(stacks, owner.Lab, revision)
}

// await looks every second until done, for five minutes.
func await(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("waited too long")
		case <-every.C:
		}
	}
}

// cleanUp deletes the lesson's stacks and their claims.
func cleanUp(t *testing.T, host open, lesson string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for s, err := range host.StacksWhere(ctx, openstack.StackFilter{Tags: []string{"lab=" + lesson}}) {
		if err != nil {
			t.Error(err)
			return
		}
		if err := host.DeleteStack(ctx, s.StackRef); err != nil {
			t.Error(err)
		}
		if err := host.DeleteKeyPair(ctx, pool.ClaimName(s.ID)); err != nil && openstack.CodeOf(err) != openstack.Gone {
			t.Error(err)
		}
	}
}
