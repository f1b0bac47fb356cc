package keeper

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Outcome counts the labs of a request. What is left may be asked for again; what cannot be done is of labs that sleep,
// that are broken, or that have reached their greatest age.
type Outcome struct{ Done, Left, Cannot int }

// ClassDo does something to some labs of the class, each named by the Ref of its row. It looks at all of them first, and if
// one is not of this class it does nothing at all.
func (k *Keeper) ClassDo(ctx context.Context, t ClassTicket, act lab.Act, refs []string) (Outcome, error) {
	if len(refs) == 0 || len(refs) > mostNamed {
		return Outcome{}, noSuchLab()
	}
	type place struct {
		ref   openstack.StackRef
		cloud int
	}
	named := make([]place, len(refs))
	for i, text := range refs {
		ref, cloud, ok := k.parseRef(text)
		if !ok {
			return Outcome{}, noSuchLab()
		}
		named[i] = place{ref, cloud}
	}
	var o Outcome
	var stacks []lab.Held
	for _, n := range named {
		s, err := k.clouds[n.cloud].Cloud.StackParameters(ctx, n.ref)
		switch {
		case openstack.CodeOf(err) == openstack.Gone:
			o.count(goneAs(act))
		case err != nil:
			return Outcome{}, Failure(err)
		case !t.has(s.Tags):
			logging.Note(ctx, "cause", "stack "+n.ref.Name+" is not of this class")
			return Outcome{}, noSuchLab()
		default:
			stacks = append(stacks, k.held(n.cloud, s))
		}
	}
	do := k.doOne
	if act == lab.ActReset || act == lab.ActEnd || act == lab.ActUndo {
		do = k.doWhole
	}
	k.all(ctx, t, act, stacks, do, &o)
	return o, nil
}

// ClassDoAll does something to all labs of the class. It stops in time to answer; a second request goes on with what is
// left and touches nothing that is done.
func (k *Keeper) ClassDoAll(ctx context.Context, t ClassTicket, act lab.Act) (Outcome, error) {
	var o Outcome
	var stacks, whole []lab.Held
	judge := func(h lab.Held) {
		_, verdict := h.Stack.Staff(k.entryFor(h), act, t.Shown, k.now())
		if verdict == lab.Now && len(stacks) < mostRows {
			stacks = append(stacks, h)
			return
		}
		o.count(verdict)
	}
	each := judge
	if act == lab.ActExtend || act == lab.ActSuspend { // of several generations that is for the one in use
		each = func(h lab.Held) { whole = append(whole, h) }
	}
	if err := k.everyone(ctx, t, each); err != nil {
		return Outcome{}, err
	}
	for _, h := range k.inUse(whole) {
		judge(h)
	}
	k.all(ctx, t, act, stacks, k.doOne, &o)
	return o, nil
}

// count adds a lab that nothing is done to in this request.
func (o *Outcome) count(v lab.Verdict) {
	switch v {
	case lab.Already:
		o.Done++
	case lab.Never:
		o.Cannot++
	case lab.Now, lab.Later:
		o.Left++
	}
}

func goneAs(act lab.Act) lab.Verdict {
	if act == lab.ActReset || act == lab.ActEnd {
		return lab.Already
	}
	return lab.Never
}

const (
	// mostNamed is how many labs a request may name; who means more means all.
	mostNamed = 50
	// atOnce is how many changes are under way: Heat's API has a few workers a host, and learners need them too.
	atOnce = 8
	// afterwards is left of a request's time to list the class once more and draw the page.
	afterwards = 4 * time.Second
)

// deed does an act to one lab and says what is to be said of it then: done already, or why not.
type deed func(ctx context.Context, t ClassTicket, act lab.Act, h lab.Held) lab.Verdict

// all does the act to the stacks, several at once, until the time is over.
func (k *Keeper) all(ctx context.Context, t ClassTicket, act lab.Act, stacks []lab.Held, do deed, o *Outcome) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-afterwards))
		defer cancel()
	}
	logging.Note(ctx, logging.Caller, "staff of course "+t.Context)
	ctx = logging.Because(ctx, string(act))
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan lab.Held)
	for range min(atOnce, len(stacks)) {
		workers.Go(func() {
			for h := range next {
				verdict := lab.Later
				if ctx.Err() == nil {
					verdict = do(ctx, t, act, h)
				}
				mu.Lock()
				o.count(verdict)
				mu.Unlock()
			}
		})
	}
	for _, h := range stacks {
		next <- h
	}
	close(next)
	workers.Wait()
	logging.Note(ctx, "act", string(act))
	logging.Note(ctx, "outcome", fmt.Sprintf("%d done, %d left, %d cannot", o.Done, o.Left, o.Cannot))
}

// doOne does the act to one stack and to nothing else that its owner has.
func (k *Keeper) doOne(ctx context.Context, t ClassTicket, act lab.Act, h lab.Held) lab.Verdict {
	lease, verdict := h.Stack.Staff(k.entryFor(h), act, t.Shown, k.now())
	if verdict != lab.Now {
		return verdict
	}
	cloud := k.clouds[h.Order].Cloud
	var err error
	switch {
	case act == lab.ActSuspend:
		err = k.putToSleep(ctx, cloud, h)
	case act == lab.ActExtend && !h.Stack.Patchable(): // asleep
		err = write(ctx, cloud, lab.OwnerIn(h.Tags).LeaseNote(h.ID, lease))
		if openstack.CodeOf(err) == openstack.Conflict {
			return lab.Already
		}
	case act == lab.ActExtend:
		err = cloud.PatchStack(ctx, refOfHeld(h), openstack.StackChange{Tags: lease.Retag(h.Tags)})
	default:
		err = k.remove(ctx, h)
	}
	return outcome(ctx, act, err)
}

// putToSleep suspends one lab, with its grade saved.
func (k *Keeper) putToSleep(ctx context.Context, cloud Cloud, h lab.Held) error {
	if k.earns(h.Tags) {
		s, err := cloud.Stack(ctx, refOfHeld(h))
		if err == nil {
			err = k.rest(ctx, cloud, s)
		}
		if err != nil {
			return err
		}
	}
	return cloud.Act(ctx, refOfHeld(h), openstack.Suspend) //nolint:wrapcheck // callers look at its code
}

// doWhole does an act that is about all that the lab's owner has of it: what came before a reset goes with what came after,
// or takes its place again. The time that the labs were up is not held against the owner: staff gives it back.
func (k *Keeper) doWhole(ctx context.Context, _ ClassTicket, act lab.Act, h lab.Held) lab.Verdict {
	owner := lab.OwnerIn(h.Tags)
	if owner.Stack == "" { // made before there were generations
		owner.Stack = h.Name
	}
	f, err := k.survey(ctx, Ticket{Owner: owner})
	if err != nil {
		return outcome(ctx, act, err)
	}
	entry := k.entryFor(h)
	var plan lab.Plan
	switch back := f.WayBack(entry, k.now()); {
	case act != lab.ActUndo && f.Find(h.ID) == nil: // a double, or one that nobody can go back to
		plan = lab.Plan{Delete: []lab.Held{h}}
	case act != lab.ActUndo:
		plan = f.End(h.ID, entry)
	case back == nil:
		return lab.Never
	default:
		plan = f.Undo(back.Gen, entry, k.now())
	}
	if plan.Refused != "" || plan.Wake != nil {
		return lab.Never
	}
	for _, gone := range plan.Delete {
		if gone.Stack.Action == "DELETE" && gone.Stack.Status != "FAILED" {
			continue
		}
		if err := k.remove(ctx, gone); err != nil {
			return outcome(ctx, act, err)
		}
	}
	return lab.Already
}

// outcome is the verdict on a lab after something was tried with it.
func outcome(ctx context.Context, act lab.Act, err error) lab.Verdict {
	switch {
	case err == nil:
		return lab.Already
	case openstack.CodeOf(err) == openstack.Gone:
		return goneAs(act)
	}
	logging.Note(ctx, "cause", err.Error())
	return lab.Later
}

func noSuchLab() error {
	return &function.Error{Code: "no_such_lab", Status: http.StatusNotFound, Public: "This course has no such lab. Refresh the list, and use one that it shows."}
}
