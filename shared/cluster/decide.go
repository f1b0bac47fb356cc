package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Op is a kind of change.
type Op string

// The kinds of change. OpPass is what Reconcile does of itself. OpSite and OpOutside are only ever recorded: the first is a site's new settings, the second a
// change by other means than ours.
const (
	OpOut     Op = "out"
	OpIn      Op = "in"
	OpSet     Op = "set"
	OpReplace Op = "replace"
	OpPause   Op = "pause"
	OpResume  Op = "resume"
	OpPass    Op = "reconcile"
	OpSite    Op = "site"
	OpOutside Op = "outside"
)

// Code says what a decision came to. Codes are part of the contract with callers.
type Code string

// The codes of decisions. Superseded and Lost are given after an update was tried; NotAlarm before the cluster is looked
// at, to an alarm that says it is over; Outside and Reset are only ever recorded.
const (
	Scaled      Code = "scaled"
	Capped      Code = "capped"
	AtMax       Code = "at_max"
	AtMin       Code = "at_min"
	Unchanged   Code = "unchanged"
	Draining    Code = "draining"
	Undrained   Code = "undrained"
	Replaced    Code = "replaced"
	Resumed     Code = "resumed"
	Kept        Code = "kept"
	Busy        Code = "busy"
	Cooldown    Code = "cooldown"
	Stabilizing Code = "stabilizing"
	BackOff     Code = "back_off"
	NotReady    Code = "not_ready"
	Unhealthy   Code = "unhealthy"
	RateLimited Code = "rate_limited"
	NoQuota     Code = "no_quota"
	OverBudget  Code = "over_budget"
	Closing     Code = "closing"
	Waiting     Code = "waiting"
	LBBroken    Code = "lb_broken"
	Paused      Code = "paused"
	Halted      Code = "halted"
	Steady      Code = "steady"
	Removed     Code = "removed"
	Repaired    Code = "repaired"
	WrongVictim Code = "wrong_victim"
	UnknownNode Code = "unknown_node"
	Protected   Code = "protected"
	Duplicate   Code = "duplicate"
	NotScalable Code = "not_scalable"
	Outside     Code = "outside"
	Reset       Code = "reset"
	Superseded  Code = "superseded"
	Lost        Code = "lost"
	NotAlarm    Code = "not_alarm"
)

// busyRetry is when to ask again while Heat is at work: an update of a few nodes takes 10 to 60 s.
const busyRetry = 30 * time.Second

// State is what is known of a cluster.
type State struct {
	Count    int
	Min, Max int
	// CooldownOut must have passed since the last growth before an alarm makes it grow again. CooldownIn must have
	// passed since the last change in either direction before it shrinks: a new node needs time to show in the measures.
	CooldownOut, CooldownIn time.Duration
	Policy                  Policy
	// Action and Status are the halves of Heat's stack status.
	Action, Status string
	// Since is when Heat began what Action says; zero if that is not known.
	Since time.Time
	// Removal are the names that the last update gave Heat to remove, or the members that are marked to go. One that failed or
	// stood still may not have got to it.
	Removal []string
	// Updated is when the stack's last update began; zero if there was none.
	Updated time.Time
	Pause   Pause
	// Tags are the stack's own.
	Tags   []string
	Memory Memory
	// Nodes are the cluster's nodes; nil if they are not known, and then Heat takes the newest ones away.
	Nodes []Node
	// Group are the members of an AutoScalingGroup; nil for a ResourceGroup, or if nobody has looked.
	Group []GroupMember
	// Strangers are members of the pool that are no node of the cluster. They have no names.
	Strangers []Node
	// Worked is when Heat was last seen at work on the cluster, before now; zero if it is not known.
	Worked time.Time
	// Wanted is when an alarm last asked for more nodes, whatever came of it; zero if none is known to have.
	Wanted time.Time
	// Rival says that an alarm asked for more nodes while this request waited for its turn: more goes before fewer (F15).
	Rival bool
	// Room is what the quotas leave; nil if that is not known.
	Room *Room
	// Sticky says that the pool keeps clients at their members. It matters where nodes begin to leave.
	Sticky bool
	// Sessions are how many each pool member has now, by its id; nil if nobody has looked.
	Sessions map[string]int
	// Agreed are the nodes whose hook has agreed to their removal; nil if it was not asked.
	Agreed map[string]bool
	// BalancerBroken says that the load balancer is in ERROR.
	BalancerBroken bool

	schedule string // whose bounds hold now
	late     bool   // the nodes of the last growth had their time to come into service, and did not
}

// Request is what is asked.
type Request struct {
	Op Op // OpOut, OpIn or OpSet
	// By is the step of OpOut and OpIn. Less than 1 leaves it to Value and the policy, and else counts as 1.
	By int
	// Percent is the step of OpOut and OpIn as a part of the size, at least MinStep; nil leaves it to By. 0 is no step (F1).
	Percent *int
	MinStep int
	// Value is the measure that raised the alarm, if it was sent.
	Value *float64
	// To is the size that OpSet wants.
	To int
	// Nodes names those that OpIn is to take away, by name, server or address; empty leaves the choice to the policy.
	Nodes []string
	// Min and Max are sizes that the caller may not go below or above, beside the cluster's own; 0 for none.
	Min, Max int
	// Key names the notification, KeyLife is how long it does; an empty key is never a duplicate.
	Key     string
	KeyLife time.Duration
	// Delivery is the notification's own name while that lives, where Key is that of its intent; DeliveryLife is what is left.
	Delivery     string
	DeliveryLife time.Duration
	// Who is recorded. Person says that somebody wrote down what they want, Repeats that the sender will say it again.
	Who             string
	Person, Repeats bool
	// Kept is when one that was kept for now was asked; zero for all others.
	Kept time.Time
	// Pause is what OpPause and OpResume are about.
	Pause Pause
	// Force is a person's word that nothing of what holds an alarm back matters now. Bounds, quota and Heat's work
	// matter always.
	Force bool
	// Strict wants the whole step, at once, or none.
	Strict bool
	DryRun bool
	// Token is fresh for each request.
	Token string
	// Gen is the number of the decision that the caller has the sole right to write; 0 for the next one.
	Gen int

	began trace // what it left on the first of its nodes, if it goes on with the rest
	rest  int   // how many nodes are left to it then
}

// Patch is one whole update of a cluster's parameters: absolute values only.
type Patch struct {
	Count int
	// Removal names the nodes to remove; empty lets Heat take the newest. Heat itself remembers earlier ones.
	Removal []string
	State   string
	// Tags replace the stack's, and then nothing else is written; nil keeps them.
	Tags []string
}

// Decision is what a request comes to.
type Decision struct {
	Op Op `json:"direction"`
	// Asked is the size the request would like, From the size now, To the size after the decision.
	Asked int `json:"asked"`
	From  int `json:"from"`
	To    int `json:"to"`
	// Victims are the names of the nodes that go, if it is known which.
	Victims []string `json:"victims,omitempty"`
	// Applied says that the change was made; set after it was read back.
	Applied bool   `json:"applied"`
	DryRun  bool   `json:"dry_run,omitempty"`
	Code    Code   `json:"code"`
	Reason  string `json:"reason"`
	// RetryAfter is when asking again may help; 0 for never or at once.
	RetryAfter time.Duration `json:"-"`
	// Ring are the last decisions that were made true, newest last.
	Ring []Entry `json:"-"`
	// Members are to be written, one after another.
	Members []MemberChange `json:"-"`
	// Ask are the nodes whose hook is to be asked; then the decision has to be made again.
	Ask []Ask `json:"-"`
	// Marks are to be written before Patch, or alone.
	Marks []Mark `json:"-"`
	// Patch is to be written; nil means that nothing is.
	Patch *Patch `json:"-"`

	// needsNodes says that the decision is another one if some nodes turn out to have no server.
	needsNodes bool
}

// Decide says what a request does to a cluster.
func Decide(s State, r Request, now time.Time) Decision {
	return decide(s, r, now).strictly(r).marked(s, r, now)
}

func decide(s State, r Request, now time.Time) Decision {
	s = s.bounds(r, now)
	r, repeated := s.again(r, now)
	asked := wanted(s, r)
	d := Decision{Op: r.Op, Asked: asked, From: s.size(), To: s.size(), DryRun: r.DryRun, Ring: s.Memory.Ring}
	if s.Memory.knows(r.Key, now) || repeated {
		return d.say(Duplicate, 0, "This notification was acted on already; nothing was changed.")
	}
	if s.Action == "DELETE" || s.Action == "SUSPEND" || (s.Action == "RESUME" && s.Status == "FAILED") {
		return d.notScalable()
	}
	if s.Status == "IN_PROGRESS" {
		return d.busy()
	}
	if d, bad := d.badNames(s, r); bad && (r.Person || r.Op != OpReplace) {
		return d // an alarm may name a node that was replaced meanwhile
	}
	if r.Op == OpReplace {
		return d.replace(s, r, now)
	}
	to, why := s.trimmed(r, asked)
	if to == d.From {
		return d.standstill(s, r)
	}
	if d, held := d.hold(s, r, to, now); held {
		return d
	}
	if to > d.From && len(s.draining()) > 0 {
		return d.undrain(s, r, to-d.From, now).orDry(r)
	}
	if to < d.From && s.Nodes != nil {
		victims, kept := s.victims(r, d.From-to)
		if len(victims) == 0 {
			return d.say(kept.code, 0, kept.reason)
		}
		if len(victims) < d.From-to {
			to, why = d.From-len(victims), append(why, kept.why)
		}
		dead := slices.DeleteFunc(slices.Clone(victims), Node.serves)
		if s.drains() && len(dead) == 0 {
			return d.drainFirst(s, r, victims, now).orDry(r)
		}
		if s.drains() && len(dead) < len(victims) {
			victims, to, why = dead, d.From-len(dead), append(why, "those that are broken go first")
		}
		d.Victims = nodeNames(victims)
	}
	return d.change(s, r, to, why, now)
}

// orDry is the decision without what is to be written, if nothing is to be.
func (d Decision) orDry(r Request) Decision {
	if r.DryRun {
		d.Members = nil
	}
	return d
}

// change is the decision to go to another size.
func (d Decision) change(s State, r Request, to int, why []string, now time.Time) Decision {
	d.To = to
	if to == d.Asked {
		d = d.say(Scaled, 0, fmt.Sprintf("The cluster goes from %s to %d.", nodes(d.From), to))
	} else {
		d = d.say(Capped, 0, fmt.Sprintf("The cluster goes from %s to %d, not to %d: %s.", nodes(d.From), to, d.Asked, strings.Join(why, ", ")))
	}
	if r.DryRun {
		return d
	}
	count := to + s.Count - d.From // with those on their way out
	memory := s.Memory.Record(r.Op, s.Count, count, d.Code, r.Who, r.Token, now).sawBy(r, now).heard(r, now)
	memory.Gen = max(memory.Gen, r.Gen)
	memory.Fails = s.failures()
	memory.Kept = s.kept(d.Victims)
	d.Ring = memory.Ring
	d.Patch = &Patch{Count: count, Removal: s.removal(d.Victims), State: memory.String()}
	return d
}

// NeedsNodes says that a decision made without knowing the nodes has to be made again with them: it takes some away, or
// the request names some, or new ones have to be in service first, or some may be on their way out.
func (d Decision) NeedsNodes(p Policy) bool {
	settled := d.Code == Scaled || d.Code == Capped || d.Code == AtMax || d.Code == AtMin || d.Code == Unchanged
	if d.Op == OpReplace {
		return d.Code != Busy && d.Code != NotScalable
	}
	if d.Op == OpPass {
		return d.Code != Busy && d.Code != NotScalable && (d.Code != Repaired || d.needsNodes) && d.Code != BackOff
	}
	return d.To < d.From || d.To > d.From && p.Ready > 0 || d.Code == UnknownNode || p.Drain > 0 && settled
}

// NeedsNodes says whether growing looks at the nodes. Shrinking always does.
func (p Policy) NeedsNodes() bool { return p.Ready > 0 || p.Drain > 0 }

// Idle says that nothing was tried, and that something else may be.
func (d Decision) Idle() bool {
	switch d.Code {
	case Busy, Kept, Lost, Superseded, NotScalable, Replaced:
		return false
	default:
		return d.To == d.From
	}
}

// Verify says what became of a decision whose Patch was sent, from the cluster as it reads afterwards: applied,
// superseded by another writer, or lost although OpenStack accepted it.
func Verify(d Decision, token string, before Memory, after State) Decision {
	switch after.Memory.Token {
	case token:
		d.Applied = true
		return d
	case before.Token:
		d.To, d.Victims, d.Ring = d.From, nil, before.Ring
		return d.say(Lost, busyRetry, "OpenStack took the change and did not make it. Ask again.")
	}
	d.To, d.Victims, d.Ring = after.Count, nil, after.Memory.Ring
	return d.say(Superseded, busyRetry, fmt.Sprintf("Another request changed the cluster at the same time and won: it goes to %s.", nodes(after.Count)))
}

// Refuse is the decision after OpenStack refused its Patch because the cluster had changed meanwhile: code is Busy when
// Heat was at work by then, NotScalable when it was suspended or being deleted.
func (d Decision) Refuse(code Code, before Memory) Decision {
	d.To, d.Patch, d.Marks, d.Victims, d.Ring = d.From, nil, nil, nil, before.Ring
	if code == Busy {
		return d.busy()
	}
	return d.notScalable()
}

func (d Decision) busy() Decision {
	return d.say(Busy, busyRetry, "An earlier change of the cluster is still being made; nothing was changed. Ask again when it is done.")
}

func (d Decision) notScalable() Decision {
	return d.say(NotScalable, 0, "The cluster is suspended or being deleted; resume it before scaling it.")
}

func (d Decision) say(code Code, retry time.Duration, reason string) Decision {
	d.Code, d.RetryAfter, d.Reason = code, retry, reason
	return d
}

// standstill is the answer when limits leave nothing to do.
func (d Decision) standstill(s State, r Request) Decision {
	grows := d.Asked > d.From
	switch {
	case r.Percent != nil && d.Asked == d.From:
		return d.say(Unchanged, 0, fmt.Sprintf("%d %% of %s is no step; nothing was changed.", *r.Percent, nodes(d.From)))
	case grows && d.From < s.Max && s.room() < 1:
		return d.say(NoQuota, 0, fmt.Sprintf("The cluster has %s, and %s has no room for another; nothing was changed. Ask the operator to raise it.", nodes(d.From), s.theQuota()))
	case r.Op == OpOut || d.Asked > s.Max:
		return d.say(AtMax, 0, fmt.Sprintf("The cluster has %s, and its upper bound is %d%s; nothing was changed.", nodes(d.From), s.Max, s.because()))
	case r.Op == OpIn || d.Asked < s.Min:
		return d.say(AtMin, 0, fmt.Sprintf("The cluster has %s, and its lower bound is %d%s; nothing was changed.", nodes(d.From), s.Min, s.because()))
	}
	return d.say(Unchanged, 0, fmt.Sprintf("The cluster has %s already.", nodes(d.From)))
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
