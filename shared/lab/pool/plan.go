package pool

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Want is how many labs of one key there are to be.
type Want struct {
	Lab      string
	Count    int
	Revision string // of template, files and parameters
}

// Plan is what is to be done for one lab key. The same state gives the same plan, whoever makes it.
type Plan struct {
	Create int
	Remove []openstack.Stack // more than are wanted
}

// PlanFor compares what there is with what is wanted. Stacks that are no ready-made labs of this key do not matter, nor do
// those of another revision, which are nobody's to be given. A failed one stands for the one that would be made in its place
// as long as it is there: a template that does not work is not tried again at every tick.
func PlanFor(want Want, have []openstack.Stack, marks []Mark) Plan {
	var stock []openstack.Stack
	for _, s := range have {
		_, claimed := on(marks, s.ID)
		if !claimed && unowned(s, want.Lab) && s.Action != "DELETE" && slices.Contains(s.Tags, lab.TagRev+want.Revision) {
			stock = append(stock, s)
		}
	}
	slices.SortFunc(stock, worth)
	return Plan{Create: max(0, want.Count-len(stock)), Remove: slices.Clone(stock[min(want.Count, len(stock)):])}
}

// worth sorts those first that are kept: finished ones, then the oldest.
func worth(a, b openstack.Stack) int {
	unfinished := func(s openstack.Stack) int {
		if up(s) {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(unfinished(a), unfinished(b)), a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
}
