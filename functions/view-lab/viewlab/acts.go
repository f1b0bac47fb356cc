package viewlab

import (
	"context"
	"net/http"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/page"
)

// acts are what a learner may do to the lab, by path. Each may be sent twice: the ticket holds the stack's id and the number
// of extensions that the page knew of, so that a repeat changes nothing more.
func (v *viewer) acts() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/extend":  v.act(lab.ActExtend, v.keeper.Extend),
		"/suspend": v.act(lab.ActSuspend, v.keeper.Suspend),
		"/reset":   v.act(lab.ActReset, v.keeper.Reset),
		"/undo":    v.act(lab.ActUndo, v.keeper.Undo),
		"/end":     v.act(lab.ActEnd, v.keeper.End),
		"/check":   v.act(lab.ActCheck, v.keeper.Check),
	}
}

func (v *viewer) act(act lab.Act, do func(context.Context, keeper.Ticket) (keeper.Ticket, lab.Status, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		before := sealed(r)
		ticket, err := v.keeper.Open(before)
		if err != nil {
			v.fail(w, r, ticket, "", err)
			return
		}
		logging.Note(r.Context(), "act", string(act))
		after, status, err := do(r.Context(), ticket)
		switch {
		case err != nil:
			v.fail(w, r, ticket, before, err)
		case wantsPage(r):
			notice := page.TextsFor(after.Locale).Did[string(act)]
			if status.State == lab.Gone && act != lab.ActEnd { // it was gone before
				notice = ""
			}
			v.page(w, r, after, status, notice)
		default:
			v.answer(w, r, ticket, after, status)
		}
	}
}
