package tender

import (
	"context"
	"fmt"
	"iter"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Cloud is what is needed of OpenStack. openstack.Cloud is one.
type Cloud interface {
	StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error]
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
	Act(ctx context.Context, ref openstack.StackRef, action openstack.Action) error
	Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error
	Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error)
	KeyPairs(ctx context.Context) ([]openstack.KeyPair, error)
	CreateKeyPair(ctx context.Context, name, publicKey string) error
	DeleteKeyPair(ctx context.Context, name string) error
	FloatingIPs(ctx context.Context) ([]openstack.FloatingIP, error)
}

// Site is one cloud by its name in the configuration; empty where the OS_* variables say which.
type Site struct {
	Name  string
	Cloud Cloud
	// Capacity is how many labs there may be, MaxBuilds how many of them under construction; 0 is no bound. They hold back
	// ready-made labs alone: learners' labs are begun elsewhere.
	Capacity, MaxBuilds int
}

// Catalogue has the labs by their keys.
type Catalogue interface {
	// Keys are those of all labs.
	Keys() []string
	// Entry is the lab of that key; false if it was withdrawn. Labs that learners still have end as their tags say.
	Entry(key string) (lab.Entry, bool)
}

// Grades bring what learners earned to the platforms. Did says in a word what was done, and is empty for nothing. Labs were
// read with their outputs, outboxes come from a list.
type Grades interface {
	// Deliver sends what the checks of a lab that is up, or sleeps, come to, if that was not sent before.
	Deliver(ctx context.Context, cloud Cloud, s openstack.Stack) (did string, err error)
	// Sleep is Deliver for a lab that is about to sleep, Leave for one that is about to go: without an error nothing of it is
	// lost then. With grades.ErrUnread nobody knows what would be.
	Sleep(ctx context.Context, cloud Cloud, s openstack.Stack) (did string, err error)
	Leave(ctx context.Context, cloud Cloud, s openstack.Stack) (did string, err error)
	// Outbox tries again to send a grade that is kept in a stack of its own, and removes that stack in the end.
	Outbox(ctx context.Context, cloud Cloud, s openstack.Stack) (did string, err error)
}

// Examiner runs the checks of a lab that are scripts: of a lab that is up, each time that it is read, and so before it sleeps
// or goes. Did is empty if none was due.
type Examiner interface {
	Examine(ctx context.Context, cloud Cloud, s openstack.Stack, e lab.Entry) (did string, err error)
}

// Parts are what a tender works with. Without NewStack no lab is kept ready-made; Grades and Examiner may be nil.
type Parts struct {
	Sites     []Site
	Catalogue Catalogue
	Tend      config.Tend
	// NewStack is the request that creates a lab of a key.
	NewStack func(name, key string, tags []string) openstack.NewStack
	Grades   Grades
	Examiner Examiner
	Now      function.Clock
	Ticks    Ticks // nil: the clock on the wall
}

// Tender looks after labs. Passes may run at once, also in several processes.
type Tender struct {
	Parts
	memory *memory
}

// New is a tender that has seen nothing yet. It asks nothing of the clouds.
func New(p Parts) *Tender {
	if p.Ticks == nil {
		p.Ticks = realTicks
	}
	p.Tend.Rate, p.Tend.Parallel = max(p.Tend.Rate, 1), max(p.Tend.Parallel, 1)
	return &Tender{Parts: p, memory: newMemory()}
}

// entry is the lab of that key, or what goes for one that was withdrawn.
func (t *Tender) entry(key string) lab.Entry {
	if e, known := t.Catalogue.Entry(key); known {
		return e
	}
	return lab.Withdrawn(key)
}

// heldOf is a stack as package lab knows it.
func (t *Tender) heldOf(site int, s openstack.Stack) lab.Held {
	return lab.Held{
		Cloud: t.Sites[site].Name, Order: site, Name: s.Name, ID: s.ID, Tags: s.Tags,
		Stack: lab.Stack{
			Action: s.Action, Status: s.Status, Reason: s.Reason, Created: s.Created, Updated: s.Updated, Lease: lab.LeaseOf(s.Tags), Outputs: s.Outputs,
		},
	}
}

func refOf(h lab.Held) openstack.StackRef { return openstack.StackRef{Name: h.Name, ID: h.ID} }

// failed is a call to a cloud that did not work out.
func failed(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
