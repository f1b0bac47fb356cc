package keeper_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
)

// clerk takes note of whose grade it was to save, and fails if told.
type clerk struct {
	saved []string
	fail  bool
}

func (c *clerk) Sleep(ctx context.Context, cloud grades.Cloud, s openstack.Stack) (grades.Report, error) {
	return c.Leave(ctx, cloud, s)
}

func (c *clerk) Leave(_ context.Context, _ grades.Cloud, s openstack.Stack) (grades.Report, error) {
	if c.fail {
		return grades.Report{}, &openstack.Error{Code: openstack.Unavailable, Op: "note the grade"}
	}
	c.saved = append(c.saved, s.ID)
	return grades.Report{Did: grades.Kept}, nil
}

// graded is a classroom whose web lab is graded, with one learner's lab in it.
func graded(t *testing.T) (*classroom, *clerk, keeper.Ticket) {
	t.Helper()
	c := openWith(t, func(web *config.Lab) {
		web.Template, web.Checks = "signals.yaml", []config.Check{{Name: "first", Kind: "report", Weight: 1}}
	})
	saver := &clerk{}
	c.UseGrades(saver)
	ticket := c.Ticket(learner("u1"))
	ticket.Grading = "sealed destination"
	ticket, status := c.Start(t.Context(), ticket)
	if ticket, status = c.follow(t, ticket, status); status.State != lab.Ready {
		t.Fatalf("%+v", status)
	}
	c.ResetCalls()
	return c, saver, ticket
}

// W6: what deletes a graded lab saves its grade first, and deletes nothing while that is not to be had.
func TestW6GradeIsSavedBeforeTheLabGoes(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*classroom, keeper.Ticket) error{
		"end": func(c *classroom, ticket keeper.Ticket) error {
			_, _, err := c.End(t.Context(), ticket)
			return err
		},
		"end by staff": func(c *classroom, ticket keeper.Ticket) error {
			o, err := c.ClassDo(t.Context(), c.class(t, "academy", "course"), lab.ActEnd, []string{ticket.Stack + ":" + ticket.ID})
			if o.Left > 0 {
				return errors.New("left")
			}
			return err
		},
		"end of the whole class": func(c *classroom, _ keeper.Ticket) error {
			o, err := c.ClassDoAll(t.Context(), c.class(t, "academy", "course"), lab.ActReset)
			if o.Left > 0 {
				return errors.New("left")
			}
			return err
		},
		"reset of a broken lab": func(c *classroom, ticket keeper.Ticket) error {
			c.set(ticket, "CREATE_FAILED")
			_, _, err := c.Reset(t.Context(), ticket)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, saver, ticket := graded(t)
			saver.fail = true
			if err := act(c, ticket); err == nil || slices.Contains(c.writes(), remove) {
				t.Errorf("deleted without the grade: %q, %v", c.writes(), err)
			}
			saver.fail = false
			if err := act(c, ticket); err != nil || !slices.Equal(saver.saved, []string{ticket.ID}) || !slices.Contains(c.writes(), remove) {
				t.Errorf("%v; saved %q; %q", err, saver.saved, c.writes())
			}
		})
	}
}

// A lab that is not graded costs nothing more.
func TestNoGradeNoCall(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.UseGrades(&clerk{fail: true})
	ticket := c.ready(t, learner("u1"))
	if _, _, err := c.End(t.Context(), ticket); err != nil {
		t.Error(err)
	}
	wantCalls(t, c.calls(), list, remove)
}

// W6: neither does a lab go to sleep before its grade is saved, since nothing can be written down at it then.
func TestW6GradeIsSavedBeforeTheLabSleeps(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*classroom, keeper.Ticket) error{
		"by its learner": func(c *classroom, ticket keeper.Ticket) error {
			_, _, err := c.Suspend(t.Context(), ticket)
			return err
		},
		"by staff": func(c *classroom, ticket keeper.Ticket) error {
			o, err := c.ClassDo(t.Context(), c.class(t, "academy", "course"), lab.ActSuspend, []string{ticket.Stack + ":" + ticket.ID})
			if o.Left > 0 {
				return errors.New("left")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, saver, ticket := graded(t)
			saver.fail = true
			if err := act(c, ticket); err == nil || slices.Contains(c.writes(), action) {
				t.Errorf("asleep without the grade: %q, %v", c.writes(), err)
			}
			saver.fail = false
			if err := act(c, ticket); err != nil || !slices.Equal(saver.saved, []string{ticket.ID}) || !slices.Contains(c.writes(), action) {
				t.Errorf("%v; saved %q; %q", err, saver.saved, c.writes())
			}
		})
	}
}
