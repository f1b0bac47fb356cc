package tendlabs

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

// grading is what brings grades to the platforms, as the tender calls it.
type grading struct{ grades grades.Grades }

// Deliver sends what is due of a lab that is up.
func (g grading) Deliver(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := g.grades.Deliver(ctx, cloud, s)
	return words(report), err //nolint:wrapcheck // it says what it was doing
}

// Sleep is Deliver for a lab that is about to sleep.
func (g grading) Sleep(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := g.grades.Sleep(ctx, cloud, s)
	return words(report), err //nolint:wrapcheck // it says what it was doing
}

// Leave is Deliver for a lab that is about to go.
func (g grading) Leave(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := g.grades.Leave(ctx, cloud, s)
	return words(report), err //nolint:wrapcheck // it says what it was doing
}

// Outbox tries again to send a grade that is kept in a stack of its own.
func (g grading) Outbox(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := g.grades.Outbox(ctx, cloud, s)
	return words(report), err //nolint:wrapcheck // it says what it was doing
}

// words say what was done; empty for nothing.
func words(r grades.Report) string {
	switch r.Did {
	case grades.Nothing, "":
		return ""
	case grades.Sent, grades.Parked, grades.Postponed, grades.Kept:
	}
	if r.Why == "" {
		return string(r.Did)
	}
	return fmt.Sprintf("%s: %s", r.Did, r.Why)
}
