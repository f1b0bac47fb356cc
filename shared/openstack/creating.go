package openstack

import (
	"context"
	"sync"
)

// creating keeps the creates of one name in one process apart. Heat does not always: of two that reach it within a
// second, both may get a stack (see [Cloud.Settle]). A learner's double click and a platform's retry land here.
type creating struct {
	mu    sync.Mutex
	names map[string]*attempt
}

// attempt is a create under way. made is written before done is closed and never after.
type attempt struct {
	done chan struct{}
	made bool
}

// begin claims the name, or waits for whoever has it. Taken means that they made the stack; if they did not, the next in
// line claims the name. The claim ends with the call of end, which says whether the stack was made.
func (c *creating) begin(ctx context.Context, name string) (end func(made bool), taken bool, err error) {
	for {
		under := c.join(name)
		if under.mine {
			return func(made bool) { c.land(name, under.attempt, made) }, false, nil
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-under.done:
		}
		if under.made {
			return nil, true, nil
		}
	}
}

type joined struct {
	*attempt
	mine bool
}

func (c *creating) join(name string) joined {
	c.mu.Lock()
	defer c.mu.Unlock()
	if under, there := c.names[name]; there {
		return joined{attempt: under}
	}
	if c.names == nil {
		c.names = make(map[string]*attempt)
	}
	own := &attempt{done: make(chan struct{})}
	c.names[name] = own
	return joined{attempt: own, mine: true}
}

func (c *creating) land(name string, own *attempt, made bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.names, name)
	own.made = made
	close(own.done)
}
