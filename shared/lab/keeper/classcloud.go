package keeper

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// everyone yields the stacks of the class, cloud by cloud, those that only note something left out. It stops at the first
// cloud that does not answer.
func (k *Keeper) everyone(ctx context.Context, t ClassTicket, each func(lab.Held)) error {
	for place, site := range k.clouds {
		for s, err := range site.Cloud.StacksWhere(ctx, openstack.StackFilter{Tags: t.tags()}) {
			if err != nil {
				return Failure(err)
			}
			if !t.has(s.Tags) || lab.Tagged(s.Tags, lab.TagKind) != "" {
				continue
			}
			s.Reason, s.Parameters = "", nil // a class of 500 with Heat's long sentences is a megabyte
			each(k.held(place, s))
		}
	}
	return nil
}

// baseOf tells the labs of one owner from those of another. Stacks made before there were generations have their own name.
func baseOf(h lab.Held) string {
	if base := lab.BaseOf(h.Tags); base != "" {
		return base
	}
	return h.Name
}

// owners are stacks by their owner, in the order in which the owners came.
type owners struct {
	held  [][]lab.Held
	place map[string]int
}

func (o *owners) has(h lab.Held) bool {
	_, known := o.place[baseOf(h)]
	return known
}

func (o *owners) add(h lab.Held) {
	base := baseOf(h)
	if at, known := o.place[base]; known {
		o.held[at] = append(o.held[at], h)
		return
	}
	if o.place == nil {
		o.place = map[string]int{}
	}
	o.place[base] = len(o.held)
	o.held = append(o.held, []lab.Held{h})
}

// inUse are of all stacks those that their owners go by.
func (k *Keeper) inUse(all []lab.Held) []lab.Held {
	var o owners
	for _, h := range all {
		o.add(h)
	}
	list := make([]lab.Held, len(o.held))
	for i, held := range o.held {
		list[i] = shown(lab.Gather(held, k.entryFor(held[0]), k.now()), held)
	}
	return list
}

// shown is the one of an owner's stacks that a class sees: what a launch enters, or else what is going.
func shown(home lab.Home, held []lab.Held) lab.Held {
	switch {
	case home.Current != nil:
		return *home.Current
	case len(home.Leaving) > 0:
		return home.Leaving[0]
	}
	return held[0]
}

// refOf names a stack to a class page. It gives no right: whatever comes back is looked up and must be of the class.
func refOf(h lab.Held) string {
	ref := h.Name + ":" + h.ID
	if h.Order > 0 {
		ref += ":" + h.Cloud
	}
	return ref
}

// refPattern is what refOf gives for a lab of ours: its name by generation, or that of a ready-made one, its id, its cloud.
var refPattern = regexp.MustCompile(`^(lab-[0-9a-f]{18}(-[0-9]{1,7})?|warm-[a-z0-9_-]{1,64}-[0-9a-f]{8}):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[^:\n]{1,100})?$`)

// parseRef is the stack that a class page named, and the place of its cloud.
func (k *Keeper) parseRef(text string) (ref openstack.StackRef, place int, ok bool) {
	if !refPattern.MatchString(text) {
		return ref, 0, false
	}
	name, rest, _ := strings.Cut(text, ":")
	id, cloud, elsewhere := strings.Cut(rest, ":")
	if elsewhere {
		place = slices.IndexFunc(k.clouds, func(s Site) bool { return s.Name == cloud })
	}
	return openstack.StackRef{Name: name, ID: id}, place, place >= 0
}
