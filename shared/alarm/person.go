package alarm

import (
	"bytes"
	"encoding/json"
)

// wish is what a person or their program posts.
type wish struct {
	Direction string `json:"direction"`
	By        *int   `json:"by"`
	To        *int   `json:"to"`
	Reason    string `json:"reason"`
}

func parsePerson(body []byte) (Signal, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var w wish
	if err := dec.Decode(&w); err != nil {
		return Signal{}, &Error{BadField, `Only "direction" (text), "by" and "to" (whole numbers) and "reason" (text) are understood.`}
	}
	s := Signal{Sender: Person, State: Alarm, Direction: Direction(w.Direction), To: w.To, Reason: cut(w.Reason)}
	switch {
	case w.Direction != "" && s.Direction != Out && s.Direction != In:
		return Signal{}, &Error{BadField, `"direction" is neither "out" nor "in".`}
	case w.By != nil && *w.By < 1:
		return Signal{}, &Error{BadField, `"by" must be 1 or more.`}
	case w.To != nil && *w.To < 0:
		return Signal{}, &Error{BadField, `"to" must be 0 or more.`}
	case w.To != nil && (w.By != nil || w.Direction != ""):
		return Signal{}, &Error{BadField, `"to" names the size wanted: leave out "by" and "direction".`}
	}
	if w.By != nil {
		s.By = *w.By
	}
	return s, nil
}
