//go:build integration

package heattemplates_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// realSite is a site on a real cloud, whose machines a player stands in for.
type realSite struct {
	*realStack
	blocks *cinder
	mu     sync.Mutex
	says   map[string]openstack.Signal // what a node says instead of SUCCESS, by its name in the stack
}

func makeSite(t *testing.T, parameters map[string]any) *realSite {
	t.Helper()
	s := &realSite{blocks: newCinder(t), says: map[string]openstack.Signal{}}
	s.realStack = makeStack(t, siteTemplate(t), parameters)
	ctx, stop := context.WithCancel(context.Background())
	played := make(chan struct{})
	go func() {
		defer close(played)
		for ctx.Err() == nil {
			s.play()
			sleep(ctx, 2*time.Second)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-played
		s.clean()
	})
	return s
}

// clean removes what a failed test left, and the volumes of any.
func (s *realSite) clean() {
	ctx := context.WithoutCancel(s.t.Context())
	for end := time.Now().Add(2 * time.Minute); s.t.Failed() && time.Now().Before(end); sleep(ctx, 2*time.Second) {
		if err := s.cloud.DeleteStack(ctx, s.ref); openstack.CodeOf(err) == openstack.Gone {
			break
		}
	}
	s.blocks.removeOf(s.t, s.ref.Name)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// play signals each handle that Heat waits for. What does not succeed is done the next time.
func (s *realSite) play() {
	for _, w := range s.blocks.waits(s.t, s.ref) {
		if w.status != "IN_PROGRESS" {
			continue
		}
		s.mu.Lock()
		said, ok := s.says[w.node]
		s.mu.Unlock()
		if !ok {
			said = openstack.Signal{ID: "ready", Status: "SUCCESS", Reason: w.node + " is ready"}
		}
		if said.ID != "" {
			s.blocks.call(s.t, http.MethodPost, w.handle+"/signal", said, nil)
		}
	}
}

func (s *realSite) saying(node string, signal openstack.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.says[node] = signal
}

func (s *realSite) quiet(node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.says, node)
}

// change updates the site and waits for the end of it.
func (s *realSite) change(parameters map[string]any) openstack.Stack {
	s.t.Helper()
	start := time.Now()
	if err := s.cloud.PatchStack(s.t.Context(), s.ref, openstack.StackChange{Parameters: parameters}); err != nil {
		s.t.Fatal(err)
	}
	out := s.settled("UPDATE_COMPLETE")
	s.t.Logf("%v took %s", slices.Sorted(maps.Keys(parameters)), time.Since(start).Round(time.Second))
	return out
}

// byName maps the site's servers to their ids, by the name of the node's resource.
func (s *realSite) byName() map[string]string {
	s.t.Helper()
	list, err := s.cloud.Resources(s.t.Context(), s.ref, 5)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range list {
		if r.Type == "OS::Nova::Server" {
			out[r.Parent] = r.PhysicalID
		}
	}
	return out
}

// volumesOf reads the output, and has Cinder delete the volumes at the end of the test.
func (s *realSite) volumesOf(outputs map[string]any) map[string]any {
	s.t.Helper()
	volumes, _ := outputs["volumes"].(map[string]any)
	if got := slices.Sorted(maps.Keys(volumes)); !slices.Equal(got, volumeNames) {
		s.t.Fatalf("volumes are %v", got)
	}
	return volumes
}

// TestRealRow7106Row7004Site is a site's life on a real Heat: a backend node that fails and says why, is taken away and made again alone,
// the end of the site, six tagged volumes that are left, and another site, in a network that was there before, made of them.
func TestRealRow7106Row7004Site(t *testing.T) {
	t.Parallel()
	s := makeSite(t, siteParameters(map[string]any{"external_network": "public", "app_count": 0}))
	s.saying("node_2", openstack.Signal{}) // says nothing until the others are ready
	s.until("two backend nodes are ready", func(openstack.Stack) bool {
		return len(s.waitingFor("COMPLETE")) == 2 && slices.Contains(s.waitingFor("IN_PROGRESS"), "node_2")
	})
	s.saying("node_2", openstack.Signal{ID: "ready", Status: "FAILURE", Reason: "galera.sh:31: mount /srv/mysql exit 32"})
	failed := s.ends()
	// On its way up Heat writes ": " for each colon (exception.ResourceFailure).
	if failed.State() != "CREATE_FAILED" || !strings.Contains(failed.Reason, "galera.sh: 31: mount /srv/mysql exit 32") || !strings.Contains(failed.Reason, "node_2") {
		t.Fatalf("%s: %s", failed.State(), failed.Reason)
	}
	before := s.byName()

	s.change(map[string]any{"backend_absent": "2"})
	away := s.byName()
	if got := changed(before, away); !slices.Equal(got, []string{"node_2"}) {
		t.Errorf("%v changed", got)
	}
	s.quiet("node_2")
	up := s.change(map[string]any{"backend_absent": ""})
	if got := changed(away, s.byName()); !slices.Equal(got, []string{"node_2"}) {
		t.Errorf("%v changed", got)
	}
	if !reflect.DeepEqual(up.Outputs["backend_addresses"], failed.Outputs["backend_addresses"]) && failed.Outputs["backend_addresses"] != nil {
		t.Errorf("addresses were %v, are %v", failed.Outputs["backend_addresses"], up.Outputs["backend_addresses"])
	}
	volumes := s.volumesOf(up.Outputs)
	for name, id := range volumes {
		s.blocks.want(t, id, s.ref.Name, name, "in-use")
	}
	s.bookkeeping()

	s.removed(slices.Collect(maps.Values(s.byName())), up.Outputs["address"])
	for name, id := range volumes {
		s.blocks.want(t, id, s.ref.Name, name, "available")
	}
	readopted(t, volumes)
}

// bookkeeping: what changes settings alone makes no machine anew, and marks on the bootstrap reach it in place.
func (s *realSite) bookkeeping() {
	s.t.Helper()
	before := s.byName()
	s.change(map[string]any{"release": "verawood", "bootstrap": "1:token", "site_state": "{}"})
	if got := changed(before, s.byName()); len(got) != 0 {
		s.t.Errorf("%v were made anew", got)
	}
}

// readopted makes a site of the volumes in a network that is there already, without an application node.
func readopted(t *testing.T, volumes map[string]any) {
	t.Helper()
	net := makeStack(t, heattemplates.Template{Text: around}, nil)
	given := net.settled("CREATE_COMPLETE")
	t.Cleanup(func() { _ = net.cloud.DeleteStack(context.WithoutCancel(t.Context()), net.ref) })
	s := makeSite(t, siteParameters(map[string]any{
		"volumes": volumes, "app_count": 0, "network": given.Outputs["network"], "subnet": given.Outputs["subnet"], "external_network": "", "admin_cidr": "10.9.0.0/16",
	}))
	up := s.settled("CREATE_COMPLETE")
	if !reflect.DeepEqual(up.Outputs["volumes"], any(volumes)) || up.Outputs["network_id"] != given.Outputs["network"] {
		t.Errorf("volumes are %v, network is %v", up.Outputs["volumes"], up.Outputs["network_id"])
	}
	for _, id := range volumes {
		if got := s.blocks.volume(t, fmt.Sprint(id)); got.Status != "in-use" {
			t.Errorf("volume %v is %s", id, got.Status)
		}
	}
	s.removed(slices.Collect(maps.Values(s.byName())), nil)
	for _, id := range volumes {
		if got := s.blocks.volume(t, fmt.Sprint(id)); got.Status != "available" {
			t.Errorf("volume %v is %s", id, got.Status)
		}
	}
}

// waitingFor are the nodes whose wait conditions have this status.
func (s *realSite) waitingFor(status string) []string {
	var out []string
	for _, w := range s.blocks.waits(s.t, s.ref) {
		if w.action != "INIT" && w.status == status {
			out = append(out, w.node)
		}
	}
	return out
}

// ends waits until Heat is done, one way or the other.
func (s *realSite) ends() openstack.Stack {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		if got, err := s.cloud.Stack(s.t.Context(), s.ref); err == nil && !got.Busy() {
			return got
		}
	}
	s.t.Fatal("never ends")
	return openstack.Stack{}
}

// TestRealRow7007Scales: 1 to 12 to 2 application nodes, all in the pool, and no other machine touched.
func TestRealRow7007Scales(t *testing.T) {
	t.Parallel()
	s := makeSite(t, siteParameters(map[string]any{"app_max": 12}))
	up := s.settled("CREATE_COMPLETE")
	first := s.byName()
	pool := fmt.Sprint(up.Outputs["pool_id"])
	for _, step := range []struct {
		count   int
		removal []string
	}{{12, []string{}}, {2, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}} {
		now := s.change(map[string]any{"app_count": step.count, "app_removal": step.removal, "scale_state": rand.Text()})
		nodes, _ := now.Outputs["nodes"].(map[string]any)
		members, err := s.cloud.Members(t.Context(), pool)
		if err != nil || len(members) != step.count || len(nodes) != step.count {
			t.Errorf("%d nodes, %d members, want %d: %v", len(nodes), len(members), step.count, err)
		}
	}
	last := s.byName()
	if _, ok := last["11"]; !ok || len(last) != 5 {
		t.Errorf("left are %v", last)
	}
	for _, node := range []string{"node_0", "node_1", "node_2"} {
		if first[node] != last[node] {
			t.Errorf("%s was made anew", node)
		}
	}
	s.removed(slices.Collect(maps.Values(last)), nil)
}
