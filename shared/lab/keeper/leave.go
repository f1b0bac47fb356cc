package keeper

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Leaver saves the grade of a lab that is about to sleep, or to be deleted. grades.Grades is one.
type Leaver interface {
	Sleep(ctx context.Context, cloud grades.Cloud, s openstack.Stack) (grades.Report, error)
	Leave(ctx context.Context, cloud grades.Cloud, s openstack.Stack) (grades.Report, error)
}

// UseGrades makes the keeper save grades before it deletes labs or puts them to sleep. Without it nothing is saved. It is to be called before the
// keeper is used.
func (k *Keeper) UseGrades(leaver Leaver) { k.leaver = leaver }

// leave saves what would be lost with the lab: its grade. Where the lab is not graded it takes no call, otherwise one and
// what the grade takes. Without an error the lab may go.
func (k *Keeper) leave(ctx context.Context, h lab.Held) error {
	if !k.earns(h.Tags) {
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
	return saved(ctx, report, err)
}

// rest is leave for a lab that is about to sleep and was just read: while it does, nothing can be written down at it.
func (k *Keeper) rest(ctx context.Context, cloud Cloud, s openstack.Stack) error {
	if !k.earns(s.Tags) || s.Parameters[grades.GradingParameter] == "" {
		return nil
	}
	report, err := k.leaver.Sleep(ctx, cloud, s)
	return saved(ctx, report, err)
}

// earns says that a lab with these tags may hold a grade that is to be saved.
func (k *Keeper) earns(tags []string) bool {
	shelf := k.entries[lab.Tagged(tags, lab.TagLab)]
	return k.leaver != nil && len(shelf.entry.Checks) > 0 && shelf.template.Has(grades.GradingParameter)
}

func saved(ctx context.Context, report grades.Report, err error) error {
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
