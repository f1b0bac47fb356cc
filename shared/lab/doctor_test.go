package lab_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// The cause of a failure, from the words that OpenStack uses.
func TestRow10Diagnose(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]lab.Reason{
		"Resource CREATE failed: Forbidden: resources.server: Quota exceeded for cores: Requested 1, but already used 20 of 20 cores (HTTP 403)":               lab.CloudFull,
		"Resource CREATE failed: OverQuotaClient: resources.port: Quota exceeded for resources: ['port'].":                                                     lab.CloudFull,
		"OverLimit: resources.volume: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. (HTTP 413)":               lab.CloudFull,
		`Resource CREATE failed: ResourceInError: resources.server: Went to status ERROR due to "Message: No valid host was found. , Code: 500"`:               lab.CloudFull,
		`Went to status ERROR due to "Message: Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance x."`: lab.CloudFull,
		"IpAddressGenerationFailureClient: resources.port: No more IP addresses available on network 1234.":                                                    lab.CloudFull,
		"StackValidationFailed: resources.web: Property error: resources.web.properties.image: Error validating value 'x': The Image (x) could not be found.":  lab.BadImage,
		"EntityNotFound: resources.web: The Flavor (m9.huge) could not be found.":                                                                              lab.BadImage,
		"Resource CREATE failed: WaitConditionTimeout: resources.ready: 0 of 1 received":                                                                       lab.SetupFailed,
		"Resource CREATE failed: WaitConditionFailure: resources.ready: cloud-init failed":                                                                     lab.SetupFailed,
		"Create timed out":                lab.TimedOut,
		"Stack CREATE timed out: Timeout": lab.TimedOut,
		`Resource CREATE failed: ResourceInError: resources.data: Went to status error due to "Unknown"; Cinder volume failed`:                            lab.VolumeFault,
		"ResourceInError: resources.server: Went to status ERROR due to \"Message: Build of instance x aborted: Failed to allocate the network(s), VIF\"": lab.NetworkFault,
		"NotFound: resources.port: Network net0 could not be found. neutron":                                                                              lab.NetworkFault,
		"Unauthorized: resources.ready: The request you have made requires authentication. (HTTP 401)":                                                    lab.CloudFault,
		"MessagingTimeout: resources.server: Timed out waiting for a reply to message ID 7":                                                               lab.CloudFault,
		"DBConnectionError: resources.server: (pymysql.err.OperationalError)":                                                                             lab.CloudFault,
		"Something else altogether": lab.BuildFailed,
		"":                          lab.BuildFailed,
	} {
		s := at("CREATE_FAILED", nil)
		s.Reason = words
		got := lab.Diagnose(s)
		if got.Reason != want || !strings.HasSuffix(got.Operator, ".") {
			t.Errorf("%q: %+v, want %s", words, got, want)
		}
		if status := lab.View(s, entry, created); status.Reason != want || status.State != lab.Broken {
			t.Errorf("%q: its learner sees %s", words, status.Reason)
		}
	}
	for state, want := range map[string]lab.Reason{"RESUME_FAILED": lab.ResumeFailed, "SUSPEND_FAILED": lab.SleepFailed, "DELETE_FAILED": lab.DeleteFailed} {
		s := at(state, nil)
		s.Reason = "Quota exceeded"
		if got := lab.Diagnose(s); got.Reason != want {
			t.Errorf("%s: %+v", state, got)
		}
	}
}

// Every divergence is named, with what becomes of it; what is in order is not.
func TestRow10Doctor(t *testing.T) {
	t.Parallel()
	now := created.Add(30 * time.Hour)
	catalogue := func(key string) lab.Entry {
		if key == "web" {
			return tended
		}
		return lab.Entry{}
	}
	n := 0
	theirs := func(state string, tags ...string) lab.Held {
		n++
		o := lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: strings.Repeat("x", n)}.Hide(namingKey)
		s := at(state, nil)
		s.Created = now.Add(-3 * time.Hour)
		return lab.Held{Cloud: "one", Name: o.Stack, ID: "id-" + o.Stack, Tags: append(o.Tags(), tags...), Stack: s}
	}
	fine := theirs("CREATE_COMPLETE", "until="+unix(now.Add(time.Hour)))
	idle := theirs("SUSPEND_COMPLETE", "until="+unix(now.Add(time.Hour)))
	expired := theirs("CREATE_COMPLETE", "until="+unix(now.Add(-2*time.Hour)))
	hung := theirs("CREATE_IN_PROGRESS", "until="+unix(now.Add(time.Hour)))
	broken := theirs("CREATE_FAILED", "until="+unix(now.Add(time.Hour)))
	broken.Stack.Reason = "No valid host was found"
	double := fine
	double.ID, double.Stack.Created = "id-double", now.Add(-time.Hour)
	nobodys := theirs("CREATE_COMPLETE")
	nobodys.Tags = []string{lab.Tag, "lab=web"}
	site := theirs("CREATE_FAILED")
	site.Tags = []string{lab.Tag, "site=shop"}
	claimed := theirs("CREATE_COMPLETE")
	claimed.Name, claimed.Tags, claimed.Claim = "warm-web-0a1b2c3d", []string{lab.Tag, "lab=web", "warm=web"}, now.Add(-time.Hour)
	gone := note(owner.LeaseNote("id-gone", lab.Lease{Until: now}), "CREATE_COMPLETE", 0)
	key := func(name string, age time.Duration) lab.Found {
		return lab.Found{Cloud: "one", Name: name, Created: now.Add(-age)}
	}
	in := lab.Inventory{
		Stacks: []lab.Held{fine, idle, expired, hung, broken, double, nobodys, site, claimed, gone},
		KeyPairs: []lab.Found{
			key(lab.ClaimName("0f0f-gone"), time.Hour), key(lab.ClaimName("0f0f-just-gone"), time.Minute), key(lab.ClaimName(claimed.ID), time.Hour), key(lab.ClaimName(fine.ID), time.Hour),
			key(owner.Stack, time.Hour), key(fine.Name, time.Hour), key("somebody's own", time.Hour), key(fine.Name+"-key-abcdefghijkl", time.Hour), key("warm-web-00000000-key-abcdefghijkl", time.Hour),
		},
		FloatingIPs: []lab.Found{
			{Cloud: "one", Name: "203.0.113.7", Created: now.Add(-time.Hour)}, {Cloud: "one", Name: "203.0.113.8", InUse: true, Created: now.Add(-time.Hour)}, {Cloud: "one", Name: "203.0.113.9", Created: now},
		},
	}
	want := map[string]string{
		lab.ClaimName("0f0f-gone"): "left_claim delete", lab.ClaimName(fine.ID): "left_claim delete", owner.Stack: "left_key_pair report", "warm-web-00000000-key-abcdefghijkl": "left_key_pair report",
		"203.0.113.7": "left_floating_ip report", expired.Name: "expired_alive delete", hung.Name: "stuck delete", broken.Name: "failed delete", double.Name: "doubled delete_spare",
		nobodys.Name: "ownerless report", claimed.Name: "left_ready_made delete_claimless", gone.Name: "left_note delete_note",
	}
	found := lab.Examine(in, catalogue, now)
	for _, f := range found {
		if got := string(f.What) + " " + string(f.Heal); got != want[f.Name] {
			t.Errorf("%s: %s, want %q (%s)", f.Name, got, want[f.Name], f.Operator)
		}
		delete(want, f.Name)
		if !strings.HasSuffix(f.Operator, ".") {
			t.Errorf("%s: %q", f.Name, f.Operator)
		}
		if f.Name == double.Name && f.ID != double.ID {
			t.Errorf("the double is %s", f.ID)
		}
	}
	for name, what := range want {
		t.Errorf("%s was not found: %s", name, what)
	}
	slices.Reverse(in.Stacks)
	if again := lab.Examine(in, catalogue, now); !slices.Equal(again, found) {
		t.Error("listed in another order it finds something else")
	}
	// Healed, there is nothing more to find than what only a person may decide.
	in.Stacks, in.KeyPairs, in.FloatingIPs = []lab.Held{fine, idle, site}, in.KeyPairs[5:8], nil
	if left := lab.Examine(in, catalogue, now); len(left) > 0 {
		t.Errorf("after healing: %+v", left)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	warm := own(0, "CREATE_COMPLETE", 0)
	warm.Tags = []string{lab.Tag, "lab=web", "warm=web"}
	taken := own(0, "UPDATE_COMPLETE", 0)
	for name, c := range map[string]struct {
		lab  *lab.Held
		made time.Duration
		want bool
	}{
		"not taken yet":     {&warm, time.Hour, false},
		"taken":             {&taken, 5 * time.Minute, true},
		"just taken":        {&taken, 4 * time.Minute, false},
		"gone":              {nil, time.Hour, true},
		"just gone":         {nil, time.Minute, false},
		"nobody knows when": {nil, -1, false},
	} {
		made := created.Add(-c.made)
		if c.made < 0 {
			made = time.Time{}
		}
		if got := lab.ClaimOver(made, c.lab, created); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := lab.ClaimName("0f0f0f0f-1111-2222-3333-444444444444"); got != "stackhook-claim-0f0f0f0f111122223333444444444444" {
		t.Error(got)
	}
}

func TestOutlook(t *testing.T) {
	t.Parallel()
	ready := view(at("CREATE_COMPLETE", outputs))
	now := created.Add(20 * time.Second)
	if !ready.Keeps || view(at("CREATE_FAILED", nil)).Keeps || !view(at("SUSPEND_COMPLETE", nil)).Keeps || view(at("CREATE_IN_PROGRESS", nil)).Keeps {
		t.Error("what a reset keeps is what came up")
	}
	back := &lab.Undo{Gen: 0, Until: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		status lab.Status
		back   *lab.Undo
		want   bool
	}{
		"ready":       {ready, back, true},
		"being built": {view(at("CREATE_IN_PROGRESS", nil)), back, true},
		"failed":      {view(at("CREATE_FAILED", nil)), back, true},
		"too late":    {ready, &lab.Undo{Until: now}, false},
		"nothing":     {ready, nil, false},
		"ended":       {lab.Unseen(entry, lab.Ended), back, false},
	} {
		got := lab.Undoable(lab.Undoable(c.status, c.back, now), c.back, now)
		count := 0
		for _, act := range got.Actions {
			if act == lab.ActUndo {
				count++
			}
		}
		if (count == 1) != c.want || (got.Undo != nil) != c.want {
			t.Errorf("%s: %v, %+v", name, got.Actions, got.Undo)
		}
	}
	first := lab.Silent(ready, now, now.Add(4*time.Minute))
	if first.State != lab.Building || first.Reason != lab.Answering || len(first.Access) > 0 || first.Percent != 99 || first.Poll.Look != lab.LookStack || slices.Contains(first.Actions, lab.ActSuspend) {
		t.Errorf("not answering yet: %+v", first)
	}
	later := lab.Silent(ready, now, now.Add(5*time.Minute))
	if later.State != lab.Ready || later.Reason != lab.Unreachable || len(later.Access) != len(ready.Access) || !slices.Contains(later.Actions, lab.ActReset) {
		t.Errorf("not answering: %+v", later)
	}
	if asleep := lab.Silent(view(at("SUSPEND_COMPLETE", nil)), now, now); asleep.Reason != "" {
		t.Errorf("asleep it need not answer: %+v", asleep)
	}
	graded := tended
	graded.Checks, graded.Closes = []lab.Check{{Name: "page", Title: "The page"}}, created.Add(time.Hour)
	s := at("CREATE_COMPLETE", outputs)
	s.Lease = graded.Lease(created)
	dressed := lab.Dress(lab.View(s, graded, now), s, graded, &lab.Signals{Results: []lab.Result{{Check: "page", Score: 0.5, Message: "almost"}}}, now)
	if !slices.Contains(dressed.Actions, lab.ActCheck) || len(dressed.Checks) != 1 || dressed.Checks[0].Message != "almost" || dressed.Score == nil || *dressed.Score != 0.5 || !dressed.ClosesAt.Equal(graded.Closes) || !dressed.ExpiresAt.Equal(graded.Closes) || !dressed.SleepsAt.After(now) {
		t.Errorf("%+v", dressed)
	}
	if plain := lab.Dress(ready, s, entry, &lab.Signals{}, now); plain.Score != nil || plain.Checks != nil || !plain.SleepsAt.IsZero() || !plain.ClosesAt.IsZero() {
		t.Errorf("nothing to tell: %+v", plain)
	}
	home := lab.Gather([]lab.Held{own(0, "CREATE_COMPLETE", 0), own(1, "CREATE_FAILED", time.Minute)}, entry, now)
	if got := home.Rebuilt(ready).Rebuild; got == nil || got.State != lab.Broken || got.Reason != lab.BuildFailed || got.Gen != 1 {
		t.Errorf("%+v", got)
	}
	home = lab.Gather([]lab.Held{own(0, "CREATE_COMPLETE", 0), own(1, "CREATE_IN_PROGRESS", time.Minute)}, entry, now)
	if got := home.Rebuilt(ready).Rebuild; got == nil || got.State != lab.Building || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	graceful := entry
	graceful.Grace = time.Hour
	kept := lab.Kept(home.Rebuilt(ready), home.WayBack(graceful, now))
	if want := created.Add(time.Minute + graceful.BuildTimeout + graceful.Grace); !kept.ExpiresAt.Equal(want) {
		t.Errorf("the old lab is said to be there until %s, and goes at %s", kept.ExpiresAt, want)
	}
	if plain := lab.Kept(ready, home.WayBack(graceful, now)); !plain.ExpiresAt.Equal(ready.ExpiresAt) {
		t.Errorf("nothing is being built: %s", plain.ExpiresAt)
	}
	if got := (lab.Home{}).Rebuilt(ready).Rebuild; got != nil {
		t.Errorf("%+v", got)
	}
}
