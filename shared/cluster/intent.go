package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Intent is a request that came while it could not be met, as it is kept outside of the memory: writing that would be
// an update, and cut off the one that is running. Its times are in milliseconds, since two may come within a second.
type Intent struct {
	// ID is fresh for each intent; At is when it was asked for, Until when nobody wants it any more. Unix milliseconds.
	ID    string `json:"id"`
	At    int64  `json:"at"`
	Until int64  `json:"until"`
	// Op is what was asked for, or OpNone: then it says that whatever was kept up to At is settled, of what Of asks for.
	Op Op  `json:"op"`
	Of Op  `json:"of,omitempty"`
	By int `json:"by,omitempty"`
	To int `json:"to,omitempty"`
	// Percent and MinStep are the step as a part of the size that the cluster has by then.
	Percent *int     `json:"percent,omitempty"`
	MinStep int      `json:"min_step,omitempty"`
	Value   *float64 `json:"value,omitempty"`
	Nodes   []string `json:"nodes,omitempty"`
	Min     int      `json:"min,omitempty"`
	Max     int      `json:"max,omitempty"`
	// Key is the notification's own, and Known how long it is the same one.
	Key    string `json:"key,omitempty"`
	Known  int64  `json:"known,omitempty"`
	Who    string `json:"who,omitempty"`
	Person bool   `json:"person,omitempty"`
	Force  bool   `json:"force,omitempty"`
}

// OpNone is no change: an intent of it settles those before it.
const OpNone Op = "none"

// repeatLife is how long the intent of an alarm is kept that says itself that it repeats: by then it has said again what
// it wants, or has ceased to want it. Aodh evaluates each minute by default.
const repeatLife = 2 * time.Minute

// Keepable says whether the decision leaves a wish open that may be kept: in a stack whose handle has been made, so not while it
// is being created, and that takes signals, so not one that is suspended or being deleted (Heat answers 400). Either Heat is at
// work on it, or the load balancer on a drain; another writer who was faster is a race, and no reason.
func (d Decision) Keepable(s State, r Request, now time.Time) bool {
	atWork := s.Status == "IN_PROGRESS" || until(latest(s.lastDrain(), s.lastUndrain()), s.Policy.Keep, now) > 0
	return d.Code == Busy && atWork && s.Keeps(r)
}

// Keeps says whether the request is one to be kept in this stack, if there is a reason to.
func (s State) Keeps(r Request) bool {
	wish := r.Op == OpOut || r.Op == OpIn || r.Op == OpSet || r.Op == OpReplace
	made := s.Action == "UPDATE" || s.Action == "CHECK" || s.Action != "SUSPEND" && s.Action != "DELETE" && s.Status == "COMPLETE"
	return wish && made && !r.DryRun && !r.Strict && r.Kept.IsZero() && s.Policy.Keep > 0
}

// Intent is the request as it is kept.
func (r Request) Intent(id string, life time.Duration, now time.Time) Intent {
	if r.Repeats {
		life = min(life, repeatLife)
	}
	i := Intent{
		ID: id, At: now.UnixMilli(), Until: now.Add(life).UnixMilli(), Op: r.Op, By: r.By, To: r.To, Percent: r.Percent, MinStep: r.MinStep, Value: r.Value, Nodes: r.Nodes,
		Min: r.Min, Max: r.Max, Key: r.Key, Who: shorten(r.Who), Person: r.Person, Force: r.Force,
	}
	if r.Key != "" {
		i.Known = now.Add(r.KeyLife).UnixMilli()
	}
	return i
}

// Unanswered is the intent of a request whose update was sent at the time decided, and may still be taken: it is as old as that
// update, so that the memory which comes with it says that the intent is made.
func (i Intent) Unanswered(decided time.Time) Intent {
	i.At = Request{}.moment(decided)
	return i
}

// String is the intent as it is kept.
func (i Intent) String() string {
	b, err := json.Marshal(i)
	if err != nil {
		return "" // a Value that is no number of JSON's never comes out of a request's JSON
	}
	return string(b)
}

// ReadIntent reads what String wrote.
func ReadIntent(text string) (Intent, bool) {
	var i Intent
	err := json.Unmarshal([]byte(text), &i)
	return i, err == nil && i.ID != "" && i.At > 0 && i.Op != ""
}

// Keep is the decision after its request was kept.
func (d Decision) Keep(i Intent) Decision {
	return d.say(Kept, busyRetry, fmt.Sprintf("An earlier change of the cluster is still being made. The request is kept, and is made as soon as that can be, until %s.", msec(i.Until).Format("15:04:05 MST")))
}

// KeepUnanswered is the decision whose update was not answered in time, nor taken by then, after its request was kept.
func (d Decision) KeepUnanswered(i Intent) Decision {
	return d.say(Kept, busyRetry, fmt.Sprintf("OpenStack did not answer the change in time, and had not made it by then. The request is kept, and is made by the next pass if that is still so, until %s.", msec(i.Until).Format("15:04:05 MST")))
}

// NotKept is the decision after its request could not be kept.
func (d Decision) NotKept(why string) Decision {
	d.Reason += " " + why
	return d
}

// Request is the intent as a request of now.
func (i Intent) Request(now time.Time) Request {
	r := Request{
		Op: i.Op, By: i.By, To: i.To, Percent: i.Percent, MinStep: i.MinStep, Value: i.Value, Nodes: i.Nodes, Min: i.Min, Max: i.Max, Who: i.Who, Person: i.Person, Force: i.Force,
		Kept: msec(i.At), Key: i.Key, KeyLife: msec(i.Known).Sub(now),
	}
	if i.Known < i.Until {
		// Its own key does not live long enough to keep the intent from being made twice.
		if r.KeyLife > 0 {
			r.Delivery, r.DeliveryLife = r.Key, r.KeyLife
		}
		r.Key, r.KeyLife = "intent "+i.ID, msec(i.Until).Sub(now)
	}
	return r
}

// Pending is the kept request that is to be made now, if any. Those for a size replace one another: a person's goes before an
// alarm's, and of each the newest is the one that counts; of two alarms at one time, the one that wants more nodes. When there
// is none, it is the newest one for a node to be replaced, which is no matter of size. What was made already, what is settled
// and what nobody wants any more is none.
func (s State) Pending(all []Intent, now time.Time) (Intent, bool) {
	sizes, nodes := split(all)
	alarms, persons := s.settled(sizes, now)
	if last := latest(s.lastDrain(), s.lastUndrain()); !last.IsZero() {
		// A drain leaves the memory as it is, but not its marks. What came in the same second met the load balancer at work.
		alarms = max(alarms, last.UnixMilli()-1)
	}
	persons = max(persons, s.lastAsked())
	if i, ok := s.newest(sizes, max(alarms, s.Memory.Heard), max(persons, s.Memory.Asked), now); ok {
		return i, true
	}
	alarms, persons = s.settled(nodes, now)
	return s.newest(nodes, alarms, persons, now)
}

// split parts the intents for a size from those for a node.
func split(all []Intent) (sizes, nodes []Intent) {
	for _, i := range all {
		if i.Op == OpReplace || i.Of == OpReplace {
			nodes = append(nodes, i)
		} else {
			sizes = append(sizes, i)
		}
	}
	return sizes, nodes
}

// newest is the intent that goes first of those that came after these times.
func (s State) newest(all []Intent, alarms, persons int64, now time.Time) (Intent, bool) {
	var best Intent
	for _, i := range all {
		after := alarms
		if i.Person {
			after = persons
		}
		if i.Op == OpNone || i.At <= after && !s.begun(i, now) || i.Until <= now.UnixMilli() {
			continue
		}
		if best.ID == "" || i.before(best) < 0 {
			best = i
		}
	}
	return best, best.ID != ""
}

// settled are the times up to which what alarms and what persons asked for is done with, as far as the intents tell.
func (s State) settled(all []Intent, now time.Time) (alarms, persons int64) {
	for _, i := range all {
		if i.Op != OpNone && !s.made(i, now) {
			continue
		}
		alarms = max(alarms, i.At)
		if i.Person {
			persons = max(persons, i.At)
		}
	}
	return alarms, persons
}

// made says whether the intent, or a delivery of the same notification that met no obstacle, was acted on.
func (s State) made(i Intent, now time.Time) bool {
	r := i.Request(now)
	_, byName := s.again(r, now)
	_, byKey := s.again(Request{Key: i.Key}, now)
	return s.Memory.knows(r.Key, now) || s.Memory.knows(i.Key, now) || byName || byKey
}

// begun says that the load balancer was busy before all nodes of the intent were written.
func (s State) begun(i Intent, now time.Time) bool {
	r, over := s.again(i.Request(now), now)
	return !over && r.rest > 0
}

// before orders intents by which is to be made.
func (i Intent) before(j Intent) int {
	first := func(mine, theirs bool) int {
		switch {
		case mine == theirs:
			return 0
		case mine:
			return -1
		}
		return 1
	}
	return cmp.Or(first(i.Person, j.Person), cmp.Compare(j.At, i.At), first(i.Op == OpOut, j.Op == OpOut), cmp.Compare(i.ID, j.ID))
}

// Waits says that a kept request is held back now, and may be made later in its life.
func (d Decision) Waits() bool {
	switch d.Code {
	case Cooldown, Stabilizing, BackOff, NotReady, Unhealthy, RateLimited, OverBudget, NoQuota, Paused, Halted, Busy, Lost, Superseded, NotScalable, LBBroken:
		return true
	default:
		return false
	}
}

// Nothing says that a pass found nothing to do, or nothing that it may do by itself.
func (d Decision) Nothing() bool {
	switch d.Code {
	case Steady, Paused, Halted, BackOff, AtMax, AtMin, Unchanged, NoQuota:
		return !d.Applied
	default:
		return false
	}
}

// GivesUp says that a kept request with this decision is not looked at again: it came to nothing, or it is an alarm's for fewer
// nodes, which is never urgent, and would have to wait.
func (d Decision) GivesUp(i Intent) bool {
	switch d.Code {
	case Cooldown, Stabilizing, NotReady, Unhealthy, RateLimited:
		return i.Op == OpIn && !i.Person
	default:
		return !d.Waits()
	}
}

// Since is the decision on a kept request.
func (d Decision) Since(i Intent, now time.Time) Decision {
	d.Reason = fmt.Sprintf("Asked for %s ago by %s, and kept since: %s", now.Sub(msec(i.At)).Round(time.Second), cmp.Or(i.Who, "somebody"), d.Reason)
	return d
}

// With is a pass's decision to do nothing, with what became of a kept request.
func (d Decision) With(kept Decision) Decision {
	d.Reason += " " + kept.Reason
	if kept.RetryAfter > 0 && (d.RetryAfter == 0 || kept.RetryAfter < d.RetryAfter) {
		d.RetryAfter = kept.RetryAfter
	}
	return d
}

// MayKeep says whether a request may be kept that was not made yet: one can only come while Heat or the load balancer is at
// work, and the stack says when it was last updated.
func (s State) MayKeep(now time.Time) bool {
	if s.Policy.Keep == 0 {
		return false
	}
	marks := latest(s.lastDrain(), s.lastUndrain())
	return until(s.Updated, s.Policy.Keep+longestUpdate, now) > 0 || until(marks, s.Policy.Keep, now) > 0
}

// longestUpdate is after what time Heat gives an update up, by default.
const longestUpdate = time.Hour

// heard is the memory after a request for a size was acted on: what was kept before it is replaced.
func (m Memory) heard(r Request, now time.Time) Memory {
	at := r.moment(now)
	m.Heard = max(m.Heard, at)
	if r.Person {
		m.Asked = max(m.Asked, at)
	}
	return m
}

// moment is the time up to which what was kept is settled when the request is acted on; Unix milliseconds.
func (r Request) moment(now time.Time) int64 {
	if !r.Kept.IsZero() {
		return r.Kept.UnixMilli()
	}
	return now.UnixMilli() - 1 // what is kept within the same millisecond met this one's update
}

func msec(unix int64) time.Time { return time.UnixMilli(unix).UTC() }

// Outdated says whether something is kept that a person asked for before now. When they ask for another thing, and that needs
// no update, nothing else says that the older wish is no more.
func (s State) Outdated(all []Intent, now time.Time) bool {
	sizes, _ := split(all)
	_, persons := s.settled(sizes, now)
	persons = max(persons, s.Memory.Asked, s.lastAsked())
	return slices.ContainsFunc(sizes, func(i Intent) bool {
		return i.Person && i.Op != OpNone && i.At > persons && i.At <= now.UnixMilli() && i.Until > now.UnixMilli()
	})
}

// Settled is the intent that says that this one, and those before it, are done with.
func (i Intent) Settled(id string) Intent {
	return Intent{ID: id, At: i.At, Until: i.Until, Op: OpNone, Of: i.Op, Person: i.Person, Who: i.Who}
}
