package roster_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const namingKey = "hunter2, a naming key for tests, long enough"

// school is a planner and a keeper on fake clouds, whose time passes when somebody sleeps.
type school struct {
	*roster.Planner
	keeper *keeper.Keeper
	fakes  []*openstacktest.Cloud
	sites  []roster.Site
	parts  roster.Parts

	mu    sync.Mutex
	slept []time.Duration
	// asleep is called before each sleep.
	asleep func()
}

// open is a school with so many clouds, whose catalogue has the labs small and machine.
func open(t *testing.T, clouds int, change ...func(*config.Config)) *school {
	t.Helper()
	s := &school{}
	one := config.Lab{Title: "Small", Template: "small.yaml", BuildTimeout: 15 * time.Minute, Lifetime: 8 * time.Hour, MaxAge: 72 * time.Hour}
	machine := one
	machine.Template = "machine.yaml"
	c := &config.Config{
		PublicURL: "https://hooks.example.org", NamingKey: namingKey,
		SealKeys: []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
		Labs:     map[string]config.Lab{"small": one, "machine": machine}, TemplatesDir: "testdata",
		Tend: config.Tend{Rate: 5, Parallel: 4},
	}
	var places keeper.Clouds
	for i := range clouds {
		fake := openstacktest.Start(t, openstacktest.TokenLife(1000*time.Hour), openstacktest.PatchWindow(time.Nanosecond))
		s.fakes = append(s.fakes, fake)
		client := s.client(t, i)
		name := fmt.Sprint("cloud-", i+1)
		c.Clouds = append(c.Clouds, config.Cloud{Name: name})
		places = append(places, keeper.Site{Name: name, Cloud: client})
		s.sites = append(s.sites, roster.Site{Name: name, Cloud: client})
	}
	for _, f := range change {
		f(c)
	}
	for i, cloud := range c.Clouds {
		s.sites[i].Capacity, s.sites[i].MaxBuilds, s.sites[i].MaxStacks = cloud.Capacity, cloud.MaxBuilds, cloud.MaxStacks
	}
	k, err := keeper.New(c, places, s.fakes[0].Now)
	if err != nil {
		t.Fatal(err)
	}
	s.keeper = k
	s.parts = roster.Parts{Sites: s.sites, Catalogue: k, NamingKey: []byte(namingKey), Rate: c.Tend.Rate, Now: s.fakes[0].Now, Sleep: s.sleep}
	s.Planner = roster.New(s.parts)
	return s
}

// client is a connection of its own to a cloud.
func (s *school) client(t *testing.T, cloud int) *openstack.Cloud {
	t.Helper()
	env := s.fakes[cloud].Env()
	client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// sleep lets the clouds' time go by.
func (s *school) sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	s.slept = append(s.slept, d)
	asleep := s.asleep
	s.mu.Unlock()
	if asleep != nil {
		asleep()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, fake := range s.fakes {
		fake.Advance(d)
	}
	return nil
}

// class is a roster of so many learners.
func class(key string, learners int) roster.Roster {
	r := roster.Roster{Tenant: "academy", Context: "course", Lab: key}
	for i := range learners {
		r.Learners = append(r.Learners, fmt.Sprint("learner-", i+1))
	}
	return r
}

func owner(r roster.Roster, i int) lab.Owner {
	return lab.Identity{Tenant: r.Tenant, Context: r.Context, Lab: r.Lab, Learner: r.Learners[i]}.Hide([]byte(namingKey))
}

// names are those of all stacks of all clouds, sorted.
func (s *school) names() []string {
	var names []string
	for _, fake := range s.fakes {
		for _, stack := range fake.Stacks() {
			names = append(names, stack.Name)
		}
	}
	slices.Sort(names)
	return names
}

// wantClass checks that each learner has one lab and nothing else is there.
func (s *school) wantClass(t *testing.T, r roster.Roster) {
	t.Helper()
	want := make([]string, len(r.Learners))
	for i := range r.Learners {
		want[i] = owner(r, i).Stack
	}
	slices.Sort(want)
	if got := s.names(); !slices.Equal(got, want) {
		t.Errorf("%d stacks for %d learners: %v", len(got), len(want), got)
	}
}

// prebuild prebuilds without an error.
func (s *school) prebuild(t *testing.T, r roster.Roster) roster.Result {
	t.Helper()
	result, err := s.Prebuild(t.Context(), r)
	if err != nil {
		t.Fatalf("prebuild: %v, after %+v", err, result)
	}
	return result
}
