package pool_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// TestRow4: twenty learners, ten ready-made labs, four function hosts. Ten get one of their own at once, and ten build.
func TestRow4(t *testing.T) {
	t.Parallel()
	const learners, made = 20, 10
	w := newWorld(t)
	w.stock(made)
	hosts := make([]door, 4)
	for i := range hosts {
		hosts[i] = open{w.host()}
	}
	var mu sync.Mutex
	holders := map[string]string{}
	outcomes := map[pool.Outcome]int{}
	atOnce(learners, func(i int) {
		owner := ownerOf(i)
		ref, outcome, err := launch(t.Context(), hosts[i%len(hosts)], owner, w.Now)
		if err != nil {
			t.Errorf("learner %d: %s, %v", i, outcome, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if other, taken := holders[ref.ID]; taken {
			t.Errorf("learners %s and %s have one lab", other, owner.Stack)
		}
		holders[ref.ID] = owner.Stack
		outcomes[outcome]++
	})
	if outcomes[pool.Taken] != made || outcomes[pool.None] != learners-made {
		t.Errorf("%v, want %d taken and %d none", outcomes, made, learners-made)
	}
	w.Settle()
	for i := range learners {
		if has := w.owned(ownerOf(i).Stack); len(has) != 1 {
			t.Errorf("learner %d has %q", i, has)
		}
	}
	for _, s := range w.Stacks() {
		if base := lab.BaseOf(s.Tags); lab.Tagged(s.Tags, lab.TagWarm) != "" || base != holders[s.ID] || strings.HasPrefix(s.Name, "warm-") && s.Parameters["grading"] != "hunter2-"+base {
			t.Errorf("%s is %q, held by %q, and was told %q", s.Name, s.Tags, holders[s.ID], s.Parameters["grading"])
		}
	}
}

// TestRow4Calls: where nobody is in the way a ready-made lab takes a list, the claim, the tags and the reading back.
func TestRow4Calls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(3)
	if _, outcome, err := launch(t.Context(), open{w.host()}, ownerOf(1), w.Now); outcome != pool.Taken || err != nil {
		t.Fatalf("%s, %v", outcome, err)
	}
	want := []string{"heat GET /stacks", "nova POST /os-keypairs", "heat PATCH /stacks/{}/{}", "heat GET /stacks/{}/{}"}
	if got := w.calls(); !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// mortal is a host that dies: after so many calls, either before the next one leaves or after it has taken effect.
type mortal struct {
	door
	mu    sync.Mutex
	left  int
	after bool
}

var errDead = &openstack.Error{Code: openstack.Unavailable, Op: "anything", Err: errors.New("the host died")}

func (m *mortal) call(do func() error) error {
	m.mu.Lock()
	m.left--
	left := m.left
	m.mu.Unlock()
	if left < 0 || left == 0 && !m.after {
		return errDead
	}
	if err := do(); err != nil || left > 0 {
		return err
	}
	return errDead
}

func (m *mortal) CreateKeyPair(ctx context.Context, name, public string) error {
	return m.call(func() error { return m.door.CreateKeyPair(ctx, name, public) })
}

func (m *mortal) KeyPairs(ctx context.Context) (pairs []openstack.KeyPair, err error) {
	err = m.call(func() error { pairs, err = m.door.KeyPairs(ctx); return err })
	return pairs, err
}

func (m *mortal) PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error {
	return m.call(func() error { return m.door.PatchStack(ctx, ref, change) })
}

func (m *mortal) StackParameters(ctx context.Context, ref openstack.StackRef) (s openstack.Stack, err error) {
	err = m.call(func() error { s, err = m.door.StackParameters(ctx, ref); return err })
	return s, err
}

func (m *mortal) EnsureStack(ctx context.Context, n openstack.NewStack) (ref openstack.StackRef, made bool, err error) {
	err = m.call(func() error { ref, made, err = m.door.EnsureStack(ctx, n); return err })
	return ref, made, err
}

// TestRow4ClaimerDies: whichever call a host dies before or after, its learner gets one lab from the next, and nobody else
// gets that one.
func TestRow4ClaimerDies(t *testing.T) {
	t.Parallel()
	for calls := 1; calls <= 4; calls++ {
		for _, after := range []bool{false, true} {
			for _, wait := range []time.Duration{time.Second, 30 * time.Second, 6 * time.Minute} {
				dies(t, calls, after, wait)
			}
		}
	}
}

func dies(t *testing.T, calls int, after bool, wait time.Duration) {
	t.Helper()
	const learners, made = 6, 3
	w := newWorld(t)
	w.stock(made)
	host := open{w.host()}
	_, outcome, err := launch(t.Context(), &mortal{door: host, left: calls, after: after}, ownerOf(0), w.Now)
	w.Advance(wait)
	atOnce(learners*2, func(i int) { // each asks twice at once
		_, _, _ = launch(t.Context(), host, ownerOf(i%learners), w.Now)
	})
	for range 20 { // and their pages look again
		w.Advance(2 * time.Second)
		atOnce(learners, func(i int) { _, _, _ = launch(t.Context(), host, ownerOf(i), w.Now) })
	}
	w.Settle()
	for i := range learners {
		if has := w.owned(ownerOf(i).Stack); len(has) != 1 {
			t.Errorf("died at call %d (after: %t) with %s, %v; %s later learner %d has %q", calls, after, outcome, err, wait, i, has)
		}
	}
}

// TestClaimAnswerLost: Nova made the claim, and its answer was lost. It is read back, and nobody else has it.
func TestClaimAnswerLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(1)
	host := open{w.host()}
	w.Inject(openstacktest.Fault{Service: "nova", Method: "POST", PathPattern: "/os-keypairs", DropReply: true, Times: 1})
	if _, outcome, err := launch(t.Context(), host, ownerOf(1), w.Now); outcome != pool.Taken || err != nil {
		t.Errorf("%s, %v", outcome, err)
	}
	if _, outcome, err := launch(t.Context(), host, ownerOf(2), w.Now); outcome != pool.None || err != nil {
		t.Errorf("the next learner: %s, %v", outcome, err)
	}
}

// TestClaimPatchLost: of the update that hands the lab over the answer was lost, or it was dropped without a word.
func TestClaimPatchLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault openstacktest.Fault
		first pool.Outcome
	}{
		"answer lost":   {openstacktest.Fault{DropReply: true, Times: 1}, pool.Taken},
		"not served":    {openstacktest.Fault{Status: 503, Times: 1}, pool.Taken},
		"down":          {openstacktest.Fault{Status: 503, Times: 2}, pool.UnderWay},
		"dropped by it": {openstacktest.Fault{LostUpdate: true, Times: 1}, pool.UnderWay},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.stock(2)
			host := open{w.host()}
			c.fault.Service, c.fault.Method = "heat", "PATCH"
			w.Inject(c.fault)
			_, outcome, err := launch(t.Context(), host, ownerOf(1), w.Now)
			if outcome != c.first || (err == nil) != (c.first == pool.Taken) {
				t.Fatalf("%s, %v", outcome, err)
			}
			_, outcome, _ = launch(t.Context(), host, ownerOf(1), w.Now)
			if outcome != c.first {
				t.Errorf("at once again: %s", outcome)
			}
			w.Advance(21 * time.Second)
			ref, outcome, err := launch(t.Context(), host, ownerOf(1), w.Now)
			if outcome != pool.Taken || err != nil {
				t.Errorf("later: %s, %v", outcome, err)
			}
			if has := w.owned(ownerOf(1).Stack); !slices.Equal(has, []string{ref.Name}) {
				t.Errorf("has %q, was told %s", has, ref.Name)
			}
		})
	}
}

// TestClaimBarred: without key pairs there are no ready-made labs, and whoever asked is told to build.
func TestClaimBarred(t *testing.T) {
	t.Parallel()
	quota := openstacktest.NoQuota()
	quota.KeyPairs = 0
	for name, spoil := range map[string]func(*world){
		"quota":   func(w *world) { w.SetQuota(quota) },
		"rights":  func(w *world) { w.Inject(openstacktest.Fault{Service: "nova", Status: 403}) },
		"no Nova": func(w *world) { w.Inject(openstacktest.Fault{Service: "nova", Status: 503}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.stock(3)
			spoil(w)
			stacks, err := open{w.host()}.list(t.Context(), ownerOf(0))
			if err != nil {
				t.Fatal(err)
			}
			_, outcome, err := pool.Claim(t.Context(), w.host(), ownerOf(1), pool.Candidates(stacks, key, revision), ownerOf(1).Tags(), nil, w.Now)
			if outcome != pool.Barred || err == nil {
				t.Errorf("%s, %v", outcome, err)
			}
			if n := len(w.calls()); n > 4 {
				t.Errorf("%d calls: %q", n, w.calls())
			}
		})
	}
}

// TestClaimTooLate: a host that slept since its list does not write what may be another's by now.
func TestClaimTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stock(1)
	host := open{w.host()}
	stacks, err := host.list(t.Context(), ownerOf(0))
	if err != nil {
		t.Fatal(err)
	}
	began := w.Now()
	late := false
	_, outcome, err := pool.Claim(t.Context(), host, ownerOf(1), pool.Candidates(stacks, key, revision), ownerOf(1).Tags(), nil, func() time.Time {
		if late {
			return began.Add(time.Minute)
		}
		late = true
		return began
	})
	if outcome != pool.UnderWay || err == nil || slices.Contains(w.calls(), "heat PATCH /stacks/{}/{}") {
		t.Errorf("%s, %v, %q", outcome, err, w.calls())
	}
}

// TestCandidates: what is not finished, runs another revision, is somebody's or another lab's is not given away.
func TestCandidates(t *testing.T) {
	t.Parallel()
	stack := func(name, state string, tags ...string) openstack.Stack {
		action, status, _ := strings.Cut(state, "_")
		return openstack.Stack{StackRef: openstack.StackRef{Name: name, ID: name}, Action: action, Status: status, Tags: tags}
	}
	warm, rev := lab.TagWarm+key, lab.TagRev+revision
	stacks := []openstack.Stack{
		stack("good", "CREATE_COMPLETE", warm, rev), stack("checked", "CHECK_COMPLETE", rev, warm),
		stack("building", "CREATE_IN_PROGRESS", warm, rev), stack("failed", "CREATE_FAILED", warm, rev),
		stack("asleep", "SUSPEND_COMPLETE", warm, rev), stack("going", "DELETE_COMPLETE", warm, rev),
		stack("old", "CREATE_COMPLETE", warm, "rev=00000000"), stack("owned", "CREATE_COMPLETE", warm, rev, lab.TagOwner+"lab-1"),
		stack("other", "CREATE_COMPLETE", lab.TagWarm+"db", rev), stack("busy", "UPDATE_IN_PROGRESS", warm, rev),
	}
	var names []string
	for _, s := range pool.Candidates(stacks, key, revision) {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"good", "checked"}) {
		t.Errorf("%q", names)
	}
}
