package alarm

import (
	"bytes"
	"encoding/json"
	"slices"
)

// wish is what a person or their program posts.
type wish struct {
	Direction string   `json:"direction"`
	By        *int     `json:"by"`
	Percent   *int     `json:"percent"`
	MinStep   *int     `json:"min_step"`
	To        *int     `json:"to"`
	Nodes     []string `json:"nodes"`
	Reason    string   `json:"reason"`
}

// MaxPercent bounds a step as a part of the cluster: ten times its size.
const MaxPercent = 1000

// maxNodes bounds how many nodes one wish may name.
const maxNodes = 100

func parsePerson(body []byte) (Signal, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var w wish
	if err := dec.Decode(&w); err != nil {
		return Signal{}, &Error{BadField, `Only "direction" (text), "by", "percent", "min_step" and "to" (whole numbers), "nodes" (texts) and "reason" (text) are understood.`}
	}
	s := Signal{
		Sender: Person, Wish: true, State: Alarm, Direction: Direction(w.Direction), Percent: w.Percent, To: w.To, Nodes: w.Nodes, Reason: cut(w.Reason),
	}
	if err := w.check(); err != nil {
		return Signal{}, err
	}
	if w.By != nil {
		s.By = *w.By
	}
	if w.MinStep != nil {
		s.MinStep = *w.MinStep
	}
	return s, nil
}

// check says what of a wish does not go together.
func (w wish) check() error {
	step := w.By != nil || w.Percent != nil
	switch {
	case w.Direction != "" && w.Direction != string(Out) && w.Direction != string(In):
		return &Error{BadField, `"direction" is neither "out" nor "in".`}
	case w.By != nil && *w.By < 1:
		return &Error{BadField, `"by" must be 1 or more.`}
	case w.Percent != nil && (*w.Percent < 0 || *w.Percent > MaxPercent):
		return &Error{BadField, `"percent" must be from 0 to 1000; the direction says whether it is added or removed.`}
	case w.By != nil && w.Percent != nil:
		return &Error{BadField, `"by" and "percent" are two steps: leave out one.`}
	case w.MinStep != nil && (*w.MinStep < 1 || w.Percent == nil):
		return &Error{BadField, `"min_step" must be 1 or more, and needs "percent" beside it.`}
	case w.To != nil && *w.To < 0:
		return &Error{BadField, `"to" must be 0 or more.`}
	case w.To != nil && (step || w.Direction != "" || len(w.Nodes) > 0):
		return &Error{BadField, `"to" names the size wanted: leave out "by", "percent", "nodes" and "direction".`}
	case step && len(w.Nodes) > 0:
		return &Error{BadField, `"nodes" names those to take away: leave out "by" and "percent".`}
	case len(w.Nodes) > maxNodes || slices.Contains(w.Nodes, "") || len(slices.Compact(slices.Sorted(slices.Values(w.Nodes)))) < len(w.Nodes):
		return &Error{BadField, `"nodes" names each node once, and no more than 100 of them.`}
	}
	return nil
}
