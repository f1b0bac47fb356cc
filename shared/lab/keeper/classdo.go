package keeper

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
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
	named := make([]openstack.StackRef, len(refs))
	for i, text := range refs {
		ref, ok := parseRef(text)
		if !ok {
			return Outcome{}, noSuchLab()
		}
		named[i] = ref
	}
	var o Outcome
	var stacks []openstack.Stack
	for _, ref := range named {
		s, err := k.cloud.StackParameters(ctx, ref)
		switch {
		case openstack.CodeOf(err) == openstack.Gone:
			o.count(goneAs(act))
		case err != nil:
			return Outcome{}, Failure(err)
		case !t.has(s.Tags):
			logging.Note(ctx, "cause", "stack "+ref.Name+" is not of this class")
			return Outcome{}, noSuchLab()
		default:
			stacks = append(stacks, s)
		}
	}
	k.all(ctx, t, act, stacks, &o)
	return o, nil
}

// ClassDoAll does something to all labs of the class. It stops in time to answer; a second request goes on with what is
// left and touches nothing that is done.
func (k *Keeper) ClassDoAll(ctx context.Context, t ClassTicket, act lab.Act) (Outcome, error) {
	var o Outcome
	var stacks []openstack.Stack
	for s, err := range k.cloud.Stacks(ctx, t.tags()...) {
		if err != nil {
			return Outcome{}, Failure(err)
		}
		if !t.has(s.Tags) {
			continue
		}
		verdict := k.judge(t, act, s)
		if verdict == lab.Now && len(stacks) < mostRows {
			s.Reason, s.Parameters = "", nil
			stacks = append(stacks, s)
			continue
		}
		o.count(verdict)
	}
	k.all(ctx, t, act, stacks, &o)
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
	if act == lab.ActExtend {
		return lab.Never
	}
	return lab.Already
}

func (k *Keeper) judge(t ClassTicket, act lab.Act, s openstack.Stack) lab.Verdict {
	_, verdict := stackOf(s).Staff(k.entryOf(tagged(s.Tags, "lab=")), act, t.Shown, k.now())
	return verdict
}

const (
	// mostNamed is how many labs a request may name; who means more means all.
	mostNamed = 50
	// atOnce is how many changes are under way: Heat's API has a few workers a host, and learners need them too.
	atOnce = 8
	// afterwards is left of a request's time to list the class once more and draw the page.
	afterwards = 4 * time.Second
)

// all does the act to the stacks, several at once, until the time is over.
func (k *Keeper) all(ctx context.Context, t ClassTicket, act lab.Act, stacks []openstack.Stack, o *Outcome) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-afterwards))
		defer cancel()
	}
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan openstack.Stack)
	for range min(atOnce, len(stacks)) {
		workers.Go(func() {
			for s := range next {
				verdict := k.doOne(ctx, t, act, s)
				mu.Lock()
				o.count(verdict)
				mu.Unlock()
			}
		})
	}
	for _, s := range stacks {
		next <- s
	}
	close(next)
	workers.Wait()
	logging.Note(ctx, "act", string(act))
	logging.Note(ctx, "outcome", fmt.Sprintf("%d done, %d left, %d cannot", o.Done, o.Left, o.Cannot))
}

// doOne does the act to one stack and says what is to be said of it then: done already, or why not.
func (k *Keeper) doOne(ctx context.Context, t ClassTicket, act lab.Act, s openstack.Stack) lab.Verdict {
	lease, verdict := stackOf(s).Staff(k.entryOf(tagged(s.Tags, "lab=")), act, t.Shown, k.now())
	if verdict != lab.Now {
		return verdict
	}
	if ctx.Err() != nil {
		return lab.Later
	}
	var err error
	if act == lab.ActExtend {
		err = k.cloud.PatchStack(ctx, s.StackRef, openstack.StackChange{Tags: lease.Retag(s.Tags)})
	} else {
		err = k.cloud.DeleteStack(ctx, s.StackRef)
	}
	switch {
	case err == nil:
		return lab.Already
	case openstack.CodeOf(err) == openstack.Gone:
		return goneAs(act)
	}
	logging.Note(ctx, "cause", err.Error())
	return lab.Later
}

// refPattern is what refOf gives for a lab of ours.
var refPattern = regexp.MustCompile(`^lab-[0-9a-f]{18}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func noSuchLab() error {
	return &function.Error{Code: "no_such_lab", Status: http.StatusNotFound, Public: "This course has no such lab. Refresh the list, and use one that it shows."}
}
