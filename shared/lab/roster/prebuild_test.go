package roster_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// TestPrebuiltLabIsEntered builds a lab ahead and lets its learner launch: nothing more is made, and nothing of it differs
// from a lab that a launch makes.
func TestPrebuiltLabIsEntered(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	r := class("small", 1)
	got := s.prebuild(t, r)
	if got.Built != 1 || got.There != 0 || got.Left != 0 || got.Full {
		t.Fatalf("result is %+v", got)
	}
	s.fakes[0].Settle()
	made, _ := s.fakes[0].Stack(owner(r, 0).Stack)
	_, status := s.keeper.Start(t.Context(), s.keeper.Ticket(lab.Identity{Tenant: "academy", Context: "course", Lab: "small", Learner: "learner-1"}))
	if status.State != lab.Ready {
		t.Errorf("status is %+v", status)
	}
	s.wantClass(t, r)
	other := lab.Identity{Tenant: "academy", Context: "course", Lab: "small", Learner: "another"}
	s.keeper.Start(t.Context(), s.keeper.Ticket(other))
	s.fakes[0].Settle()
	launched, _ := s.fakes[0].Stack(other.Hide([]byte(namingKey)).Stack)
	if mine, theirs := anonymous(made), anonymous(launched); !slices.Equal(mine, theirs) {
		t.Errorf("prebuilt %v, launched %v", mine, theirs)
	}
	if made.Parameters["report_url"] == "" || made.Parameters["report_url"] == launched.Parameters["report_url"] {
		t.Errorf("reports go to %q and %q", made.Parameters["report_url"], launched.Parameters["report_url"])
	}
}

// anonymous are the kinds of a stack's tags, with the values that are not the learner's or the minute's own.
func anonymous(s openstacktest.Stack) []string {
	var tags []string
	for _, tag := range s.Tags {
		name, _, valued := strings.Cut(tag, "=")
		if valued && slices.Contains([]string{"learner", "owner", "until"}, name) {
			tag = name
		}
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

// TestPrebuildSentAgainAndAtOnce sends one roster many times: by one program, then by four callers at once, then by three
// programs with connections of their own.
func TestPrebuildSentAgainAndAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, 2)
	r := class("small", 12)
	r.Learners = append(r.Learners, r.Learners[3]) // twice on the roster
	built := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	send := func(p *roster.Planner) {
		got, err := p.Prebuild(t.Context(), r)
		mu.Lock()
		defer mu.Unlock()
		built += got.Built
		if err != nil || got.Built+got.There != 12 || got.Left != 0 || got.Learners != 12 {
			t.Errorf("result is %+v, %v", got, err)
		}
	}
	for range 4 {
		wg.Go(func() { send(s.Planner) })
	}
	for range 3 {
		parts := s.parts
		parts.Sites = []roster.Site{{Name: "cloud-1", Cloud: s.client(t, 0)}, {Name: "cloud-2", Cloud: s.client(t, 1)}}
		wg.Go(func() { send(roster.New(parts)) })
	}
	wg.Wait()
	if built != 12 {
		t.Errorf("%d begun", built)
	}
	r.Learners = r.Learners[:12]
	s.wantClass(t, r)
	send(s.Planner)
	s.wantClass(t, r)
}

// TestPrebuildGoesOnWhereItWasCutOff ends it after some labs, twice, and a lost answer and a dead connection on the way.
func TestPrebuildGoesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	r := class("small", 10)
	var has int
	for _, after := range []int{3, 4} {
		ctx, cancel := context.WithCancel(t.Context())
		s.asleep = func() {
			if after--; after == 0 {
				cancel()
			}
		}
		s.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", DropReply: true, Times: 1})
		got, err := s.Prebuild(ctx, r)
		if err != nil || got.Left == 0 || got.Built == 0 || got.There != has || got.There+got.Built+got.Left != 10 || got.Full {
			t.Fatalf("cut off: %+v, %v", got, err)
		}
		has += got.Built
		if n := len(s.names()); n != has {
			t.Fatalf("%d stacks, %d told", n, has)
		}
		cancel()
	}
	s.asleep = nil
	s.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", DropRequest: true, Times: 1})
	if got := s.prebuild(t, r); got.There != has || got.Left != 0 || got.There+got.Built != 10 {
		t.Errorf("in the end: %+v", got)
	}
	s.wantClass(t, r)
}

// TestPrebuildBeginsNothingShortOfItsDeadline leaves time for the answer of what it would begin.
func TestPrebuildBeginsNothingShortOfItsDeadline(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	got, err := s.Prebuild(ctx, class("small", 5))
	if err != nil || got.Left != 5 || got.Built != 0 || len(s.names()) != 0 {
		t.Errorf("result is %+v, %v, with %v", got, err, s.names())
	}
}

// TestPrebuildGoesOnInTheNextCloud fills the clouds in their order, by their quotas, the configuration and Heat's bound,
// and says what is short in the end. Nothing that is built fails.
func TestPrebuildGoesOnInTheNextCloud(t *testing.T) {
	t.Parallel()
	s := open(t, 4, func(c *config.Config) { c.Clouds[1].Capacity = 1 })
	servers, stacks, volumes := openstacktest.NoQuota(), openstacktest.NoQuota(), openstacktest.NoQuota()
	servers.Servers, stacks.Stacks, volumes.Volumes = 4, 2, 3 // two labs, two labs, one lab
	s.fakes[0].SetQuota(servers)
	s.fakes[2].SetQuota(stacks)
	s.fakes[3].SetQuota(volumes)
	r := class("machine", 9)
	got := s.prebuild(t, r)
	want := []roster.Built{{Cloud: "cloud-1", Built: 2}, {Cloud: "cloud-2", Built: 1}, {Cloud: "cloud-3", Built: 2}, {Cloud: "cloud-4", Built: 1}}
	if !slices.Equal(got.Clouds, want) || got.Built != 6 || got.Left != 3 || !got.Full || !slices.Equal(got.Short, []roster.Resource{roster.Volumes}) {
		t.Errorf("result is %+v", got)
	}
	s.settle()
	for _, fake := range s.fakes {
		for _, stack := range fake.Stacks() {
			if stack.State != "CREATE_COMPLETE" {
				t.Errorf("%s is %s: %s", stack.Name, stack.State, stack.Reason)
			}
		}
	}
	if again := s.prebuild(t, r); again.There != 6 || again.Built != 0 || again.Left != 3 || !again.Full {
		t.Errorf("again: %+v", again)
	}
}

func (s *school) settle() {
	for _, fake := range s.fakes {
		fake.Settle()
	}
}

// TestPrebuildKeepsRoomForWhatIsBeingBuilt does not count on room that labs under construction are about to take, and does
// not call a cloud full for it either.
func TestPrebuildKeepsRoomForWhatIsBeingBuilt(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	quota := openstacktest.NoQuota()
	quota.Servers = 6 // three labs
	s.fakes[0].SetQuota(quota)
	s.prebuild(t, class("machine", 2))
	got := s.prebuild(t, class("machine", 5))
	if got.There != 2 || got.Built != 1 || got.Left != 2 || got.Full {
		t.Errorf("while they are built: %+v", got)
	}
	s.settle()
	if got = s.prebuild(t, class("machine", 5)); got.There != 3 || got.Broken != 0 || got.Left != 2 || !got.Full {
		t.Errorf("afterwards: %+v", got)
	}
}

// TestPrebuildHoldsItsRate waits between any two creates and never has more under construction than it may.
func TestPrebuildHoldsItsRate(t *testing.T) {
	t.Parallel()
	s := open(t, 1, func(c *config.Config) { c.Tend.Rate = 10; c.Clouds[0].MaxBuilds = 3 })
	most := 0
	s.asleep = func() {
		building := 0
		for _, stack := range s.fakes[0].Stacks() {
			if stack.State == "CREATE_IN_PROGRESS" {
				building++
			}
		}
		most = max(most, building)
	}
	r := class("machine", 11)
	start := s.fakes[0].Now()
	if got := s.prebuild(t, r); got.Built != 11 {
		t.Fatalf("result is %+v", got)
	}
	if most != 3 {
		t.Errorf("up to %d at once", most)
	}
	short := slices.DeleteFunc(slices.Clone(s.slept), func(d time.Duration) bool { return d != time.Second/10 })
	if len(short) != 10 {
		t.Errorf("slept %v", s.slept)
	}
	if took := s.fakes[0].Now().Sub(start); took < time.Second || took > 2*time.Minute {
		t.Errorf("took %s", took)
	}
	s.wantClass(t, r)
}

// TestPrebuildLeaseBeginsWithTheWindow builds the evening before: the lab lives as long from the window's start as one that
// is launched then, and not beyond its end.
func TestPrebuildLeaseBeginsWithTheWindow(t *testing.T) {
	t.Parallel()
	const start, day = "2026-01-05T09:00:00Z", "2026-01-06T0" // the clouds' clock begins at the first
	for _, row := range []struct {
		name, opens, closes string
		until               string
		code                string
	}{
		{"ahead", day + "8:00:00Z", day + "9:00:00Z", day + "9:00:00Z", ""},
		{"ahead, without an end", day + "8:00:00Z", "", "2026-01-06T16:00:00Z", ""},
		{"open", "2026-01-05T08:00:00Z", "2026-01-05T18:00:00Z", "2026-01-05T17:00:00Z", ""},
		{"over", "2026-01-04T08:00:00Z", "2026-01-04T18:00:00Z", "", "lab_closed"},
		{"too far ahead", "2026-01-08T10:00:00Z", "", "", "too_early"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, 1, func(c *config.Config) {
				small := c.Labs["small"]
				small.Windows = []config.Window{{Tenant: "academy", Context: "course", Start: row.opens, End: row.closes}}
				c.Labs["small"] = small
			})
			if now := s.fakes[0].Now().Format(time.RFC3339); now != start {
				t.Fatalf("it is %s", now)
			}
			r := class("small", 1)
			got, err := s.Prebuild(t.Context(), r)
			if row.code != "" {
				wantCode(t, err, row.code)
				if len(s.names()) > 0 {
					t.Errorf("made %v", s.names())
				}
				return
			}
			if err != nil || got.Built != 1 || got.Until == nil {
				t.Fatalf("result is %+v, %v", got, err)
			}
			stack, _ := s.fakes[0].Stack(owner(r, 0).Stack)
			if until := lab.LeaseOf(stack.Tags).Until.Format(time.RFC3339); until != row.until || got.Until.Format(time.RFC3339) != until {
				t.Errorf("until %s, told %s, want %s", until, got.Until, row.until)
			}
			if opens := row.opens > start; (got.Opens != nil) != opens {
				t.Errorf("opens %v", got.Opens)
			}
		})
	}
}

// TestPrebuildWithoutOneOfItsClouds makes nothing: a learner's lab may be where nobody answers.
func TestPrebuildWithoutOneOfItsClouds(t *testing.T) {
	t.Parallel()
	s := open(t, 2)
	s.fakes[1].Inject(openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable})
	_, err := s.Prebuild(t.Context(), class("small", 3))
	wantCode(t, err, "cloud_trouble")
	if len(s.names()) > 0 {
		t.Errorf("made %v", s.names())
	}
}

// TestPrebuildStopsAtACloudThatFails tells what was done before, and goes on later.
func TestPrebuildStopsAtACloudThatFails(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	r := class("small", 6)
	n := 0
	s.asleep = func() {
		if n++; n == 3 {
			s.fakes[0].Inject(openstacktest.Fault{Service: "heat", Status: http.StatusInternalServerError})
		}
	}
	got, err := s.Prebuild(t.Context(), r)
	wantCode(t, err, "cloud_trouble")
	if got.Built != 3 || got.Left != 3 {
		t.Errorf("result is %+v", got)
	}
	s.fakes[0].ClearFaults()
	if got = s.prebuild(t, r); got.There != 3 || got.Built != 3 {
		t.Errorf("later: %+v", got)
	}
	s.wantClass(t, r)
}

// TestPrebuildLeavesWhatIsThere neither replaces a lab that has failed nor takes one that is going for a lab.
func TestPrebuildLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, 2)
	r := class("small", 4)
	first := r
	first.Learners = r.Learners[:3]
	s.prebuild(t, first)
	s.settle()
	s.fakes[0].SetStackState(owner(r, 0).Stack, "CREATE", "FAILED", "no valid host")
	s.fakes[0].SetStackState(owner(r, 1).Stack, "DELETE", "IN_PROGRESS", "")
	got := s.prebuild(t, r)
	if got.There != 2 || got.Broken != 1 || got.Leaving != 1 || got.Built != 1 || got.Left != 0 {
		t.Errorf("result is %+v", got)
	}
	s.wantClass(t, r)
}

// TestPrebuildRefuses a roster that cannot be meant, before anything is asked.
func TestPrebuildRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	for name, row := range map[string]struct {
		roster roster.Roster
		code   string
	}{
		"no such lab":    {class("nothing", 1), "unknown_lab"},
		"nobody":         {class("small", 0), "bad_roster"},
		"too many":       {class("small", 10_001), "bad_roster"},
		"no tenant":      {roster.Roster{Lab: "small", Learners: []string{"a"}}, "bad_roster"},
		"an empty id":    {roster.Roster{Tenant: "academy", Lab: "small", Learners: []string{"a", ""}}, "bad_roster"},
		"an id too long": {roster.Roster{Tenant: "academy", Lab: "small", Learners: []string{strings.Repeat("a", 256)}}, "bad_roster"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.Prebuild(t.Context(), row.roster)
			wantCode(t, err, row.code)
		})
	}
	if calls := s.fakes[0].CallNames(); len(calls) > 0 {
		t.Errorf("asked %v", calls)
	}
}

func TestReadLearners(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a\nb\n": {"a", "b"},
		"\xef\xbb\xbfuser_id,name\r\n1, Ann\r\n2,Bo": {"1", "2"},
		"sub\n\n\"x,y\"\n z \n":                      {"x,y", "z"},
		"sub2\nlearner\n":                            {"sub2", "learner"}, // a heading comes first or not at all
		"":                                           nil,
	} {
		if got, err := roster.ReadLearners(strings.NewReader(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	_, err := roster.ReadLearners(strings.NewReader("a\n\"b\nc"))
	wantCode(t, err, "bad_roster")
}
