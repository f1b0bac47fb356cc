package lab_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

var owner = lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "u1"}.Hide(namingKey)

// own is a stack of the owner: gen, state, and when it was created after created.
func own(gen int, state string, after time.Duration, tags ...string) lab.Held {
	s := at(state, nil)
	s.Created = created.Add(after)
	all := append(owner.Tags(), tags...)
	if gen > 0 {
		all = append(all, "gen="+strconv.Itoa(gen))
	}
	s.Lease = lab.LeaseOf(all)
	return lab.Held{Cloud: "one", Name: lab.NameOf(owner.Stack, gen), ID: "id-" + strconv.Itoa(gen) + "-" + strconv.Itoa(int(after/time.Second)), Tags: all, Stack: s}
}

func until(after time.Duration) string { return "until=" + unix(created.Add(after)) }

func note(n lab.Note, state string, after time.Duration) lab.Held {
	s := at(state, nil)
	s.Created = created.Add(after)
	return lab.Held{Cloud: "one", Name: n.Name, ID: "id-" + n.Name, Tags: n.Tags, Stack: s}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for gen, want := range map[int]string{-1: owner.Stack, 0: owner.Stack, 1: owner.Stack + "-1", 12: owner.Stack + "-12"} {
		if got := lab.NameOf(owner.Stack, gen); got != want {
			t.Errorf("generation %d: %s", gen, got)
		}
	}
	for tag, want := range map[string]int{"": 0, "gen=": 0, "gen=2": 2, "gen=-3": 0, "gen=x": 0, "gen=99999999999999": 1_000_000} {
		if got := lab.Generation([]string{tag}); got != want {
			t.Errorf("%q: generation %d", tag, got)
		}
	}
	if got := lab.OwnerIn(owner.Tags()); got != owner {
		t.Errorf("read back %+v", got)
	}
	if got := lab.BaseOf([]string{"stackhook", "lab=web"}); got != "" {
		t.Errorf("owner of an ownerless stack: %s", got)
	}
	for _, n := range []lab.Note{
		owner.LeaseNote("0f0f0f0f-1111-2222-3333-444444444444", lab.Lease{Until: created, Extended: 2, Given: created}),
		owner.SpentNote(time.Hour, created), owner.Note(lab.NoteGrade, ""),
	} {
		if !strings.HasSuffix(strings.Join(strings.Split(n.Name, "-")[:2], "-"), strings.TrimPrefix(owner.Stack, "lab-")) {
			t.Errorf("name %s", n.Name)
		}
		for _, tag := range n.Tags {
			if len(tag) > 80 {
				t.Errorf("tag %s", tag)
			}
		}
	}
}

// Which stack a launch enters, what an undo goes back to, and what nobody needs, whatever the order they are listed in.
func TestRow6Generations(t *testing.T) {
	t.Parallel()
	const none = ""
	for name, c := range map[string]struct {
		states                  []string // of generations 0, 1, 2 …; empty: there is none
		current, next, previous string   // by generation
		spare                   int
	}{
		"nothing":                      {nil, none, none, none, 0},
		"one":                          {[]string{"CREATE_COMPLETE"}, "0", none, none, 0},
		"one that is built":            {[]string{"CREATE_IN_PROGRESS"}, "0", none, none, 0},
		"one that failed":              {[]string{"CREATE_FAILED"}, "0", none, none, 0},
		"the new one is being built":   {[]string{"CREATE_COMPLETE", "CREATE_IN_PROGRESS"}, "0", "1", none, 0},
		"the new one is just begun":    {[]string{"SUSPEND_COMPLETE", "INIT_COMPLETE"}, "0", "1", none, 0},
		"the new one failed":           {[]string{"CREATE_COMPLETE", "CREATE_FAILED"}, "0", "1", none, 0},
		"the new one is up":            {[]string{"SUSPEND_COMPLETE", "CREATE_COMPLETE"}, "1", none, "0", 0},
		"the new one is being changed": {[]string{"CREATE_COMPLETE", "UPDATE_IN_PROGRESS"}, "1", none, "0", 0},
		"the new one sleeps":           {[]string{"CREATE_COMPLETE", "SUSPEND_IN_PROGRESS"}, "1", none, "0", 0},
		"the new one broke later":      {[]string{"CREATE_COMPLETE", "RESUME_FAILED"}, "1", none, "0", 0},
		"the old one broke":            {[]string{"RESUME_FAILED", "CREATE_IN_PROGRESS"}, "1", none, "0", 0},
		"both broke":                   {[]string{"RESUME_FAILED", "CREATE_FAILED"}, "0", "1", none, 0},
		"both failed":                  {[]string{"CREATE_FAILED", "CREATE_FAILED"}, "1", none, none, 1},
		"both are built":               {[]string{"CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS"}, "1", none, none, 1},
		"the new one leaves":           {[]string{"CREATE_COMPLETE", "DELETE_IN_PROGRESS"}, "0", none, none, 0},
		"the new one does not leave":   {[]string{"CREATE_COMPLETE", "DELETE_FAILED"}, "0", none, none, 1},
		"only one that does not leave": {[]string{"DELETE_FAILED"}, "0", none, none, 0},
		"three":                        {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_IN_PROGRESS"}, "1", "2", none, 1},
		"three that are up":            {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE"}, "2", none, "1", 1},
		"all gone":                     {[]string{"DELETE_IN_PROGRESS"}, none, none, none, 0},
	} {
		var held []lab.Held
		for gen, state := range c.states {
			held = append(held, own(gen, state, time.Duration(gen)*time.Minute))
		}
		for range 4 {
			home := lab.Gather(held, entry, created.Add(time.Hour))
			show := func(s *lab.Held) string {
				if s == nil {
					return none
				}
				return strconv.Itoa(s.Gen())
			}
			if show(home.Current) != c.current || show(home.Next) != c.next || show(home.Previous) != c.previous || len(home.Spare) != c.spare {
				t.Errorf("%s: current %q, next %q, previous %q, %d spare", name, show(home.Current), show(home.Next), show(home.Previous), len(home.Spare))
			}
			kept := 0
			for _, s := range []*lab.Held{home.Current, home.Next, home.Previous} {
				if s != nil {
					kept++
				}
			}
			if kept > 2 {
				t.Errorf("%s: %d generations are kept", name, kept)
			}
			rand.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		}
	}
}

// Of two stacks of one generation all go by the same one, whichever cloud they asked first.
func TestDoublesOfOneGeneration(t *testing.T) {
	t.Parallel()
	first, second := own(0, "CREATE_COMPLETE", 0), own(0, "CREATE_COMPLETE", time.Second)
	first.Order = 1
	same := own(0, "CREATE_IN_PROGRESS", 0)
	same.ID, same.Cloud = "id-a", "other"
	sooner := own(0, "CREATE_FAILED", -time.Second)
	ready := own(0, "CREATE_COMPLETE", -time.Hour, "claimed="+unix(created.Add(time.Minute)))
	for name, c := range map[string]struct {
		held []lab.Held
		want string
	}{
		"the earlier":                {[]lab.Held{second, first}, first.ID},
		"at once: the cloud before":  {[]lab.Held{first, same}, same.ID},
		"nothing came of the first":  {[]lab.Held{sooner, second}, second.ID},
		"a ready-made one came late": {[]lab.Held{ready, second}, second.ID},
	} {
		for range 2 {
			home := lab.Gather(c.held, entry, created)
			if home.Current == nil || home.Current.ID != c.want || len(home.Spare) != 1 {
				t.Errorf("%s: %+v", name, home)
			}
			slices.Reverse(c.held)
		}
	}
	warm := own(0, "CREATE_COMPLETE", 0)
	warm.Tags = []string{lab.Tag, "lab=web", "warm=web"}
	if home := lab.Gather([]lab.Held{warm}, entry, created); home.Current != nil || len(home.Warm) != 1 {
		t.Errorf("a ready-made lab is nobody's: %+v", home)
	}
}

// Heat takes no tags while a lab sleeps, so what was noted beside it counts, for this lab and no other.
func TestRow3LeaseNotedWhileAsleep(t *testing.T) {
	t.Parallel()
	asleep := own(0, "SUSPEND_COMPLETE", 0, until(8*time.Hour), "extended=1")
	lease := lab.Lease{Until: created.Add(9 * time.Hour), Extended: 2}
	mine := note(owner.LeaseNote(asleep.ID, lease), "CREATE_COMPLETE", 7*time.Hour)
	others := note(owner.LeaseNote("id-of-an-earlier-lab", lab.Lease{Until: created.Add(20 * time.Hour), Extended: 9}), "CREATE_COMPLETE", -time.Hour)
	home := lab.Gather([]lab.Held{mine, asleep, others}, entry, created.Add(8*time.Hour))
	if home.Lease != lease || len(home.Helpers) != 2 || home.Current.ID != asleep.ID {
		t.Errorf("%+v", home)
	}
	mine.Stack.Action, mine.Stack.Status = "DELETE", "IN_PROGRESS"
	if home := lab.Gather([]lab.Held{mine, asleep}, entry, created); home.Lease.Extended != 1 {
		t.Errorf("a note that leaves: %+v", home.Lease)
	}
}

func ids(held []lab.Held) []string {
	list := []string{}
	for _, s := range held {
		list = append(list, strconv.Itoa(s.Gen()))
	}
	return list
}

func TestRow6Reset(t *testing.T) {
	t.Parallel()
	volumes := entry
	volumes.Attached = true
	for name, c := range map[string]struct {
		states []string
		from   int
		entry  lab.Entry
		build  int // -1: nothing
		gone   []string
		follow string
		wake   bool
	}{
		"the first time":             {[]string{"CREATE_COMPLETE"}, 0, entry, 1, nil, "", false},
		"asleep":                     {[]string{"SUSPEND_COMPLETE"}, 0, entry, 1, nil, "", false},
		"asleep with volumes":        {[]string{"SUSPEND_COMPLETE"}, 0, volumes, -1, nil, "", true},
		"sent twice":                 {[]string{"CREATE_COMPLETE", "CREATE_IN_PROGRESS"}, 0, entry, -1, nil, "1", false},
		"sent again when it is up":   {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE"}, 0, entry, -1, nil, "1", false},
		"once more":                  {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE"}, 1, entry, 2, []string{"0"}, "", false},
		"of one that failed":         {[]string{"CREATE_FAILED"}, 0, entry, 1, []string{"0"}, "", false},
		"of one that takes too long": {[]string{"CREATE_IN_PROGRESS"}, 0, entry, 1, []string{"0"}, "", false},
		"of one that does not leave": {[]string{"DELETE_FAILED"}, 0, entry, 1, []string{"0"}, "", false},
		"of a new one that failed":   {[]string{"CREATE_COMPLETE", "CREATE_FAILED"}, 1, entry, 2, []string{"1"}, "", false},
		"of one that does not wake":  {[]string{"RESUME_FAILED"}, 0, entry, 1, nil, "", false},
		"after an undo":              {[]string{"CREATE_COMPLETE", "DELETE_IN_PROGRESS"}, 0, entry, 2, nil, "", false},
		"of one that has ended":      {[]string{"DELETE_IN_PROGRESS"}, 0, entry, 1, nil, "", false},
		"of nothing":                 {nil, 0, entry, 1, nil, "", false},
		"of a later one that ended":  {nil, 3, entry, 4, nil, "", false},
		"cut off half-way":           {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_IN_PROGRESS"}, 1, entry, -1, nil, "2", false},
	} {
		var held []lab.Held
		for gen, state := range c.states {
			held = append(held, own(gen, state, time.Duration(gen)*time.Minute))
		}
		plan := lab.Gather(held, c.entry, created.Add(time.Hour)).Reset(c.from, c.entry)
		follow := ""
		if plan.Follow != nil {
			follow = strconv.Itoa(plan.Follow.Gen())
		}
		if plan.Build != (c.build >= 0) || plan.Build && plan.Create != c.build || !slices.Equal(ids(plan.Delete), append([]string{}, c.gone...)) || follow != c.follow || (plan.Wake != nil) != c.wake || plan.Why == "" {
			t.Errorf("%s: build %v %d, delete %v, follow %q, wake %v (%s)", name, plan.Build, plan.Create, ids(plan.Delete), follow, plan.Wake != nil, plan.Why)
		}
		// Done and sent again, it builds no more.
		if plan.Build {
			after := append(slices.DeleteFunc(held, func(s lab.Held) bool { return slices.Contains(c.gone, strconv.Itoa(s.Gen())) }), own(plan.Create, "CREATE_IN_PROGRESS", time.Hour))
			if again := lab.Gather(after, c.entry, created.Add(time.Hour)).Reset(c.from, c.entry); again.Build || len(again.Delete) > 0 {
				t.Errorf("%s, again: %+v", name, again)
			}
		}
	}
}

func TestRow6Undo(t *testing.T) {
	t.Parallel()
	graceful := entry
	graceful.Grace = time.Hour
	volumes := graceful
	volumes.Attached = true
	inTime, late := created.Add(time.Minute+graceful.BuildTimeout+graceful.Grace-time.Second), created.Add(time.Minute+graceful.BuildTimeout+graceful.Grace)
	for name, c := range map[string]struct {
		states  []string
		entry   lab.Entry
		now     time.Time
		gone    []string
		resume  bool
		refused lab.Reason
		wake    bool
	}{
		"while it is being built":  {[]string{"CREATE_COMPLETE", "CREATE_IN_PROGRESS"}, graceful, inTime, []string{"1"}, false, "", false},
		"when it has failed":       {[]string{"SUSPEND_COMPLETE", "CREATE_FAILED"}, graceful, late, []string{"1"}, true, "", false},
		"when it is up":            {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE"}, graceful, inTime, []string{"1"}, false, "", false},
		"asleep":                   {[]string{"SUSPEND_COMPLETE", "CREATE_COMPLETE"}, graceful, inTime, []string{"1"}, true, "", false},
		"falling asleep":           {[]string{"SUSPEND_IN_PROGRESS", "CREATE_COMPLETE"}, graceful, inTime, []string{"1"}, false, "", false},
		"sent twice":               {[]string{"SUSPEND_COMPLETE", "DELETE_IN_PROGRESS"}, graceful, inTime, nil, true, "", false},
		"sent twice, awake":        {[]string{"RESUME_IN_PROGRESS"}, graceful, inTime, nil, false, "", false},
		"too late":                 {[]string{"CREATE_COMPLETE", "CREATE_COMPLETE"}, graceful, late, nil, false, lab.UndoOver, false},
		"nothing to go back to":    {[]string{"DELETE_IN_PROGRESS", "CREATE_COMPLETE"}, graceful, inTime, nil, false, lab.UndoOver, false},
		"the old one is broken":    {[]string{"RESUME_FAILED", "CREATE_COMPLETE"}, graceful, inTime, nil, false, lab.UndoOver, false},
		"nothing at all":           {nil, graceful, inTime, nil, false, lab.UndoOver, false},
		"the new one cannot leave": {[]string{"CREATE_COMPLETE", "SUSPEND_COMPLETE"}, volumes, inTime, nil, false, "", true},
	} {
		var held []lab.Held
		for gen, state := range c.states {
			held = append(held, own(gen, state, time.Duration(gen)*time.Minute))
		}
		home := lab.Gather(held, c.entry, c.now)
		plan := home.Undo(0, c.entry, c.now)
		if !slices.Equal(ids(plan.Delete), append([]string{}, c.gone...)) || (plan.Resume != nil) != c.resume || plan.Refused != c.refused || (plan.Wake != nil) != c.wake || plan.Build {
			t.Errorf("%s: %+v", name, plan)
		}
		if back := home.WayBack(c.entry, c.now); len(c.gone) > 0 && (back == nil || back.Gen != 0) || c.refused != "" && back != nil {
			t.Errorf("%s: offered %+v", name, back)
		}
	}
	short := own(0, "CREATE_COMPLETE", 0, until(10*time.Minute))
	home := lab.Gather([]lab.Held{short, own(1, "CREATE_COMPLETE", time.Minute)}, graceful, created)
	if back := home.WayBack(graceful, created); back == nil || !back.Until.Equal(created.Add(10*time.Minute)) {
		t.Errorf("kept beyond its own end: %+v", back)
	}
}

// The current lab goes last: what a removal leaves that is cut off is the lab itself, and never an older one.
func TestEndTakesEverything(t *testing.T) {
	t.Parallel()
	old, current := own(0, "CREATE_COMPLETE", 0), own(1, "CREATE_COMPLETE", time.Minute)
	home := lab.Gather([]lab.Held{current, old, own(1, "CREATE_COMPLETE", time.Hour)}, entry, created)
	if plan := home.End(current.ID, entry); !slices.Equal(ids(plan.Delete), []string{"0", "1", "1"}) || plan.Delete[2].ID != current.ID || plan.Follow != nil {
		t.Errorf("%+v", plan)
	}
	if plan := home.End(old.ID, entry); !slices.Equal(ids(plan.Delete), []string{"0"}) {
		t.Errorf("from a page of the old one: %+v", plan)
	}
	if plan := home.End("id-gone", entry); len(plan.Delete) != 0 {
		t.Errorf("from a page of one that is gone: %+v", plan)
	}
	next := own(2, "CREATE_IN_PROGRESS", time.Hour)
	home = lab.Gather([]lab.Held{current, old, next}, entry, created)
	if plan := home.End(next.ID, entry); !slices.Equal(ids(plan.Delete), []string{"0", "2", "1"}) {
		t.Errorf("while another is built: %v", ids(plan.Delete))
	}
	volumes := entry
	volumes.Attached = true
	home = lab.Gather([]lab.Held{own(0, "SUSPEND_COMPLETE", 0)}, volumes, created)
	if plan := home.End(home.Current.ID, volumes); plan.Wake == nil || len(plan.Delete) != 0 {
		t.Errorf("asleep with volumes: %+v", plan)
	}
}

// No launch ever removes a lab, whatever it finds (W4, W5, W9).
func TestW4LaunchNeverDeletes(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]lab.Do{
		"CREATE_COMPLETE": lab.Enter, "CREATE_FAILED": lab.Help, "SUSPEND_COMPLETE": lab.Resume, "DELETE_IN_PROGRESS": lab.Clear, "UPDATE_COMPLETE": lab.Enter, "SUSPEND_FAILED": lab.Help,
	} {
		if d := lab.Gather([]lab.Held{own(0, state, 0)}, entry, created).Launch(); d.Do != want || d.Why == "" {
			t.Errorf("%s: %+v", state, d)
		}
	}
	if d := (lab.Home{}).Launch(); d.Do != lab.Create {
		t.Errorf("nothing: %+v", d)
	}
	if d := lab.Gather([]lab.Held{own(0, "CREATE_COMPLETE", 0), own(1, "CREATE_FAILED", time.Minute)}, entry, created).Launch(); d.Do != lab.Enter {
		t.Errorf("a reset that failed leaves the old lab usable: %+v", d)
	}
}

func FuzzTags(f *testing.F) {
	for _, tags := range []string{"", "until=1,extended=2,gen=3", "owner=,kind=lease,of=x", "gen=99999999999999999999,until=-1", "warm=web,lab=web,claimed=253402300800", "spent=9223372036854775807,period=4102444800,kind=spent,lab=x,owner=y"} {
		f.Add(tags, "CREATE_COMPLETE")
		f.Add(tags, "DELETE_FAILED")
	}
	e := entry
	e.Budget, e.Grace, e.IdleTimeout = lab.Budget{Time: time.Hour, Per: 24 * time.Hour}, time.Hour, time.Hour
	now := created.Add(time.Hour)
	f.Fuzz(func(t *testing.T, raw, state string) {
		s := at(state, nil)
		tags := strings.Split(raw, ",")
		s.Lease = lab.LeaseOf(tags)
		one := lab.Held{ID: "a", Name: "a", Tags: tags, Stack: s}
		two := own(1, "CREATE_COMPLETE", time.Minute)
		home := lab.Gather([]lab.Held{one, two}, e, now)
		if home.Spent < 0 || home.Lease.Extended < 0 || one.Gen() < 0 || len(lab.NameOf("lab-0123456789abcdef01", one.Gen())) > 40 {
			t.Errorf("%q: spent %s, %d extensions, generation %d", raw, home.Spent, home.Lease.Extended, one.Gen())
		}
		if until := home.Lease.Until; !until.IsZero() && (until.Year() > 9999 || until.Year() < 1970) {
			t.Errorf("%q: until %s", raw, until)
		}
		due := lab.Tend(one, home, e, nil, now)
		if lab.Tagged(tags, lab.TagLab) == "" && lab.Tagged(tags, lab.TagWarm) == "" && due.Do != lab.TendKeep {
			t.Errorf("%q is no lab: %+v", raw, due)
		}
		if due.Why == "" {
			t.Errorf("%q: no reason for %s", raw, due.Do)
		}
	})
}
