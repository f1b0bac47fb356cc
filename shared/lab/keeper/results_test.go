package keeper_test

import (
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
)

// Row 8: what the lab reports of its checks is in the status, with its hint, in the one call of a look; the best counts, and
// the course site is yet to be told.
func TestRow8ResultsInTheStatus(t *testing.T) {
	t.Parallel()
	for destination, want := range map[string]lab.GradeState{"": "", "sealed destination": lab.GradeDue} {
		c := openWith(t, func(web *config.Lab) {
			web.Template = "signals.yaml"
			web.Checks = []config.Check{{Name: "first", Title: "First", Kind: "report", Weight: 3}, {Name: "second", Kind: "report", Weight: 1}}
		})
		ticket := c.Ticket(learner("u1"))
		ticket.Grading = destination
		ticket, status := c.Start(t.Context(), ticket)
		ticket, status = c.follow(t, ticket, status)
		if len(status.Checks) != 2 || status.Score != nil || status.Grade != nil || !slices.Contains(status.Actions, lab.ActCheck) {
			t.Fatalf("before anything is reported: %+v", status)
		}
		for id, data := range map[string]map[string]any{
			"result-1": {"check": "first", "passed": true, "score": 1.0, "at": c.Now().Unix()},
			"result-2": {"check": "second", "passed": false, "score": 0.0, "message": "Is it running?", "at": c.Now().Unix()},
		} {
			if !c.Signal(ticket.Stack, grades.Handle, map[string]any{"id": id, "status": "SUCCESS", "data": data}) {
				t.Fatal("no handle")
			}
		}
		c.Settle()
		c.ResetCalls()
		_, status, err := c.Check(t.Context(), ticket)
		if err != nil || status.Score == nil || *status.Score != 0.75 || !status.Checks[0].Passed || status.Checks[1].Passed || status.Checks[1].Message != "Is it running?" {
			t.Errorf("%+v, %v", status, err)
		}
		wantCalls(t, c.calls(), read)
		if got := stateOf(status.Grade); got != want {
			t.Errorf("with %q the grade is %q, want %q", destination, got, want)
		}
	}
}

func stateOf(g *lab.Grade) lab.GradeState {
	if g == nil {
		return ""
	}
	return g.State
}

// A ready-made lab learns with its owner where the grade goes.
func TestClaimSaysWhereTheGradeGoes(t *testing.T) {
	t.Parallel()
	c := openWith(t, func(web *config.Lab) { web.Template, web.Warm = "signals.yaml", 1 })
	shelf, _ := c.Shelf("web")
	tags := []string{lab.Tag, lab.TagLab + "web", lab.TagWarm + "web", lab.TagRev + shelf.Entry.Revision}
	if _, err := c.client.CreateStack(t.Context(), c.NewStack("warm-web-00000001", "web", tags, "")); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	ticket := c.Ticket(learner("u1"))
	ticket.Grading = "sealed destination"
	ticket, status := c.Start(t.Context(), ticket)
	if status.State != lab.Ready {
		t.Fatalf("%+v", status)
	}
	s, _ := c.Stack(ticket.Name)
	if s.Parameters[grades.GradingParameter] != "sealed destination" {
		t.Errorf("the lab was told %q", s.Parameters[grades.GradingParameter])
	}
}
