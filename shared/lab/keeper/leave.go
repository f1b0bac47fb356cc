package keeper

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Leaver saves the grade of a lab that is about to be deleted. grades.Grades is one.
type Leaver interface {
	Leave(ctx context.Context, cloud grades.Cloud, s openstack.Stack) (grades.Report, error)
}

// UseGrades makes the keeper save grades before it deletes labs. Without it nothing is saved. It is to be called before the
// keeper is used.
func (k *Keeper) UseGrades(leaver Leaver) { k.leaver = leaver }

// leave saves what would be lost with the lab: its grade. Where the lab is not graded it takes no call, otherwise one and
// what the grade takes. Without an error the lab may go.
func (k *Keeper) leave(ctx context.Context, h lab.Held) error {
	shelf := k.entries[lab.Tagged(h.Tags, lab.TagLab)]
	if k.leaver == nil || len(shelf.entry.Checks) == 0 || !shelf.template.Has(grades.GradingParameter) {
		return nil
	}
	cloud := k.clouds[h.Order].Cloud
	s, err := cloud.Stack(ctx, refOfHeld(h))
	switch {
	case openstack.CodeOf(err) == openstack.Gone, err == nil && s.Parameters[grades.GradingParameter] == "":
		return nil
	case err != nil:
		return err //nolint:wrapcheck // it says what it was doing, and callers look at its code
	}
	report, err := k.leaver.Leave(ctx, cloud, s)
	if err != nil {
		return fmt.Errorf("save the grade: %w", err)
	}
	if word := report.Word(); word != "" {
		logging.Note(ctx, "grade", word)
	}
	return nil
}

// remove deletes one lab, with its grade saved. What is gone already is no trouble.
func (k *Keeper) remove(ctx context.Context, h lab.Held) error {
	if err := k.leave(ctx, h); err != nil {
		return err
	}
	if err := k.clouds[h.Order].Cloud.DeleteStack(ctx, refOfHeld(h)); err != nil && openstack.CodeOf(err) != openstack.Gone {
		return err //nolint:wrapcheck // it says what it was doing, and callers look at its code
	}
	return nil
}
