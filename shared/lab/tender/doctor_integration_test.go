//go:build integration

package tender_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealDoctor finds what is left over and explains it; a dry run changes nothing, a run heals what a program may, and the
// second finds only what it must leave to a person.
func TestRealDoctor(t *testing.T) { //nolint:paralleltest // it counts calls
	tn := build(t, "tiny.yaml", func(l *config.Lab) { l.IdleTimeout = 0 })
	at := tn.now()
	long := lab.Lease{Until: at.Add(40 * time.Hour)}
	sound := tn.places(t, "", "sound", long)
	tn.places(t, "", "double", long)
	tn.settles(t, tn.owned(t, "double")[0].StackRef, "CREATE_COMPLETE") // the first that is up counts
	spare := tn.places(t, "warm-"+tn.key+"-0000abcd", "double", long)
	expired := tn.places(t, "", "expired", lab.Lease{Until: at.Add(time.Hour)})
	ownerless, err := tn.client.CreateStack(t.Context(), tn.NewStack("warm-"+tn.key+"-0000dcba", tn.key, []string{lab.Tag, lab.TagLab + tn.key}, ""))
	if err != nil {
		t.Fatal(err)
	}
	const gone = "00000000-0000-4000-8000-000000000000"
	claim := pool.ClaimName(gone)
	tn.ids.Store(bare(gone), true)
	_ = tn.client.DeleteKeyPair(t.Context(), claim) // of a test that was cut off
	if err := tn.client.CreateKeyPair(t.Context(), claim, openstack.PublicKey(fmt.Sprintf("%s token %d", tn.who("u1").Hide(namingKey).Stack, at.Unix()))); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []openstack.StackRef{sound, spare, expired, ownerless} {
		tn.settles(t, ref, "CREATE_COMPLETE")
	}
	tn.turn(3 * time.Hour)

	found := []string{
		"doubled " + spare.Name, "expired_alive " + expired.Name, "left_claim " + claim, "ownerless " + ownerless.Name,
	}
	healing := []string{"delete_spare " + spare.Name, "delete " + expired.Name, "delete_claim " + claim}
	ctx := counted(t)
	dry := tn.Doctor(ctx, tender.Options{DryRun: true})
	wantDone(t, dry, slices.Clone(healing)...)
	wantFound(t, dry, found...)
	if has := tn.owned(t, "double"); len(has) != 2 || len(logging.Calls(ctx)) > 0 { // a pass counts its own
		t.Errorf("after a dry run: %+v", has)
	}
	for _, ref := range []openstack.StackRef{spare, expired} {
		tn.settles(t, ref, "CREATE_COMPLETE")
	}
	if _, err := tn.client.KeyPair(t.Context(), claim); err != nil {
		t.Errorf("after a dry run: %v", err)
	}

	report := tn.Doctor(t.Context(), tender.Options{})
	wantDone(t, report, healing...)
	wantFound(t, report, found...)
	t.Logf("doctor: %d calls, %d ms, %d findings, %v", report.Calls, report.TookMS, len(report.Findings), report.Counts)
	for _, ref := range []openstack.StackRef{spare, expired} {
		tn.settles(t, ref, "DELETE_COMPLETE")
	}
	tn.settles(t, sound, "CREATE_COMPLETE")
	if _, err := tn.client.KeyPair(t.Context(), claim); openstack.CodeOf(err) != openstack.Gone {
		t.Errorf("the claim: %v", err)
	}

	tn.Tender = tender.New(tn.parts) // another process, which remembers nothing
	last := tn.Doctor(t.Context(), tender.Options{})
	wantDone(t, last)
	wantFound(t, last, "ownerless "+ownerless.Name)
}

// places makes a learner's lab; name is empty for the one that a launch would make.
func (tn *town) places(t *testing.T, name, learner string, l lab.Lease) openstack.StackRef {
	t.Helper()
	o := tn.who(learner).Hide(namingKey)
	if name == "" {
		name = o.Stack
	}
	ref, err := tn.client.CreateStack(t.Context(), tn.NewStack(name, tn.key, l.Retag(o.Tags()), ""))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// wantFound checks the findings, as "what name".
func wantFound(t *testing.T, r tender.Report, want ...string) {
	t.Helper()
	got := []string{}
	for _, f := range r.Findings {
		if f.Operator == "" || f.Heal == "" {
			t.Errorf("not explained: %+v", f)
		}
		got = append(got, fmt.Sprintf("%s %s", f.What, f.Name))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
