package keeper

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/seal"
)

// Ticket is what a lab page holds: one learner's right to one lab. Nobody in it has a name.
type Ticket struct {
	lab.Owner
	// ID is the stack's id, empty until it is known.
	ID string `json:"id,omitempty"`
	// Settle says that the stack was created for this ticket and that nobody has looked yet whether it is the one that
	// counts: of two created at the very same moment by two processes Heat may keep both (openstack.Cloud.Settle).
	Settle bool `json:"settle,omitempty"`
	// Wake says that the learner came to use the lab and found it asleep: start it once it sleeps, and once it is awake
	// write down how long it may live now, which Heat does not take before.
	Wake bool `json:"wake,omitempty"`
	// Asked is when a launch told the cloud to start the lab and could not wait for the answer (Launch).
	Asked time.Time `json:"asked,omitzero"`
	// Removed is the id of the stack that a reset with this ticket deleted: until the new one is there, a list that still
	// shows the old one in its old state does not count.
	Removed string `json:"removed,omitempty"`
	// Lease is the stack's as it was last seen. A look at the events does not tell it.
	Lease    lab.Lease `json:"lease,omitzero"`
	Launched time.Time `json:"launched"`
	// Staff is when a launch in a course showed that the learner is course staff, and Course the title of it: see ClassOf.
	Staff  time.Time `json:"staff,omitzero"`
	Course string    `json:"course,omitempty"`
	// Ancestors are the origins that may show the page in a frame.
	Ancestors []string `json:"ancestors,omitempty"`
	Locale    string   `json:"locale,omitempty"`
}

// Same says whether two tickets are the same, so that a page need not be given a new one.
func (t Ticket) Same(u Ticket) bool {
	return t.Owner == u.Owner && t.ID == u.ID && t.Settle == u.Settle && t.Wake == u.Wake && t.Removed == u.Removed && t.Asked.Equal(u.Asked) && t.Launched.Equal(u.Launched) &&
		t.Staff.Equal(u.Staff) && t.Course == u.Course &&
		t.Lease.Until.Equal(u.Lease.Until) && t.Lease.Extended == u.Lease.Extended && t.Locale == u.Locale && slices.Equal(t.Ancestors, u.Ancestors)
}

const (
	purpose = "lab"
	// anyLifetime is for labs without a lifetime: a page is not open for ever.
	anyLifetime = 24 * time.Hour
)

// Seal makes a ticket fit for a page. It is good for as long as the lab lives.
func (k *Keeper) Seal(t Ticket) (string, error) {
	lifetime := k.entries[t.Lab].entry.Lifetime
	if lifetime <= 0 {
		lifetime = anyLifetime
	}
	expires := t.Launched.Add(lifetime)
	if t.Lease.Until.After(expires) {
		expires = t.Lease.Until
	}
	return k.box.Seal(purpose, t, expires)
}

// Open is the ticket in sealed. Its errors are for the caller to answer with.
func (k *Keeper) Open(sealed string) (Ticket, error) {
	var t Ticket
	if err := k.open(purpose, sealed, &t); err != nil {
		return Ticket{}, err
	}
	if _, known := k.entries[t.Lab]; !known {
		return Ticket{}, &function.Error{
			Code: "lab_withdrawn", Status: http.StatusGone, Public: "This lab is no longer offered. Ask your course staff which one takes its place.",
		}
	}
	return t, nil
}

func (k *Keeper) open(purpose, sealed string, ticket any) error {
	err := k.box.Open(purpose, sealed, ticket, k.now())
	switch {
	case sealed == "":
		return &function.Error{
			Code: "ticket_missing", Status: http.StatusUnauthorized, Public: "This page is reached through a lab. Open the lab from your course page.",
		}
	case errors.Is(err, seal.ErrExpired):
		return &function.Error{
			Code: "ticket_expired", Status: http.StatusUnauthorized, Public: "This page has been open for so long that it no longer counts. Open the lab again from your course page.", Err: err,
		}
	case err != nil:
		return &function.Error{
			Code: "ticket_invalid", Status: http.StatusUnauthorized, Public: "This page does not belong to a lab of ours. Open the lab again from your course page.", Err: err,
		}
	}
	return nil
}
