package openstacktest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestClusterGrowsAndLosesTheVictim(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	s := wantState(t, cloud, ref, "CREATE_COMPLETE")
	if ips, _ := s.Outputs["ips"].([]any); len(ips) != 2 || len(fake.Servers()) != 2 || len(fake.Members()) != 2 {
		t.Fatalf("outputs %v, servers %v, members %v", s.Outputs, fake.Servers(), fake.Members())
	}
	first := fake.Servers()[0]
	if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: map[string]any{"app_count": 2, "removal": []string{"0"}}}); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	s = wantState(t, cloud, ref, "UPDATE_COMPLETE")
	servers, _ := s.Outputs["servers"].(map[string]any)
	if len(servers) != 2 || servers["1"] == nil || servers["2"] == nil {
		t.Errorf("servers are %v, want 1 and 2", servers)
	}
	for _, server := range fake.Servers() {
		if server.ID == first.ID || server.StackID != ref.ID {
			t.Errorf("server %+v is there", server)
		}
	}
	for _, m := range fake.Members() {
		if m.OperatingStatus != "ONLINE" || m.ProvisioningStatus != "ACTIVE" {
			t.Errorf("member is %+v", m)
		}
	}
	if err := cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	if len(fake.Servers())+len(fake.Members())+len(fake.Stacks()) != 0 {
		t.Errorf("left over: %v %v %v", fake.Servers(), fake.Members(), fake.Stacks())
	}
}

// A patch while nodes are being built keeps what is being built (live.md 2c: 7 of 7).
func TestPatchDuringBuildKeepsServers(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	patch := func(count int) {
		t.Helper()
		if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: map[string]any{"app_count": count}}); err != nil {
			t.Fatal(err)
		}
	}
	patch(4)
	fake.Advance(1500 * time.Millisecond)
	before := fake.Servers()
	if len(before) != 4 || before[3].Status != "BUILD" {
		t.Fatalf("servers are %v, want two in BUILD", before)
	}
	patch(5)
	fake.Settle()
	wantState(t, cloud, ref, "UPDATE_COMPLETE")
	after := fake.Servers()
	if len(after) != 5 || !slices.EqualFunc(before, after[:4], func(a, b openstacktest.Server) bool { return a.ID == b.ID }) {
		t.Errorf("servers were %v, are %v", before, after)
	}
	events, err := cloud.Events(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(events, func(e openstack.Event) bool { return e.Resource == "nodes" && e.Status == "FAILED" }) {
		t.Error("no event says that the group's update was cancelled")
	}
}

func TestGuestsSignal(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, openstack.NewStack{Name: "lab-1", Template: lab})
	fake.Settle()
	s := wantState(t, cloud, ref, "CREATE_COMPLETE")
	if ip, _ := s.Outputs["public_ip"].(string); !strings.HasPrefix(ip, "203.0.113.") {
		t.Errorf("outputs are %v", s.Outputs)
	}
	fake, cloud = start(t, openstacktest.SilentGuests())
	ref = create(t, cloud, openstack.NewStack{Name: "lab-1", Template: lab})
	fake.Advance(time.Minute)
	wantState(t, cloud, ref, "CREATE_IN_PROGRESS")
	if !fake.Signal("lab-1", "ready", map[string]any{"status": "SUCCESS"}) {
		t.Error("no handle")
	}
	wantState(t, cloud, ref, "CREATE_COMPLETE")
	ref = create(t, cloud, openstack.NewStack{Name: "lab-2", Template: lab})
	fake.Settle()
	s = wantState(t, cloud, ref, "CREATE_FAILED")
	if !strings.Contains(s.Reason, "WaitConditionTimeout: resources.booted: 0 of 1 received") {
		t.Errorf("reason is %q", s.Reason)
	}
}

// Two hundred launches of fifty labs at once: fifty stacks, and the race detector has nothing to say.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	refs, made := map[string]openstack.StackRef{}, 0
	for i := range 200 {
		all.Go(func() {
			name := fmt.Sprintf("lab-%d", i%50)
			ref, created, err := cloud.EnsureStack(t.Context(), openstack.NewStack{Name: name, Template: lab})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if created {
				made++
			}
			if old, ok := refs[name]; ok && old != ref {
				t.Errorf("%s is %v and %v", name, old, ref)
			}
			refs[name] = ref
		})
	}
	all.Go(func() {
		for range 20 {
			fake.Advance(300 * time.Millisecond)
			fake.Stacks()
			fake.Calls()
		}
	})
	all.Wait()
	fake.Settle()
	if made != 50 || len(fake.Stacks()) != 50 {
		t.Errorf("%d created, %d there, want 50", made, len(fake.Stacks()))
	}
	for _, s := range fake.Stacks() {
		if s.State != "CREATE_COMPLETE" {
			t.Errorf("%s is %s: %s", s.Name, s.State, s.Reason)
		}
	}
}

func TestWallClock(t *testing.T) {
	t.Parallel()
	fake, err := openstacktest.New(openstacktest.Options{Wall: true, GuestBoot: time.Millisecond, Build: func(string) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	cloud := client(t, fake.Env())
	ref := create(t, cloud, openstack.NewStack{Name: "lab-1", Template: lab})
	wantState(t, cloud, ref, "CREATE_IN_PROGRESS")
	deadline := time.Now().Add(20 * time.Second)
	for {
		s, err := cloud.Stack(t.Context(), ref)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", s, err)
		}
		if s.State() == "CREATE_COMPLETE" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestIdsAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	var ids []string
	for range 2 {
		fake, cloud := start(t)
		ref := create(t, cloud, clusterStack())
		fake.Settle()
		ids = append(ids, ref.ID+fake.Servers()[1].ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("ids are %v", ids)
	}
}

func TestCancelUpdate(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	wantCode(t, cloud.Act(t.Context(), ref, openstack.CancelUpdate), openstack.Refused)
	if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: map[string]any{"app_count": 3}}); err != nil {
		t.Fatal(err)
	}
	fake.Advance(time.Second)
	if err := cloud.Act(t.Context(), ref, openstack.CancelUpdate); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	wantState(t, cloud, ref, "UPDATE_FAILED")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t, openstacktest.SilentGuests())
	ref := create(t, cloud, openstack.NewStack{Name: "lab-1", Template: lab, Timeout: time.Minute})
	fake.Advance(2 * time.Minute)
	s := wantState(t, cloud, ref, "CREATE_FAILED")
	if s.Reason != "Create timed out" {
		t.Errorf("reason is %q", s.Reason)
	}
}

func TestConvergeRebuildsWhatIsGone(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	lost := fake.Servers()[0].ID
	fake.DeleteServer(lost)
	if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{Converge: true}); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	wantState(t, cloud, ref, "UPDATE_COMPLETE")
	if servers := fake.Servers(); len(servers) != 2 || servers[0].ID == lost {
		t.Errorf("servers are %v", servers)
	}
}

func TestBodySize(t *testing.T) {
	t.Parallel()
	fake, _ := start(t)
	status, _ := call(t, fake, http.MethodPost, "/heat/v1/"+fake.ProjectID()+"/stacks", fake.Token(), strings.Repeat(" ", 1<<20+1))
	if status != http.StatusBadRequest {
		t.Errorf("a body over 1 MiB: %d, want 400", status)
	}
}
