package keeper_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// class is the class ticket of a course as a page would hold it.
func (c *classroom) class(t *testing.T, tenant, course string) keeper.ClassTicket {
	t.Helper()
	own := c.Ticket(lab.Identity{Tenant: tenant, Context: course, Lab: "web", Learner: "teacher"})
	sealed, err := c.SealClass(c.ClassOf(own.AsStaff("A course")))
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := c.OpenClass(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func (c *classroom) members(t *testing.T, ticket keeper.ClassTicket) []lab.Member {
	t.Helper()
	list, truncated, err := c.Class(t.Context(), ticket)
	if err != nil || truncated {
		t.Fatalf("truncated %v, %v", truncated, err)
	}
	return list
}

func TestClassIsOneCourse(t *testing.T) {
	t.Parallel()
	c := open(t)
	mine := c.ready(t, learner("teacher"))
	theirs := c.ready(t, learner("u1"))
	c.Advance(time.Minute)
	timed := learner("u1")
	timed.Lab = "timed"
	c.launch(t, timed)
	for _, other := range []lab.Identity{
		{Tenant: "academy", Context: "another course", Lab: "web", Learner: "u1"},
		{Tenant: "school", Context: "course", Lab: "web", Learner: "u1"},
		{Tenant: "academy", Lab: "web", Learner: "u1"},
	} {
		c.launch(t, other)
	}
	c.ResetCalls()
	list := c.members(t, c.class(t, "academy", "course"))
	wantCalls(t, c.calls(), "heat GET /stacks")
	if len(list) != 3 {
		t.Fatalf("%d labs: %+v", len(list), list)
	}
	if m := list[0]; !m.Mine || m.Title != "Web" || m.Code != mine.Code() || m.Status.State != lab.Ready || m.Status.Reason != "" || !m.Status.ExpiresAt.Equal(mine.Lease.Until) {
		t.Errorf("the teacher's: %+v", m)
	}
	if m := list[1]; m.Mine || m.Code != theirs.Code() || m.Ref != theirs.Stack+":"+theirs.ID || m.Created.IsZero() {
		t.Errorf("the learner's: %+v", m)
	}
	if m := list[2]; m.Title != "Timed" || m.Code != theirs.Code() || m.Status.State != lab.Building {
		t.Errorf("the learner's other one: %+v", m)
	}
	if empty := c.members(t, c.class(t, "academy", "nobody's course")); len(empty) != 0 {
		t.Errorf("%+v", empty)
	}
}

// Of two stacks of one name everybody goes by the earliest that is not being deleted, and so does the list.
func TestClassShowsTwinsOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	first := c.ready(t, learner("u1"))
	c.Advance(time.Minute)
	c.Inject(openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", DoubleCreate: true, Times: 1})
	second, err := c.client.CreateStack(t.Context(), openstack.NewStack{
		Name: first.Stack, Template: "heat_template_version: 2018-08-31\nresources: {}\n", Tags: first.Tags(),
	})
	if err != nil {
		t.Fatal(err)
	}
	class := c.class(t, "academy", "course")
	if list := c.members(t, class); len(list) != 1 || list[0].Ref != first.Stack+":"+first.ID {
		t.Errorf("%+v", list)
	}
	if err := c.client.DeleteStack(t.Context(), refTo(first)); err != nil {
		t.Fatal(err)
	}
	if list := c.members(t, class); len(list) != 1 || list[0].Ref != second.Name+":"+second.ID {
		t.Errorf("while the first goes: %+v", list)
	}
	if o, err := c.ClassDoAll(t.Context(), class, lab.ActEnd); err != nil || o != (keeper.Outcome{Done: 2}) {
		t.Errorf("%+v, %v", o, err)
	}
	c.Settle()
	if n := len(c.Stacks()); n != 0 {
		t.Errorf("%d stacks", n)
	}
}

// A page gives more time once, to whom it concerns, whatever the learner has used up; the next page gives more.
func TestClassExtend(t *testing.T) {
	t.Parallel()
	c := open(t)
	one, two := c.ready(t, learner("u1")), c.ready(t, learner("u2"))
	asleep := c.ready(t, learner("u3"))
	c.set(asleep, "SUSPEND_COMPLETE")
	c.launch(t, learner("u4"))
	c.ResetCalls()
	class := c.class(t, "academy", "course")
	for range 2 {
		if o, err := c.ClassDo(t.Context(), class, lab.ActExtend, []string{one.Stack + ":" + one.ID}); err != nil || o != (keeper.Outcome{Done: 1}) {
			t.Errorf("one: %+v, %v", o, err)
		}
	}
	wantCalls(t, c.writes(), patch)
	for _, want := range []keeper.Outcome{{Done: 3, Left: 1}, {Done: 3, Left: 1}} {
		if o, err := c.ClassDoAll(t.Context(), class, lab.ActExtend); err != nil || o != want {
			t.Errorf("all: %+v, %v; want %+v", o, err, want)
		}
	}
	wantCalls(t, c.writes(), patch, patch, create, create) // of the one that sleeps a note, once
	for _, ticket := range []keeper.Ticket{one, two} {
		if got := lab.LeaseOf(c.stack(t, ticket).Tags); !got.Until.Equal(ticket.Lease.Until.Add(2*time.Hour)) || got.Extended != 0 {
			t.Errorf("%+v", got)
		}
	}
	c.Advance(time.Minute) // u4's is ready now
	if o, err := c.ClassDoAll(t.Context(), class, lab.ActExtend); err != nil || o != (keeper.Outcome{Done: 4}) {
		t.Errorf("pressed again: %+v, %v", o, err)
	}
	c.Settle()
	next := c.class(t, "academy", "course")
	if o, err := c.ClassDo(t.Context(), next, lab.ActExtend, []string{one.Stack + ":" + one.ID}); err != nil || o != (keeper.Outcome{Done: 1}) {
		t.Errorf("the next page: %+v, %v", o, err)
	}
	if got := lab.LeaseOf(c.stack(t, one).Tags); !got.Until.Equal(one.Lease.Until.Add(4 * time.Hour)) {
		t.Errorf("%+v", got)
	}
	// The learner's own extensions are all there still.
	c.Settle()
	if _, status, err := c.Extend(t.Context(), one); err != nil || !status.ExpiresAt.Equal(one.Lease.Until.Add(6*time.Hour)) {
		t.Errorf("the learner's: %+v, %v", status, err)
	}
}

func TestClassExtendAtOnceGivesOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	one := c.ready(t, learner("u1"))
	class := c.class(t, "academy", "course")
	atOnce(8, func() {
		if _, err := c.ClassDoAll(t.Context(), class, lab.ActExtend); err != nil {
			t.Error(err)
		}
	})
	c.Settle()
	if got := lab.LeaseOf(c.stack(t, one).Tags); !got.Until.Equal(one.Lease.Until.Add(2 * time.Hour)) {
		t.Errorf("%+v", got)
	}
}

// A reset by course staff removes the lab; its owner's page offers a new one.
func TestClassReset(t *testing.T) {
	t.Parallel()
	c := open(t)
	one, two := c.ready(t, learner("u1")), c.ready(t, learner("u2"))
	class := c.class(t, "academy", "course")
	for range 2 {
		if o, err := c.ClassDo(t.Context(), class, lab.ActReset, []string{one.Stack + ":" + one.ID}); err != nil || o != (keeper.Outcome{Done: 1}) {
			t.Errorf("%+v, %v", o, err)
		}
		c.Settle()
	}
	wantCalls(t, c.writes(), remove)
	_, status, err := c.Look(t.Context(), one, lab.LookStack)
	if err != nil || status.State != lab.Gone || !slices.Equal(status.Actions, []lab.Act{lab.ActReset}) {
		t.Errorf("the learner sees %+v, %v", status, err)
	}
	fresh, status, err := c.Reset(t.Context(), one)
	if _, status = c.follow(t, fresh, status); err != nil || status.State != lab.Ready {
		t.Errorf("a new lab: %+v, %v", status, err)
	}
	// Sent once more, it does not touch the new lab.
	if o, err := c.ClassDo(t.Context(), class, lab.ActReset, []string{one.Stack + ":" + one.ID}); err != nil || o != (keeper.Outcome{Done: 1}) {
		t.Errorf("%+v, %v", o, err)
	}
	if n := len(c.Stacks()); n != 2 {
		t.Errorf("%d stacks", n)
	}
	if o, err := c.ClassDoAll(t.Context(), class, lab.ActEnd); err != nil || o != (keeper.Outcome{Done: 2}) {
		t.Errorf("%+v, %v", o, err)
	}
	c.Settle()
	if n := len(c.Stacks()); n != 0 || c.stackGone(t, two) != nil {
		t.Errorf("%d stacks", n)
	}
}

func (c *classroom) stackGone(t *testing.T, ticket keeper.Ticket) error {
	t.Helper()
	if _, err := c.client.Stack(t.Context(), openstack.StackRef{Name: ticket.Stack, ID: ticket.ID}); openstack.CodeOf(err) != openstack.Gone {
		return fmt.Errorf("still there: %w", err)
	}
	return nil
}

// R10: a class ticket acts within its tenant and course and nowhere else, and if one of several labs is foreign, not at all.
func TestClassNeverLeavesItsCourse(t *testing.T) {
	t.Parallel()
	c := open(t)
	own := c.ready(t, learner("u1"))
	other := c.ready(t, lab.Identity{Tenant: "academy", Context: "another course", Lab: "web", Learner: "u1"})
	school := c.ready(t, lab.Identity{Tenant: "school", Context: "course", Lab: "web", Learner: "u1"})
	cluster, err := c.client.CreateStack(t.Context(), openstack.NewStack{
		Name: "lab-0123456789abcdef01", Template: "heat_template_version: 2018-08-31\nresources: {}\n",
		Tags: []string{"stackhook", "context=" + own.Context, "tenant=" + other.Context},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.ResetCalls()
	class := c.class(t, "academy", "course")
	ownRef := own.Stack + ":" + own.ID
	for name, refs := range map[string][]string{
		"another course's":              {other.Stack + ":" + other.ID},
		"another tenant's":              {school.Stack + ":" + school.ID},
		"one of ours and a foreign one": {ownRef, other.Stack + ":" + other.ID},
		"half of the tags":              {cluster.Name + ":" + cluster.ID},
		"none":                          {},
		"empty":                         {""},
		"a name alone":                  {own.Stack},
		"a name and no id":              {own.Stack + ":"},
		"climbing out":                  {own.Stack + ":../../stacks"},
		"somebody else's name":          {"production:" + own.ID},
		"more than one line":            {ownRef + "\n"},
		"too many":                      slices.Repeat([]string{ownRef}, 51),
	} {
		for _, act := range []lab.Act{lab.ActExtend, lab.ActReset, lab.ActEnd} {
			if _, err := c.ClassDo(t.Context(), class, act, refs); err == nil {
				t.Errorf("%s of %s was done", act, name)
			} else {
				wantCode(t, err, 404, "no_such_lab")
			}
		}
	}
	// Another's id under our name, and our id under another's name, are no stacks in Heat.
	for _, ref := range []string{own.Stack + ":" + other.ID, other.Stack + ":" + own.ID} {
		if o, err := c.ClassDo(t.Context(), class, lab.ActEnd, []string{ref}); err != nil || o.Done != 1 {
			t.Errorf("%+v, %v", o, err)
		}
	}
	if got := c.writes(); len(got) != 0 {
		t.Errorf("changed: %q", got)
	}
	for _, empty := range []keeper.ClassTicket{{}, {Tenant: class.Tenant}, {Context: class.Context}} {
		if o, err := c.ClassDoAll(t.Context(), empty, lab.ActEnd); err == nil && o != (keeper.Outcome{}) {
			t.Errorf("an empty ticket did %+v", o)
		}
		if list, _, err := c.Class(t.Context(), empty); err == nil && len(list) > 0 {
			t.Errorf("an empty ticket lists %+v", list)
		}
	}
	if got := c.writes(); len(got) != 0 {
		t.Errorf("changed: %q", got)
	}
}

func TestClassTickets(t *testing.T) {
	t.Parallel()
	c := open(t)
	own := c.Ticket(learner("teacher"))
	own.Ancestors, own.Locale = []string{"https://lms.example.org"}, "de"
	class := c.ClassOf(own.AsStaff("A course"))
	if class.Tenant != own.Tenant || class.Context != own.Context || class.Own != own.Stack || class.Locale != "de" || len(class.Ancestors) != 1 {
		t.Errorf("%+v", class)
	}
	sealed, err := c.SealClass(class)
	if err != nil || strings.Contains(sealed, "course") {
		t.Errorf("%q, %v", sealed, err)
	}
	lesson, err := c.Seal(own)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Open(sealed)
	wantCode(t, err, 401, "ticket_invalid")
	_, err = c.OpenClass(lesson)
	wantCode(t, err, 401, "ticket_invalid")
	_, err = c.OpenClass("")
	wantCode(t, err, 401, "ticket_missing")
	if sealed, err := c.SealClass(keeper.ClassTicket{}); err != nil || sealed != "" {
		t.Errorf("no class: %q, %v", sealed, err)
	}
	// A page drawn late leads to the class no longer than the first.
	c.Advance(7 * time.Hour)
	opened, err := c.OpenClass(sealed)
	if err != nil {
		t.Fatal(err)
	}
	later, err := c.SealClass(opened)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := c.OpenClass(later); err != nil || !opened.Shown.After(class.Shown) || !opened.Launched.Equal(class.Launched) {
		t.Errorf("%+v, %v", opened, err)
	}
	c.Advance(time.Hour)
	for _, old := range []string{sealed, later} {
		_, err = c.OpenClass(old)
		wantCode(t, err, 401, "ticket_expired")
	}
}

// What a lab ticket knows of the role is what its launch showed, and as old.
func TestClassOf(t *testing.T) {
	t.Parallel()
	c := open(t)
	own := c.Ticket(learner("teacher"))
	if sealed, err := c.SealClass(c.ClassOf(own)); err != nil || sealed != "" {
		t.Errorf("a learner's: %q, %v", sealed, err)
	}
	own = own.AsStaff("A course")
	got := c.ClassOf(c.page(t, own))
	if got.Tenant != own.Tenant || got.Context != own.Context || got.Own != own.Stack || got.Course != "A course" || !got.Launched.Equal(own.Launched) {
		t.Errorf("%+v, want that of %+v", got, own)
	}
}

// crowd is a cloud with many stacks of one course, each as it comes from a list.
type crowd struct {
	keeper.Cloud
	tags    []string
	size    int
	slow    time.Duration
	mu      sync.Mutex
	deleted map[string]bool
	now     int
	most    int // deletes at one time
}

func (c *crowd) StacksWhere(context.Context, openstack.StackFilter) iter.Seq2[openstack.Stack, error] {
	return func(yield func(openstack.Stack, error) bool) {
		for i := range c.size {
			s := openstack.Stack{
				StackRef: openstack.StackRef{Name: fmt.Sprintf("lab-%018x", i), ID: fmt.Sprintf("00000000-0000-0000-0000-%012x", i)},
				Action:   "CREATE", Status: "COMPLETE", Tags: c.tags,
			}
			c.mu.Lock()
			if c.deleted[s.ID] {
				s.Action, s.Status = "DELETE", "IN_PROGRESS"
			}
			c.mu.Unlock()
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (c *crowd) DeleteStack(ctx context.Context, ref openstack.StackRef) error {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(c.slow):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	if ctx.Err() != nil {
		return failed(openstack.Unavailable, 0)
	}
	c.deleted[ref.ID] = true
	return nil
}

func newCrowd(t *testing.T, size int) (*crowd, *keeper.Keeper, keeper.ClassTicket) {
	t.Helper()
	c := &crowd{size: size, deleted: map[string]bool{}}
	k := catalogueOf(t, c, time.Now)
	ticket := k.ClassOf(k.Ticket(learner("teacher")).AsStaff("A course"))
	c.tags = []string{"stackhook", "lab=web", "tenant=" + ticket.Tenant, "context=" + ticket.Context, "learner=0123456789"}
	return c, k, ticket
}

func TestClassIsCutAtFiveHundred(t *testing.T) {
	t.Parallel()
	for size, cut := range map[int]bool{499: false, 500: false, 501: true, 5000: true} {
		_, k, ticket := newCrowd(t, size)
		list, truncated, err := k.Class(t.Context(), ticket)
		if err != nil || truncated != cut || len(list) != min(size, 500) {
			t.Errorf("%d: %d rows, truncated %v, %v", size, len(list), truncated, err)
		}
	}
}

// However many labs there are, pressing the button often enough is done with all of them, eight at a time.
func TestAllOfACrowd(t *testing.T) {
	t.Parallel()
	c, k, ticket := newCrowd(t, 1100)
	c.slow = time.Millisecond
	for _, want := range []keeper.Outcome{{Done: 500, Left: 600}, {Done: 1000, Left: 100}, {Done: 1100}, {Done: 1100}} {
		if o, err := k.ClassDoAll(t.Context(), ticket, lab.ActEnd); err != nil || o != want {
			t.Errorf("%+v, %v; want %+v", o, err, want)
		}
	}
	if c.most > 8 || c.most < 2 {
		t.Errorf("%d at one time", c.most)
	}
}

// The work ends before the request does, and says what is left.
func TestAllEndsInTime(t *testing.T) {
	t.Parallel()
	c, k, ticket := newCrowd(t, 200)
	c.slow = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 4200*time.Millisecond)
	defer cancel()
	began := time.Now()
	o, err := k.ClassDoAll(ctx, ticket, lab.ActReset)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	if err != nil || o.Done == 0 || o.Left == 0 || o.Done+o.Left != 200 || len(c.deleted) != o.Done {
		t.Errorf("%+v of %d, %v", o, len(c.deleted), err)
	}
}

func TestClassWithoutTheCloud(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.ready(t, learner("u1"))
	class := c.class(t, "academy", "course")
	c.Inject(openstacktest.Fault{Service: "heat", Method: "DELETE", Status: 503})
	if o, err := c.ClassDoAll(t.Context(), class, lab.ActEnd); err != nil || o != (keeper.Outcome{Left: 1}) {
		t.Errorf("%+v, %v", o, err)
	}
	c.ClearFaults()
	c.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	_, _, err := c.Class(t.Context(), class)
	wantCode(t, err, 503, "cloud_unavailable")
	_, err = c.ClassDoAll(t.Context(), class, lab.ActEnd)
	wantCode(t, err, 503, "cloud_unavailable")
}
