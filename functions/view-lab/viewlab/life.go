package viewlab

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/lab"
)

// heartbeat writes down that somebody uses the page, which is then left alone: there is nothing to show.
func (v *viewer) heartbeat(w http.ResponseWriter, r *http.Request) {
	ticket, err := v.keeper.Open(sealed(r))
	if err == nil {
		err = v.keeper.Heartbeat(r.Context(), ticket)
	}
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// old is the page of the lab from before a reset: it is the one that counts as long as the new one is not up, so a ticket that
// knows of no reset finds it. It only looks: a lab that is not there is not brought back by it.
func (v *viewer) old(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	ticket.ID, ticket.Name, ticket.Cloud, ticket.Gen, ticket.Back = "", "", "", 0, lab.Undo{}
	after, status, err := v.keeper.Look(r.Context(), ticket, lab.LookName)
	if err != nil {
		v.fail(w, r, ticket, before, err)
		return
	}
	after, status = v.closer(r, after, status)
	v.page(w, r, after, status, "")
}
