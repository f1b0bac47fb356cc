package tendlabs

import (
	"context"
	"net/http"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/logging"
)

// question is the body of POST /preflight.
type question struct {
	Lab      string `json:"lab" validate:"required"`
	Learners int    `json:"learners" validate:"required,min=1"`
}

// preflight answers POST /preflight: what would run out at which learner. It changes nothing, and asks too much for a GET that
// anything might repeat.
func (t *tending) preflight(w http.ResponseWriter, r *http.Request) {
	function.Handle(func(ctx context.Context, in question) (roster.Forecast, error) {
		logging.Note(ctx, "lab", in.Lab)
		return t.planner.Preflight(ctx, in.Lab, in.Learners) //nolint:wrapcheck // its errors are answers
	}).ServeHTTP(w, r)
}

// begun is a prebuild with the status that goes with it.
type begun struct{ roster.Result }

// Status is 202 while labs are under way.
func (b begun) Status() int {
	if b.Built > 0 || b.Left > 0 {
		return http.StatusAccepted
	}
	return http.StatusOK
}

// prebuild answers POST /prebuild: it begins the labs of a class, as far as its time goes. Sent again it goes on.
func (t *tending) prebuild(w http.ResponseWriter, r *http.Request) {
	function.Handle(func(ctx context.Context, in roster.Roster) (begun, error) {
		logging.Note(ctx, "lab", in.Lab)
		result, err := t.planner.Prebuild(logging.Because(ctx, "prebuild"), in)
		return begun{result}, err //nolint:wrapcheck // its errors are answers
	}).ServeHTTP(w, r)
}
