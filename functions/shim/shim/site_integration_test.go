//go:build integration

package shim_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// realCloud is the cloud that OS_CLOUD or OS_* name, for a shim and for the story itself. Without any it fails: who asks
// for the integration tests wants them run. The configuration of the machine is left out, whatever it is.
func realCloud(t *testing.T) (config.Source, *openstack.Cloud) {
	t.Helper()
	src := config.OS()
	if src.Getenv("OS_CLOUD") == "" && src.Getenv("OS_AUTH_URL") == "" {
		t.Fatal("no cloud to test on: set OS_CLOUD, or OS_AUTH_URL and the other OS_* variables (make openstack-up starts one)")
	}
	src.Getenv = func(name string) string {
		if name == config.Variable {
			return ""
		}
		return os.Getenv(name)
	}
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("make the client: %v", err)
	}
	return src, cloud
}

// onRealCloud is a shim with its development configuration on the real cloud.
func onRealCloud(t *testing.T) (caller, *openstack.Cloud, lines) {
	t.Helper()
	src, cloud := realCloud(t)
	log := lines{loggingtest.Catch(t)}
	s, err := shim.Start(t.Context(), shim.Options{Source: src, Listen: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatalf("start the shim: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the shim: %v", err)
		}
	})
	return caller{t, s}, cloud, log
}

// until asks every half second until the answer is as wanted, or fails at the deadline.
func until(t *testing.T, what string, deadline time.Duration, ask func() (last string, ok bool)) {
	t.Helper()
	begun, last := time.Now(), ""
	for time.Since(begun) < deadline {
		var ok bool
		if last, ok = ask(); ok {
			t.Logf("%s after %s", what, time.Since(begun).Round(100*time.Millisecond))
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatalf("waited %s for %s; last: %s", deadline, what, last)
}

// realSite is what the story reads of a site.
type realSite struct {
	Code, State, Address string
	PoolID               string `json:"pool_id"`
	Percent, Nodes       int
	Steps                []struct{ Key, State string }
}

// TestRealSite is one site's life on a real cloud: put twice and followed to its address, then scaled by a real alarm.
func TestRealSite(t *testing.T) {
	c, cloud, log := onRealCloud(t)
	name := "site-" + strings.ToLower(rand.Text()[:8])
	spec := `{"hosts": {"lms": "` + name + `.example.org"}, "contact_email": "ops@example.org", "network": {"external": ""},
		"app": {"nodes": 1, "min": 1, "max": 2, "flavor": "m1.tiny"},
		"backend": {"flavor": "m1.tiny", "affinity": "soft", "mysql_gb": 5, "mongodb_gb": 5},
		"cooldowns": {"out": "0s", "in": "0s"},
		"alarm": {"metric": "busy", "aggregation": "mean", "granularity": 60, "high": 50, "low": 1}}`
	token := "Bearer " + c.s.Keys().APIToken
	t.Cleanup(func() { removeSite(t, cloud, name) })
	guests(t, cloud, name)
	var site realSite
	t.Run("put twice is one stack", func(t *testing.T) {
		c := caller{t, c.s}
		for i, want := range []struct {
			status int
			code   string
		}{{http.StatusAccepted, "created"}, {http.StatusOK, "unchanged"}} {
			put := c.call(http.MethodPut, "/deploy-site/sites/"+name, "application/json", spec, "Authorization", token)
			var got realSite
			put.decode(t, &got)
			if put.code != want.status || got.Code != want.code {
				t.Fatalf("put %d: %d %s, want %d %s", i+1, put.code, put.body, want.status, want.code)
			}
		}
		n := 0
		for s, err := range cloud.Stacks(t.Context(), "stackhook", "site") {
			if err != nil {
				t.Fatal(err)
			}
			if s.Name == name {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d stacks", n)
		}
	})
	t.Run("progress, then the address", func(t *testing.T) {
		c := caller{t, c.s}
		percents := map[int]bool{}
		until(t, "the site is ready", 8*time.Minute, func() (string, bool) {
			get := c.call(http.MethodGet, "/deploy-site/sites/"+name, "", "", "Authorization", token)
			before := site.Percent
			site = realSite{}
			get.decode(t, &site)
			if site.Percent < before || site.State == "failed" {
				t.Fatalf("from %d percent to %s", before, get.body)
			}
			percents[site.Percent] = true
			return get.body, site.State == "ready"
		})
		if len(percents) < 3 || len(site.Steps) != 5 || site.Percent != 100 {
			t.Errorf("%d different percentages, %+v", len(percents), site)
		}
		if balancer := balancerOf(t, cloud, name); site.Address == "" || balancer.VIPAddress != site.Address {
			t.Errorf("address %q, the load balancer's is %q", site.Address, balancer.VIPAddress)
		}
	})
	if t.Failed() {
		return
	}
	t.Run("a real alarm scales it", func(t *testing.T) { scaledByRealAlarm(caller{t, c.s}, cloud, log, name, site.PoolID) })
	t.Run("deletion takes two steps and leaves the volumes", func(t *testing.T) { deletedInTwo(caller{t, c.s}, cloud, name) })
}

// guests play the machines of a site, which on this cloud never boot: each wait handle whose machine is there is told once that
// it is ready. A signal in the very moment in which Heat has made the handle, long before there can be a machine, was seen to
// lose Heat its place: the stack then never went on.
func guests(t *testing.T, cloud *openstack.Cloud, name string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	t.Cleanup(func() { cancel(); <-over })
	go func() {
		defer close(over)
		told := map[string]bool{}
		for ctx.Err() == nil {
			if stack, err := cloud.FindStack(ctx, name); err == nil {
				all, _ := cloud.Resources(ctx, stack.StackRef, 3) // next time round, if it fails
				machines := map[openstack.StackRef]bool{}
				for _, r := range all {
					if r.Type == "OS::Nova::Server" && made(r) {
						machines[r.Stack] = true
					}
				}
				for _, r := range all {
					if !machines[r.Stack] || r.Type != "OS::Heat::WaitConditionHandle" || r.Name != "handle" || !made(r) || told[r.PhysicalID] {
						continue
					}
					told[r.PhysicalID] = cloud.Signal(ctx, r.Stack, r.Name, openstack.Signal{ID: "ready", Status: "SUCCESS", Reason: "played"}) == nil
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Second):
			}
		}
	}()
}

// made says that a resource is there. One that Heat has not come to yet is INIT_COMPLETE.
func made(r openstack.Resource) bool { return r.Action != "INIT" && r.Status == "COMPLETE" }

// deletedInTwo deletes a site in the two steps that it takes, and sees that its six volumes stay.
func deletedInTwo(c caller, cloud *openstack.Cloud, name string) {
	t := c.t
	token := "Bearer " + c.s.Keys().APIToken
	first := c.call(http.MethodDelete, "/deploy-site/sites/"+name, "", "", "Authorization", token)
	var confirm struct{ Confirm string }
	first.decode(t, &confirm)
	second := c.call(http.MethodDelete, "/deploy-site/sites/"+name+"?confirm="+confirm.Confirm, "", "", "Authorization", token)
	if first.code != http.StatusConflict || second.code != http.StatusAccepted {
		t.Fatalf("delete: %d %s, then %d %s", first.code, first.body, second.code, second.body)
	}
	until(t, "the site is gone and its volumes are free", 5*time.Minute, func() (string, bool) {
		left, err := cloud.Volumes(t.Context(), map[string]string{"stackhook-site": name})
		if err != nil {
			t.Fatal(err)
		}
		states := make([]string, len(left))
		for i, v := range left {
			states[i] = v.Status
		}
		_, err = cloud.FindStack(t.Context(), name)
		gone := openstack.CodeOf(err) == openstack.Gone
		return strings.Join(states, " "), gone && strings.Join(states, " ") == strings.Repeat("available ", 5)+"available"
	})
}

// removeSite takes away what a story left, volumes too.
func removeSite(t *testing.T, cloud *openstack.Cloud, name string) {
	t.Helper()
	removeStack(t, cloud, name)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	left, err := cloud.Volumes(ctx, map[string]string{"stackhook-site": name})
	if err != nil {
		t.Errorf("look for volumes: %v", err)
	}
	raw := newGnocchi(t)
	for _, v := range left {
		raw.send(http.MethodDelete, raw.volumes+"/volumes/"+v.ID, nil, nil)
	}
}

func balancerOf(t *testing.T, cloud *openstack.Cloud, name string) openstack.LoadBalancer {
	t.Helper()
	found, err := cloud.FindStack(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cloud.Stack(t.Context(), found.StackRef)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := stack.Outputs["loadbalancer_id"].(string)
	balancer, err := cloud.LoadBalancer(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return balancer
}

// removeStack deletes the stack and waits until it is gone.
func removeStack(t *testing.T, cloud *openstack.Cloud, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 6*time.Minute) // Neutron was seen to stand still for more than three
	defer cancel()
	stack, err := cloud.FindStack(ctx, name)
	if openstack.CodeOf(err) == openstack.Gone {
		return
	}
	if err == nil {
		err = cloud.DeleteStack(ctx, stack.StackRef)
	}
	for err == nil && ctx.Err() == nil {
		time.Sleep(time.Second)
		stack, err = cloud.StackParameters(ctx, stack.StackRef)
	}
	if openstack.CodeOf(err) != openstack.Gone {
		t.Errorf("remove stack %s, now %s: %v", name, stack.State(), err)
	}
}

// removeAll deletes every stack that the log names and waits until none of them is there.
func removeAll(t *testing.T, cloud *openstack.Cloud, log lines) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
	defer cancel()
	names := stacksOf(log)
	for left := 1; left > 0 && ctx.Err() == nil; time.Sleep(2 * time.Second) {
		left = 0
		for s, err := range cloud.Stacks(ctx, "stackhook") {
			if err != nil {
				t.Errorf("remove stacks: %v", err)
				return
			}
			if !slices.Contains(names, s.Name) {
				continue
			}
			left++
			if s.Action == "DELETE" && s.Status != "FAILED" {
				continue
			}
			if err := cloud.DeleteStack(ctx, s.StackRef); err != nil && openstack.CodeOf(err) != openstack.Gone {
				t.Logf("remove stack %s: %v; once more", s.Name, err)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("remove stacks: %v", err)
	}
}

// stacksOf are the names of all stacks that the log is about, each once.
func stacksOf(log lines) []string {
	var names []string
	for line := range strings.Lines(log.String()) {
		if name, _ := decodeLine(line)["stack"].(string); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// decodeLine reads a JSON line of the log.
func decodeLine(line string) map[string]any {
	var v map[string]any
	if json.Unmarshal([]byte(line), &v) != nil {
		return nil
	}
	return v
}
