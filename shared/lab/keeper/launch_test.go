package keeper_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
)

// slow is a cloud that takes its time for a create.
type slow struct {
	keeper.Cloud
	takes time.Duration
	find  func() (openstack.Stack, error)

	mu            sync.Mutex
	creates, cuts int
}

func (c *slow) StacksWhere(_ context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error] {
	return only(f, func() (openstack.Stack, error) {
		if c.find != nil {
			return c.find()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.creates == 0 {
			return gone()
		}
		return openstack.Stack{StackRef: ref, Action: "CREATE", Status: "IN_PROGRESS"}, nil
	})
}

func (c *slow) CreateStack(ctx context.Context, _ openstack.NewStack) (openstack.StackRef, error) {
	select {
	case <-time.After(c.takes):
		c.mu.Lock()
		defer c.mu.Unlock()
		c.creates++
		return ref, nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cuts++
		return openstack.StackRef{}, failed(openstack.Unavailable, 0)
	}
}

func (c *slow) EnsureStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, bool, error) {
	made, err := c.CreateStack(ctx, s)
	return made, false, err
}

// The page comes within a second, the create goes on and is not begun anew, and the page finds what came of it.
func TestR8LaunchDoesNotWaitForASlowCloud(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &slow{takes: 7 * time.Second}
		k := newKeeper(t, c, time.Now)
		begun := time.Now()
		ticket, status := k.Launch(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"}))
		if took := time.Since(begun); took >= time.Second {
			t.Errorf("the page came after %v", took)
		}
		for time.Since(begun) < 6*time.Second {
			if status.State != lab.Starting || status.Reason != lab.Unanswered || status.Poll.Start || status.Poll.Look != lab.LookName {
				t.Fatalf("after %v: %+v", time.Since(begun), status)
			}
			time.Sleep(status.Poll.After)
			ticket, status, _ = k.Look(t.Context(), ticket, status.Poll.Look)
		}
		time.Sleep(2 * time.Second)
		ticket, status, err := k.Look(t.Context(), ticket, lab.LookName)
		if err != nil || status.State != lab.Building || ticket.ID != ref.ID || !ticket.Asked.IsZero() {
			t.Errorf("%+v, %+v, %v", ticket, status, err)
		}
		if c.creates != 1 || c.cuts != 0 {
			t.Errorf("%d creates, %d cut off", c.creates, c.cuts)
		}
	})
}

// A start that comes to nothing is begun again by the page, but not before it cannot come to anything any more.
func TestLaunchThatIsLostIsBegunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &slow{takes: time.Hour}
		k := newKeeper(t, c, time.Now)
		ticket, _ := k.Launch(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"}))
		time.Sleep(19 * time.Second)
		if _, status, err := k.Look(t.Context(), ticket, lab.LookName); err != nil || status.Reason != lab.Unanswered {
			t.Errorf("after 19 s: %+v, %v", status, err)
		}
		time.Sleep(2 * time.Second)
		if _, status, err := k.Look(t.Context(), ticket, lab.LookName); err != nil || status.Reason != lab.Missing || !status.Poll.Start {
			t.Errorf("after 21 s: %+v, %v", status, err)
		}
	})
}

// A launch that panics late ends nobody's process.
func TestLaunchSurvivesAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &slow{find: func() (openstack.Stack, error) { panic("on purpose") }}
		k := newKeeper(t, c, time.Now)
		if _, status := k.Launch(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"})); status.Reason != lab.Unanswered {
			t.Errorf("%+v", status)
		}
	})
}
