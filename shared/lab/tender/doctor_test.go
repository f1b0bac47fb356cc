package tender_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const address = `heat_template_version: 2018-08-31
resources:
  ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}
`

// ward is a cloud with one of every fault.
type ward struct {
	*field
	// want are the findings to expect, as "what name reason"; healed the changes, as "do name".
	want, healed []string
}

func (w *ward) expect(what lab.Divergence, name string, reason lab.Reason, heal string) {
	w.want = append(w.want, fmt.Sprintf("%s %s %s", what, name, reason))
	if heal != "" {
		w.healed = append(w.healed, heal+" "+name)
	}
}

// build makes a lab that fails, or hangs, as its learner's name says.
func (w *ward) build(t *testing.T, learner, reason string) openstack.StackRef {
	t.Helper()
	o := owner("web", learner)
	if reason != "" {
		w.fakes[0].FailResource(openstacktest.ResourceFault{Stack: o.Stack, Reason: reason})
	}
	return w.stack(t, 0, o.Stack, template, lab.Lease{Until: w.now().Add(40 * time.Hour)}.Retag(o.Tags())...)
}

// admit seeds the faults: each of W3 to W12, and the causes that a build fails for.
func admit(t *testing.T) *ward {
	t.Helper()
	w := &ward{field: open(t, 2, func(p *tender.Parts) { p.Catalogue = withWarm(catalogue(), 1) })}
	for learner, c := range map[string]struct {
		words  string
		reason lab.Reason
	}{
		"W9 quota":        {"Quota exceeded for instances: Requested 1, but already used 10 of 10 instances", lab.CloudFull},
		"W9 no host":      {`Went to status ERROR due to "Message: No valid host was found. , Code: 500"`, lab.CloudFull},
		"W9 bad image":    {"Error validating value for property image: The Image (nosuch) could not be found", lab.BadImage},
		"W9 wait timeout": {"WaitConditionTimeout: resources.ready: 0 of 1 received", lab.SetupFailed},
	} {
		w.expect(lab.BrokenLab, w.build(t, learner, c.words).Name, c.reason, "delete")
	}
	hung := w.build(t, "W7", "") // nobody signals
	until := lab.Lease{Until: w.now().Add(40 * time.Hour)}
	long := until.Retag(nil)
	lost := w.lab(t, 0, "web", "W5", long...)
	undead := w.lab(t, 0, "web", "W8", long...)
	expired := w.lab(t, 0, "web", "W6", lab.Lease{Until: w.now().Add(10 * time.Minute)}.Retag(nil)...)
	kept := w.lab(t, 0, "web", "W4", long...)
	w.advance(time.Second)
	double := w.lab(t, 1, "web", "W4", long...)
	fine := w.lab(t, 0, "web", "W10", long...)
	asleep := w.lab(t, 1, "web", "W3", long...)
	w.act(t, 1, asleep, openstack.Suspend)
	// W3: what answers 503 for a moment loses nothing.
	w.fakes[1].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, Status: http.StatusServiceUnavailable, Times: 1})
	if err := w.clients[1].Act(t.Context(), asleep, openstack.Resume); err == nil {
		t.Fatal("no fault")
	}
	w.fakes[0].SetStackState(kept.Name, "CHECK", "COMPLETE", "")
	w.fakes[0].SetStackState(fine.Name, "UPDATE", "COMPLETE", "")

	ownerless := w.stack(t, 0, "handmade", tiny, lab.Tag, lab.TagLab+"web")
	bare := w.stack(t, 0, owner("web", "put").Stack, tiny)
	withdrawn := owner("withdrawn", "W12")
	w.stack(t, 0, withdrawn.Stack, tiny, until.Retag(withdrawn.Tags())...)
	note := owner("web", "gone").LeaseNote("0123456789", until)
	w.stack(t, 0, note.Name, tiny, note.Tags...)
	abandoned := w.stack(t, 0, "warm-web-0000abcd", tiny, lab.Tag, lab.TagLab+"web", lab.TagWarm+"web", lab.TagRev+"0badcafe")
	for name, pair := range map[string]string{
		"claim":    pool.ClaimName(abandoned.ID),
		"spent":    pool.ClaimName("00000000-0000-4000-8000-000000000000"),
		"template": "lab-0123456789abcdef01",
		"other":    "alice's laptop",
	} {
		public := fmt.Sprintf("ssh-ed25519 AAAA lab-0123456789abcdef01 %s %d", name, w.now().Unix())
		if err := w.clients[0].CreateKeyPair(t.Context(), pair, public); err != nil {
			t.Fatal(err)
		}
	}
	w.stack(t, 0, "somebody-elses", address)
	w.advance(100 * time.Minute)
	w.fakes[0].SetStackState(hung.Name, "CREATE", "IN_PROGRESS", "")
	w.fakes[0].SetStackState(lost.Name, "SUSPEND", "FAILED", "State ('CREATE', 'IN_PROGRESS') invalid for suspend")
	w.fakes[0].SetStackState(undead.Name, "DELETE", "FAILED", "port in use")

	w.expect(lab.Stuck, hung.Name, lab.BuildHung, "delete")
	w.expect(lab.BrokenLab, lost.Name, lab.SleepFailed, "")
	w.expect(lab.BrokenLab, undead.Name, lab.DeleteFailed, "delete")
	w.expect(lab.ExpiredAlive, expired.Name, "", "delete")
	w.expect(lab.Doubled, double.Name, "", "delete_spare")
	w.expect(lab.Ownerless, ownerless.Name, "", "")
	w.expect(lab.Ownerless, bare.Name, "", "")
	w.expect(lab.LeftNote, note.Name, "", "delete_note")
	w.expect(lab.LeftReadyMade, abandoned.Name, "", "delete_claimless")
	w.expect(lab.LeftClaim, pool.ClaimName("00000000-0000-4000-8000-000000000000"), "", "delete_claim")
	w.expect(lab.LeftKeyPair, "lab-0123456789abcdef01", "", "")
	return w
}

// check holds a report against what was seeded. Addresses have names that the cloud draws.
func (w *ward) check(t *testing.T, r tender.Report) {
	t.Helper()
	got, addresses := []string{}, 0
	for _, f := range r.Findings {
		if f.Operator == "" || f.Heal == "" || f.Cloud == "" {
			t.Errorf("not explained: %+v", f)
		}
		if f.What == lab.LeftFloatingIP {
			addresses++
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.What, f.Name, f.Reason))
	}
	slices.Sort(got)
	slices.Sort(w.want)
	if !slices.Equal(got, w.want) || addresses != 1 {
		t.Errorf("%d addresses; found\n%q\nwant\n%q", addresses, got, w.want)
	}
}

// did are the changes of a report that heal something: idle labs going to sleep, and labs made ready, are no healing.
func did(t *testing.T, r tender.Report) []string {
	t.Helper()
	var out []string
	for _, c := range r.Changes {
		if c.Result == "failed" {
			t.Errorf("failed: %+v", c)
		}
		if c.Do != "suspend" && c.Do != "build_ready" {
			out = append(out, c.Do+" "+c.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Every divergence is named, with its cause; what can be healed is, and the second time there is nothing left to do.
func TestRow10_Doctor(t *testing.T) {
	t.Parallel()
	w := admit(t)
	for _, fake := range w.fakes {
		fake.ResetCalls()
	}
	dry := w.Doctor(t.Context(), tender.Options{DryRun: true})
	if got := writes(w.calls()); len(got) > 0 {
		t.Errorf("a dry run wrote %q", got)
	}
	w.check(t, dry)
	slices.Sort(w.healed)
	if got := did(t, dry); !slices.Equal(got, w.healed) {
		t.Errorf("would do\n%q\nwant\n%q", got, w.healed)
	}
	report := w.Doctor(t.Context(), tender.Options{})
	w.check(t, report)
	if got := did(t, report); !slices.Equal(got, w.healed) {
		t.Errorf("did\n%q\nwant\n%q", got, w.healed)
	}
	for range 2 { // the claim on the lab that is gone now is over as well
		w.settle()
		w.Doctor(t.Context(), tender.Options{})
	}
	w.settle()
	w.reborn()
	for _, fake := range w.fakes {
		fake.ResetCalls()
	}
	last := w.Doctor(t.Context(), tender.Options{})
	if got := writes(w.calls()); len(got) > 0 || len(last.Changes) > 0 {
		t.Errorf("the second time: %q, %+v", got, last.Changes)
	}
	left := map[lab.Divergence]int{}
	for _, f := range last.Findings {
		left[f.What]++
		if f.Heal != lab.TendReport && f.What != lab.BrokenLab {
			t.Errorf("not healed: %+v", f)
		}
	}
	want := map[lab.Divergence]int{lab.Ownerless: 2, lab.BrokenLab: 1, lab.LeftKeyPair: 1, lab.LeftFloatingIP: 1}
	if fmt.Sprint(left) != fmt.Sprint(want) {
		t.Errorf("left %v, want %v", left, want)
	}
	if names := w.fakes[0].KeyPairs(); !slices.Equal(names, []string{"alice's laptop", "lab-0123456789abcdef01"}) {
		t.Errorf("key pairs: %q", names)
	}
}

// Of a cloud that cannot be seen whole nothing is called left over.
func TestRow10_BlindDoctorTouchesNothing(t *testing.T) {
	t.Parallel()
	w := admit(t)
	w.fakes[0].Inject(openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable})
	for _, fake := range w.fakes {
		fake.ResetCalls()
	}
	report := w.Doctor(t.Context(), tender.Options{})
	for _, f := range report.Findings {
		if f.Cloud == "cloud0" {
			t.Errorf("found in a cloud that does not answer: %+v", f)
		}
	}
	for _, name := range w.fakes[0].CallNames() {
		if name != list && name != "neutron GET /floatingips" && name != "nova GET /os-keypairs" && name[:8] != "identity" {
			t.Errorf("asked of it: %s", name)
		}
	}
	if report.Clouds[0].Error != openstack.Unavailable {
		t.Errorf("%+v", report.Clouds)
	}
}

func (f *field) settle() {
	for _, fake := range f.fakes {
		fake.Settle()
	}
}
