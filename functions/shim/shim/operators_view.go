package shim

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
)

// operatorFuncs are what the operators' pages say things with.
func operatorFuncs() template.FuncMap {
	return template.FuncMap{
		"state": func(s any) string { return stateWord(lab.State(fmt.Sprint(s))) }, "tone": stateTone, "moment": moment, "since": since, "hours": hours, "words": spaced,
		"actsOf": actsOf, "tally": tallyOf, "rounds": rounds, "cloudName": cloudName, "iso": iso, "healing": healing,
	}
}

func stateWord(s lab.State) string {
	switch s {
	case lab.Starting:
		return "starting"
	case lab.InLine: // before there is a stack
		return "in line"
	case lab.Building:
		return "being built"
	case lab.Ready:
		return "up"
	case lab.Suspended:
		return "asleep"
	case lab.Resuming:
		return "waking up"
	case lab.Broken:
		return "broken"
	case lab.Gone:
		return "going"
	}
	return string(s)
}

func stateTone(s lab.State) string {
	switch s {
	case lab.Ready:
		return "good"
	case lab.Starting, lab.InLine, lab.Building, lab.Resuming:
		return "busy"
	case lab.Broken:
		return "bad"
	case lab.Suspended, lab.Gone:
	}
	return "idle"
}

func moment(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// since is an age in the two largest units that tell something.
func since(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func hours(n float64) string { return fmt.Sprintf("%.1f", n) }

// spaced is a code as words.
func spaced(code any) string { return strings.ReplaceAll(fmt.Sprint(code), "_", " ") }

// healing is what becomes of a divergence.
func healing(do lab.Tending) string {
	switch do {
	case lab.TendReport:
		return "you alone"
	case lab.TendKeep:
		return "nothing, for now"
	default:
		return spaced(do)
	}
}

// cloudName is what a cloud without a name is called: the only one there is.
func cloudName(name string) string { return cmp.Or(name, "the cloud") }

// actsOf are the orders that make sense for a lab. Whether one can be carried out tend-labs says, which looks first.
func actsOf(row tender.Row) []words {
	return slices.DeleteFunc(orders(), func(w words) bool {
		switch lab.Act(w.Act) {
		case lab.ActSuspend:
			return row.ReadyMade || row.State != lab.Ready
		case lab.ActExtend:
			return row.ReadyMade || row.Until == nil || row.State == lab.Gone
		case lab.ActUndo:
			return row.Generation == 0 || row.State == lab.Gone
		case lab.ActEnd, lab.ActReset, lab.ActCheck:
		}
		return row.State == lab.Gone
	})
}

// count is a number of labs of one kind.
type count struct {
	Key   string
	Count int
}

// tallyOf is a map of numbers in a fixed order.
func tallyOf(m map[string]int) []count {
	var out []count
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, count{key, m[key]})
	}
	return out
}
