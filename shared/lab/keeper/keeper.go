package keeper

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/line"
	"github.com/stackhook/stackhook/shared/lab/probe"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// Keeper looks after labs.
type Keeper struct {
	clouds    Clouds
	box       *seal.Box
	entries   map[string]shelf
	namingKey []byte
	signalKey []byte
	publicURL string
	ancestors []string
	now       function.Clock
	builds    builds
	prober    *probe.Prober
	line      *line.Line
	leaver    Leaver // nil: grades are not saved
	looks     together[question, answer]
}

// question is what a look wants to know, and answer what Heat said.
type (
	question struct {
		cloud  string
		stack  openstack.StackRef
		events bool
	}
	answer struct {
		stack  openstack.Stack
		events []lab.Event
	}
)

// New reads the catalogue's templates; it asks the clouds nothing.
func New(c *config.Config, clouds Clouds, now function.Clock) (*Keeper, error) {
	box, err := c.Box()
	if err != nil {
		return nil, fmt.Errorf("set up tickets: %w", err)
	}
	entries, err := catalogue(c)
	if err != nil {
		return nil, err
	}
	namingKey := []byte(c.NamingKey.Reveal())
	signalKey, err := hkdf.Key(sha256.New, namingKey, nil, "signals", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of signals: %w", err)
	}
	k := &Keeper{
		clouds: clouds, box: box, entries: entries, namingKey: namingKey, signalKey: signalKey, publicURL: c.PublicURL, now: now, line: queue(clouds, c.Replicas, now),
		prober: probe.New(now, onLoopback(c.PublicURL)),
	}
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
	t.Lease, t.Lent = k.Entry(t).Lease(t.Launched), lab.Lease{}
	return t
}

// Entry is the catalogue's entry for a ticket, with what this process knows of builds, and as it is meant for the course at
// the time of the launch.
func (k *Keeper) Entry(t Ticket) lab.Entry {
	return k.entryOf(t.Lab).In(t.Tenant, t.Context, t.Launched)
}

func (k *Keeper) entryOf(key string) lab.Entry {
	entry := k.entries[key].entry
	if seen := k.builds.pace(key); seen.Median > 0 {
		entry.Expected, entry.Late = seen.Median, seen.P90
	}
	return entry
}

// Start gets the learner's lab going: creates it, adopts it, wakes it, or only looks if Heat is at work already. In one cloud
// it takes two calls (list, then create, resume or read), and one more where a launch lets the lab live longer, unless
// something is in the way. Whatever fails, there is a status to show, and the page goes on from there.
func (k *Keeper) Start(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	ctx, cancel := patient(ctx)
	defer cancel()
	return k.start(ctx, t)
}

func (k *Keeper) start(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	noteLearner(ctx, t, t.Stack)
	if status, closed := k.closed(t); closed {
		return t, status
	}
	f, err := k.survey(ctx, t)
	if err != nil {
		return k.trouble(ctx, t, err)
	}
	return k.proceed(ctx, t, f)
}

// proceed goes on from what a look at all clouds has shown.
func (k *Keeper) proceed(ctx context.Context, t Ticket, f found) (Ticket, lab.Status) {
	h, left := f.aim(t), k.allowance(ctx, t, f)
	if status, over := spent(left, h); over {
		return t, status
	}
	t.ID, t.Settle, t.Wake, t.Asked = "", false, false, time.Time{}
	if h != nil {
		t, status := k.enter(ctx, k.take(t, *h), f, *h)
		status.Allowance = left
		return t, status
	}
	if t.Gen == 0 && len(f.Leaving) > 0 {
		note(ctx, lab.Decision{Do: lab.Clear, Why: "the one before is being deleted"})
		return t, lab.Unseen(k.Entry(t), lab.Clearing)
	}
	note(ctx, lab.Decision{Do: lab.Create, Why: "no such stack"})
	t, status := k.build(ctx, t, f)
	status.Allowance = left
	return t, status
}

// noteLearner says for the log which stack it is about, and who asked. The name that a learner's stacks begin with is a hash
// under the naming key: all that anybody but us learns of them.
func noteLearner(ctx context.Context, t Ticket, stack string) {
	logging.Note(ctx, "stack", stack)
	logging.Note(ctx, logging.Caller, "learner "+t.Stack)
}

func note(ctx context.Context, d lab.Decision) {
	logging.Note(ctx, "decision", string(d.Do))
	logging.Note(ctx, "reason", d.Why)
}

// enter is what a launch does with a lab that is there.
func (k *Keeper) enter(ctx context.Context, t Ticket, f found, h lab.Held) (Ticket, lab.Status) {
	t.Queued = time.Time{}
	t = k.lend(t, f, h)
	decision := lab.Next(h.Stack, true)
	note(ctx, decision)
	switch decision.Do {
	case lab.Resume:
		t.Wake = true // until the resume is seen: Heat answers before its engine has begun
		if err := k.cloud(t).Act(ctx, t.ref(), openstack.Resume); err != nil {
			logging.Note(ctx, "cause", err.Error())
			return t, lab.Woken(k.view(t, h.Stack))
		}
		return t, k.returning(t, lab.Begun(k.Entry(t), lab.Resume, t.Lease))
	case lab.Wait:
		t.Wake = h.Stack.Action == "SUSPEND"
	case lab.Create, lab.Clear, lab.Enter, lab.Help:
	}
	t, status := k.read(ctx, t, h)
	return t, f.beside(status, h)
}

// learn takes the lease from a stack's tags, if they tell one: stacks made before there were leases do not.
func (t Ticket) learn(tags []string) Ticket {
	if lease := t.merged(lab.LeaseOf(tags)); !lease.Until.IsZero() {
		t.Lease = lease
	}
	return t
}

// view is what the stack means for the ticket's learner.
func (k *Keeper) view(t Ticket, stack lab.Stack, events ...lab.Event) lab.Status {
	stack.Lease, stack.Events = t.Lease, events
	entry := k.Entry(t)
	status := lab.View(stack, entry, k.now())
	status.Access = keyed(entry, status.Access)
	return k.returning(t, status)
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

// read asks for the outputs of a stack that was found in the list, and lets a lab that is up live longer if this launch is
// worth it. Without an answer the list's word is good enough.
func (k *Keeper) read(ctx context.Context, t Ticket, h lab.Held) (Ticket, lab.Status) {
	renewed := k.renew(ctx, t, h)
	s, err := k.cloud(t).Stack(ctx, t.ref())
	stack := stackOf(answered(s))
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		t.ID = ""
		return t, lab.Unseen(k.Entry(t), lab.Clearing)
	case err != nil:
		logging.Note(ctx, "cause", err.Error())
		return t, k.view(t, h.Stack)
	}
	if renewed && stack.Action == "UPDATE" { // by ourselves, and over before anything is pressed that it stands against
		stack.Action, stack.Status = h.Stack.Action, h.Stack.Status
	}
	t = t.learn(s.Tags)
	t, status := k.dressed(ctx, t, answered(s), k.view(t, stack))
	return t, k.graded(ctx, t, h, s, renewed, status)
}

// renew writes down how long a lab may live after this launch, and what was noted of its lease while it slept, and says
// whether it did. Of two who write at once Heat drops one without a word: the read that follows tells what counts, and the
// next launch tries again.
func (k *Keeper) renew(ctx context.Context, t Ticket, h lab.Held) bool {
	lease, moved := k.renewed(t, h.Tags, h.Stack)
	if !moved || !h.Stack.Patchable() {
		return false
	}
	if err := k.cloud(t).PatchStack(ctx, t.ref(), openstack.StackChange{Tags: lease.Retag(h.Tags)}); err != nil {
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
	return t, k.returning(t, lab.Unseen(k.Entry(t), why))
}

// Look asks Heat one thing and changes nothing. The ticket that comes back knows what was learned.
func (k *Keeper) Look(ctx context.Context, t Ticket, look lab.Look) (Ticket, lab.Status, error) {
	noteLearner(ctx, t, t.Stack)
	if t.ID == "" || t.Settle {
		return k.lookAround(ctx, t)
	}
	s, events, err := k.ask(ctx, t, look)
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		return t, lab.Unseen(k.Entry(t), lab.Ended), nil
	case err != nil:
		return t, lab.Status{}, Failure(err)
	}
	t.Asked = time.Time{}
	t = t.learn(s.Tags)
	if took, fresh := k.builds.see(t.Lab, t.ID, events); fresh {
		observe.Metrics(ctx).Histogram(metricBuilds, helpBuilds, metrics.LongBounds(), "lab").Observe(took, t.Lab)
	}
	stack := stackOf(s)
	t, status := k.dressed(ctx, t, s, k.view(t, stack, events...))
	return k.seen(ctx, t, s.Tags, stack, status)
}

// lookAround is a look of a page that does not know its stack yet: of several, it finds the one that everybody goes by.
func (k *Keeper) lookAround(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	f, err := k.survey(ctx, t)
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	h := f.aim(t)
	switch {
	case h == nil && len(f.Leaving) > 0 && t.Gen == 0:
		return t, lab.Unseen(k.Entry(t), lab.Clearing), nil
	case h == nil && t.ID == "":
		return t, k.absent(t), nil
	case h == nil:
		return t, lab.Unseen(k.Entry(t), lab.Ended), nil
	}
	shown := t.Settle // which a lab that was given away may have been already, as ready
	t = k.take(t, *h)
	t.Settle, t.Asked, t.Queued = false, time.Time{}, time.Time{}
	t = k.lend(t, f, *h)
	stack, status := h.Stack, k.view(t, h.Stack)
	if shown && status.Reason == lab.Finishing {
		if s, err := k.cloud(t).Stack(ctx, t.ref()); err == nil {
			stack = stackOf(answered(s))
			t, status = k.dressed(ctx, t, answered(s), k.view(t, stack))
		}
	}
	return k.seen(ctx, t, h.Tags, stack, f.beside(status, *h))
}

// seen ends a look.
func (k *Keeper) seen(ctx context.Context, t Ticket, tags []string, stack lab.Stack, status lab.Status) (Ticket, lab.Status, error) {
	if t.Wake {
		t, status = k.awake(t, tags, stack, status)
	}
	logging.Note(ctx, "state", string(status.State))
	return t, status, nil
}

// awake is the status of a lab that its learner came to wake up: it has to be told so once it sleeps, and once it is up, how
// long it may live now.
func (k *Keeper) awake(t Ticket, tags []string, stack lab.Stack, status lab.Status) (Ticket, lab.Status) {
	status = lab.Woken(status)
	if status.State == lab.Ready {
		if _, moved := k.renewed(t, tags, stack); moved && stack.Patchable() {
			status = lab.Renewing(status)
		}
	}
	t.Wake = status.State == lab.Suspended || status.State == lab.Resuming || status.Poll.Start || status.Reason == lab.Finishing
	return t, status
}

// ask asks Heat what a look is for, together with all others who look at the same lab at this moment.
func (k *Keeper) ask(ctx context.Context, t Ticket, look lab.Look) (openstack.Stack, []lab.Event, error) {
	asked := question{t.Cloud, t.ref(), look == lab.LookEvents}
	a, shared, err := k.looks.do(ctx, asked, func(ctx context.Context) (answer, error) {
		if asked.events {
			events, err := k.cloud(t).Events(ctx, t.ref(), "")
			return answer{openstack.Stack{StackRef: t.ref()}, eventsOf(t.ref(), events)}, err //nolint:wrapcheck // it says what it was doing
		}
		s, err := k.cloud(t).Stack(ctx, t.ref())
		s = answered(s)
		lab.Unpack(s.Outputs)        // once for all who share it
		return answer{stack: s}, err //nolint:wrapcheck // it says what it was doing
	})
	if shared {
		logging.Note(ctx, "asked", "together")
	}
	return a.stack, a.events, err
}

// answered marks the outputs as read: a template may have none.
func answered(s openstack.Stack) openstack.Stack {
	if s.Outputs == nil {
		s.Outputs = map[string]any{}
	}
	return s
}

// stackOf is what package lab wants to know of a stack. Of a ready-made lab its owner's time begins when it was given to them.
func stackOf(s openstack.Stack) lab.Stack {
	stack := lab.Stack{
		Action: s.Action, Status: s.Status, Reason: s.Reason, Created: s.Created, Updated: s.Updated, Lease: lab.LeaseOf(s.Tags), Outputs: s.Outputs,
	}
	if since := (lab.Held{Tags: s.Tags, Stack: stack}).Since(); since.After(stack.Created) {
		stack.Created = since
	}
	return stack
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
