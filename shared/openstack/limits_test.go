package openstack_test

import (
	"math"
	"net/http"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRoomOfACloudThatTellsLittle reads a cloud without volumes in its catalog, with a Neutron that has no quota details
// and a Nova that bounds servers alone: what is not told has no bound.
func TestRoomOfACloudThatTellsLittle(t *testing.T) {
	t.Parallel()
	p := newPeer(t) // its catalog has no volumes
	p.handle("GET /nova/v2.1/limits", answers(http.StatusOK, `{"limits": {"absolute": {"maxTotalInstances": 5, "totalInstancesUsed": 7, "maxTotalCores": -1, "totalCoresUsed": 9}}}`))
	p.handle("GET /nova/v2.1/os-keypairs", answers(http.StatusOK, `{"keypairs": []}`))
	p.handle("GET /neutron/v2.0/quotas/p1/details.json", answers(http.StatusNotFound, `{}`))
	cloud := p.cloud(t)
	_, _ = cloud.Project(t.Context()) // the login is counted elsewhere
	ctx := counting(t)
	room, err := cloud.Room(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const none = math.MaxInt
	want := openstack.Room{
		Servers: 0, Cores: none, RAM: none, KeyPairs: none, Ports: none, Networks: none, Subnets: none, Routers: none, FloatingIPs: none,
		SecurityGroups: none, Volumes: none, Gigabytes: none,
	}
	if room != want {
		t.Errorf("room is %+v, want %+v", room, want)
	}
	got := logging.Calls(ctx)
	slices.Sort(got)
	if asked := []string{"neutron GET /quotas/{}/details.json", "nova GET /limits", "nova GET /os-keypairs"}; !slices.Equal(got, asked) {
		t.Errorf("asked %v, want %v", got, asked)
	}
}

// TestRoomWithoutAnAnswer says which service failed, and tells no room at all.
func TestRoomWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /nova/v2.1/limits", answers(http.StatusOK, `{"limits": {"absolute": {"maxTotalInstances": 5, "totalInstancesUsed": 0}}}`))
	p.handle("GET /nova/v2.1/os-keypairs", answers(http.StatusOK, `{"keypairs": []}`))
	p.handle("GET /neutron/v2.0/quotas/p1/details.json", answers(http.StatusInternalServerError, `{}`))
	room, err := p.cloud(t).Room(t.Context())
	wantCode(t, err, openstack.Unavailable)
	if room != (openstack.Room{}) {
		t.Errorf("room is %+v", room)
	}
}
