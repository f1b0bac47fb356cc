package tender

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
)

// census counts the stacks of each owner over all clouds.
type census struct {
	mu     sync.Mutex
	owners map[owner]bool // true: has several stacks
}

// owner is the 18 hexadecimal digits of an owner's base name.
type owner [9]byte

const basePrefix = "lab-"

func ownerOf(base string) (owner, bool) {
	var o owner
	raw, err := hex.DecodeString(strings.TrimPrefix(base, basePrefix))
	if err != nil || len(raw) != len(o) || !strings.HasPrefix(base, basePrefix) {
		return o, false
	}
	return owner(raw), true
}

func (o owner) base() string { return basePrefix + hex.EncodeToString(o[:]) }

func newCensus() *census { return &census{owners: map[owner]bool{}} }

// see counts one stack.
func (c *census) see(base string) {
	o, ok := ownerOf(base)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.owners[o]
	c.owners[o] = known
}

// alone says that the owner has one stack.
func (c *census) alone(base string) bool {
	o, ok := ownerOf(base)
	if !ok {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.owners[o]
}

// several are the base names of the owners with several stacks, in order.
func (c *census) several() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for o, several := range maps.All(c.owners) {
		if several {
			out = append(out, o.base())
		}
	}
	slices.Sort(out)
	return out
}
