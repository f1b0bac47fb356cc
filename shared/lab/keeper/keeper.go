package keeper

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// Cloud is what the keeper needs of OpenStack. openstack.Cloud is one.
type Cloud interface {
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	EnsureStack(ctx context.Context, s openstack.NewStack) (ref openstack.StackRef, created bool, err error)
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
	Act(ctx context.Context, ref openstack.StackRef, action openstack.Action) error
	Resources(ctx context.Context, ref openstack.StackRef, depth int) ([]openstack.Resource, error)
	Console(ctx context.Context, serverID string) (string, error)
}

// Keeper looks after labs.
type Keeper struct {
	cloud     Cloud
	box       *seal.Box
	entries   map[string]shelf
	namingKey []byte
	ancestors []string
	now       function.Clock
	builds    builds
}

// New reads the catalogue's templates; it asks the cloud nothing.
func New(c *config.Config, cloud Cloud, now function.Clock) (*Keeper, error) {
	box, err := c.Box()
	if err != nil {
		return nil, fmt.Errorf("set up tickets: %w", err)
	}
	entries, err := catalogue(c.Labs, c.Templates())
	if err != nil {
		return nil, err
	}
	k := &Keeper{cloud: cloud, box: box, entries: entries, namingKey: []byte(c.NamingKey.Reveal()), now: now}
	for _, consumer := range c.LTI.Consumers {
		k.ancestors = append(k.ancestors, consumer.FrameAncestors...)
	}
	for _, platform := range c.LTI.Platforms {
		k.ancestors = append(k.ancestors, platform.FrameAncestors...)
	}
	for _, registration := range c.LTI.Registration {
		k.ancestors = append(k.ancestors, registration.FrameAncestors...)
	}
	slices.Sort(k.ancestors)
	k.ancestors = slices.Compact(k.ancestors)
	return k, nil
}

// Ancestors are the origins of all consumers and platforms, those that may yet register too: they may frame a page that
// belongs to no launch, since it tells nothing but what went wrong.
func (k *Keeper) Ancestors() []string { return k.ancestors }

// Ticket is a new ticket for the lab of i, launched now.
func (k *Keeper) Ticket(i lab.Identity) Ticket {
	return k.launched(Ticket{Owner: i.Hide(k.namingKey)})
}

// launched is t as if its lab had been launched now. How long a lab lives that exists is then learned from its stack.
func (k *Keeper) launched(t Ticket) Ticket {
	t.Launched = k.now().UTC().Truncate(time.Second)
	t.Lease = k.entries[t.Lab].entry.Lease(t.Launched)
	return t
}

// Entry is the catalogue's entry for a ticket, with what this process knows of builds.
func (k *Keeper) Entry(t Ticket) lab.Entry { return k.entryOf(t.Lab) }

func (k *Keeper) entryOf(key string) lab.Entry {
	entry := k.entries[key].entry
	if seen := k.builds.expected(key); seen > 0 {
		entry.Expected = seen
	}
	return entry
}

// Start gets the learner's lab going: creates it, adopts it, wakes it, or only looks if Heat is at work already. It takes
// two calls (list, then create, resume or read), and one more where a launch lets the lab live longer, unless something is
// in the way. Whatever fails, there is a status to show, and the page goes on from there.
func (k *Keeper) Start(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	ctx, cancel := patient(ctx)
	defer cancel()
	return k.start(ctx, t)
}

func (k *Keeper) start(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	logging.Note(ctx, "stack", t.Stack)
	found, err := k.cloud.FindStack(ctx, t.Stack)
	if code := openstack.CodeOf(err); code != "" && code != openstack.Gone {
		return k.trouble(ctx, t, err)
	}
	decision := lab.Next(stackOf(found), err == nil)
	if t.removed(found) {
		decision = lab.Decision{Do: lab.Clear, Why: "removed by this page"}
	}
	logging.Note(ctx, "decision", string(decision.Do))
	logging.Note(ctx, "reason", decision.Why)
	t.ID, t.Settle, t.Wake, t.Asked = found.ID, false, false, time.Time{}
	switch decision.Do {
	case lab.Create:
		t.Removed = ""
		return k.create(ctx, t)
	case lab.Clear:
		t.ID = ""
		return t, lab.Unseen(k.Entry(t), lab.Clearing)
	case lab.Resume:
		t = t.learn(found.Tags)
		t.Wake = true // until the resume is seen: Heat answers before its engine has begun
		if err := k.cloud.Act(ctx, found.StackRef, openstack.Resume); err != nil {
			logging.Note(ctx, "cause", err.Error())
			return t, lab.Woken(k.view(t, found))
		}
		return t, lab.Begun(k.Entry(t), lab.Resume, t.Lease)
	case lab.Wait:
		t.Wake = found.Action == "SUSPEND"
	case lab.Enter, lab.Help:
	}
	t.Removed = ""
	return k.read(ctx, t, found)
}

// removed says that s is what this ticket had deleted, in a list that does not know of it yet.
func (t Ticket) removed(s openstack.Stack) bool {
	return s.ID != "" && s.ID == t.Removed && s.Action != "DELETE"
}

// learn takes the lease from a stack's tags, if they tell one: stacks made before there were leases do not.
func (t Ticket) learn(tags []string) Ticket {
	if lease := lab.LeaseOf(tags); !lease.Until.IsZero() {
		t.Lease = lease
	}
	return t
}

// view is what the stack means for the ticket's learner.
func (k *Keeper) view(t Ticket, s openstack.Stack, events ...lab.Event) lab.Status {
	stack := stackOf(s)
	stack.Lease, stack.Events = t.Lease, events
	return lab.View(stack, k.Entry(t), k.now())
}

const (
	patience = 8 * time.Second // of a page that waits for its answer
	reserve  = time.Second     // to draw the page
)

// patient ends a start that takes too long, early enough for the page. What was begun goes on in Heat, and the page will
// find it.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-reserve).Before(end) {
		end = deadline.Add(-reserve)
	}
	return context.WithDeadline(ctx, end)
}

// create makes the lab. The plain create is tried first, since the list has just said that there is no such stack; for
// everything that can go wrong with it there is EnsureStack. Whether what was created is what counts is left to the
// page's first look, which costs nothing more.
func (k *Keeper) create(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	t.Lease = k.entries[t.Lab].entry.Lease(k.now())
	shelf := k.entries[t.Lab]
	stack := openstack.NewStack{
		Name: t.Stack, Template: shelf.template.Text, Files: shelf.template.Files, Parameters: shelf.parameters,
		Tags: t.Lease.Retag(t.Tags()), Timeout: shelf.entry.BuildTimeout,
	}
	ref, err := k.cloud.CreateStack(ctx, stack)
	t.Settle = true
	if mayExist(err) {
		logging.Note(ctx, "first_try", string(openstack.CodeOf(err)))
		ref, t.Settle, err = k.cloud.EnsureStack(ctx, stack)
	}
	if err != nil {
		t.Settle = false
		return k.trouble(ctx, t, err)
	}
	t.ID = ref.ID
	return t, lab.Begun(k.Entry(t), lab.Create, t.Lease)
}

// mayExist says that a create failed and yet the stack may be there: somebody was faster, or the answer was lost. 429 is
// a plain no, and asking on at once would make it worse.
func mayExist(err error) bool {
	e, ok := errors.AsType[*openstack.Error](err)
	return ok && (e.Code == openstack.Conflict || e.Code == openstack.Unavailable && e.Status != http.StatusTooManyRequests)
}

// read asks for the outputs of a stack that was found in the list, and lets a lab that is up live longer if this launch is
// worth it. Without an answer the list's word is good enough.
func (k *Keeper) read(ctx context.Context, t Ticket, found openstack.Stack) (Ticket, lab.Status) {
	renewed := k.renew(ctx, t, found)
	stack, err := k.cloud.Stack(ctx, found.StackRef)
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		t.ID = ""
		return t, lab.Unseen(k.Entry(t), lab.Clearing)
	case err != nil:
		logging.Note(ctx, "cause", err.Error())
		stack = found
	default:
		stack = answered(stack)
	}
	if renewed && stack.Action == "UPDATE" { // by ourselves, and over before anything is pressed that it stands against
		stack.Action, stack.Status = found.Action, found.Status
	}
	t = t.learn(stack.Tags)
	return t, k.view(t, stack)
}

// renew writes down how long a lab may live after this launch, and says whether it did. Of two who write at once Heat drops
// one without a word: the read that follows tells what counts, and the next launch tries again.
func (k *Keeper) renew(ctx context.Context, t Ticket, found openstack.Stack) bool {
	stack := stackOf(found)
	lease, moved := stack.Lease.Renew(k.Entry(t), found.Created, k.now())
	if !moved || !stack.Patchable() {
		return false
	}
	if err := k.cloud.PatchStack(ctx, found.StackRef, openstack.StackChange{Tags: lease.Retag(found.Tags)}); err != nil {
		logging.Note(ctx, "cause", err.Error())
		return false
	}
	logging.Note(ctx, "until", lease.Until.Format(time.RFC3339))
	return true
}

// trouble is a start that did not come through.
func (k *Keeper) trouble(ctx context.Context, t Ticket, err error) (Ticket, lab.Status) {
	why := lab.CloudTrouble
	switch openstack.CodeOf(err) {
	case openstack.Unavailable:
		if ctx.Err() != nil { // our patience ended, not the cloud
			why = lab.Unanswered
		}
	case openstack.Busy:
		why = lab.Clearing
	case openstack.Quota:
		why = lab.CloudFull
	case openstack.Refused, openstack.Forbidden:
		why = lab.LabRefused
	case openstack.Broken, openstack.Gone, openstack.Conflict:
	}
	logging.Note(ctx, "trouble", string(why))
	logging.Note(ctx, "cause", err.Error())
	return t, lab.Unseen(k.Entry(t), why)
}

// Look asks Heat one thing and changes nothing. The ticket that comes back knows what was learned.
func (k *Keeper) Look(ctx context.Context, t Ticket, look lab.Look) (Ticket, lab.Status, error) {
	logging.Note(ctx, "stack", t.Stack)
	stack, err := k.ask(ctx, t, look)
	switch {
	case openstack.CodeOf(err) == openstack.Gone && t.ID == "":
		return t, lab.Unseen(k.Entry(t), k.missing(t)), nil
	case openstack.CodeOf(err) == openstack.Gone:
		return t, lab.Unseen(k.Entry(t), lab.Ended), nil
	case err != nil:
		return t, lab.Status{}, Failure(err)
	}
	if t.ID == "" && (stack.Action == "DELETE" && stack.Status != "FAILED" || t.removed(stack.Stack)) {
		return t, lab.Unseen(k.Entry(t), lab.Clearing), nil
	}
	t.ID, t.Settle, t.Removed, t.Asked = stack.ID, false, "", time.Time{}
	t = t.learn(stack.Tags)
	k.builds.see(t.Lab, t.ID, stack.events)
	status := k.view(t, stack.Stack, stack.events...)
	if t.Wake {
		t, status = k.awake(t, stack.Stack, status)
	}
	logging.Note(ctx, "state", string(status.State))
	return t, status, nil
}

// awake is the status of a lab that its learner came to wake up: it has to be told so once it sleeps, and once it is up, how
// long it may live now.
func (k *Keeper) awake(t Ticket, s openstack.Stack, status lab.Status) (Ticket, lab.Status) {
	status = lab.Woken(status)
	if status.State == lab.Ready {
		stack := stackOf(s)
		if _, moved := stack.Lease.Renew(k.Entry(t), stack.Created, k.now()); moved && stack.Patchable() {
			status = lab.Renewing(status)
		}
	}
	t.Wake = status.State == lab.Suspended || status.State == lab.Resuming || status.Poll.Start || status.Reason == lab.Finishing
	return t, status
}

// seen is a stack with the events of one look.
type seen struct {
	openstack.Stack
	events []lab.Event
}

func (k *Keeper) ask(ctx context.Context, t Ticket, look lab.Look) (seen, error) {
	ref := openstack.StackRef{Name: t.Stack, ID: t.ID}
	switch {
	case t.ID == "" || t.Settle: // of several of the name, this is the one that everybody goes by
		s, err := k.cloud.FindStack(ctx, t.Stack)
		return seen{Stack: s}, err
	case look == lab.LookEvents:
		events, err := k.cloud.Events(ctx, ref, "")
		return seen{Stack: openstack.Stack{StackRef: ref}, events: eventsOf(ref, events)}, err
	default:
		s, err := k.cloud.Stack(ctx, ref)
		return seen{Stack: answered(s)}, err
	}
}

// answered marks the outputs as read: a template may have none.
func answered(s openstack.Stack) openstack.Stack {
	if s.Outputs == nil {
		s.Outputs = map[string]any{}
	}
	return s
}

func stackOf(s openstack.Stack) lab.Stack {
	return lab.Stack{
		Action: s.Action, Status: s.Status, Reason: s.Reason, Created: s.Created, Updated: s.Updated, Lease: lab.LeaseOf(s.Tags), Outputs: s.Outputs,
	}
}

func eventsOf(ref openstack.StackRef, events []openstack.Event) []lab.Event {
	out := make([]lab.Event, len(events))
	for i, e := range events {
		out[i] = lab.Event{
			Time: e.Time, Resource: e.Resource, Action: e.Action, Status: e.Status, Reason: e.Reason,
			Self: e.Resource == ref.Name && e.PhysicalID == ref.ID,
		}
	}
	return out
}
