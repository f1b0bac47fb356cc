package site

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/shared/cluster"
)

// Turn is the next step of a roll.
type Turn struct {
	// Done says that nothing is left to roll.
	Done   bool
	Reason string
	// Refused says why the step may not be made now; empty if it may.
	Refused string
	// Parameters are to be written.
	Parameters map[string]any
}

// rollMark begins the By of a decision that made one node more than there should be, for a roll.
const rollMark = "roll "

// RollApps is the next step of making the application nodes anew that were there before the last change: one more node,
// made of what is wanted now, and when it serves, one of the old ones goes. The stack must be at rest.
func RollApps(h Have, ask Ask) Turn {
	old := slices.DeleteFunc(slices.Clone(h.Nodes), func(name string) bool { _, k := KeptIn(h.Parameters, "app")[name]; return !k })
	slices.SortFunc(old, byNumber)
	count, _ := strconv.Atoi(h.Parameters["app_count"])
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	surged := memory.Op == cluster.OpSite && strings.HasPrefix(memory.By, rollMark) && memory.To == count && memory.To == memory.From+1
	record := func(to int, by string) string {
		size := cluster.Scaled
		return memory.Record(cluster.OpSite, count, to, size, by, ask.Token, ask.Now).String()
	}
	switch {
	case surged && len(old) > 0:
		return Turn{
			Reason: fmt.Sprintf("Application node %s goes; %d older ones are left after it.", old[0], len(old)-1),
			Parameters: map[string]any{
				"app_count": count - 1, "app_removal": []string{old[0]}, "scale_state": record(count-1, "rolled by "+ask.Who),
			},
		}
	case len(old) > 0:
		return Turn{
			Reason:     fmt.Sprintf("One application node more is made; then the first of %d older ones goes.", len(old)),
			Parameters: map[string]any{"app_count": count + 1, "app_removal": []string{}, "scale_state": record(count+1, rollMark+"by "+ask.Who)},
		}
	}
	return Turn{Done: true, Reason: "All application nodes are made of what is wanted."}
}

func byNumber(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x - y
}

// RollBackend is the next step of making the data nodes anew that keep something older: one is taken away, and then made
// again with its address and its volumes. It begins with no node unless the two others carry the site by their own last
// words (Quorate), and the one that was made last must have joined them. The stack must be at rest. Only says which node to
// take even if it keeps nothing older, -1 for none; lost, that its server does not run, so that nothing is lost by taking it.
func RollBackend(h Have, reports []Report, only int, lost bool, ask Ask) Turn {
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	count, _ := strconv.Atoi(h.Parameters["app_count"])
	with := func(p map[string]any) map[string]any {
		p["scale_state"] = memory.Record(cluster.OpSite, count, count, cluster.Unchanged, "roll by "+ask.Who, ask.Token, ask.Now).String()
		return p
	}
	had := KeptIn(h.Parameters, "backend")
	if absent := h.Parameters["backend_absent"]; absent != "" {
		left := maps.Clone(had)
		delete(left, absent)
		if left == nil {
			left = Kept{}
		}
		return Turn{
			Reason:     "Data node " + absent + " is made again, with its address and its volumes.",
			Parameters: with(map[string]any{"backend_absent": "", "backend_kept": left, "bootstrap": ""}),
		}
	}
	next := only
	if next < 0 {
		for _, i := range []int{2, 1, 0} { // node 0 writes, as long as it is there: it goes last
			if _, older := had[strconv.Itoa(i)]; older {
				next = i
				break
			}
		}
	}
	if next < 0 {
		return Turn{Done: true, Reason: "All data nodes are made of what is wanted."}
	}
	if !lost && !Quorate(reports, next) {
		return Turn{Refused: fmt.Sprintf("Data node %d must not go: the two others have not both said that they are in one cluster.", next)}
	}
	return Turn{
		Reason:     fmt.Sprintf("Data node %d is taken away; its address and its volumes stay.", next),
		Parameters: with(map[string]any{"backend_absent": strconv.Itoa(next)}),
	}
}

// Recover gives the data node with the most of the data leave to form a cluster without the others, by a token that it takes
// once. It is for a full stop alone: while two nodes are in a cluster, or while it cannot be told who has the most, it
// refuses. Only names the node, for when one of the three is lost for good and cannot say what it has; -1 for none.
func Recover(h Have, reports []Report, only int, once string, ask Ask) Turn {
	for i := range backendNodes {
		if Quorate(reports, i) {
			return Turn{Refused: "Two data nodes say that they are in one cluster. The third joins them by itself; roll it if it does not."}
		}
	}
	index, ok := MostAdvanced(reports)
	switch {
	case only >= 0:
		index = only
	case !ok:
		return Turn{Refused: "Not all three data nodes have said how far their data goes, or they are not of one cluster. Wait until they are up; " +
			"if one is lost for good, name the node to go on with as ?node=: what only the others have is then lost."}
	}
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	count, _ := strconv.Atoi(h.Parameters["app_count"])
	return Turn{
		Reason: fmt.Sprintf("Data node %d may form a cluster of its data, once; the others join it.", index),
		Parameters: map[string]any{
			"bootstrap":   fmt.Sprintf("%d:%s", index, once),
			"scale_state": memory.Record(cluster.OpSite, count, count, cluster.Unchanged, "recover by "+ask.Who, ask.Token, ask.Now).String(),
		},
	}
}
