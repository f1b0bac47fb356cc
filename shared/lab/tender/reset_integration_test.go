//go:build integration

package tender_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// TestRealReset is a reset that is taken back, one of which nothing comes, and one that stays.
func TestRealReset(t *testing.T) { //nolint:paralleltest // it counts the calls of its passes
	tn := build(t, "small.yaml")
	ticket, status, _ := tn.launched(t, "u1")
	first, status := tn.up(t, ticket, status)
	address := way(t, status)

	ticket, status, err := tn.Reset(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	second, status := tn.up(t, ticket, status)
	if second.ID == first.ID || second.Gen != 1 || way(t, status) == address || status.Undo == nil {
		t.Errorf("after the reset: generation %d at %s, %+v", second.Gen, way(t, status), status.Undo)
	}
	if has := tn.owned(t, "u1"); len(has) != 2 {
		t.Errorf("%d labs", len(has))
	}
	tn.tended(t, 2) // the list, and one of the owners with several
	back, status, err := tn.Undo(t.Context(), second)
	if err != nil || back.ID != first.ID || way(t, status) != address {
		t.Errorf("taken back: %+v, %+v, %v", back, status, err)
	}
	tn.settles(t, refTo(second), "DELETE_COMPLETE")

	tn.comesToNothing(t, back, address)

	ticket, status, err = tn.Reset(t.Context(), back)
	if err != nil {
		t.Fatal(err)
	}
	third, _ := tn.up(t, ticket, status)
	tn.turn(80 * time.Minute)
	tn.hears(t, third)
	tn.tended(t, 5, "delete_previous "+refTo(first).Name) // two lists more, and a look at the new one
	tn.settles(t, refTo(first), "DELETE_COMPLETE")
	if has := tn.owned(t, "u1"); len(has) != 1 || has[0].ID != third.ID {
		t.Errorf("labs: %+v", has)
	}
}

// comesToNothing is a reset to a template that fails: the old lab stays what a launch enters, and only the failed one goes.
func (tn *town) comesToNothing(t *testing.T, old keeper.Ticket, address string) {
	t.Helper()
	broken := *tn.config
	entry := broken.Labs[tn.key]
	entry.Template = "failing.yaml"
	broken.Labs = map[string]config.Lab{tn.key: entry}
	ticket, _, err := tn.another(t, &broken).Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	failed := tn.settles(t, refTo(ticket), "CREATE_FAILED")
	back, status := tn.returns(t, "u1")
	if back.ID != old.ID || way(t, status) != address {
		t.Errorf("a launch enters %s at %s, want %s at %s", back.ID, way(t, status), old.ID, address)
	}
	_, status, err = tn.Undo(t.Context(), back)
	if err != nil || status.State != lab.Ready {
		t.Errorf("taken back: %+v, %v", status, err)
	}
	tn.settles(t, failed.StackRef, "DELETE_COMPLETE")
}
