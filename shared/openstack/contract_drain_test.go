package openstack_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// drainRows are what the two phases of a drain rely on.
func drainRows() []row {
	return []row{
		{"a pool tells how it keeps clients at their members, and whose it is", poolSettings},
		{"a load balancer's status is PENDING while a member is changed, and ACTIVE again", balancerStatus},
		{"a member out of service as a whole: kept by an update, and back with weight and marks", memberDown},
	}
}

// sticky is the balanced template with session persistence.
func sticky(kind string) string {
	return strings.Replace(balanced, "lb_algorithm: ROUND_ROBIN", "lb_algorithm: ROUND_ROBIN, session_persistence: {type: "+kind+"}", 1)
}

// parts are the ids of a balanced stack's load balancer and pool.
func (h *harness) parts(t *testing.T, template string) (ref openstack.StackRef, lb, pool string) {
	t.Helper()
	ref = h.built(t, openstack.NewStack{Template: template})
	out := h.read(t, ref).Outputs
	lb, _ = out["lb"].(string)
	pool, _ = out["pool"].(string)
	return ref, lb, pool
}

func poolSettings(h *harness) {
	t := h.t
	for _, row := range []struct{ template, want string }{{balanced, ""}, {sticky("SOURCE_IP"), "SOURCE_IP"}, {sticky("HTTP_COOKIE"), "HTTP_COOKIE"}} {
		_, lb, pool := h.parts(t, row.template)
		got, err := h.cloud.Pool(t.Context(), pool)
		if err != nil || got.ID != pool || got.LoadBalancer != lb || got.Persistence != row.want || got.ProvisioningStatus == "" {
			t.Errorf("pool is %+v, %v; want %q of load balancer %s", got, err, row.want, lb)
		}
	}
	_, err := h.cloud.Pool(t.Context(), "00000000-0000-4000-8000-000000000000")
	wantCode(t, err, openstack.Gone)
}

// active waits until the load balancer takes changes.
func (h *harness) active(t *testing.T, lb string) {
	t.Helper()
	h.eventually(t, func() bool {
		status, err := h.cloud.LoadBalancerStatus(t.Context(), lb)
		if err != nil {
			t.Fatal(err)
		}
		return status == "ACTIVE"
	}, "the load balancer is not ACTIVE again")
}

func balancerStatus(h *harness) {
	t := h.t
	_, lb, pool := h.parts(t, balanced)
	h.active(t, lb)
	members, err := h.cloud.Members(t.Context(), pool)
	if err != nil || len(members) != 1 {
		t.Fatalf("members: %+v, %v", members, err)
	}
	weight := 1
	// A real Octavia may be done before the next request comes in.
	h.eventually(t, func() bool {
		h.active(t, lb)
		weight++
		if err := h.cloud.ChangeMember(t.Context(), pool, members[0].ID, openstack.MemberChange{Weight: &weight}); err != nil {
			wantCode(t, err, openstack.Busy)
		}
		status, err := h.cloud.LoadBalancerStatus(t.Context(), lb)
		return err == nil && status == "PENDING_UPDATE"
	}, "no change was ever seen under way")
	h.active(t, lb)
	_, err = h.cloud.LoadBalancerStatus(t.Context(), "00000000-0000-4000-8000-000000000000")
	wantCode(t, err, openstack.Gone)
}

func memberDown(h *harness) {
	t := h.t
	ref, lb, pool := h.parts(t, sticky("SOURCE_IP"))
	h.active(t, lb)
	member := func() openstack.Member {
		t.Helper()
		members, err := h.cloud.Members(t.Context(), pool)
		if err != nil || len(members) != 1 {
			t.Fatalf("members: %+v, %v", members, err)
		}
		slices.Sort(members[0].Tags) // Octavia keeps them as a set
		return members[0]
	}
	id := member().ID
	change := func(weight int, up bool, tags ...string) {
		t.Helper()
		h.active(t, lb)
		err := h.cloud.ChangeMember(t.Context(), pool, id, openstack.MemberChange{Weight: &weight, AdminUp: &up, Tags: &tags})
		if err != nil {
			t.Fatalf("change: %v", err)
		}
		h.active(t, lb)
	}
	marks := []string{"drain-sticky", "drain=0123456789ab/1767604000/2", "seen=0123456789ab/1767604000"}
	for range 2 { // the same again changes nothing
		change(0, false, marks...)
		if m := member(); m.AdminUp || m.Weight != 0 || !slices.Equal(m.Tags, marks) {
			t.Errorf("down: %+v", m)
		}
	}
	h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")})
	if m := member(); m.AdminUp || m.Weight != 0 || !slices.Equal(m.Tags, marks) {
		t.Errorf("after an update of the stack: %+v", m)
	}
	change(7, true, "seen=0123456789ab/1767604000")
	if m := member(); !m.AdminUp || m.Weight != 7 || len(m.Tags) != 1 {
		t.Errorf("back: %+v", m)
	}
}
