package cluster

import (
	"fmt"
	"math"
	"time"
)

// Op is a kind of change.
type Op string

// The kinds of change. OpSite and OpOutside are only ever recorded: the first is a site's new settings, the second a
// change by other means than ours.
const (
	OpOut     Op = "out"
	OpIn      Op = "in"
	OpSet     Op = "set"
	OpSite    Op = "site"
	OpOutside Op = "outside"
)

// Code says what a decision came to. Codes are part of the contract with callers.
type Code string

// The codes of decisions. Superseded and Lost are given after an update was tried; NotAlarm before the cluster is looked
// at, to an alarm that says it is over; Outside is only ever recorded.
const (
	Scaled      Code = "scaled"
	Capped      Code = "capped"
	AtMax       Code = "at_max"
	AtMin       Code = "at_min"
	Unchanged   Code = "unchanged"
	Busy        Code = "busy"
	Cooldown    Code = "cooldown"
	Duplicate   Code = "duplicate"
	NotScalable Code = "not_scalable"
	Outside     Code = "outside"
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
	// Action and Status are the halves of Heat's stack status.
	Action, Status string
	Memory         Memory
}

// Request is what is asked.
type Request struct {
	Op Op // OpOut, OpIn or OpSet
	// By is the step of OpOut and OpIn; less than 1 counts as 1.
	By int
	// To is the size that OpSet wants.
	To int
	// Key names the notification, KeyLife is how long it does; an empty key is never a duplicate.
	Key     string
	KeyLife time.Duration
	// Who is recorded.
	Who string
	// Force is a person's word that the cooldown does not matter now. Bounds and Heat's work matter always.
	Force  bool
	DryRun bool
	// Token is fresh for each request.
	Token string
}

// Patch is one whole update of a cluster's parameters: absolute values only.
type Patch struct {
	Count int
	// Removal names the nodes to remove; empty lets Heat take the newest. Heat itself remembers earlier ones.
	Removal []string
	State   string
}

// Decision is what a request comes to.
type Decision struct {
	Op Op `json:"direction"`
	// Asked is the size the request would like, From the size now, To the size after the decision.
	Asked int `json:"asked"`
	From  int `json:"from"`
	To    int `json:"to"`
	// Applied says that the change was made; set after it was read back.
	Applied bool   `json:"applied"`
	DryRun  bool   `json:"dry_run,omitempty"`
	Code    Code   `json:"code"`
	Reason  string `json:"reason"`
	// RetryAfter is when asking again may help; 0 for never or at once.
	RetryAfter time.Duration `json:"-"`
	// Patch is to be written; nil means that nothing is.
	Patch *Patch `json:"-"`
}

// Decide says what a request does to a cluster.
func Decide(s State, r Request, now time.Time) Decision {
	asked := wanted(s, r)
	d := Decision{Op: r.Op, Asked: asked, From: s.Count, To: s.Count, DryRun: r.DryRun}
	if s.Memory.knows(r.Key, now) {
		return d.say(Duplicate, 0, "This notification was acted on already; nothing was changed.")
	}
	if s.Action == "DELETE" || s.Action == "SUSPEND" || (s.Action == "RESUME" && s.Status == "FAILED") {
		return d.notScalable()
	}
	if s.Status == "IN_PROGRESS" {
		return d.busy()
	}
	to := bounded(s, r.Op, asked)
	if to == s.Count {
		return d.standstill(s)
	}
	if left := s.cooldown(r, now); left > 0 {
		return d.say(Cooldown, left, fmt.Sprintf("The last change is too recent; nothing was changed. The cluster may scale %s again in %s.", r.Op, left))
	}
	d.To = to
	if to == asked {
		d = d.say(Scaled, 0, fmt.Sprintf("The cluster goes from %s to %d.", nodes(s.Count), to))
	} else {
		d = d.say(Capped, 0, fmt.Sprintf("The cluster goes from %s to %d, not to %d: its bounds are %d and %d.", nodes(s.Count), to, asked, s.Min, s.Max))
	}
	if !r.DryRun {
		memory := s.Memory.Record(r.Op, s.Count, to, d.Code, r.Who, r.Token, now).saw(r.Key, now.Add(r.KeyLife))
		d.Patch = &Patch{Count: to, Removal: []string{}, State: memory.String()}
	}
	return d
}

// Verify says what became of a decision whose Patch was sent, from the cluster as it reads afterwards: applied,
// superseded by another writer, or lost although OpenStack accepted it.
func Verify(d Decision, token string, before Memory, after State) Decision {
	switch after.Memory.Token {
	case token:
		d.Applied = true
		return d
	case before.Token:
		d.To = after.Count
		return d.say(Lost, busyRetry, "OpenStack took the change and did not make it. Ask again.")
	}
	d.To = after.Count
	return d.say(Superseded, busyRetry, fmt.Sprintf("Another request changed the cluster at the same time and won: it goes to %s.", nodes(after.Count)))
}

// Refuse is the decision after OpenStack refused its Patch because the cluster had changed meanwhile: code is Busy when
// Heat was at work by then, NotScalable when it was suspended or being deleted.
func (d Decision) Refuse(code Code) Decision {
	d.To, d.Patch = d.From, nil
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

// standstill is the answer when bounds leave nothing to do.
func (d Decision) standstill(s State) Decision {
	switch {
	case d.Op == OpOut || d.Asked > s.Max:
		return d.say(AtMax, 0, fmt.Sprintf("The cluster has %s, and its upper bound is %d; nothing was changed.", nodes(s.Count), s.Max))
	case d.Op == OpIn || d.Asked < s.Min:
		return d.say(AtMin, 0, fmt.Sprintf("The cluster has %s, and its lower bound is %d; nothing was changed.", nodes(s.Count), s.Min))
	}
	return d.say(Unchanged, 0, fmt.Sprintf("The cluster has %s already.", nodes(s.Count)))
}

// wanted is the size a request would like, in whole and sane numbers.
func wanted(s State, r Request) int {
	step := min(max(r.By, 1), math.MaxInt32)
	switch r.Op {
	case OpOut:
		return s.Count + step
	case OpIn:
		return max(0, s.Count-step)
	case OpSet, OpSite, OpOutside:
	}
	return r.To
}

// bounded keeps a wish within the bounds, and never lets it turn around: "out" does not shrink a cluster that is above
// its bound, nor "in" grow one that is below.
func bounded(s State, op Op, asked int) int {
	to := min(max(asked, s.Min), s.Max)
	if (op == OpOut && to < s.Count) || (op == OpIn && to > s.Count) {
		return s.Count
	}
	return to
}

// cooldown is how long the request has to wait. A size that a person named does not wait: they have decided.
func (s State) cooldown(r Request, now time.Time) time.Duration {
	if r.Force {
		return 0
	}
	var until time.Time
	switch r.Op {
	case OpOut:
		until = ends(s.Memory.Out, s.CooldownOut)
	case OpIn:
		until = ends(max(s.Memory.Out, s.Memory.In), s.CooldownIn)
	case OpSet, OpSite, OpOutside:
		return 0
	}
	return max(0, until.Sub(now)).Round(time.Second)
}

// Next is when an alarm may make the cluster grow and shrink again; nil if it may now.
func (s State) Next(now time.Time) (out, in *time.Time) {
	if t := ends(s.Memory.Out, s.CooldownOut).UTC(); t.After(now) {
		out = &t
	}
	if t := ends(max(s.Memory.Out, s.Memory.In), s.CooldownIn).UTC(); t.After(now) {
		in = &t
	}
	return out, in
}

func ends(since int64, d time.Duration) time.Time {
	if since == 0 {
		return time.Time{}
	}
	return time.Unix(since, 0).Add(d)
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
