package keeper

import (
	"context"
	"strconv"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
)

// mostRows bounds what a class view holds in memory and shows. Heat's own bound is 512 stacks a project by default.
const mostRows = 500

// Class are the labs of the course, oldest first: one call for each 200 in each cloud. Of an owner's several stacks it shows
// the one that everybody goes by. Truncated says that there are more than are shown.
func (k *Keeper) Class(ctx context.Context, t ClassTicket) (members []lab.Member, truncated bool, err error) {
	var all owners
	err = k.everyone(ctx, t, func(h lab.Held) {
		if len(all.held) == mostRows && !all.has(h) {
			truncated = true
			return
		}
		all.add(h)
	})
	if err != nil {
		return nil, false, err
	}
	members = make([]lab.Member, len(all.held))
	for i, held := range all.held {
		members[i] = k.member(t, held)
	}
	logging.Note(ctx, "labs", strconv.Itoa(len(members)))
	return members, truncated, nil
}

// member is the row of one owner, who has at least one stack.
func (k *Keeper) member(t ClassTicket, held []lab.Held) lab.Member {
	entry := k.entryFor(held[0])
	home := lab.Gather(held, entry, k.now())
	h := shown(home, held)
	title := entry.Title
	if title == "" { // withdrawn from the catalogue
		title = lab.Tagged(h.Tags, lab.TagLab)
	}
	stack := h.Stack
	stack.Lease = home.LeaseOf(h)
	status := home.Rebuilt(lab.Overview(stack, entry, k.now()))
	return lab.Member{
		Title: title, Status: lab.Undoable(status, home.WayBack(entry, k.now()), k.now()), Created: h.Stack.Created,
		Gen: h.Gen(), Active: stack.Activity(entry, lab.Signals{}, k.now()),
		Code: lab.OwnerIn(h.Tags).Code(), Mine: t.Own != "" && baseOf(h) == t.Own, Ref: refOf(h),
	}
}

// entryFor is the catalogue's entry for a stack, as it is meant for its course.
func (k *Keeper) entryFor(h lab.Held) lab.Entry {
	owner := lab.OwnerIn(h.Tags)
	return k.entryOf(owner.Lab).In(owner.Tenant, owner.Context, h.Since())
}
