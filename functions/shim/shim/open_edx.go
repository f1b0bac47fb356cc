package shim

import (
	"errors"
	"net/http"
	"slices"

	"github.com/stackhook/stackhook/shared/lti/openedx"
)

// helped is the answer of the paste helper.
type helped struct {
	Pasted, Lab string
	Faults      []openedx.Fault
	Hints       []string
	Entry       string
	Frames      string
	Places      []place
}

// place is a form of Studio's, with what to put into it.
type place struct {
	Where  string
	Values []openedx.Value
}

// places are the values by their forms, in the given order.
func places(values []openedx.Value) []place {
	var list []place
	for _, v := range values {
		if len(list) == 0 || list[len(list)-1].Where != v.Where {
			list = append(list, place{Where: v.Where})
		}
		list[len(list)-1].Values = append(list[len(list)-1].Values, v)
	}
	return list
}

// openEdX makes, of what Studio shows for a block, the entry of the configuration and what to put into Studio. It answers
// with the whole page, so that it works without script.
func (s *Shim) openEdX(w http.ResponseWriter, r *http.Request) {
	lab := r.PostFormValue("lab")
	if !slices.ContainsFunc(s.labs(), func(l labChoice) bool { return l.Key == lab }) {
		badForm(w, r, "lab", "is none that may be launched")
		return
	}
	h := &helped{Pasted: r.PostFormValue("values"), Lab: lab}
	v, err := openedx.Parse(h.Pasted)
	if faults, ok := errors.AsType[openedx.Faults](err); ok {
		h.Faults = faults
	} else {
		h.Hints, h.Frames = v.Hints(), openedx.FramesHint
		h.Entry = openedx.Section("platforms", openedx.Entry(v, []string{lab}, nil).YAML())
		h.Places = places(openedx.PasteBack(s.base, lab))
	}
	s.show(w, r, h)
}
