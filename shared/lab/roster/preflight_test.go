package roster_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// words are how the services name a resource in a refusal.
var words = map[roster.Resource]string{
	roster.Servers: "instances", roster.Cores: "cores", roster.RAM: "ram", roster.Ports: "'port'", roster.Networks: "'network'",
	roster.Subnets: "'subnet'", roster.Routers: "'router'", roster.FloatingIPs: "'floatingip'", roster.SecurityGroups: "'security_group'",
	roster.Volumes: "quota 'volumes'", roster.Gigabytes: "gigabytes quota", roster.Stacks: "maximum stacks",
}

// TestRow9PreflightAgreesWithTheClouds compares the forecast with what the clouds do: the learner who is named, and nobody
// before, is refused, for want of the resource that is named. A lab has a network, a router and two machines with a volume
// each, nested in a group.
func TestRow9PreflightAgreesWithTheClouds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		bounds  [2]func(q *openstacktest.Quota)
		learner int
		short   roster.Resource
	}{
		{"servers", bounds(func(q *openstacktest.Quota) { q.Servers = 5 }, func(q *openstacktest.Quota) { q.Servers = 3 }), 4, roster.Servers},
		{"cores", bounds(func(q *openstacktest.Quota) { q.Cores = 3 }, func(q *openstacktest.Quota) { q.Cores = 7 }), 5, roster.Cores},
		{"memory", bounds(func(q *openstacktest.Quota) { q.RAM = 4095 }, func(q *openstacktest.Quota) { q.RAM = 3 * 4096 }), 4, roster.RAM},
		{"ports, the router's too", bounds(func(q *openstacktest.Quota) { q.Ports = 6 }, func(q *openstacktest.Quota) { q.Ports = 5 }), 4, roster.Ports},
		{"networks", bounds(func(q *openstacktest.Quota) { q.Networks = 1 }, func(q *openstacktest.Quota) { q.Networks = 2 }), 4, roster.Networks},
		{"subnets", bounds(func(q *openstacktest.Quota) { q.Subnets = 0 }, func(q *openstacktest.Quota) { q.Subnets = 2 }), 3, roster.Subnets},
		{"routers", bounds(func(q *openstacktest.Quota) { q.Routers = 2 }, func(q *openstacktest.Quota) { q.Routers = 2 }), 5, roster.Routers},
		{"floating IPs", bounds(func(q *openstacktest.Quota) { q.FloatingIPs = 1 }, func(q *openstacktest.Quota) { q.FloatingIPs = 1 }), 3, roster.FloatingIPs},
		{"security groups, one of which the project has", bounds(func(q *openstacktest.Quota) { q.SecurityGroups = 3 }, func(q *openstacktest.Quota) { q.SecurityGroups = 2 }), 4, roster.SecurityGroups},
		{"volumes", bounds(func(q *openstacktest.Quota) { q.Volumes = 4 }, func(q *openstacktest.Quota) { q.Volumes = 3 }), 4, roster.Volumes},
		{"gigabytes", bounds(func(q *openstacktest.Quota) { q.Gigabytes = 11 }, func(q *openstacktest.Quota) { q.Gigabytes = 12 }), 4, roster.Gigabytes},
		{"stacks", bounds(func(q *openstacktest.Quota) { q.Stacks = 2 }, func(q *openstacktest.Quota) { q.Stacks = 1 }), 4, roster.Stacks},
		{"one thing here, another there", bounds(func(q *openstacktest.Quota) { q.Volumes = 2 }, func(q *openstacktest.Quota) { q.Networks, q.Cores = 3, 4 }), 4, roster.Cores},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, 2, func(c *config.Config) {
				for i, bound := range row.bounds {
					q := openstacktest.NoQuota()
					bound(&q)
					c.Clouds[i].MaxStacks = max(0, q.Stacks) // no API tells it
				}
			})
			for i, bound := range row.bounds {
				q := openstacktest.NoQuota()
				bound(&q)
				s.fakes[i].SetQuota(q)
			}
			f, err := s.Preflight(t.Context(), "machine", 30)
			if err != nil {
				t.Fatal(err)
			}
			if f.RunsOut == nil || f.RunsOut.Learner != row.learner || f.Fits != row.learner-1 || !slices.Contains(f.RunsOut.Resources, row.short) {
				t.Fatalf("forecast is %+v with %+v, want %s at learner %d", f, f.RunsOut, row.short, row.learner)
			}
			learner, reason := s.refused(t)
			if learner != row.learner || !strings.Contains(reason, words[row.short]) {
				t.Errorf("learner %d is refused: %s; forecast %s at learner %d", learner, reason, row.short, row.learner)
			}
		})
	}
}

func bounds(first, second func(q *openstacktest.Quota)) [2]func(q *openstacktest.Quota) {
	return [2]func(q *openstacktest.Quota){first, second}
}

// refused makes labs one after another, in the next cloud once one has refused, and gives the first learner for whom no
// cloud had room, with the last cloud's words.
func (s *school) refused(t *testing.T) (learner int, reason string) {
	t.Helper()
	place := 0
	for learner = 1; learner < 40; learner++ {
		for ; ; place++ {
			if place == len(s.fakes) {
				return learner, reason
			}
			if reason = s.refusal(t, place, learner); reason == "" {
				break
			}
		}
	}
	t.Fatal("nobody is refused")
	return 0, ""
}

// refusal makes one lab; empty if it came up.
func (s *school) refusal(t *testing.T, place, learner int) string {
	t.Helper()
	name := fmt.Sprint("lab-", learner)
	_, err := s.sites[place].Cloud.CreateStack(t.Context(), s.keeper.NewStack(name, "machine", nil, ""))
	if err != nil {
		return err.Error()
	}
	s.fakes[place].Settle()
	stack, _ := s.fakes[place].Stack(name)
	if stack.State == "CREATE_COMPLETE" {
		return ""
	}
	return stack.Reason
}

// TestRow9PreflightCountsWhatIsThere leaves less room to a class once there are other labs.
func TestRow9PreflightCountsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, 1, func(c *config.Config) { c.Clouds[0].Capacity, c.Clouds[0].MaxStacks = 12, 40 })
	quota := openstacktest.NoQuota()
	quota.Servers = 20
	s.fakes[0].SetQuota(quota)
	wantFits := func(fits int, short roster.Resource) {
		t.Helper()
		f, err := s.Preflight(t.Context(), "machine", 30)
		if err != nil || f.Fits != fits || f.RunsOut == nil || !slices.Equal(f.RunsOut.Resources, []roster.Resource{short}) {
			t.Errorf("forecast is %+v, %v; want %s short after %d", f, err, short, fits)
		}
	}
	wantFits(10, roster.Servers)
	s.prebuild(t, class("machine", 4))
	s.fakes[0].Settle()
	wantFits(6, roster.Servers)
	s.prebuild(t, class("small", 5)) // they take no servers
	wantFits(3, roster.Labs)
}

// TestPreflightOfACloudThatIsFullOfStacks is refused even the preview: Heat counts before it looks at a template.
func TestPreflightOfACloudThatIsFullOfStacks(t *testing.T) {
	t.Parallel()
	s := open(t, 2)
	quota := openstacktest.NoQuota()
	quota.Stacks = 0
	s.fakes[0].SetQuota(quota)
	f, err := s.Preflight(t.Context(), "small", 3)
	if err != nil {
		t.Fatal(err)
	}
	first, second := f.Clouds[0], f.Clouds[1]
	if first.Labs != 0 || first.Fits == nil || *first.Fits != 0 || !slices.Equal(first.Short, []roster.Resource{roster.Stacks}) {
		t.Errorf("the full cloud: %+v", first)
	}
	if f.Fits != 3 || f.RunsOut != nil || second.Labs != 3 || second.First != 1 || second.Fits != nil {
		t.Errorf("forecast is %+v", f)
	}
}

// TestPreflightSaysWhatItDoesNotKnow counts on no cloud that did not tell.
func TestPreflightSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := open(t, 2, func(c *config.Config) {
		machine := c.Labs["machine"]
		machine.Parameters = map[string]string{"flavor": "m9.huge"}
		c.Labs["machine"] = machine
	})
	s.fakes[1].AddFlavor(openstacktest.Flavor{Name: "m9.huge", Cores: 64, RAM: 1 << 20})
	quota := openstacktest.NoQuota()
	quota.Cores = 300
	s.fakes[1].SetQuota(quota)
	f, err := s.Preflight(t.Context(), "machine", 5)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(f.Clouds[0].Trouble, "m9.huge") || f.Clouds[0].Labs != 0 {
		t.Errorf("a cloud without the flavor: %+v", f.Clouds[0])
	}
	if f.Clouds[1].Need[roster.Cores] != 128 || f.Fits != 2 || f.RunsOut == nil || f.RunsOut.Learner != 3 {
		t.Errorf("forecast is %+v", f)
	}
	s.fakes[1].Inject(openstacktest.Fault{Service: "nova", Status: http.StatusServiceUnavailable})
	if f, err = s.Preflight(t.Context(), "machine", 5); err != nil || f.Fits != 0 || f.Clouds[1].Trouble == "" || f.RunsOut == nil {
		t.Errorf("without an answer: %+v, %v", f, err)
	}
}

// TestPreflightAsksLittle makes nothing, and asks each cloud for so much.
func TestPreflightAsksLittle(t *testing.T) {
	t.Parallel()
	s := open(t, 1, func(c *config.Config) { c.Clouds[0].Capacity, c.Clouds[0].MaxStacks = 10, 20 })
	if _, err := s.Preflight(t.Context(), "small", 3); err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(s.fakes[0].CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity") })
	slices.Sort(got)
	want := []string{
		"cinder GET /limits", "heat GET /stacks", "heat GET /stacks", "heat POST /stacks/preview", "neutron GET /quotas/{}/details.json",
		"nova GET /flavors/detail", "nova GET /limits", "nova GET /os-keypairs",
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	if names := s.names(); len(names) > 0 {
		t.Errorf("made %v", names)
	}
}

// TestPreflightRefuses says what to do instead.
func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, 1)
	for _, row := range []struct {
		lab      string
		learners int
		code     string
	}{{"nothing", 3, "unknown_lab"}, {"small", 0, "bad_roster"}, {"small", -1, "bad_roster"}, {"small", 10_001, "bad_roster"}} {
		_, err := s.Preflight(t.Context(), row.lab, row.learners)
		wantCode(t, err, row.code)
	}
	if calls := s.fakes[0].CallNames(); len(calls) > 0 {
		t.Errorf("asked %v", calls)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	refused, ok := errors.AsType[*function.Error](err)
	if !ok || refused.Code != code || refused.Public == "" || refused.Status < 400 {
		t.Errorf("error is %v, want the code %s", err, code)
	}
}

var _ roster.Cloud = (*openstack.Cloud)(nil)
