package keeper

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// found is what a learner has, and the ready-made labs there are, as one look at all clouds showed it.
type found struct{ lab.Home }

// listing is how long one cloud may take for its list: a cloud that hangs must not hold up those that answer.
const listing = 5 * time.Second

// survey looks for the learner's stacks in all clouds at once, one call each. If a cloud does not answer, what the others
// have counts; if they have nothing, it is not known whether there is a lab, and that is an error: nothing may be created.
func (k *Keeper) survey(ctx context.Context, t Ticket) (found, error) {
	filter := openstack.StackFilter{AnyTags: []string{lab.TagOwner + t.Stack}}
	if k.entries[t.Lab].entry.Warm > 0 {
		filter.AnyTags = append(filter.AnyTags, lab.TagWarm+t.Lab)
	}
	lists, errs := make([][]lab.Held, len(k.clouds)), make([]error, len(k.clouds))
	var others sync.WaitGroup
	for i := 1; i < len(k.clouds); i++ {
		others.Go(func() {
			limited, cancel := context.WithTimeout(ctx, listing)
			defer cancel()
			lists[i], errs[i] = k.listed(limited, i, filter)
		})
	}
	lists[0], errs[0] = k.listed(ctx, 0, filter)
	others.Wait()
	held := slices.DeleteFunc(slices.Concat(lists...), func(h lab.Held) bool {
		base := lab.BaseOf(h.Tags)
		return base != t.Stack && (base != "" || lab.Tagged(h.Tags, lab.TagWarm) != t.Lab)
	})
	f := found{lab.Gather(held, k.Entry(t), k.now())}
	for _, err := range errs {
		switch {
		case err == nil:
		case f.Current != nil || f.Next != nil:
			logging.Note(ctx, "cause", err.Error())
		default:
			return found{}, err
		}
	}
	return f, nil
}

// listed are the stacks of one cloud, which is named by its place.
func (k *Keeper) listed(ctx context.Context, place int, filter openstack.StackFilter) ([]lab.Held, error) {
	var held []lab.Held
	for s, err := range k.clouds[place].Cloud.StacksWhere(ctx, filter) {
		if err != nil {
			return nil, err //nolint:wrapcheck // it says what it was doing, and callers look at its code
		}
		held = append(held, k.held(place, s))
	}
	return held, nil
}

func (k *Keeper) held(place int, s openstack.Stack) lab.Held {
	return lab.Held{Cloud: k.clouds[place].Name, Order: place, Name: s.Name, ID: s.ID, Tags: s.Tags, Stack: stackOf(s)}
}

// aim is the stack that the ticket's page is about: what a launch enters, or what follows on the reset that the page asked
// for; nil if there is none yet.
func (f found) aim(t Ticket) *lab.Held {
	for _, h := range []*lab.Held{f.Current, f.Next} {
		if h != nil && h.Gen() >= t.Gen {
			return h
		}
	}
	return nil
}

// live says whether the stack of that id is there and stays.
func (f found) live(id string) bool {
	is := func(h lab.Held) bool { return h.ID == id }
	for _, h := range []*lab.Held{f.Current, f.Next, f.Previous} {
		if h != nil && is(*h) {
			return true
		}
	}
	return slices.ContainsFunc(f.Spare, is)
}

// site is the place of the cloud that the ticket's stack is in.
func (k *Keeper) site(t Ticket) int {
	if t.Cloud == "" {
		return 0
	}
	return max(0, slices.IndexFunc(k.clouds, func(s Site) bool { return s.Name == t.Cloud }))
}

// cloud is the one that has the ticket's stack.
func (k *Keeper) cloud(t Ticket) Cloud { return k.clouds[k.site(t)].Cloud }

// refOfHeld names a stack to its cloud.
func refOfHeld(h lab.Held) openstack.StackRef { return openstack.StackRef{Name: h.Name, ID: h.ID} }

// take makes h the stack of the ticket's page.
func (k *Keeper) take(t Ticket, h lab.Held) Ticket {
	t = k.at(t, h.Order, refOfHeld(h))
	t.Gen = h.Gen()
	return t
}

// at makes a stack in the cloud at that place the one of the ticket's page. Where there are several clouds it is named, so
// that their order may change while the page is open.
func (k *Keeper) at(t Ticket, place int, ref openstack.StackRef) Ticket {
	t.ID, t.Name, t.Cloud = ref.ID, ref.Name, ""
	if ref.Name == t.Stack {
		t.Name = ""
	}
	if len(k.clouds) > 1 {
		t.Cloud = k.clouds[place].Name
	}
	return t
}
