package keeper_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// region are two clouds under one keeper; the classroom is the first of them.
type region struct {
	*classroom
	other *classroom
}

func openTwo(t *testing.T, change func(first, second *keeper.Site)) region {
	t.Helper()
	r := region{open(t), open(t)}
	first, second := site(t, "north", r.Cloud), site(t, "south", r.other.Cloud)
	if change != nil {
		change(&first, &second)
	}
	r.Keeper = made(t, r.config, keeper.Clouds{first, second}, r.Now)
	return r
}

// pass lets time go by in both clouds.
func (r region) pass(d time.Duration) {
	r.Advance(d)
	r.other.Advance(d)
}

// enter follows the page until the lab is up.
func (r region) enter(t *testing.T, ticket keeper.Ticket, status lab.Status) (keeper.Ticket, lab.Status) {
	t.Helper()
	for range 100 {
		if status.State == lab.Ready || status.Poll == (lab.Poll{}) {
			return r.page(t, ticket), status
		}
		r.pass(status.Poll.After)
		if status.Poll.Start {
			ticket, status = r.Start(t.Context(), ticket)
			continue
		}
		var err error
		if ticket, status, err = r.Look(t.Context(), ticket, status.Poll.Look); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("never up: %+v", status)
	return ticket, status
}

// full is what Heat answers once the project has as many stacks as it may.
var full = openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", Status: http.StatusRequestEntityTooLarge}

// W12: a cloud without room is passed over, and everything that follows goes to the one that has the lab.
func TestW12NextCloudWhenOneIsFull(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	r.Inject(full)
	ticket, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	if status.State != lab.Building || ticket.Cloud != "south" {
		t.Fatalf("%+v, %+v", ticket, status)
	}
	wantCalls(t, r.writes(), create)
	wantCalls(t, r.other.calls(), list, create)
	if ticket, status = r.enter(t, ticket, status); status.State != lab.Ready || ticket.Cloud != "south" {
		t.Fatalf("%+v", status)
	}
	r.ClearFaults()
	again, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	if status.State != lab.Ready || again.ID != ticket.ID || again.Cloud != "south" {
		t.Errorf("the next launch: %+v, %+v", again, status)
	}
	if _, status, err := r.Extend(t.Context(), ticket); err != nil || status.State != lab.Ready {
		t.Errorf("extend: %+v, %v", status, err)
	}
	r.pass(time.Minute)
	if _, status, err := r.End(t.Context(), ticket); err != nil || status.State != lab.Gone {
		t.Errorf("end: %+v, %v", status, err)
	}
	r.other.Settle()
	if len(r.Stacks()) != 0 || len(r.other.Stacks()) != 0 {
		t.Errorf("left: %+v, %+v", r.Stacks(), r.other.Stacks())
	}
}

// Where a cloud does not answer, nobody knows whether it has the learner's lab: none is made elsewhere. A lab that was found
// is entered all the same.
func TestSilentCloudIsNoReasonForASecondLab(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	down := openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable}
	r.Inject(down)
	if _, status := r.Start(t.Context(), r.Ticket(learner("u1"))); status.Reason != lab.CloudTrouble {
		t.Errorf("the first is down: %+v", status)
	}
	r.ClearFaults()
	r.other.Inject(down)
	if _, status := r.Start(t.Context(), r.Ticket(learner("u1"))); status.Reason != lab.CloudTrouble {
		t.Errorf("the second is down: %+v", status)
	}
	if len(r.writes())+len(r.other.writes()) != 0 {
		t.Errorf("changed: %q, %q", r.writes(), r.other.writes())
	}
	r.other.ClearFaults()
	ticket, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	ticket, _ = r.enter(t, ticket, status)
	r.other.Inject(down)
	if again, status := r.Start(t.Context(), r.Ticket(learner("u1"))); status.State != lab.Ready || again.ID != ticket.ID {
		t.Errorf("found in the first: %+v", status)
	}
}

// A create that may have come through is no reason to try the next cloud.
func TestLostCreateStaysInItsCloud(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	r.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", DropReply: true, Times: 1})
	ticket, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	if _, status = r.enter(t, ticket, status); status.State != lab.Ready || len(r.Stacks()) != 1 || len(r.other.Stacks()) != 0 {
		t.Errorf("%+v; %d and %d stacks", status, len(r.Stacks()), len(r.other.Stacks()))
	}
}

// Two processes that raced have each made the learner's lab in another cloud: all go by the earlier one from the first look
// on, in whatever order they know the clouds, and no launch deletes the other.
func TestRacingCloudsEndInOneLab(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	backwards := made(t, r.config, keeper.Clouds{site(t, "south", r.other.Cloud), site(t, "north", r.Cloud)}, r.Now)
	learners := r.Ticket(learner("u1"))
	for _, c := range []*classroom{r.other, r.classroom} {
		r.pass(2 * time.Second)
		if _, err := c.client.CreateStack(t.Context(), openstack.NewStack{
			Name: learners.Stack, Template: "heat_template_version: 2018-08-31\nresources: {}\noutputs: {lab_url: {value: http://203.0.113.7/}}\n", Tags: learners.Tags(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(time.Minute)
	want := r.other.Stacks()[0].ID
	for name, k := range map[string]*keeper.Keeper{"north first": r.Keeper, "south first": backwards} {
		got, status := k.Start(t.Context(), learners)
		if status.State != lab.Ready || got.ID != want {
			t.Errorf("%s: %+v, %+v", name, got, status)
		}
		if seen, _, err := k.Look(t.Context(), learners, lab.LookName); err != nil || seen.ID != want {
			t.Errorf("%s looks: %+v, %v", name, seen, err)
		}
	}
	for _, call := range append(r.writes(), r.other.writes()...) {
		if call == remove {
			t.Error("a launch deleted a lab")
		}
	}
}

// The bounds of the configuration: what is full is passed over, and once all is full the learner is told where in line.
func TestRow5ClassIsFull(t *testing.T) {
	t.Parallel()
	r := openTwo(t, func(first, second *keeper.Site) { first.Capacity, second.Capacity = 1, 1 })
	var last keeper.Ticket
	for _, who := range []string{"u1", "u2"} {
		ticket, status := r.Start(t.Context(), r.Ticket(learner(who)))
		if last, status = r.enter(t, ticket, status); status.State != lab.Ready {
			t.Fatalf("%s: %+v", who, status)
		}
	}
	if last.Cloud != "south" || len(r.Stacks()) != 1 {
		t.Errorf("the second lab is in %q", last.Cloud)
	}
	waiting, status := r.Start(t.Context(), r.Ticket(learner("u3")))
	if status.State != lab.InLine || status.Reason != lab.ClassFull || status.Place == nil || status.Place.Number != 1 || !status.Poll.Start || status.Poll.After <= 0 {
		t.Fatalf("%+v", status)
	}
	if second, status := r.Start(t.Context(), r.Ticket(learner("u4"))); status.Place == nil || status.Place.Number != 2 || second.Queued.IsZero() {
		t.Errorf("who came later: %+v", status)
	}
	if _, _, err := r.End(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	r.other.Settle()
	r.pass(time.Minute)
	if waiting, status = r.Start(t.Context(), r.page(t, waiting)); status.State != lab.Building || waiting.Cloud != "south" || !waiting.Queued.IsZero() {
		t.Errorf("once there is room: %+v, %+v", waiting, status)
	}
}

// Row 5: a hundred at once with a cap of ten builds: Heat never has more than ten under construction, and all get their lab.
func TestRow5CapOnBuilds(t *testing.T) {
	t.Parallel()
	c := open(t)
	k := made(t, c.config, keeper.Clouds{{Cloud: c.client, MaxBuilds: 10}}, c.Now)
	c.Keeper = k
	type learnersPage struct {
		ticket keeper.Ticket
		status lab.Status
		due    time.Time
	}
	pages := make([]learnersPage, 100)
	for i := range pages {
		pages[i].ticket, pages[i].status = k.Start(t.Context(), k.Ticket(learner(string(rune('a'+i)))))
		pages[i].due = c.Now().Add(pages[i].status.Poll.After)
	}
	most, ready := 0, 0
	for range 2000 {
		building := 0
		for _, s := range c.Stacks() {
			if s.State == "CREATE_IN_PROGRESS" {
				building++
			}
		}
		most = max(most, building)
		ready = 0
		for i := range pages {
			p := &pages[i]
			switch {
			case p.status.State == lab.Ready:
				ready++
				continue
			case c.Now().Before(p.due):
				continue
			case p.status.Poll.Start:
				p.ticket, p.status = k.Start(t.Context(), p.ticket)
			default:
				var err error
				if p.ticket, p.status, err = k.Look(t.Context(), p.ticket, p.status.Poll.Look); err != nil {
					t.Fatal(err)
				}
			}
			p.due = c.Now().Add(p.status.Poll.After)
		}
		if ready == len(pages) {
			break
		}
		c.Advance(time.Second)
	}
	if ready != len(pages) || most > 10 || most < 5 {
		t.Errorf("%d ready, at most %d built at once", ready, most)
	}
}

// The project's quotas are asked before a create where the configuration wants it.
func TestQuotaIsAskedFirst(t *testing.T) {
	t.Parallel()
	r := openTwo(t, func(first, _ *keeper.Site) { first.Quota = true })
	r.SetServerQuota(0)
	ticket, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	if status.State != lab.Building || ticket.Cloud != "south" || len(r.writes()) != 0 {
		t.Errorf("%+v, %+v, %q", ticket, status, r.writes())
	}
}

// A reset may lead to another cloud, and an undo back; and a page finds its lab whatever the order of the clouds is by then.
func TestResetAcrossClouds(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	r.Inject(full)
	old, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	old, _ = r.enter(t, old, status)
	r.ClearFaults()
	ticket, status, err := r.Reset(t.Context(), old)
	if err != nil || ticket.Cloud != "north" {
		t.Fatalf("%+v, %v", ticket, err)
	}
	fresh, _ := r.enter(t, ticket, status)
	backwards := made(t, r.config, keeper.Clouds{site(t, "south", r.other.Cloud), site(t, "north", r.Cloud)}, r.Now)
	if _, status, err := backwards.Look(t.Context(), fresh, lab.LookStack); err != nil || status.State != lab.Ready {
		t.Errorf("with the clouds in another order: %+v, %v", status, err)
	}
	for range 2 {
		back, status, err := r.Undo(t.Context(), fresh)
		if err != nil || back.ID != old.ID || back.Cloud != "south" || status.State != lab.Ready {
			t.Errorf("%+v, %+v, %v", back, status, err)
		}
	}
	r.Settle()
	if len(r.Stacks()) != 0 || len(r.other.Stacks()) != 1 {
		t.Errorf("%d and %d stacks", len(r.Stacks()), len(r.other.Stacks()))
	}
}
