package lab

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The tags of our stacks, each with its value behind it. Heat allows 80 characters for one.
const (
	TagLab     = "lab="     // the catalogue's key
	TagOwner   = "owner="   // the base name of its learner's labs: Owner.Stack
	TagGen     = "gen="     // which generation, from 1 on
	TagClaimed = "claimed=" // when a ready-made lab was given to its owner, in Unix seconds
	TagWarm    = "warm="    // a ready-made lab that waits for an owner: the catalogue's key
	TagRev     = "rev="     // revision of the template, its files and parameters
	TagKind    = "kind="    // a stack that is no lab and only notes something about one: a NoteKind
	TagSpent   = "spent="   // for how many seconds earlier labs of this budget were up
	TagPeriod  = "period="  // until when those seconds count, in Unix seconds
	TagOf      = "of="      // the id of the stack that a note is about
	TagDue     = "due="     // when a grade that the LMS did not take is to be sent again, in Unix seconds
)

// skew is how far the clocks of Heat, of the functions and of the labs may be apart.
const skew = 2 * time.Minute

// Held is one stack of an owner as a list shows it.
type Held struct {
	Cloud    string
	Order    int // the cloud's place among the clouds
	Name, ID string
	Tags     []string
	Stack    Stack
	// Tries is how often somebody tried to delete it, Tried when the last time was. Nobody has to know.
	Tries int
	Tried time.Time
	// Claim is when the key pair was made by which somebody claimed this ready-made lab; zero: nobody did.
	Claim time.Time
}

// Generation is the stack's place in its owner's row of labs: 0 the first, one more after each reset.
func Generation(tags []string) int { return int(min(greatest(tags, TagGen), mostGenerations)) }

// mostGenerations keeps a tag that somebody made up from becoming a name that Heat refuses.
const mostGenerations = 1_000_000

// Tagged is the rest of the first tag that begins with prefix.
func Tagged(tags []string, prefix string) string {
	for _, tag := range tags {
		if value, ok := strings.CutPrefix(tag, prefix); ok {
			return value
		}
	}
	return ""
}

// NameOf is the name of the stack of a generation.
func NameOf(base string, gen int) string {
	if gen <= 0 {
		return base
	}
	return base + "-" + strconv.Itoa(gen)
}

// BaseOf is the owner's base name in a stack's tags; empty if it has no owner.
func BaseOf(tags []string) string { return Tagged(tags, TagOwner) }

// SinceOf is from when on a stack is its owner's: its creation, or when a ready-made lab was given away.
func SinceOf(created time.Time, tags []string) time.Time {
	if claimed := timeIn(tags, TagClaimed); !claimed.IsZero() {
		return claimed
	}
	return created
}

// Gen is the stack's generation.
func (h Held) Gen() int { return Generation(h.Tags) }

// Kind is what the stack notes; empty for a lab.
func (h Held) Kind() NoteKind { return NoteKind(Tagged(h.Tags, TagKind)) }

// Since is from when on the stack is its owner's.
func (h Held) Since() time.Time { return SinceOf(h.Stack.Created, h.Tags) }

// Home is what one learner has of one kind of lab in one course, in all clouds.
type Home struct {
	Current  *Held  // what a launch enters; nil: nothing
	Next     *Held  // a generation under construction, or failed, above Current
	Previous *Held  // what an undo goes back to
	Spare    []Held // doubles, and generations that nobody can go back to
	Leaving  []Held // being deleted
	Helpers  []Held // notes: leases, time spent, grades
	Warm     []Held // ready-made labs without an owner that the same list showed
	Lease    Lease  // of Current, with what was noted while it slept
	// Spent is for how long labs that are gone were up, and Period until when that counts; both zero without a budget.
	Spent  time.Duration
	Period time.Time
}

// Gather sorts out an owner's stacks. Whoever has the same stacks before them comes to the same answer, in whatever order
// they are, so that nobody has to be asked which one counts.
func Gather(held []Held, e Entry, now time.Time) Home {
	var h Home
	generations := map[int][]Held{}
	for _, s := range held {
		switch {
		case s.Kind() != "":
			h.Helpers = append(h.Helpers, s)
		case BaseOf(s.Tags) == "":
			if Tagged(s.Tags, TagWarm) != "" {
				h.Warm = append(h.Warm, s)
			}
		case s.Stack.leaving():
			h.Leaving = append(h.Leaving, s)
		default:
			generations[s.Gen()] = append(generations[s.Gen()], s)
		}
	}
	row, doubles := single(generations)
	h.Spare = doubles
	h = h.place(row)
	if h.Current != nil {
		h.Lease = h.LeaseOf(*h.Current)
	}
	return h.account(e, now)
}

// single keeps one stack of each generation, the newest generation first; the others are spare. The one that came first
// counts, unless nothing came of it.
func single(generations map[int][]Held) (row, spare []Held) {
	for _, gen := range slices.Backward(slices.Sorted(maps.Keys(generations))) {
		doubles := generations[gen]
		slices.SortFunc(doubles, byWorth)
		row = append(row, doubles[0])
		spare = append(spare, doubles[1:]...)
	}
	return row, spare
}

// byWorth compares two doubles. Heat tells whole seconds: of a ready-made lab and one begun in the same second the learner
// was shown the first.
func byWorth(a, b Held) int {
	return cmp.Or(cmp.Compare(a.Stack.loss(), b.Stack.loss()), a.Since().Compare(b.Since()), cmp.Compare(a.begun(), b.begun()), cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
}

// begun is 1 for a lab that was begun for its owner, and 0 for one that was ready-made.
func (h Held) begun() int {
	if Tagged(h.Tags, TagClaimed) == "" {
		return 1
	}
	return 0
}

// place says which generation of the row is what.
func (h Home) place(row []Held) Home {
	at := chosen(row)
	if at < 0 {
		return h
	}
	h.Current = &row[at]
	for i := range at {
		if h.Next == nil && row[i].Stack.loss() < undeletable {
			h.Next = &row[i]
			continue
		}
		h.Spare = append(h.Spare, row[i])
	}
	for i := at + 1; i < len(row); i++ {
		if h.Previous == nil && h.Next == nil && row[i].Stack.proven() {
			h.Previous = &row[i]
			continue
		}
		h.Spare = append(h.Spare, row[i])
	}
	return h
}

// chosen is the place of what a launch enters: the newest generation that ever came up, else the newest that may yet, else
// what failed. What came up and broke since gives way to what is being built in its place.
func chosen(row []Held) int {
	proven := slices.IndexFunc(row, func(s Held) bool { return s.Stack.proven() })
	coming := slices.IndexFunc(row, func(s Held) bool { return s.Stack.coming() })
	switch {
	case proven >= 0 && coming >= 0 && coming < proven && !row[proven].Stack.Usable():
		return coming
	case proven >= 0:
		return proven
	case coming >= 0:
		return coming
	}
	best := -1
	for i, s := range row {
		if best < 0 || s.Stack.loss() < row[best].Stack.loss() {
			best = i
		}
	}
	return best
}

// LeaseOf is the lease of one of the owner's stacks, with what was noted about it while it slept.
func (h Home) LeaseOf(s Held) Lease {
	lease := s.Stack.Lease.merge(LeaseOf(s.Tags))
	for _, note := range h.Helpers {
		if note.Kind() == NoteLease && Tagged(note.Tags, TagOf) == s.ID && !note.Stack.leaving() {
			lease = lease.merge(LeaseOf(note.Tags))
		}
	}
	return lease
}

// account adds up what was spent of the budget by labs that are gone.
func (h Home) account(e Entry, now time.Time) Home {
	if e.Budget.Time <= 0 {
		return h
	}
	told := slices.Clone(h.Helpers)
	if h.Current != nil {
		told = append(told, *h.Current)
	}
	for _, s := range told {
		period := timeIn(s.Tags, TagPeriod)
		if !period.After(now) {
			continue
		}
		h.Spent = max(h.Spent, time.Duration(min(greatest(s.Tags, TagSpent), mostSeconds))*time.Second)
		if h.Period.IsZero() || period.Before(h.Period) {
			h.Period = period
		}
	}
	if h.Period.IsZero() && h.Current != nil {
		h.Period = e.Budget.period(h.Current.Since(), now)
	}
	return h
}

// Find is the stack of that id among those that count; nil: it is none of them.
func (h Home) Find(id string) *Held {
	for _, s := range []*Held{h.Current, h.Next, h.Previous} {
		if s != nil && s.ID == id {
			return s
		}
	}
	return nil
}

// newest is the highest generation that the owner ever had, as far as is to be seen; -1: none.
func (h Home) newest() int {
	most := -1
	for _, s := range slices.Concat(h.Spare, h.Leaving) {
		most = max(most, s.Gen())
	}
	for _, s := range []*Held{h.Current, h.Next, h.Previous} {
		if s != nil {
			most = max(most, s.Gen())
		}
	}
	return most
}

func (s Stack) state() string { return s.Action + "_" + s.Status }

// leaving says that the stack is being deleted.
func (s Stack) leaving() bool { return s.Action == "DELETE" && s.Status != "FAILED" }

// coming says that the stack is being built.
func (s Stack) coming() bool {
	return s.Action == "INIT" || s.Action == "" || s.Action == "CREATE" && s.Status == "IN_PROGRESS"
}

const undeletable = 2

// loss is how little a stack is worth of which nothing came.
func (s Stack) loss() int {
	switch s.state() {
	case "CREATE_FAILED", "ROLLBACK_FAILED":
		return 1
	case "DELETE_FAILED":
		return undeletable
	}
	return 0
}

// proven says that the stack came up once.
func (s Stack) proven() bool { return !s.leaving() && !s.coming() && s.loss() == 0 }

// Usable says that a learner can work in it, once it is awake.
func (s Stack) Usable() bool {
	return s.proven() && s.state() != "RESUME_FAILED" && (s.state() != "SUSPEND_FAILED" || s.interrupted())
}
