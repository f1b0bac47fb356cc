//go:build integration

package roster_test

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealClass sizes a class up on the cloud that OS_CLOUD names, builds it with two planners at once and again, and
// finds one lab for each learner.
func TestRealClass(t *testing.T) {
	t.Parallel()
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{
		PublicURL: "https://hooks.example.org", NamingKey: config.Secret(namingKey + rand.Text()), TemplatesDir: "testdata",
		SealKeys: []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
		Labs: map[string]config.Lab{
			"small":   {Title: "Small", Template: "small.yaml", BuildTimeout: 15 * time.Minute, Lifetime: time.Hour},
			"machine": {Title: "Machine", Template: "machine.yaml", BuildTimeout: 15 * time.Minute, Lifetime: time.Hour},
		},
	}
	k, err := keeper.New(c, keeper.One(cloud), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	planner := func() *roster.Planner {
		return roster.New(roster.Parts{
			Sites: []roster.Site{{Cloud: cloud, MaxBuilds: 4}}, Catalogue: k, NamingKey: []byte(c.NamingKey.Reveal()), Rate: 5, Now: time.Now,
		})
	}
	f, err := planner().Preflight(t.Context(), "machine", 3)
	if err != nil || f.Clouds[0].Trouble != "" {
		t.Fatalf("preflight: %+v, %v", f, err)
	}
	need := f.Clouds[0].Need
	want := roster.Amounts{
		roster.Labs: 1, roster.Stacks: 1, roster.Servers: 2, roster.Cores: 2, roster.RAM: 4096, roster.Ports: 3, roster.Networks: 1, roster.Subnets: 1,
		roster.Routers: 1, roster.FloatingIPs: 1, roster.SecurityGroups: 1, roster.Volumes: 2, roster.Gigabytes: 6,
	}
	for what, n := range want {
		if need[what] != n {
			t.Errorf("a lab takes %d %s, want %d", need[what], what, n)
		}
	}
	r := class("small", 8)
	t.Cleanup(func() { removeClass(t, cloud, c.NamingKey, r) })
	start := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if got, err := planner().Prebuild(t.Context(), r); err != nil || got.Left != 0 || got.Built+got.There != 8 {
				t.Errorf("prebuild: %+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	t.Logf("a class of 8 took %s", time.Since(start).Round(100*time.Millisecond))
	if again, err := planner().Prebuild(t.Context(), r); err != nil || again.There != 8 || again.Built != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
	for i := range r.Learners {
		name := lab.Identity{Tenant: r.Tenant, Context: r.Context, Lab: r.Lab, Learner: r.Learners[i]}.Hide([]byte(c.NamingKey.Reveal())).Stack
		n, err := cloud.CountStacks(t.Context(), openstack.StackFilter{Name: name})
		if err != nil || n != 1 {
			t.Errorf("learner %d has %d stacks, %v", i+1, n, err)
		}
	}
}

// removeClass deletes the labs of a class whose test may be over.
func removeClass(t *testing.T, cloud *openstack.Cloud, key config.Secret, r roster.Roster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	for i := range r.Learners {
		name := lab.Identity{Tenant: r.Tenant, Context: r.Context, Lab: r.Lab, Learner: r.Learners[i]}.Hide([]byte(key.Reveal())).Stack
		for s, err := range cloud.StacksWhere(ctx, openstack.StackFilter{Name: name}) {
			if err == nil {
				err = cloud.DeleteStack(ctx, s.StackRef)
			}
			if err != nil {
				t.Errorf("remove %s: %v", name, err)
			}
		}
	}
}
