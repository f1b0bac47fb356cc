package keeper_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Row 6: a reset builds the next lab beside the old one, which stays as it was, and the page goes on with the new one.
func TestRow6ResetKeepsTheOldLab(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil || status.State != lab.Building || ticket.Name != old.Stack+"-1" || status.Undo == nil || status.Undo.Gen != 0 {
		t.Fatalf("%+v, %+v, %v", ticket, status, err)
	}
	wantCalls(t, c.calls(), list, create)
	if s := c.stack(t, old); s.State() != "CREATE_COMPLETE" {
		t.Errorf("the old lab is %s", s.State())
	}
	// While the new one is being built, a launch enters the old one, and says so.
	if entered, seen := c.launch(t, learner("u1")); entered.ID != old.ID || seen.State != lab.Ready || seen.Rebuild == nil || seen.Rebuild.Gen != 1 {
		t.Errorf("a launch meanwhile: %+v, %+v", entered, seen)
	} else if _, seen, err := c.Look(t.Context(), entered, lab.LookStack); err != nil || seen.Rebuild == nil || seen.Undo == nil {
		t.Errorf("and a look of its page: %+v, %v", seen, err)
	}
	fresh, status := c.follow(t, c.page(t, ticket), status)
	if status.State != lab.Ready || fresh.ID == old.ID || fresh.Gen != 1 || !slices.Contains(status.Actions, lab.ActUndo) {
		t.Errorf("%+v, %+v", fresh, status)
	}
	c.only(t, old.Stack, old.Stack+"-1")
	c.ResetCalls()
	if entered, _ := c.launch(t, learner("u1")); entered.ID != fresh.ID || entered.Back.Gen != 0 || entered.Back.Until.IsZero() {
		t.Errorf("a launch afterwards: %+v", entered)
	}
	wantCalls(t, c.calls(), list, read)
}

// Sent again by the old page, at once or later, a reset is the same reset.
func TestResetSentTwiceIsOne(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	first, status, err := c.Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := c.Reset(t.Context(), old)
	if err != nil || again.ID != first.ID {
		t.Errorf("at once: %+v, %v; the first gave %+v", again, err, first)
	}
	fresh, _ := c.follow(t, c.page(t, first), status)
	c.ResetCalls()
	joined, status, err := c.Reset(t.Context(), old)
	if err != nil || joined.ID != fresh.ID || status.State != lab.Ready {
		t.Errorf("later: %+v, %+v, %v", joined, status, err)
	}
	wantCalls(t, c.calls(), list, read)
	c.only(t, old.Stack, old.Stack+"-1")
}

func TestResetAtOnceIsOneNewLab(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	atOnce(8, func() {
		ticket, status, err := c.Reset(t.Context(), old)
		if err != nil {
			t.Error(err)
			return
		}
		if ticket, status = c.follow(t, ticket, status); status.State != lab.Ready || ticket.Name != old.Stack+"-1" {
			t.Errorf("%+v, %+v", ticket, status)
		}
	})
	c.Settle()
	c.only(t, old.Stack, old.Stack+"-1")
}

// Row 6: never more than two: the lab before the last is deleted when the next one is begun, in three calls.
func TestRow6NeverMoreThanTwoGenerations(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	base := ticket.Stack
	for range 2 {
		c.ResetCalls()
		next, status, err := c.Reset(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.calls()); n > 3 {
			t.Errorf("%d calls: %q", n, c.calls())
		}
		ticket, _ = c.follow(t, c.page(t, next), status)
	}
	c.Settle()
	c.only(t, base+"-1", base+"-2")
}

// Row 6: a new lab that fails leaves the old one usable, and the page goes back to it.
func TestRow6FailedResetLeavesTheOldLab(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	c.FailServer("web", 1)
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	ticket, status = c.follow(t, c.page(t, ticket), status)
	if status.State != lab.Broken || !slices.Contains(status.Actions, lab.ActUndo) {
		t.Fatalf("%+v", status)
	}
	if entered, seen := c.launch(t, learner("u1")); entered.ID != old.ID || seen.State != lab.Ready || seen.Rebuild == nil || seen.Rebuild.State != lab.Broken {
		t.Errorf("a launch enters %+v, %+v", entered, seen)
	}
	// Tried again from the page of the failed one: it goes, and one more takes its place.
	c.ResetCalls()
	again, status, err := c.Reset(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, c.calls(), list, remove, create)
	if again, status = c.follow(t, c.page(t, again), status); status.State != lab.Ready || again.Gen != 2 || again.Back.Gen != 0 {
		t.Errorf("%+v, %+v", again, status)
	}
	c.Settle()
	c.only(t, old.Stack, old.Stack+"-2")
}

// Of a lab that is broken there is nothing to go back to: it goes at once.
func TestResetOfABrokenLab(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.FailServer("web", 1)
	old, status := c.launch(t, learner("u1"))
	if old, status = c.follow(t, old, status); status.State != lab.Broken {
		t.Fatalf("%+v", status)
	}
	c.ResetCalls()
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil || status.Undo != nil {
		t.Fatalf("%+v, %v", status, err)
	}
	wantCalls(t, c.calls(), list, remove, create)
	if ticket, status = c.follow(t, c.page(t, ticket), status); status.State != lab.Ready {
		t.Errorf("%+v, %+v", ticket, status)
	}
	c.only(t, old.Stack+"-1")
}

// Row 6: undo goes back to the old lab, awake or asleep, and deletes the new one; sent again it changes nothing more.
func TestRow6Undo(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"awake": "CREATE_COMPLETE", "asleep": "SUSPEND_COMPLETE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			old := c.ready(t, learner("u1"))
			ticket, status, err := c.Reset(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			fresh, _ := c.follow(t, c.page(t, ticket), status)
			if state == "SUSPEND_COMPLETE" {
				if _, _, err := c.Suspend(t.Context(), old); err != nil {
					t.Fatal(err)
				}
				c.Settle()
			}
			c.ResetCalls()
			back, status, err := c.Undo(t.Context(), fresh)
			if err != nil || back.ID != old.ID || status.State == lab.Gone {
				t.Fatalf("%+v, %+v, %v", back, status, err)
			}
			if got := c.calls(); len(got) > 4 || got[0] != list || got[1] != remove {
				t.Errorf("calls %q", got)
			}
			for range 2 {
				if again, _, err := c.Undo(t.Context(), fresh); err != nil || again.ID != old.ID {
					t.Errorf("sent again: %+v, %v", again, err)
				}
				c.Settle()
			}
			if back, status = c.follow(t, c.page(t, back), status); status.State != lab.Ready || back.ID != old.ID || status.Undo != nil {
				t.Errorf("%+v, %+v", back, status)
			}
			c.only(t, old.Stack)
		})
	}
}

// Too late, there is no way back, and nothing is deleted.
func TestUndoIsOver(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := c.follow(t, c.page(t, ticket), status)
	c.Advance(76 * time.Minute) // 15 to build, 60 of grace
	if _, status, err := c.Look(t.Context(), fresh, lab.LookStack); err != nil || status.Undo != nil || slices.Contains(status.Actions, lab.ActUndo) {
		t.Errorf("%+v, %v", status, err)
	}
	_, _, err = c.Undo(t.Context(), fresh)
	wantCode(t, err, 409, "undo_over")
	c.only(t, old.Stack, fresh.Name)
}

// An end takes all generations with it.
func TestEndTakesAllGenerations(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := c.follow(t, c.page(t, ticket), status)
	c.ResetCalls()
	for range 2 {
		if _, status, err := c.End(t.Context(), fresh); err != nil || status.State != lab.Gone || status.Undo != nil {
			t.Errorf("%+v, %v", status, err)
		}
	}
	wantCalls(t, c.writes(), remove, remove)
	c.Settle()
	c.only(t)
}

// Row 6: a process that dies between any two calls of a reset or an undo leaves nothing that the same request, sent again,
// does not put right.
func TestRow6CutAnywhere(t *testing.T) {
	t.Parallel()
	acts := map[string]func(*keeper.Keeper, keeper.Ticket) (keeper.Ticket, lab.Status, error){
		"reset": func(k *keeper.Keeper, ticket keeper.Ticket) (keeper.Ticket, lab.Status, error) {
			return k.Reset(t.Context(), ticket)
		},
		"undo": func(k *keeper.Keeper, ticket keeper.Ticket) (keeper.Ticket, lab.Status, error) {
			return k.Undo(t.Context(), ticket)
		},
	}
	for name, act := range acts {
		for requests := range 5 {
			for _, from := range []int{0, 1, 2} {
				if name == "undo" && from == 0 {
					continue // nothing to undo
				}
				c := open(t)
				ticket := c.ready(t, learner("u1"))
				base := ticket.Stack
				for range from {
					next, status, err := c.Reset(t.Context(), ticket)
					if err != nil {
						t.Fatal(err)
					}
					ticket, _ = c.follow(t, c.page(t, next), status)
				}
				_, _, _ = act(c.dying(t, requests), ticket)
				c.Advance(5 * time.Second)
				after, status, err := act(c.Keeper, ticket)
				if err != nil {
					t.Errorf("%s of generation %d after %d requests, sent again: %v", name, from, requests, err)
					continue
				}
				want := []string{lab.NameOf(base, from), lab.NameOf(base, from+1)}
				if name == "undo" {
					want = []string{lab.NameOf(base, from-1)}
				}
				if after, status = c.follow(t, c.page(t, after), status); status.State != lab.Ready {
					t.Errorf("%s of generation %d after %d requests: %+v, %+v", name, from, requests, after, status)
				}
				c.Settle()
				c.only(t, want...)
			}
		}
	}
}

// A reset that finds no room waits like everybody else, and the old lab stays.
func TestResetWithoutRoom(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	c.Inject(openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Status: 413})
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil || status.Reason != lab.CloudFull || !status.Poll.Start || status.Undo == nil {
		t.Fatalf("%+v, %v", status, err)
	}
	c.ClearFaults()
	if ticket, status = c.follow(t, c.page(t, ticket), status); status.State != lab.Ready || ticket.Name != old.Stack+"-1" {
		t.Errorf("%+v, %+v", ticket, status)
	}
	c.only(t, old.Stack, old.Stack+"-1")
}

// Resume that does not come back: the learner is told so and offered a new lab.
func TestResumeThatFailsOffersReset(t *testing.T) {
	t.Parallel()
	c := openWith(t, func(*config.Lab) {})
	old := c.ready(t, learner("u1"))
	c.set(old, "RESUME_FAILED")
	ticket, status := c.launch(t, learner("u1"))
	if status.State != lab.Broken || status.Reason != lab.ResumeFailed || !slices.Contains(status.Actions, lab.ActReset) {
		t.Fatalf("%+v", status)
	}
	ticket, status, err := c.Reset(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	if _, status = c.follow(t, c.page(t, ticket), status); status.State != lab.Ready {
		t.Errorf("%+v", status)
	}
}

// What broke is kept for what is on its disks, and no way back to it is promised.
func TestResetOfWhatDoesNotWakeHasNoWayBack(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("one"))
	c.set(ticket, "RESUME_FAILED")
	after, _, err := c.Reset(t.Context(), ticket)
	if err != nil || !after.Back.Until.IsZero() {
		t.Errorf("a way back until %s is promised: %v", after.Back.Until, err)
	}
	if len(c.Stacks()) != 2 {
		t.Errorf("%d stacks are left, want the broken one and the new one", len(c.Stacks()))
	}
}

// A lab beside its successor lives no longer than it is kept, also when it was just put to sleep.
func TestOldLabPutToSleepSaysHowLongItIsKept(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("one"))
	if _, _, err := c.Reset(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	old, _ := c.launch(t, learner("one"))
	if old.ID != ticket.ID || old.Back.Until.IsZero() {
		t.Fatalf("while the new one is built, a launch leads to %s with %+v", old.ID, old.Back)
	}
	_, status, err := c.Suspend(t.Context(), old)
	if err != nil || !status.ExpiresAt.Equal(old.Back.Until) {
		t.Errorf("it ends at %s, and is kept until %s: %v", status.ExpiresAt, old.Back.Until, err)
	}
}
