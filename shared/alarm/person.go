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
	To        *int     `json:"to"`
	Nodes     []string `json:"nodes"`
	Reason    string   `json:"reason"`
}

// maxNodes bounds how many nodes one wish may name.
const maxNodes = 100

func parsePerson(body []byte) (Signal, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var w wish
	if err := dec.Decode(&w); err != nil {
		return Signal{}, &Error{BadField, `Only "direction" (text), "by" and "to" (whole numbers), "nodes" (texts) and "reason" (text) are understood.`}
	}
	s := Signal{Sender: Person, Wish: true, State: Alarm, Direction: Direction(w.Direction), To: w.To, Nodes: w.Nodes, Reason: cut(w.Reason)}
	switch {
	case w.Direction != "" && s.Direction != Out && s.Direction != In:
		return Signal{}, &Error{BadField, `"direction" is neither "out" nor "in".`}
	case w.By != nil && *w.By < 1:
		return Signal{}, &Error{BadField, `"by" must be 1 or more.`}
	case w.To != nil && *w.To < 0:
		return Signal{}, &Error{BadField, `"to" must be 0 or more.`}
	case w.To != nil && (w.By != nil || w.Direction != "" || len(w.Nodes) > 0):
		return Signal{}, &Error{BadField, `"to" names the size wanted: leave out "by", "nodes" and "direction".`}
	case w.By != nil && len(w.Nodes) > 0:
		return Signal{}, &Error{BadField, `"nodes" names those to take away: leave out "by".`}
	case len(w.Nodes) > maxNodes || slices.Contains(w.Nodes, "") || len(slices.Compact(slices.Sorted(slices.Values(w.Nodes)))) < len(w.Nodes):
		return Signal{}, &Error{BadField, `"nodes" names each node once, and no more than 100 of them.`}
	}
	if w.By != nil {
		s.By = *w.By
	}
	return s, nil
}
