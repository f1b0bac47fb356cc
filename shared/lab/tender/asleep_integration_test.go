//go:build integration

package tender_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// school is a town whose labs are graded, with the grade book of its course.
type school struct {
	*town

	lms *outcometest.LMS
}

func enrolled(t *testing.T) *school {
	t.Helper()
	s := &school{lms: outcometest.Start(t, nil)}
	s.town = build(t, "graded.yaml", func(l *config.Lab) {
		l.Checks = []config.Check{{Name: "one", Kind: "report", Weight: 1}, {Name: "two", Kind: "report", Weight: 1}}
	})
	s.config.LTI.Consumers = []config.Consumer{{Key: "academy", Secret: outcometest.Secret, OutcomeHosts: []string{s.lms.Host()}}}
	s.lms.Now = s.now
	s.parts.Grades = carrier{s.process(t)}
	s.Tender = tender.New(s.parts)
	return s
}

// process is what brings grades in one more process.
func (s *school) process(t *testing.T) grades.Grades {
	t.Helper()
	g, err := grades.New(s.config, grades.Options{Client: s.lms.Client(20 * time.Second), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ready is a learner's lab that is up and knows where its grade goes.
func (s *school) ready(t *testing.T, learner string) keeper.Ticket {
	t.Helper()
	box, err := s.config.Box()
	if err != nil {
		t.Fatal(err)
	}
	ticket := s.Ticket(s.who(learner))
	to := grades.DestinationOf(lti.Launch{Version: "1.1", Tenant: "academy", Outcome: lti.Outcome{URL: s.lms.OutcomeURL(), SourcedID: learner}})
	if ticket.Grading, err = grades.Seal(box, ticket.Stack, to, s.now()); err != nil {
		t.Fatal(err)
	}
	ticket, status := s.Start(t.Context(), ticket)
	ticket, _ = s.up(t, ticket, status)
	s.settles(t, refTo(ticket))
	return ticket
}

// reports plays a lab that says how a check went, to a process of its own.
func (s *school) reports(t *testing.T, cloud grades.Cloud, ref openstack.StackRef, check string, score float64) (grades.Report, error) {
	t.Helper()
	whole, err := s.client.Stack(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.process(t).Record(t.Context(), cloud, whole, lab.Result{ID: check, Check: check, Score: score, Passed: score == 1})
	if err != nil && !errors.Is(err, errStruck) {
		t.Fatal(err)
	}
	return report, err
}

// fallsAsleep waits until Heat shows a result, and puts the lab to sleep as an operator does, who saves nothing.
func (s *school) fallsAsleep(t *testing.T, ref openstack.StackRef, check string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		told, err := s.client.Metadata(t.Context(), ref, grades.Handle)
		if _, there := told[lab.ResultID(check)]; err == nil && there {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("Heat does not show the result: %v, %v", told, err)
		}
	}
	s.settles(t, ref)
	if err := s.client.Act(t.Context(), ref, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
	if asleep := s.settles(t, ref, "SUSPEND_COMPLETE"); asleep.Outputs[lab.SignalsOutput] != "" {
		t.Errorf("the output of a lab that sleeps is %q", asleep.Outputs[lab.SignalsOutput])
	}
}

// carrier is how a tender knows grades.
type carrier struct{ grades.Grades }

func (c carrier) Deliver(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := c.Grades.Deliver(ctx, cloud, s)
	return report.Word(), err
}

func (c carrier) Sleep(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := c.Grades.Sleep(ctx, cloud, s)
	return report.Word(), err
}

func (c carrier) Leave(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := c.Grades.Leave(ctx, cloud, s)
	return report.Word(), err
}

func (c carrier) Outbox(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := c.Grades.Outbox(ctx, cloud, s)
	return report.Word(), err
}

// struck is a cloud of a process that dies once a result is written down.
type struck struct{ grades.Cloud }

var errStruck = errors.New("the process is dead")

func (c struck) Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error {
	if err := c.Cloud.Signal(ctx, ref, resource, s); err != nil {
		return err
	}
	return errStruck
}

// TestRealGradeOfALabAsleep: a lab falls asleep with a grade that the course site did not take, and it is delivered while it
// sleeps; its page shows what was earned; the lab after a reset does not lower it.
func TestRealGradeOfALabAsleep(t *testing.T) { //nolint:paralleltest // it counts the calls of its passes
	s := enrolled(t)
	ticket := s.ready(t, "u1")
	ref := refTo(ticket)
	s.lms.Feel(outcometest.Broken)
	if got, _ := s.reports(t, s.client, ref, "one", 1); got.Did != grades.Postponed {
		t.Fatalf("%+v", got)
	}
	s.fallsAsleep(t, ref, "one")
	s.tended(t, 1)
	s.turn(2 * time.Minute)
	s.tended(t, 5, "deliver_grade "+ref.Name) // list, read, metadata, the owner's labs, note
	s.settles(t, ref, "SUSPEND_COMPLETE")
	if got := s.lms.Changes("u1"); !slices.Equal(got, []float64{0.5}) {
		t.Errorf("the grade was %v", got)
	}
	s.tended(t, 2) // the list, and the learner's stacks, of which there are two now

	_, status, err := s.Look(t.Context(), ticket, lab.LookStack)
	if err != nil || status.State != lab.Suspended || status.Score == nil || *status.Score != 0.5 || !status.Checks[0].Passed {
		t.Errorf("its page: %+v, %v", status, err)
	}
	next, status, err := s.Reset(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	next, _ = s.up(t, next, status)
	s.settles(t, refTo(next))
	if got, _ := s.reports(t, s.client, refTo(next), "two", 0.2); got.Did != grades.Nothing {
		t.Errorf("the lab after the reset: %+v", got)
	}
	if got := s.lms.Changes("u1"); !slices.Equal(got, []float64{0.5}) {
		t.Errorf("the grade was %v", got)
	}
}

// TestRealGradeOfALabDeletedAsleep: whoever was to bring a grade died right after the result was written down, and the lab
// fell asleep. Nobody looks until its time is over, and then the grade is delivered before the lab is deleted.
func TestRealGradeOfALabDeletedAsleep(t *testing.T) { //nolint:paralleltest // it counts the calls of its passes
	s := enrolled(t)
	ticket := s.ready(t, "u2")
	ref := refTo(ticket)
	if _, err := s.reports(t, struck{s.client}, ref, "one", 1); !errors.Is(err, errStruck) {
		t.Fatalf("the recorder lives: %v", err)
	}
	s.fallsAsleep(t, ref, "one")
	s.tended(t, 1)
	if got := s.lms.Changes("u2"); len(got) > 0 {
		t.Fatalf("the grade was %v", got)
	}
	asleep, err := s.client.StackParameters(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	s.turnTo(lab.LeaseOf(asleep.Tags).Until.Add(3 * time.Minute))
	// List, gather, read, metadata, the owner's labs, note what was sent, note what it had, which the first one says, and delete.
	s.tended(t, 9, "deliver_grade "+ref.Name, "delete "+ref.Name)
	if got := s.lms.Changes("u2"); !slices.Equal(got, []float64{0.5}) {
		t.Errorf("the grade was %v", got)
	}
	s.settles(t, ref, "DELETE_COMPLETE")
}
