package roster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Cloud is what is needed of OpenStack. openstack.Cloud is one.
type Cloud interface {
	PreviewStack(ctx context.Context, s openstack.NewStack) ([]openstack.Resource, error)
	Flavors(ctx context.Context) ([]openstack.Flavor, error)
	Room(ctx context.Context) (openstack.Room, error)
	StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error]
	CountStacks(ctx context.Context, f openstack.StackFilter) (int, error)
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	EnsureStack(ctx context.Context, s openstack.NewStack) (ref openstack.StackRef, created bool, err error)
}

// Site is one cloud by its name in the configuration; empty where the OS_* variables say which.
type Site struct {
	Name  string
	Cloud Cloud
	// Capacity is how many labs there may be, MaxBuilds how many of them under construction, MaxStacks how many stacks of
	// any kind Heat allows the project; 0 is no bound.
	Capacity, MaxBuilds, MaxStacks int
}

// Catalogue has the labs. keeper.Keeper is one.
type Catalogue interface {
	Shelf(key string) (keeper.Shelf, bool)
	NewStack(name, key string, tags []string, grading string) openstack.NewStack
}

// Parts are what a planner works with.
type Parts struct {
	Sites     []Site // in order of preference
	Catalogue Catalogue
	NamingKey []byte
	Rate      int // creates a second in each cloud
	Now       function.Clock
	// Sleep waits for so long, or until ctx ends; nil is the clock on the wall.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Planner looks ahead. It may be used by many at once, also in several processes.
type Planner struct {
	Parts
	mu     sync.Mutex
	groups map[string]chan struct{} // who is at work on a class; closed when they are done
}

// New is a planner. It asks nothing of the clouds.
func New(p Parts) *Planner {
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	p.Rate = max(p.Rate, 1)
	return &Planner{Parts: p, groups: map[string]chan struct{}{}}
}

// Open is the planner of a configuration, with connections to its clouds. It makes no request.
func Open(c *config.Config, k *keeper.Keeper, getenv func(string) string, now function.Clock) (*Planner, error) {
	named := c.Clouds
	if len(named) == 0 {
		named = []config.Cloud{{}}
	}
	sites := make([]Site, len(named))
	for i, n := range named {
		client, err := openstack.New(openstack.Options{Cloud: n.Name, Getenv: getenv})
		if err != nil {
			return nil, fmt.Errorf("set up cloud %s: %w", n.Name, err)
		}
		sites[i] = Site{Name: n.Name, Cloud: client, Capacity: n.Capacity, MaxBuilds: n.MaxBuilds, MaxStacks: n.MaxStacks}
	}
	return New(Parts{Sites: sites, Catalogue: k, NamingKey: []byte(c.NamingKey.Reveal()), Rate: c.Tend.Rate, Now: now}), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // it is not shown
	}
}

// Codes of what a planner refuses, and of a cloud that does not answer.
const (
	codeUnknownLab = "unknown_lab"
	codeBadRoster  = "bad_roster"
	codeClosed     = "lab_closed"
	codeTooEarly   = "too_early"
	codeTrouble    = "cloud_trouble"
)

func refusal(code string, status int, public string) error {
	return &function.Error{Code: code, Status: status, Public: public}
}

// shelf is the lab of that key.
func (p *Planner) shelf(key string) (keeper.Shelf, error) {
	s, known := p.Catalogue.Shelf(key)
	if !known {
		return s, refusal(codeUnknownLab, http.StatusNotFound, fmt.Sprintf("There is no lab %q in the catalogue. Use a key of labs in the configuration.", key))
	}
	return s, nil
}

// trouble is a cloud that did not do what it was asked.
func trouble(site Site, err error) error {
	status, after := openstack.CodeOf(err).HTTP()
	if known, ok := errors.AsType[*function.Error](err); ok {
		return known
	}
	return &function.Error{
		Code: codeTrouble, Status: status, RetryAfter: after, Err: err,
		Public: fmt.Sprintf("Cloud %q did not answer as it should, and nothing is done without it. Try again; what is there already is not made twice.", site.Name),
	}
}
