package keeper

import "github.com/stackhook/stackhook/shared/lab"

// lend keeps what was noted of the stack's lease beside it. Until the stack's own tags say as much, it goes with the ticket.
func (k *Keeper) lend(t Ticket, f found, h lab.Held) Ticket {
	lease := f.LeaseOf(h)
	t.Lent = lab.Lease{}
	if own := lab.LeaseOf(h.Tags); lease.Until.After(own.Until) || lease.Extended > own.Extended {
		t.Lent = lease
	}
	if !lease.Until.IsZero() {
		t.Lease = lease
	}
	t.Back = lab.Undo{}
	if back := f.WayBack(k.Entry(t), k.now()); back != nil {
		t.Back = *back
	}
	return t
}

// merged is a stack's own lease with what was noted beside it: of each the greatest.
func (t Ticket) merged(own lab.Lease) lab.Lease {
	if t.Lent.Until.After(own.Until) {
		own.Until = t.Lent.Until
	}
	own.Extended = max(own.Extended, t.Lent.Extended)
	return own
}

// renewed is the lease that a launch now would write down, if that is worth it.
func (k *Keeper) renewed(t Ticket, tags []string, stack lab.Stack) (lab.Lease, bool) {
	own := lab.LeaseOf(tags)
	lease, moved := t.merged(own).Renew(k.Entry(t), stack.Created, k.now())
	return lease, moved || lease.Until.After(own.Until) || lease.Extended > own.Extended
}
