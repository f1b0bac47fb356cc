package scalecluster

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// flavorLife is how long a process remembers a flavor. Nova has no call that changes its size, but one of the same name may
// be made in its place.
const flavorLife = 24 * time.Hour

// measure learns how many more nodes the quotas allow (N10). Nova tells its own in one reply: servers, cores and memory.
// Ports, volumes and pool members would be a request each for every growth, which has none left.
func (s *scaler) measure(ctx context.Context, v *visit) error {
	var left openstack.Room
	var err error
	node := cluster.Amounts{Servers: 1}
	var wg sync.WaitGroup
	wg.Go(func() { left, err = v.door.ServerRoom(ctx) })
	wg.Go(func() {
		flavor := s.flavor(ctx, v)
		node.Cores, node.RAM = flavor.Cores, flavor.RAM
	})
	wg.Wait()
	if err != nil {
		return err //nolint:wrapcheck // settle says what it was for
	}
	room := cluster.RoomFor(cluster.Amounts{Servers: left.Servers, Cores: left.Cores, RAM: left.RAM}, node)
	v.state.Room = &room
	return nil
}

// flavor is what the cluster's nodes are made of. It is asked for once a day in a process; one that is not to be had takes
// nothing that is known.
func (s *scaler) flavor(ctx context.Context, v *visit) openstack.Flavor {
	name := cmp.Or(v.stack.Parameters["flavor"], v.stack.Parameters["app_flavor"]) // of cluster.yaml, and of site.yaml
	known, ok := s.flavors.get(name, v.now)
	if ok || name == "" {
		return known
	}
	all, err := v.door.Flavors(ctx)
	if err != nil {
		logging.From(ctx).Warn().Err(err).Msg("flavors could not be read: only the quota of servers counts")
		return openstack.Flavor{}
	}
	i := slices.IndexFunc(all, func(f openstack.Flavor) bool { return f.ID == name || f.Name == name })
	if i < 0 {
		return openstack.Flavor{} // the next caller may have the rights to see it
	}
	s.flavors.put(name, all[i], v.now.Add(flavorLife))
	return all[i]
}
