package keeper

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/url"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Cloud is what the keeper needs of OpenStack. openstack.Cloud is one.
type Cloud interface {
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	EnsureStack(ctx context.Context, s openstack.NewStack) (ref openstack.StackRef, created bool, err error)
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error]
	CountStacks(ctx context.Context, f openstack.StackFilter) (int, error)
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
	Act(ctx context.Context, ref openstack.StackRef, action openstack.Action) error
	Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error
	Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error)
	Resources(ctx context.Context, ref openstack.StackRef, depth int) ([]openstack.Resource, error)
	Console(ctx context.Context, serverID string) (string, error)
	Room(ctx context.Context) (openstack.Room, error)
	CreateKeyPair(ctx context.Context, name, publicKey string) error
	KeyPairs(ctx context.Context) ([]openstack.KeyPair, error)
}

// Site is one cloud in which labs are made, and how much of it may be used.
type Site struct {
	Name  string
	Cloud Cloud
	// Capacity is how many labs there may be, MaxBuilds how many of them under construction, MaxStacks how many stacks of
	// any kind Heat allows the project; 0 is no bound.
	Capacity, MaxBuilds, MaxStacks int
	// Quota makes every new lab look at what the project has left before it is begun.
	Quota bool
}

// Clouds are the clouds in order of preference.
type Clouds []Site

// onLoopback says whether browsers reach us on this very machine: a developer's, whose labs may be there too.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// One is a single cloud without bounds.
func One(c Cloud) Clouds { return Clouds{{Cloud: c}} }

// Open connects to the configured clouds; it makes no request. Without any in the configuration the OS_* variables say which.
func Open(c *config.Config, getenv func(string) string) (Clouds, error) {
	named := c.Clouds
	if len(named) == 0 {
		named = []config.Cloud{{}}
	}
	clouds := make(Clouds, len(named))
	for i, n := range named {
		client, err := openstack.New(openstack.Options{Cloud: n.Name, Getenv: getenv})
		if err != nil {
			return nil, fmt.Errorf("set up cloud %s: %w", n.Name, err)
		}
		clouds[i] = Site{Name: n.Name, Cloud: client, Capacity: n.Capacity, MaxBuilds: n.MaxBuilds, MaxStacks: n.MaxStacks, Quota: n.Quota}
	}
	return clouds, nil
}
