package cluster

import (
	"slices"
	"strings"
	"time"
)

// Tags of a stack that hold alarms back (F18). Anybody with rights to the stack may set them.
const (
	tagPaused    = "paused"
	tagPausedIn  = "paused-in"
	tagPausedOut = "paused-out"
)

// PauseOf is what the tags of a stack hold back.
func PauseOf(tags []string) Pause {
	return Pause{All: slices.Contains(tags, tagPaused), In: slices.Contains(tags, tagPausedIn), Out: slices.Contains(tags, tagPausedOut)}
}

// tagged are the tags with those of the pause, and no others.
func (p Pause) tagged(tags []string) []string {
	out := slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == tagPaused || t == tagPausedIn || t == tagPausedOut })
	for _, t := range []struct {
		set  bool
		name string
	}{{p.All, tagPaused}, {p.In, tagPausedIn}, {p.Out, tagPausedOut}} {
		if t.set {
			out = append(out, t.name)
		}
	}
	return append([]string{}, out...) // nil would keep what is there
}

// with is the pause with more held back, without is it with less; to let all go is to let each go.
func (p Pause) with(q Pause) Pause { return Pause{p.All || q.All, p.In || q.In, p.Out || q.Out} }

func (p Pause) without(q Pause) Pause {
	if q.All {
		return Pause{}
	}
	return Pause{p.All, p.In && !q.In, p.Out && !q.Out}
}

// SetPause says what a person's OpPause or OpResume does. Tags of the stack are all it writes: a count beside them would undo a
// change of size that was made since the stack was read. It is an update all the same, which walks through every node and touches
// none, and of two updates at one time Heat drops one (live: 20 of 20).
func SetPause(s State, r Request, now time.Time) Decision {
	return setPause(s, r).marked(s, r, now)
}

func setPause(s State, r Request) Decision {
	d := Decision{Op: r.Op, Asked: s.size(), From: s.size(), To: s.size(), DryRun: r.DryRun, Ring: s.Memory.Ring}
	switch {
	case s.Action == "DELETE" || s.Action == "SUSPEND" || (s.Action == "RESUME" && s.Status == "FAILED"):
		return d.notScalable()
	case s.Status == "IN_PROGRESS":
		return d.busy()
	}
	want := s.Pause.with(r.Pause)
	d.Code, d.Reason = Paused, "Alarms are held back: "+want.String()+"."
	if r.Op == OpResume {
		want = s.Pause.without(r.Pause)
		d.Code, d.Reason = Resumed, "Alarms are obeyed again."
		if want != (Pause{}) {
			d.Reason = "Alarms are still held back: " + want.String() + "."
		}
	}
	if want == s.Pause {
		return d.say(Unchanged, 0, "It is so already; nothing was changed. "+d.Reason)
	}
	if !r.DryRun {
		d.Patch = &Patch{Tags: want.tagged(s.Tags)}
	}
	return d
}

// VerifyTags is the decision after its update was read back.
func (d Decision) VerifyTags(after State) Decision {
	switch {
	case PauseOf(d.Patch.Tags) == after.Pause:
		d.Applied = true
		return d
	case after.Status == "IN_PROGRESS":
		return d.say(Superseded, busyRetry, "Another change of the cluster was made at the same time and won; the tags are as they were. Ask again when it is done.")
	}
	return d.say(Lost, busyRetry, "OpenStack took the change and did not make it. Ask again.")
}

// String names what is held back.
func (p Pause) String() string {
	var words []string
	for _, w := range []struct {
		set  bool
		name string
	}{{p.All, "all"}, {p.In, "in"}, {p.Out, "out"}} {
		if w.set {
			words = append(words, w.name)
		}
	}
	return strings.Join(words, ", ")
}
