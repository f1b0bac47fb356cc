package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var want = pool.Want{Lab: key, Count: 6, Revision: revision}

// free are the ready-made labs of the revision that nobody has.
func (w *world) free() (names []string) {
	for _, s := range w.Stacks() {
		if slices.Contains(s.Tags, lab.TagWarm+key) && !strings.HasPrefix(s.State, "DELETE") {
			names = append(names, s.Name)
		}
	}
	return names
}

// TestRefillTwice: the second run changes nothing, and a dry run nothing at all.
func TestRefillTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refill := w.refill(w.host())
	refill.DryRun = true
	if report, err := refill.Run(t.Context(), want, nil); err != nil || len(report.Changes) != 6 || len(w.free()) != 0 {
		t.Errorf("dry run: %+v, %v; made %q", report, err, w.free())
	}
	w.stock(6)
	if report, err := w.refill(w.host()).Run(t.Context(), want, nil); err != nil || len(report.Changes) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := w.calls(); !slices.Equal(got, []string{"heat GET /stacks"}) {
		t.Errorf("calls %q", got)
	}
}

// TestRefillAtOnce: three tenders at once make at most one too many each but for the first, and what is too much goes next
// time, to the same tenders at once.
func TestRefillAtOnce(t *testing.T) {
	t.Parallel()
	const tenders = 3
	w := newWorld(t)
	run := func(int) {
		if _, err := w.refill(w.host()).Run(t.Context(), want, nil); err != nil {
			t.Error(err)
		}
	}
	atOnce(tenders, run)
	if n := len(w.free()); n < want.Count || n > want.Count+tenders {
		t.Errorf("%d labs, want %d and at most %d too many", n, want.Count, tenders)
	}
	w.Settle()
	atOnce(tenders, run)
	w.Settle()
	if n := len(w.free()); n != want.Count {
		t.Errorf("%d labs in the end, want %d", n, want.Count)
	}
}

// TestRefillAndClaim: labs are given away and taken away at once, and none is both.
func TestRefillAndClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(8)
	fewer := want
	fewer.Count = 2
	atOnce(8, func(i int) {
		if i < 2 {
			if _, err := w.refill(w.host()).Run(t.Context(), fewer, nil); err != nil {
				t.Error(err)
			}
			return
		}
		if _, _, err := launch(t.Context(), open{w.host()}, ownerOf(i), w.Now); err != nil {
			t.Error(err)
		}
	})
	w.Settle()
	for i := 2; i < 8; i++ {
		if has := w.owned(ownerOf(i).Stack); len(has) != 1 {
			t.Errorf("learner %d has %q", i, has)
		}
	}
	if n := len(w.free()); n > 2 {
		t.Errorf("%d labs are left, want 2 at most", n)
	}
}

// TestRefillStops: without a pace, at the first refusal, and with a stock that does not count what it is given.
func TestRefillStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refill := w.refill(w.host())
	paces := 0
	refill.Pace = func(context.Context) bool { paces++; return paces <= 2 }
	if report, err := refill.Run(t.Context(), want, nil); err != nil || len(report.Changes) != 2 || report.Missing != 4 {
		t.Errorf("cut off: %+v, %v", report, err)
	}
	quota := openstacktest.NoQuota()
	quota.Stacks = 3
	w.SetQuota(quota)
	report, err := w.refill(w.host()).Run(t.Context(), want, nil)
	if err != nil || len(report.Changes) != 2 || report.Missing != 3 || openstack.CodeOf(report.Changes[1].Err) != openstack.Quota {
		t.Errorf("full: %+v, %v", report, err)
	}
	w.SetQuota(openstacktest.NoQuota())
	refill = w.refill(w.host())
	refill.New = func(name, key string, _ []string) openstack.NewStack { return newStack(name, key, []string{lab.Tag}) }
	if report, err := refill.Run(t.Context(), want, nil); err != nil || len(report.Changes) != 3 {
		t.Errorf("tags lost: %+v, %v", report, err)
	}
}

// TestRefillAnswerLost: a create whose answer was lost is counted and not made again.
func TestRefillAnswerLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Inject(openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", DropReply: true, Times: 1})
	for range 2 {
		if _, err := w.refill(w.host()).Run(t.Context(), want, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.free()); n != want.Count {
		t.Errorf("%d labs, want %d", n, want.Count)
	}
}

// TestWithhold: a lab that is claimed or owned is left alone, also by a list of long ago; a claim on a lab that has an owner is
// given back.
func TestWithhold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(2)
	host := open{w.host()}
	stacks, err := host.list(t.Context(), ownerOf(0))
	if err != nil {
		t.Fatal(err)
	}
	ref, outcome, err := launch(t.Context(), host, ownerOf(1), w.Now)
	if outcome != pool.Taken {
		t.Fatalf("%s, %v", outcome, err)
	}
	if ours, err := pool.Withhold(t.Context(), host, ref, w.Now); ours || err != nil {
		t.Errorf("claimed: %t, %v", ours, err)
	}
	if err := host.DeleteKeyPair(t.Context(), pool.ClaimName(ref.ID)); err != nil { // tend-labs tidied up
		t.Fatal(err)
	}
	if ours, err := pool.Withhold(t.Context(), host, ref, w.Now); ours || err != nil || len(w.KeyPairs()) != 0 {
		t.Errorf("owned: %t, %v; left %q", ours, err, w.KeyPairs())
	}
	for _, s := range stacks {
		if s.ID != ref.ID {
			if ours, err := pool.Withhold(t.Context(), host, s.StackRef, w.Now); !ours || err != nil {
				t.Errorf("free: %t, %v", ours, err)
			}
		}
	}
	if _, outcome, err := launch(t.Context(), host, ownerOf(2), w.Now); outcome != pool.None || err != nil {
		t.Errorf("a learner after that: %s, %v", outcome, err)
	}
	if _, err := pool.Withhold(t.Context(), host, openstack.StackRef{Name: "x", ID: "0"}, w.Now); err != nil {
		t.Errorf("gone: %v", err)
	}
	w.Inject(openstacktest.Fault{Service: "nova", Status: 403})
	if ours, err := pool.Withhold(t.Context(), host, stacks[0].StackRef, w.Now); ours || err == nil {
		t.Errorf("without rights: %t, %v", ours, err)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	stack := func(i int, action, status string, tags ...string) openstack.Stack {
		return openstack.Stack{
			StackRef: openstack.StackRef{Name: fmt.Sprint("warm-", i), ID: fmt.Sprint("id-", i)}, Action: action, Status: status,
			Created: now.Add(time.Duration(i) * time.Minute), Tags: append(tags, lab.TagWarm+key),
		}
	}
	rev := lab.TagRev + revision
	have := []openstack.Stack{
		stack(1, "CREATE", "IN_PROGRESS", rev), stack(2, "CREATE", "COMPLETE", rev), stack(3, "CREATE", "COMPLETE", rev),
		stack(4, "CREATE", "FAILED", rev), stack(5, "CREATE", "COMPLETE", "rev=00000000"), stack(6, "DELETE", "IN_PROGRESS", rev),
		stack(7, "CREATE", "COMPLETE", rev, lab.TagOwner+"lab-1"), stack(8, "CREATE", "COMPLETE", rev),
	}
	marks := []pool.Mark{{Stack: "id8", At: now}}
	for count, c := range map[int]struct {
		create int
		remove []string
	}{
		6: {2, nil}, 4: {0, nil}, 3: {0, []string{"warm-4"}}, 1: {0, []string{"warm-3", "warm-1", "warm-4"}}, 0: {0, []string{"warm-2", "warm-3", "warm-1", "warm-4"}},
	} {
		slices.Reverse(have)
		plan := pool.PlanFor(pool.Want{Lab: key, Count: count, Revision: revision}, have, marks)
		var names []string
		for _, s := range plan.Remove {
			names = append(names, s.Name)
		}
		if plan.Create != c.create || !slices.Equal(names, c.remove) {
			t.Errorf("%d wanted: create %d, remove %q; want %d, %q", count, plan.Create, names, c.create, c.remove)
		}
	}
}

// TestMarks: other programs' key pairs are none of ours, and a comment that is not ours makes a claim of nobody's.
func TestMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(1)
	host := open{w.host()}
	ref, _, err := launch(t.Context(), host, ownerOf(1), w.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, comment := range map[string]string{"somebody": "else", "stackhook-claim-0": "", "stackhook-claim-1": "a b c d", "stackhook-claim-2": "a b 99999999999999999999"} {
		if err := host.CreateKeyPair(t.Context(), name, "ssh-ed25519 AAAA "+comment); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := pool.Marks(t.Context(), host)
	if err != nil || len(marks) != 4 {
		t.Fatalf("%+v, %v", marks, err)
	}
	for _, m := range marks {
		ours := m.Name == pool.ClaimName(ref.ID)
		if ours && (m.Base != ownerOf(1).Stack || !m.At.Equal(w.Now().Truncate(time.Second))) || !ours && (m.Base != "" || !m.At.IsZero()) {
			t.Errorf("%+v", m)
		}
	}
	w.Inject(openstacktest.Fault{Service: "nova", Status: 503})
	if _, err := pool.Marks(t.Context(), host); err == nil || errors.Unwrap(err) == nil {
		t.Errorf("down: %v", err)
	}
}
