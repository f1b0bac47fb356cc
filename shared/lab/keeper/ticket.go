package keeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// Ticket is what a lab page holds: one learner's right to one lab. Nobody in it has a name.
type Ticket struct {
	lab.Owner
	// ID is the stack's id, empty until it is known; Name is its name where it is not the owner's own, and Cloud the cloud
	// that has it where there are several.
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	Cloud string `json:"cloud,omitempty"`
	// Gen is the generation that the page is about: no earlier one will do, since a reset asked for this one.
	Gen int `json:"gen,omitempty"`
	// Back is the way back from that reset.
	Back lab.Undo `json:"back,omitzero"`
	// Settle says that the stack was created for this ticket and that nobody has looked yet whether it is the one that
	// counts: of two created at the very same moment by two processes Heat may keep both (openstack.Cloud.Settle).
	Settle bool `json:"settle,omitempty"`
	// Wake says that the learner came to use the lab and found it asleep: start it once it sleeps, and once it is awake
	// write down how long it may live now, which Heat does not take before.
	Wake bool `json:"wake,omitempty"`
	// Asked is when a launch told the cloud to start the lab and could not wait for the answer (Launch).
	Asked time.Time `json:"asked,omitzero"`
	// Queued is since when the learner waits in line.
	Queued time.Time `json:"queued,omitzero"`
	// Silent is since when the lab was asked whether it answers, and did not.
	Silent time.Time `json:"silent,omitzero"`
	// Lease is the stack's as it was last seen. A look at the events does not tell it.
	Lease lab.Lease `json:"lease,omitzero"`
	// Lent is what was noted beside a sleeping stack, whose own tags cannot be changed.
	Lent     lab.Lease `json:"lent,omitzero"`
	Launched time.Time `json:"launched"`
	// Staff is when a launch in a course showed that the learner is course staff, and Course the title of it: see ClassOf.
	Staff  time.Time `json:"staff,omitzero"`
	Course string    `json:"course,omitempty"`
	// Grading is where the launch wants the grade to go, sealed; empty: nowhere.
	Grading string `json:"grading,omitempty"`
	// Ancestors are the origins that may show the page in a frame.
	Ancestors []string `json:"ancestors,omitempty"`
	Locale    string   `json:"locale,omitempty"`
}

// Same says whether two tickets are the same, so that a page need not be given a new one.
func (t Ticket) Same(u Ticket) bool {
	// Almost every look shows nothing new and hands its ticket back. Where times are only kept otherwise, their text decides.
	if reflect.DeepEqual(t, u) {
		return true
	}
	one, err := json.Marshal(t)
	other, otherErr := json.Marshal(u)
	return err == nil && otherErr == nil && bytes.Equal(one, other)
}

// ref names the ticket's stack to its cloud.
func (t Ticket) ref() openstack.StackRef {
	if t.Name != "" {
		return openstack.StackRef{Name: t.Name, ID: t.ID}
	}
	return openstack.StackRef{Name: t.Stack, ID: t.ID}
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
