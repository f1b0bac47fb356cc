package keeper_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const claim = "nova POST /os-keypairs"

// pooled is a classroom with so many ready-made labs.
func pooled(t *testing.T, n int, options ...openstacktest.Option) *classroom {
	t.Helper()
	c := openWith(t, func(web *config.Lab) { web.Warm = 10 }, options...)
	shelf, known := c.Shelf("web")
	if !known {
		t.Fatal("no such lab")
	}
	for i := range n {
		name := "warm-web-0000000" + string("0123456789abcdef"[i])
		tags := []string{lab.Tag, lab.TagLab + "web", lab.TagWarm + "web", lab.TagRev + shelf.Entry.Revision}
		if _, err := c.client.CreateStack(t.Context(), c.NewStack(name, "web", tags, "")); err != nil {
			t.Fatal(err)
		}
	}
	c.Settle()
	c.ResetCalls()
	return c
}

// Row 4: a ready-made lab is the learner's in four calls, and ready with the answer to the launch.
func TestRow4ClaimInFourCalls(t *testing.T) {
	t.Parallel()
	c := pooled(t, 3)
	ticket, status := c.launch(t, learner("u1"))
	wantCalls(t, c.calls(), list, claim, patch, read)
	if status.State != lab.Ready || len(status.Access) != 1 || !strings.HasPrefix(ticket.Name, "warm-web-") || !status.ExpiresAt.Equal(c.Now().Truncate(time.Second).Add(8*time.Hour)) {
		t.Fatalf("%+v, %+v", ticket, status)
	}
	c.Settle()
	if tags := c.stack(t, ticket).Tags; lab.BaseOf(tags) != ticket.Stack || lab.Tagged(tags, lab.TagWarm) != "" || lab.Tagged(tags, lab.TagClaimed) == "" {
		t.Errorf("tags %q", tags)
	}
	c.ResetCalls()
	again, status := c.launch(t, learner("u1"))
	if again.ID != ticket.ID || status.State != lab.Ready {
		t.Errorf("the next launch: %+v, %+v", again, status)
	}
	wantCalls(t, c.calls(), list, read)
	// Its own page looks whether it is the one that counts, and shows it as ready all the while.
	settled, status, err := c.Look(t.Context(), ticket, status.Poll.Look)
	if err != nil || settled.Settle || settled.ID != ticket.ID || status.State != lab.Ready || len(status.Access) != 1 {
		t.Errorf("the page looks: %+v, %+v, %v", settled, status, err)
	}
	for name, act := range map[string]func() (keeper.Ticket, lab.Status, error){
		"extend":  func() (keeper.Ticket, lab.Status, error) { return c.Extend(t.Context(), ticket) },
		"suspend": func() (keeper.Ticket, lab.Status, error) { return c.Suspend(t.Context(), ticket) },
	} {
		if _, _, err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Settle()
	}
}

// Row 4: twenty learners on ten ready-made labs: ten distinct ones at once, ten normal builds, nobody has two.
func TestRow4TwentyLearnersTenLabs(t *testing.T) {
	t.Parallel()
	c := pooled(t, 10)
	var mu sync.Mutex
	var all sync.WaitGroup
	owners := map[string]string{} // by stack
	ready := 0
	for i := range 20 {
		all.Go(func() {
			who := learner("u" + string(rune('a'+i)))
			ticket, status := c.Start(t.Context(), c.Ticket(who))
			mu.Lock()
			defer mu.Unlock()
			if status.State == lab.Ready {
				ready++
			}
			if other, taken := owners[ticket.ID]; taken || ticket.ID == "" {
				t.Errorf("%s has %q, which is %q's", ticket.Stack, ticket.ID, other)
			}
			owners[ticket.ID] = ticket.Stack
		})
	}
	all.Wait()
	c.Settle()
	if ready != 10 || len(c.Stacks()) != 20 {
		t.Errorf("%d ready at once, %d stacks", ready, len(c.Stacks()))
	}
	of := map[string]int{}
	for _, s := range c.Stacks() {
		of[lab.BaseOf(s.Tags)]++
	}
	if len(of) != 20 {
		t.Errorf("labs by owner: %v", of)
	}
}

// Row 4: a claimer that dies between any two calls leaves a lab that nobody else is given, and the same learner ends up with
// one lab.
func TestRow4CutAnywhere(t *testing.T) {
	t.Parallel()
	for requests := range 5 {
		c := pooled(t, 2)
		_, _ = c.dying(t, requests).Start(t.Context(), c.Ticket(learner("u1")))
		c.Settle()
		other, status := c.launch(t, learner("u2"))
		if _, status = c.follow(t, other, status); status.State != lab.Ready {
			t.Errorf("after %d requests another learner: %+v", requests, status)
		}
		ticket, status := c.launch(t, learner("u1"))
		if ticket, status = c.follow(t, ticket, status); status.State != lab.Ready || ticket.ID == other.ID {
			t.Errorf("after %d requests: %+v, %+v", requests, ticket, status)
		}
		c.Settle()
		count := 0
		for _, s := range c.Stacks() {
			if lab.BaseOf(s.Tags) == ticket.Stack {
				count++
			}
		}
		if count != 1 {
			t.Errorf("after %d requests the learner has %d labs", requests, count)
		}
	}
}

// W1, W4: a create that is cut off between any two calls, and sent again, is one lab, and nothing is deleted.
func TestW4CreateCutAnywhere(t *testing.T) {
	t.Parallel()
	for requests := range 3 {
		c := open(t)
		_, _ = c.dying(t, requests).Start(t.Context(), c.Ticket(learner("u1")))
		ticket, status := c.launch(t, learner("u1"))
		if ticket, status = c.follow(t, ticket, status); status.State != lab.Ready {
			t.Errorf("after %d requests: %+v", requests, status)
		}
		c.only(t, ticket.Stack)
		for _, call := range c.calls() {
			if call == remove {
				t.Errorf("after %d requests a lab was deleted", requests)
			}
		}
	}
}

// Two requests of one learner at once, on two hosts, take one lab.
func TestRow4OneLearnerTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := pooled(t, 4)
	hosts := []*keeper.Keeper{c.Keeper, c.dying(t, 1000), c.dying(t, 1000)}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() { _, _ = hosts[i%3].Start(t.Context(), c.Ticket(learner("u1"))) })
	}
	all.Wait()
	c.Settle()
	ticket, status := c.launch(t, learner("u1"))
	if _, status = c.follow(t, ticket, status); status.State != lab.Ready {
		t.Errorf("%+v", status)
	}
	mine := 0
	for _, s := range c.Stacks() {
		if lab.BaseOf(s.Tags) == ticket.Stack {
			mine++
		}
	}
	if mine != 1 {
		t.Errorf("the learner has %d labs", mine)
	}
}
