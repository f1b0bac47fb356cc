package viewlab

import (
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/page"
)

// classActs are what course staff may do to labs of their course, by path. Whose labs those are, and that the caller is
// staff, is in the sealed class ticket and nowhere else.
func (v *viewer) classActs() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/class/extend": v.classAct(lab.ActExtend), "/class/suspend": v.classAct(lab.ActSuspend), "/class/reset": v.classAct(lab.ActReset),
		"/class/undo": v.classAct(lab.ActUndo), "/class/end": v.classAct(lab.ActEnd),
	}
}

func (v *viewer) class(w http.ResponseWriter, r *http.Request) {
	if ticket, ok := v.openClass(w, r); ok {
		v.showClass(w, r, ticket, "", nil)
	}
}

// classAct does one thing to the labs that the field lab names, once or several times, or to all of them (all=1).
func (v *viewer) classAct(act lab.Act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ticket, ok := v.openClass(w, r)
		if !ok {
			return
		}
		refs := r.PostForm["lab"]
		var outcome keeper.Outcome
		var err error
		if len(refs) == 0 && r.PostFormValue("all") == "1" {
			outcome, err = v.keeper.ClassDoAll(r.Context(), ticket, act)
		} else {
			outcome, err = v.keeper.ClassDo(r.Context(), ticket, act, refs)
		}
		if err != nil {
			v.failClass(w, r, ticket, err)
			return
		}
		v.showClass(w, r, ticket, act, &outcome)
	}
}

func (v *viewer) openClass(w http.ResponseWriter, r *http.Request) (keeper.ClassTicket, bool) {
	if err := r.ParseForm(); err != nil {
		v.failClass(w, r, keeper.ClassTicket{}, &function.Error{
			Code: "bad_form", Status: http.StatusBadRequest, Public: "The form of this page did not arrive whole. Go back and try again.", Err: err,
		})
		return keeper.ClassTicket{}, false
	}
	ticket, err := v.keeper.OpenClass(sealed(r))
	if err != nil {
		v.failClass(w, r, ticket, err)
		return ticket, false
	}
	return ticket, true
}

// failClass answers with a problem; the page leads nowhere, since the class's ticket opens no lab.
func (v *viewer) failClass(w http.ResponseWriter, r *http.Request, t keeper.ClassTicket, err error) {
	v.fail(w, r, keeper.Ticket{Launched: t.Launched, Ancestors: t.Ancestors, Locale: t.Locale}, "", err)
}

// roll is the class as JSON.
type roll struct {
	Course    string   `json:"course,omitempty"`
	Labs      []member `json:"labs"`
	Truncated bool     `json:"truncated,omitempty"`
	Notice    string   `json:"notice,omitempty"`
	Outcome   *outcome `json:"outcome,omitempty"`
	Ticket    string   `json:"ticket"` // for the next request: each page gives more time once
}

type member struct {
	Ref     string     `json:"ref"`
	Owner   string     `json:"owner"`
	Mine    bool       `json:"mine,omitempty"`
	Lab     string     `json:"lab"`
	State   lab.State  `json:"state"`
	Reason  lab.Reason `json:"reason,omitempty"`
	Created time.Time  `json:"created_at,omitzero"`
	Expires time.Time  `json:"expires_at,omitzero"`
	Gen     int        `json:"generation,omitempty"`
	Active  time.Time  `json:"active_at,omitzero"`
	Kept    time.Time  `json:"kept_until,omitzero"` // the one before
}

type outcome struct {
	Done   int `json:"done"`
	Left   int `json:"left"`
	Cannot int `json:"cannot"`
}

func (v *viewer) showClass(w http.ResponseWriter, r *http.Request, t keeper.ClassTicket, act lab.Act, done *keeper.Outcome) {
	members, truncated, err := v.keeper.Class(r.Context(), t)
	if err != nil {
		v.failClass(w, r, t, err)
		return
	}
	fresh, err := v.keeper.SealClass(t)
	if err != nil {
		v.failClass(w, r, t, fmt.Errorf("seal class ticket: %w", err))
		return
	}
	texts, notice := page.TextsFor(t.Locale), ""
	if done != nil {
		notice = texts.Notice(string(act), done.Done, done.Left, done.Cannot)
	}
	if wantsPage(r) {
		v.pages.Class(w, r, page.Class{
			Ticket: fresh, Course: t.Course, Rows: rows(members), Truncated: truncated, Notice: notice, Texts: texts, Ancestors: t.Ancestors,
		})
		return
	}
	out := roll{Course: t.Course, Labs: make([]member, len(members)), Truncated: truncated, Notice: notice, Ticket: fresh}
	for i, m := range members {
		out.Labs[i] = member{
			m.Ref, m.Code, m.Mine, m.Title, m.Status.State, m.Status.Reason, m.Created, m.Status.ExpiresAt, m.Gen, m.Active, kept(m.Status),
		}
	}
	if done != nil {
		out.Outcome = &outcome{done.Done, done.Left, done.Cannot}
	}
	function.JSON(w, r, http.StatusOK, out)
}

func rows(members []lab.Member) []page.Row {
	list := make([]page.Row, len(members))
	for i, m := range members {
		list[i] = page.Row{
			Owner: m.Code, Lab: m.Title, State: m.Status.State, Reason: m.Status.Reason, Expires: m.Status.ExpiresAt, Ref: m.Ref, Mine: m.Mine,
			Gen: m.Gen, Active: m.Active, Kept: kept(m.Status),
		}
	}
	return list
}

// kept is until when the lab from before a reset is kept.
func kept(s lab.Status) time.Time {
	if s.Undo == nil {
		return time.Time{}
	}
	return s.Undo.Until
}
