package openstacktest

import (
	"slices"
	"strings"
)

// stackIndex holds the stacks so that a class of ten thousand is listed page by page, and each found by its name, without
// going through all of them.
type stackIndex struct {
	byID   map[string]*stack   // all that ever were, nested ones too
	listed []*stack            // root stacks that are not purged, oldest first
	byName map[string][]*stack // the same by name, in no order
}

func newStackIndex() stackIndex {
	return stackIndex{byID: map[string]*stack{}, byName: map[string][]*stack{}}
}

// older is the order of a list: by creation, then by id.
func older(a, b *stack) int {
	if d := a.created.Compare(b.created); d != 0 {
		return d
	}
	return strings.Compare(a.id, b.id)
}

func (x *stackIndex) add(s *stack) {
	x.byID[s.id] = s
	if s.owner != nil {
		return
	}
	at, _ := slices.BinarySearchFunc(x.listed, s, older)
	x.listed = slices.Insert(x.listed, at, s)
	x.byName[s.name] = append(x.byName[s.name], s)
}

// purge takes a root stack out of the lists; by its id it can still be read.
func (x *stackIndex) purge(s *stack) {
	s.purged = true
	if s.owner != nil {
		return
	}
	if at, there := slices.BinarySearchFunc(x.listed, s, older); there {
		x.listed = slices.Delete(x.listed, at, at+1)
	}
	rest := slices.DeleteFunc(x.byName[s.name], func(other *stack) bool { return other == s })
	if len(rest) == 0 {
		delete(x.byName, s.name)
		return
	}
	x.byName[s.name] = rest
}

// after are the listed stacks in the direction asked for, from behind the marker on. One that is not there starts the
// list anew (heat/db/api.py _paginate_query).
func (x *stackIndex) after(marker string, oldestFirst bool) []*stack {
	list := x.listed
	at, there := 0, false
	if m := x.byID[marker]; m != nil {
		at, there = slices.BinarySearchFunc(list, m, older)
	}
	if oldestFirst {
		if there {
			list = list[at+1:]
		}
		return list
	}
	if there {
		list = list[:at]
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
