package keeper_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestLeaseIsInTheTags(t *testing.T) {
	t.Parallel()
	c := open(t)
	until := c.Now().Add(8 * time.Hour)
	ticket := c.ready(t, learner("u1"))
	tags := c.stack(t, ticket).Tags
	if !slices.Contains(tags, "until="+strconv.FormatInt(until.Unix(), 10)) || !slices.Contains(tags, "extended=0") {
		t.Errorf("tags %q", tags)
	}
	if !slices.Equal(tags[:6], ticket.Tags()) {
		t.Errorf("tags %q do not begin with the owner's %q", tags, ticket.Tags())
	}
}

// A launch of a lab that is up costs two calls, and one more when the end of the lab moves on by more than a tenth.
func TestLaunchMovesTheEnd(t *testing.T) {
	t.Parallel()
	c := open(t)
	first := c.ready(t, learner("u1"))
	c.Advance(30 * time.Minute)
	soon, status := c.launch(t, learner("u1"))
	wantCalls(t, c.calls(), list, read)
	if !soon.Lease.Until.Equal(first.Lease.Until) || !status.ExpiresAt.Equal(first.Lease.Until) {
		t.Errorf("half an hour later: %s, was %s", status.ExpiresAt, first.Lease.Until)
	}
	c.Advance(time.Hour)
	c.ResetCalls()
	now := c.Now().Truncate(time.Second)
	later, status := c.launch(t, learner("u1"))
	wantCalls(t, c.calls(), list, patch, read)
	if want := now.Add(8 * time.Hour); !later.Lease.Until.Equal(want) || !status.ExpiresAt.Equal(want) || lab.LeaseOf(c.stack(t, later).Tags).Until != want.UTC() {
		t.Errorf("90 minutes later: %s, want %s", status.ExpiresAt, want)
	}
	if status.State != lab.Ready || status.Reason != "" {
		t.Errorf("our own update shows as %q", status.Reason)
	}
	c.Settle()
	if s := c.stack(t, later); s.State() != "UPDATE_COMPLETE" || !slices.Equal(s.Tags[:6], later.Tags()) {
		t.Errorf("the stack is %s with %q", s.State(), s.Tags)
	}
	// A page that looks again learns the end that another launch has set.
	_, seen, err := c.Look(t.Context(), first, lab.LookStack)
	if err != nil || !seen.ExpiresAt.Equal(later.Lease.Until) {
		t.Errorf("the older page: %s, %v", seen.ExpiresAt, err)
	}
}

func TestLaunchesAtOnceMoveTheEndOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.ready(t, learner("u1"))
	c.Advance(2 * time.Hour)
	want := c.Now().Truncate(time.Second).Add(8 * time.Hour)
	atOnce(10, func() {
		if _, status := c.Start(t.Context(), c.Ticket(learner("u1"))); status.State != lab.Ready {
			t.Errorf("%+v", status)
		}
	})
	c.Settle()
	ticket, status := c.launch(t, learner("u1"))
	if !status.ExpiresAt.Equal(want) || len(c.Stacks()) != 1 || strings.Count(strings.Join(c.stack(t, ticket).Tags, " "), "until=") != 1 {
		t.Errorf("%s, want %s; tags %q", status.ExpiresAt, want, c.stack(t, ticket).Tags)
	}
}

// A launch is no worse for an end that cannot be written.
func TestLaunchGoesOnIfTheEndCannotBeMoved(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]openstacktest.Fault{"refused": {Status: 503}, "lost": {LostUpdate: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			first := c.ready(t, learner("u1"))
			c.Advance(4 * time.Hour)
			fault.Service, fault.Method = "heat", "PATCH"
			c.Inject(fault)
			ticket, status := c.launch(t, learner("u1"))
			if status.State != lab.Ready || !status.ExpiresAt.Equal(first.Lease.Until) {
				t.Errorf("%+v", status)
			}
			if n := len(c.calls()); n > 3 {
				t.Errorf("%d calls", n)
			}
			c.ClearFaults()
			if again, _ := c.launch(t, learner("u1")); !again.Lease.Until.After(ticket.Lease.Until) {
				t.Error("the next launch did not move it either")
			}
		})
	}
}

// Heat takes no update of a stack that sleeps: the end moves once the lab is awake.
func TestWakingUpMovesTheEnd(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	if _, _, err := c.Suspend(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.Advance(20 * time.Hour)
	c.ResetCalls()
	ticket, status := c.launch(t, learner("u1"))
	wantCalls(t, c.calls(), list, action)
	ticket, status = c.follow(t, ticket, status)
	if status.State != lab.Ready || status.ExpiresAt.Before(c.Now().Add(7*time.Hour)) || ticket.Wake {
		t.Errorf("%+v, %+v", status, ticket)
	}
	if n := strings.Count(strings.Join(c.calls(), " "), patch); n != 1 {
		t.Errorf("%d updates: %q", n, c.calls())
	}
	c.Settle()
	if got := lab.LeaseOf(c.stack(t, ticket).Tags).Until; !got.Equal(status.ExpiresAt) {
		t.Errorf("tag %s, page %s", got, status.ExpiresAt)
	}
}

// Stacks that were made before there were leases tell none: the launch counts, and writes it down.
func TestStackWithoutALease(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	if err := c.client.PatchStack(t.Context(), openstack.StackRef{Name: ticket.Stack, ID: ticket.ID}, openstack.StackChange{Tags: ticket.Tags()}); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	_, status, err := c.Look(t.Context(), ticket, lab.LookStack)
	if err != nil || !status.ExpiresAt.Equal(ticket.Launched.Add(8*time.Hour)) {
		t.Errorf("%s, %v", status.ExpiresAt, err)
	}
	again, _ := c.launch(t, learner("u1"))
	if lab.LeaseOf(c.stack(t, again).Tags).Until.IsZero() {
		t.Error("the launch wrote no lease")
	}
}

// After ten builds the time left is right to a quarter of a build, from the first look on.
func TestTimeLeftAfterTenBuilds(t *testing.T) {
	t.Parallel()
	var server time.Duration
	c := open(t, func(o *openstacktest.Options) {
		o.Build = func(typ string) time.Duration {
			if typ == "OS::Nova::Server" {
				return server
			}
			return 2 * time.Second
		}
	})
	took := []int{60, 66, 54, 63, 57, 300, 61, 59, 69, 51} // seconds; one of them had to fetch its image first
	for i, seconds := range took {
		server = time.Duration(seconds) * time.Second
		c.ready(t, learner("u"+strconv.Itoa(i)))
	}
	server = 58 * time.Second
	ticket, status := c.launch(t, learner("the eleventh"))
	began := c.Now()
	type guess struct{ at, left time.Duration }
	guesses := []guess{{0, status.ETA}}
	for status.State != lab.Ready {
		c.Advance(max(status.Poll.After, time.Second))
		var err error
		if ticket, status, err = c.Look(t.Context(), ticket, status.Poll.Look); err != nil {
			t.Fatal(err)
		}
		if status.State == lab.Building && status.Reason == "" {
			guesses = append(guesses, guess{c.Now().Sub(began), status.ETA})
			if status.Expected < 55*time.Second || status.Expected > 75*time.Second || status.Elapsed < c.Now().Sub(began)-2*time.Second {
				t.Errorf("after %s: %+v", c.Now().Sub(began), status)
			}
		}
	}
	whole := c.Now().Sub(began)
	for _, g := range guesses {
		if wrong := (whole - g.at - g.left).Abs(); wrong > whole/4 {
			t.Errorf("after %s: %s left, in fact %s", g.at, g.left, whole-g.at)
		}
	}
	if len(guesses) < 20 {
		t.Errorf("%d looks", len(guesses))
	}
}

// Without builds seen the catalogue's word counts; what was seen counts more, and is known once however many look.
func TestExpectedTime(t *testing.T) {
	t.Parallel()
	c := open(t)
	timed := lab.Identity{Tenant: "academy", Context: "course", Lab: "timed", Learner: "u1"}
	if _, status := c.launch(t, learner("u0")); status.Expected != 0 || status.ETA != 0 {
		t.Errorf("nothing known: %+v", status)
	}
	ticket, status := c.launch(t, timed)
	if status.Expected != 90*time.Second || status.ETA != 95*time.Second {
		t.Errorf("the catalogue's: %s, %s left", status.Expected, status.ETA)
	}
	c.Settle()
	for range 3 {
		if _, _, err := c.Look(t.Context(), ticket, lab.LookName); err != nil {
			t.Fatal(err)
		}
		settled := ticket
		settled.Settle = false
		if _, _, err := c.Look(t.Context(), settled, lab.LookEvents); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Entry(ticket).Expected; got <= 0 || got > 20*time.Second {
		t.Errorf("seen: %s", got)
	}
	if offers := c.Offers([]string{"timed"}); offers[0].Expected != c.Entry(ticket).Expected {
		t.Errorf("offered with %s", offers[0].Expected)
	}
}
