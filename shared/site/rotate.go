package site

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// Steps of a rotation. Each store has two users, or takes two passwords, in between, so nobody is shut out at any step:
//
//	spread   data nodes are made anew, one by one: they take the new secrets beside the earlier ones
//	switch   application nodes are made anew, one by one: they use the new ones
//	revoke   data nodes are made anew once more: they take the new ones alone
const (
	StepSpread = "spread"
	StepSwitch = "switch"
	StepRevoke = "revoke"
)

// Wish is what a rotation is asked for.
type Wish struct {
	// Stores are to get new secrets, those that got none since.
	Stores []string
	Since  time.Time
	// URLs are what the alarms are to call, if those are to be signed anew; empty otherwise.
	URLs URLs
	// Keys is the proof of the object store's new keys, and SameKeys compares it; see Want.
	Keys     string
	SameKeys func(remembered string) bool
}

// Rotation is the next step of a rotation.
type Rotation struct {
	// Done says that nothing is left to do once Parameters are written.
	Done bool
	// Step is the one under way; empty for none.
	Step   string
	Stores []string
	// Remaining are the nodes that the step still has to make anew, and the steps after it.
	Remaining []string
	Reason    string
	// Refused says why nothing can be done about it by asking again.
	Refused string
	// Parameters are to be written; without any it is too early for the next step.
	Parameters map[string]any
	// Draw are the stores that get new secrets by this write, by the hidden parameter to put them into.
	Draw map[string]string
}

// Rotate is the next step of giving stores new secrets. It follows from the stack and from the words of its nodes alone: a
// node says what it was made with, so none is taken for new that is not. The stack must be at rest.
func Rotate(h Have, reports []Report, wish Wish, ask Ask) Rotation {
	s, known := slotsIn(h.Parameters)
	if !known {
		return Rotation{Refused: "The site was made of an older template, which cannot rotate. Put the site again, then rotate."}
	}
	t := turning{Have: h, slots: s, reports: reports, ask: ask}
	var r Rotation
	switch s.Stage {
	case StepSpread, StepRevoke:
		r = t.data()
	case StepSwitch:
		r = t.apps()
	default:
		r = t.begin(wish)
	}
	if len(r.Parameters) > 0 {
		if _, has := r.Parameters["scale_state"]; !has {
			r.Parameters["scale_state"] = t.memory()
		}
	}
	return r
}

// turning is a rotation at work.
type turning struct {
	Have

	slots   slots
	reports []Report
	ask     Ask
}

func (t turning) memory() string {
	memory, _ := cluster.Remember(t.Parameters["scale_state"])
	count, _ := strconv.Atoi(t.Parameters["app_count"])
	return memory.Record(cluster.OpSite, count, count, cluster.Unchanged, "rotate by "+t.ask.Who, t.ask.Token, t.ask.Now).String()
}

// word is new with each step.
func (t turning) word() string { return t.ask.Token[:min(8, len(t.ask.Token))] }

// begin writes new secrets where no node uses them yet. No node changes by that.
func (t turning) begin(wish Wish) Rotation {
	had := stateIn(t.Parameters)
	next, params := t.slots, map[string]any{}
	r := Rotation{Step: StepSpread, Draw: map[string]string{}}
	for _, store := range wish.Stores {
		place := next.of(store)
		if store != StoreObjects && place.At >= wish.Since.Unix() || store == StoreObjects && wish.SameKeys(had.Keys) {
			continue
		}
		place.Both = "yes"
		place.Data = map[string]string{"b": "", "": "b"}[place.Data]
		r.Stores = append(r.Stores, store)
		r.Draw[next.place(store)] = store
	}
	if slices.Contains(r.Stores, StoreObjects) {
		had.Keys = wish.Keys
	}
	urls := Want{URLs: wish.URLs}.urls()
	if urls != "" && had.URLs != "" && urls != had.URLs {
		params["scale_out_url"], params["scale_in_url"] = wish.URLs.Out, wish.URLs.In
		had.URLs = urls
	}
	switch {
	case len(r.Stores) > 0:
		next.Stage, next.Stores, next.Word.Data = StepSpread, r.Stores, t.word()
		params["slots"] = next.value()
		r.Reason = "The new secrets are there. The data nodes come next, one by one."
		r.Remaining = remaining(next, []string{"2", "1", "0"})
	case len(params) > 0:
		return Rotation{Done: true, Reason: "The alarms call newly signed addresses.", Parameters: with(params, had)}
	default:
		return Rotation{Done: true, Reason: "Nothing is left to rotate."}
	}
	r.Parameters = with(params, had)
	return r
}

func with(params map[string]any, had state) map[string]any {
	b, err := json.Marshal(had)
	if err == nil { // no field of it can fail to encode
		params["site_state"] = string(b)
	}
	return params
}

// data makes the next data node anew that has not said the word of this step.
func (t turning) data() Rotation {
	r := Rotation{Step: t.slots.Stage, Stores: t.slots.Stores}
	older := t.older()
	r.Remaining = remaining(t.slots, older)
	absent := t.Parameters["backend_absent"]
	if absent == "" && len(older) == 0 {
		for i := range backendNodes {
			if !Quorate(t.reports, i) {
				r.Reason = "All data nodes are made anew, and have not all said yet that they are in one cluster."
				return r
			}
		}
		if t.slots.Stage == StepRevoke {
			return t.finish("All nodes use the new secrets, and nothing takes the earlier ones.")
		}
		return t.toApps()
	}
	next := -1
	if absent == "" {
		next, _ = strconv.Atoi(older[0])
	}
	turn := RollBackend(t.Have, t.reports, next, false, t.ask)
	r.Reason, r.Parameters = or(turn.Refused, turn.Reason), turn.Parameters
	return r
}

// older are the data nodes that were not made with what this step has, in the order in which they go: the writer last.
func (t turning) older() []string {
	var list []string
	for _, i := range []int{2, 1, 0} {
		said := slices.ContainsFunc(t.reports, func(r Report) bool { return r.Role == "backend" && r.Index == i && r.Secrets == t.slots.Word.Data })
		if !said {
			list = append(list, strconv.Itoa(i))
		}
	}
	return list
}

// toApps has application nodes use the new secrets that are made from now on, and marks those that are there.
func (t turning) toApps() Rotation {
	next := t.slots
	for _, store := range next.Stores {
		next.of(store).App = next.of(store).Data
	}
	next.Stage, next.Word.App = StepSwitch, t.word()
	return Rotation{
		Step: StepSwitch, Stores: next.Stores, Remaining: remaining(next, t.Nodes),
		Reason:     "The data nodes take the new secrets as well. The application nodes come next, one by one.",
		Parameters: map[string]any{"slots": next.value(), "app_kept": kept(t.Have, "app", t.Nodes)},
	}
}

// apps makes the next application node anew. One that came in between and has not said the word of this step is marked, too.
func (t turning) apps() Rotation {
	r := Rotation{Step: StepSwitch, Stores: t.slots.Stores}
	if t.Status == "FAILED" {
		r.Refused = "An application node could not be made. See why, put the site again, and rotate when it is ready."
		return r
	}
	turn := RollApps(t.Have, t.ask)
	marked := map[string]any{}
	if turn.Done {
		unsaid := slices.DeleteFunc(slices.Clone(t.Nodes), t.saidByApp)
		if len(unsaid) == 0 {
			return t.toRevoke()
		}
		h := t.Have
		h.Parameters = maps.Clone(h.Parameters)
		marks := kept(h, "app", unsaid)
		text, err := json.Marshal(marks)
		if err == nil { // no field of it can fail to encode
			h.Parameters["app_kept"], marked["app_kept"] = string(text), marks
		}
		turn = RollApps(h, t.ask)
	}
	maps.Copy(turn.Parameters, marked)
	left := slices.DeleteFunc(slices.Clone(t.Nodes), t.saidByApp)
	r.Remaining, r.Reason, r.Parameters = remaining(t.slots, left), turn.Reason, turn.Parameters
	return r
}

func (t turning) saidByApp(node string) bool {
	return slices.ContainsFunc(t.reports, func(r Report) bool {
		return r.Role == "app" && strings.HasSuffix(r.Name, "-app-"+node) && r.Secrets == t.slots.Word.App
	})
}

// toRevoke has data nodes that are made from now on take the new secrets alone. The object store's owner does that for it.
func (t turning) toRevoke() Rotation {
	next := t.slots
	for _, store := range next.Stores {
		next.of(store).Both = ""
	}
	if slices.Equal(next.Stores, []string{StoreObjects}) {
		t.slots = next
		return t.finish("All nodes use the new keys of the object store. Delete the earlier ones there.")
	}
	next.Stage, next.Word.Data = StepRevoke, t.word()
	return Rotation{
		Step: StepRevoke, Stores: next.Stores, Remaining: remaining(next, []string{"2", "1", "0"}),
		Reason:     "The application nodes use the new secrets. The data nodes come once more, and let go of the earlier ones.",
		Parameters: map[string]any{"slots": next.value()},
	}
}

func (t turning) finish(reason string) Rotation {
	next, stores := t.slots, t.slots.Stores
	for _, store := range stores {
		next.of(store).At = t.ask.Now.Unix()
	}
	next.Stage, next.Stores = "", nil
	if slices.Contains(stores, StoreObjects) && len(stores) > 1 {
		reason += " Delete the earlier keys at the object store."
	}
	return Rotation{Done: true, Stores: stores, Reason: reason, Parameters: map[string]any{"slots": next.value()}}
}

// remaining are the nodes of this step that are left, and the steps after it.
func remaining(s slots, nodes []string) []string {
	list := []string{}
	what := map[string]string{StepSwitch: "application node "}[s.Stage]
	for _, n := range nodes {
		list = append(list, or(what, "data node ")+n)
	}
	order := []string{StepSpread, StepSwitch, StepRevoke}
	if slices.Equal(s.Stores, []string{StoreObjects}) {
		order = order[:2]
	}
	for _, step := range order[slices.Index(order, s.Stage)+1:] {
		list = append(list, "step "+step)
	}
	return list
}
