package tender

import (
	"regexp"
	"slices"
	"sync"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
)

// inventory is what the doctor examines.
type inventory struct {
	mu sync.Mutex
	lab.Inventory
	// bare are stacks that are called as ours are and have lost their tags.
	bare []lab.Held
}

// ourName is what our stacks are called.
var ourName = regexp.MustCompile(`^((lab|lease|spent|grade)-[0-9a-f]{18}(-[0-9a-f.-]+)?|warm-[a-z0-9_-]+-[0-9a-f]{8})$`)

// stack enters one stack of a list, unless it is none of ours. A pass without a doctor has no inventory.
func (i *inventory) stack(h lab.Held) {
	if i == nil || !ours(h) && !ourName.MatchString(h.Name) {
		return
	}
	if h.Stack.Status != "FAILED" {
		h.Stack.Reason = "" // nobody asks why things went well
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if ours(h) {
		i.Stacks = append(i.Stacks, h)
	} else {
		i.bare = append(i.bare, h)
	}
}

// drop forgets the stacks of a cloud that was not seen as a whole: it would seem as if the rest were gone.
func (i *inventory) drop(site int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Stacks = slices.DeleteFunc(i.Stacks, func(h lab.Held) bool { return h.Order == site })
}

// things enters what a cloud has besides stacks.
func (i *inventory) things(cloud string, pairs []openstack.KeyPair, marks []pool.Mark, addresses []openstack.FloatingIP) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, pair := range pairs {
		found := lab.Found{Cloud: cloud, Name: pair.Name, Created: pair.Created}
		for _, m := range marks {
			if m.Name == pair.Name {
				found.ID, found.Created = m.Stack, m.At
			}
		}
		i.KeyPairs = append(i.KeyPairs, found)
	}
	for _, a := range addresses {
		i.FloatingIPs = append(i.FloatingIPs, lab.Found{Cloud: cloud, Name: a.Address, ID: a.ID, Created: a.Created, InUse: a.PortID != ""})
	}
}
