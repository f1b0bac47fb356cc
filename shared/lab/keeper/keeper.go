package keeper

import (
	"context"
	"errors"
	"fmt"
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
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
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
	slices.Sort(k.ancestors)
	k.ancestors = slices.Compact(k.ancestors)
	return k, nil
}

// Ancestors are the origins of all consumers: they may frame a page that belongs to no launch, since it tells nothing but
// what went wrong.
func (k *Keeper) Ancestors() []string { return k.ancestors }

// Ticket is a new ticket for the lab of i, launched now.
func (k *Keeper) Ticket(i lab.Identity) Ticket {
	return Ticket{Owner: i.Hide(k.namingKey), Launched: k.now().UTC().Truncate(time.Second)}
}

// Entry is the catalogue's entry for a ticket.
func (k *Keeper) Entry(t Ticket) lab.Entry { return k.entries[t.Lab].entry }

// Start gets the learner's lab going: creates it, adopts it, wakes it, or only looks if Heat is at work already. It takes
// two calls (list, then create, resume or read) unless something is in the way. Whatever fails, there is a status to
// show, and the page goes on from there.
func (k *Keeper) Start(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	ctx, cancel := patient(ctx)
	defer cancel()
	shelf := k.entries[t.Lab]
	logging.Note(ctx, "stack", t.Stack)
	found, err := k.cloud.FindStack(ctx, t.Stack)
	if code := openstack.CodeOf(err); code != "" && code != openstack.Gone {
		return k.trouble(ctx, t, err)
	}
	decision := lab.Next(stackOf(found), err == nil)
	logging.Note(ctx, "decision", string(decision.Do))
	logging.Note(ctx, "reason", decision.Why)
	t.ID, t.Settle, t.Wake = found.ID, false, false
	switch decision.Do {
	case lab.Create:
		return k.create(ctx, t)
	case lab.Clear:
		t.ID = ""
		return t, lab.Unseen(shelf.entry, lab.Clearing)
	case lab.Resume:
		t.Wake = true // until the resume is seen: Heat answers before its engine has begun
		if err := k.cloud.Act(ctx, found.StackRef, openstack.Resume); err != nil {
			logging.Note(ctx, "cause", err.Error())
			return t, lab.Woken(lab.View(stackOf(found), shelf.entry, t.Launched, k.now()))
		}
		return t, lab.Begun(shelf.entry, lab.Resume, t.Launched)
	case lab.Wait:
		t.Wake = found.Action == "SUSPEND"
	case lab.Enter, lab.Help:
	}
	return k.read(ctx, t, found)
}

// patience is how long a learner looks at an empty window before a page comes in any case.
const (
	patience = 8 * time.Second
	reserve  = time.Second // to draw the page
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
	shelf := k.entries[t.Lab]
	stack := openstack.NewStack{
		Name: t.Stack, Template: shelf.template.Text, Files: shelf.template.Files, Parameters: shelf.parameters,
		Tags: t.Tags(), Timeout: shelf.entry.BuildTimeout,
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
	return t, lab.Begun(shelf.entry, lab.Create, t.Launched)
}

// mayExist says that a create failed and yet the stack may be there: somebody was faster, or the answer was lost. 429 is
// a plain no, and asking on at once would make it worse.
func mayExist(err error) bool {
	e, ok := errors.AsType[*openstack.Error](err)
	return ok && (e.Code == openstack.Conflict || e.Code == openstack.Unavailable && e.Status != http.StatusTooManyRequests)
}

// read asks for the outputs of a stack that was found in the list. Without an answer the list's word is good enough.
func (k *Keeper) read(ctx context.Context, t Ticket, found openstack.Stack) (Ticket, lab.Status) {
	entry := k.entries[t.Lab].entry
	stack, err := k.cloud.Stack(ctx, found.StackRef)
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		t.ID = ""
		return t, lab.Unseen(entry, lab.Clearing)
	case err != nil:
		logging.Note(ctx, "cause", err.Error())
		stack = found
	default:
		stack = answered(stack)
	}
	return t, lab.View(stackOf(stack), entry, t.Launched, k.now())
}

// trouble is a start that did not come through.
func (k *Keeper) trouble(ctx context.Context, t Ticket, err error) (Ticket, lab.Status) {
	why := lab.CloudTrouble
	switch openstack.CodeOf(err) {
	case openstack.Busy:
		why = lab.Clearing
	case openstack.Quota:
		why = lab.CloudFull
	case openstack.Refused, openstack.Forbidden:
		why = lab.LabRefused
	case openstack.Unavailable, openstack.Broken, openstack.Gone, openstack.Conflict:
	}
	logging.Note(ctx, "trouble", string(why))
	logging.Note(ctx, "cause", err.Error())
	return t, lab.Unseen(k.entries[t.Lab].entry, why)
}

// Look asks Heat one thing and changes nothing. The ticket that comes back knows what was learned.
func (k *Keeper) Look(ctx context.Context, t Ticket, look lab.Look) (Ticket, lab.Status, error) {
	entry := k.entries[t.Lab].entry
	logging.Note(ctx, "stack", t.Stack)
	stack, err := k.ask(ctx, t, look)
	switch {
	case openstack.CodeOf(err) == openstack.Gone && t.ID == "":
		return t, lab.Unseen(entry, lab.Missing), nil
	case openstack.CodeOf(err) == openstack.Gone:
		return t, lab.Unseen(entry, lab.Ended), nil
	case err != nil:
		return t, lab.Status{}, Failure(err)
	}
	if t.ID == "" && stack.Action == "DELETE" {
		return t, lab.Unseen(entry, lab.Clearing), nil
	}
	t.ID, t.Settle = stack.ID, false
	status := lab.View(stackOf(stack.Stack, stack.events...), entry, t.Launched, k.now())
	if t.Wake {
		status = lab.Woken(status)
		t.Wake = status.State == lab.Suspended || status.Poll.Start
	}
	logging.Note(ctx, "state", string(status.State))
	return t, status, nil
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

func stackOf(s openstack.Stack, events ...lab.Event) lab.Stack {
	return lab.Stack{Action: s.Action, Status: s.Status, Reason: s.Reason, Created: s.Created, Outputs: s.Outputs, Events: events}
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
