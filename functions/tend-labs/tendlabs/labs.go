package tendlabs

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
)

// fleet answers GET /labs.
func (t *tending) fleet(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	q := tender.Query{Cloud: query.Get("cloud"), Lab: query.Get("lab"), State: lab.State(query.Get("state")), After: query.Get("after")}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			function.Fail(w, r, &function.Error{Code: "bad_option", Status: http.StatusBadRequest, Public: "The option limit is a number of labs, from 1 on."})
			return
		}
		q.Limit = n
	}
	fleet := t.tender.Fleet(r.Context(), q)
	logging.Note(r.Context(), "labs", strconv.Itoa(fleet.Totals.Labs))
	if err := blind(fleet.Clouds); err != nil {
		function.Fail(w, r, err)
		return
	}
	function.JSON(w, r, http.StatusOK, fleet)
}

// request is the body of POST /labs/{act}.
type request struct {
	Act lab.Act `json:"-"`
	Ref string  `json:"ref" validate:"required,max=400"`
	// Shown is the time "at" of the list that the order was given by: for each list a lab is extended once.
	Shown time.Time `json:"shown"`
}

// ReadRequest takes the act from the address.
func (r *request) ReadRequest(req *http.Request) error {
	r.Act = lab.Act(req.PathValue("act"))
	if !slices.Contains([]lab.Act{lab.ActSuspend, lab.ActExtend, lab.ActEnd, lab.ActUndo}, r.Act) {
		return &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "There is no such act. Post to /labs/suspend, extend, end or undo."}
	}
	if r.Act == lab.ActExtend && r.Shown.IsZero() {
		return function.Invalid(function.Fault{Field: "shown", Message: `is missing; send the time "at" of the list that shows the lab, so that a request sent twice extends once.`})
	}
	return nil
}

// carriedOut is an outcome with the status that goes with it.
type carriedOut struct{ tender.Outcome }

// Status is 202 for what was begun, 409 for what has to be asked again or cannot be.
func (o carriedOut) Status() int {
	switch o.Verdict {
	case lab.Now:
		return http.StatusAccepted
	case lab.Already:
		return http.StatusOK
	case lab.Later, lab.Never:
	}
	return http.StatusConflict
}

// Headers say when to ask again.
func (o carriedOut) Headers(h http.Header) {
	if o.Verdict == lab.Later {
		h.Set("Retry-After", "10")
	}
}

// order answers POST /labs/{act}.
func (t *tending) order(w http.ResponseWriter, r *http.Request) {
	function.Handle(func(ctx context.Context, in request) (carriedOut, error) {
		logging.Note(ctx, "act", string(in.Act))
		out, err := t.tender.Order(ctx, tender.Order{Act: in.Act, Ref: in.Ref, Shown: in.Shown})
		if err == nil {
			t.counts.orders.Add(1, string(in.Act))
		}
		return carriedOut{out}, err
	}).ServeHTTP(w, r)
}
