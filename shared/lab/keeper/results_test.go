package keeper_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
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

// Row 8: the results of a lab that sleeps are shown as they were, for one call more; where there are none to show it is not
// made, and where Heat does not answer it the page says nothing of them, and is a page all the same.
func TestRow8ResultsOfALabAsleep(t *testing.T) {
	t.Parallel()
	c, _, ticket := graded(t)
	c.report(t, ticket, "first")
	if _, _, err := c.Suspend(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	for range 2 {
		c.ResetCalls()
		_, status, err := c.Look(t.Context(), ticket, lab.LookStack)
		if err != nil || status.State != lab.Suspended || status.Score == nil || *status.Score != 1 || !status.Checks[0].Passed || stateOf(status.Grade) != lab.GradeDue {
			t.Errorf("%+v, %v", status, err)
		}
		wantCalls(t, c.calls(), read, metadata)
	}
	c.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/metadata", Status: http.StatusServiceUnavailable})
	_, status, err := c.Look(t.Context(), ticket, lab.LookStack)
	if err != nil || status.State != lab.Suspended || status.Checks != nil || status.Score != nil || status.Grade != nil {
		t.Errorf("%+v, %v", status, err)
	}
	c.ClearFaults()
	c.ResetCalls()
	ticket, status = c.launch(t, learner("u1"))
	wantCalls(t, c.calls(), list, action) // waking it costs what it did
	if _, status = c.follow(t, ticket, status); status.Score == nil || *status.Score != 1 {
		t.Errorf("awake again: %+v", status)
	}
}

func TestNoChecksNoCallAsleep(t *testing.T) {
	t.Parallel()
	c := open(t)
	i := learner("u1")
	i.Lab = "signals"
	ticket := c.ready(t, i)
	if _, _, err := c.Suspend(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.ResetCalls()
	if _, status, err := c.Look(t.Context(), ticket, lab.LookStack); err != nil || status.State != lab.Suspended {
		t.Errorf("%+v, %v", status, err)
	}
	wantCalls(t, c.calls(), read)
}

// report plays the lab that says that a check passed.
func (c *classroom) report(t *testing.T, ticket keeper.Ticket, check string) {
	t.Helper()
	data := map[string]any{"check": check, "passed": true, "score": 1.0, "at": c.Now().Unix()}
	if !c.Signal(ticket.Stack, grades.Handle, map[string]any{"id": "result-" + check, "status": "SUCCESS", "data": data}) {
		t.Fatal("no handle")
	}
	c.Settle()
}
