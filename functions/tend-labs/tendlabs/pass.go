package tendlabs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// pass answers POST /, whatever the body says: a timer has nothing to say.
func (t *tending) pass(w http.ResponseWriter, r *http.Request) { t.run(w, r, t.tender.Pass) }

// doctor answers POST /doctor.
func (t *tending) doctor(w http.ResponseWriter, r *http.Request) { t.run(w, r, t.tender.Doctor) }

func (t *tending) run(w http.ResponseWriter, r *http.Request, pass func(context.Context, tender.Options) tender.Report) {
	dryRun, err := option(r, "dry_run")
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	report := pass(r.Context(), tender.Options{DryRun: dryRun})
	t.counts.pass(report)
	note(r.Context(), report)
	if err := blind(report.Clouds); err != nil {
		function.Fail(w, r, err)
		return
	}
	function.JSON(w, r, http.StatusOK, struct {
		tender.Report

		Reference string `json:"reference"`
	}{report, logging.RequestID(r.Context())})
}

// option is a switch in the query.
func option(r *http.Request, name string) (bool, error) {
	switch r.URL.Query().Get(name) {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, &function.Error{Code: "bad_option", Status: http.StatusBadRequest, Public: "The option " + name + " is 1 or 0."}
}

// note writes what a pass came to into the request's line.
func note(ctx context.Context, r tender.Report) {
	for key, n := range map[string]int{"stacks": r.Stacks, "labs": r.Labs, "failed": r.Failed, "left": r.Left, "resting": r.Resting, "cloud_calls": r.Calls, "findings": len(r.Findings)} {
		logging.Note(ctx, key, strconv.Itoa(n))
	}
	changes := make([]string, 0, len(r.Counts))
	for _, do := range slices.Sorted(maps.Keys(r.Counts)) {
		changes = append(changes, fmt.Sprintf("%s %d", do, r.Counts[do]))
	}
	logging.Note(ctx, "changes", strings.Join(changes, ", "))
	logging.Note(ctx, "dry_run", strconv.FormatBool(r.DryRun))
	for _, c := range r.Clouds {
		if c.Error != "" {
			logging.Note(ctx, "trouble "+c.Name, string(c.Error))
		}
	}
}

// blind is the answer if not one cloud could be seen: the timer's own log shall show it.
func blind(clouds []tender.CloudReport) error {
	var code openstack.Code
	for _, c := range clouds {
		if c.Error == "" || c.Stacks > 0 {
			return nil
		}
		code = c.Error
	}
	if code == "" {
		return nil
	}
	status, retry := code.HTTP()
	return &function.Error{
		Code: string(code), Status: status, RetryAfter: retry,
		Public: "No cloud could be asked for its labs, and nothing was changed. The next pass tries again; if it stays, look for the reference in the log.",
	}
}
