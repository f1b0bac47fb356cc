package deploysite_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Row 7.1.1: everything that can be known is known before anything is made.
func TestRow7101EverythingIsCheckedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	tight := func(change func(*openstacktest.Quota)) func(*house) {
		return func(h *house) {
			q := openstacktest.NoQuota()
			change(&q)
			h.cloud.SetQuota(q)
		}
	}
	for name, row := range map[string]struct {
		spec    string
		prepare func(*house)
		faults  []string
	}{
		"image":            {spec("app", `{"image": "windows"}`), nil, []string{"app.image"}},
		"both images":      {spec("app", `{"image": "windows"}`, "backend", `{"image": "windows"}`), nil, []string{"app.image", "backend.image"}},
		"flavors":          {spec("app", `{"flavor": "huge"}`, "backend", `{"flavor": "huger"}`), nil, []string{"app.flavor", "backend.flavor"}},
		"key pair":         {spec("key_name", `"nobodys"`), nil, []string{"key_name"}},
		"external network": {spec("network", `{"external": "nowhere"}`), nil, []string{"network.external"}},
		"internal network": {spec("network", `{"external": "private"}`), nil, []string{"network.external"}},
		"given network":    {spec("network", `{"id": "nowhere", "subnet": "private"}`), nil, []string{"network.id"}},
		"given subnet":     {spec("network", `{"id": "private", "subnet": "nowhere"}`), nil, []string{"network.subnet"}},
		"subnet of other":  {spec("network", `{"id": "private", "subnet": "public"}`), nil, []string{"network.subnet"}},
		"volume type":      {spec("backend", `{"volume_type": "gold"}`), nil, []string{"backend.volume_type"}},
		"servers":          {spec(), tight(func(q *openstacktest.Quota) { q.Servers = 4 }), []string{"app.nodes"}},
		"cores":            {spec(), tight(func(q *openstacktest.Quota) { q.Cores = 13 }), []string{"app.flavor"}},
		"memory":           {spec(), tight(func(q *openstacktest.Quota) { q.RAM = 28000 }), []string{"app.flavor"}},
		"volumes":          {spec(), tight(func(q *openstacktest.Quota) { q.Volumes = 5 }), []string{"backend"}},
		"gigabytes":        {spec(), tight(func(q *openstacktest.Quota) { q.Gigabytes = 119 }), []string{"backend"}},
		"floating IPs":     {spec(), tight(func(q *openstacktest.Quota) { q.FloatingIPs = 0 }), []string{"network.external"}},
		"load balancers":   {spec(), func(h *house) { h.cloud.SetBalancerQuota(0) }, []string{"load_balancer"}},
		"two at once": {
			spec("app", `{"image": "windows"}`), tight(func(q *openstacktest.Quota) { q.Volumes = 5 }), []string{"app.image", "backend"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			if row.prepare != nil {
				row.prepare(h)
			}
			for range 2 {
				r := h.put(academy, row.spec)
				r.want(t, http.StatusUnprocessableEntity, "invalid")
				if got := r.faults(); !slices.Equal(got, row.faults) {
					t.Errorf("faults of %v, want %v: %s", got, row.faults, r.text)
				}
				p := h.post(academy+"/preview", row.spec)
				if got := p.faults(); !slices.Equal(got, row.faults) {
					t.Errorf("preview: faults of %v, want %v", got, row.faults)
				}
			}
			if got := h.wrote(); len(got) > 0 {
				t.Errorf("wrote %v", got)
			}
		})
	}
}

// Row 7.1.2 and 7.1.17: what a PUT would do, how much it disturbs, and what the site takes.
func TestRow7102PreviewAndRow7117Sizes(t *testing.T) {
	t.Parallel()
	h := start(t)
	r := h.post(academy+"/preview", spec())
	r.want(t, http.StatusOK, "created")
	var out struct {
		Action, Verdict string
		Sizes           struct{ Min, Now, Max map[string]int }
		Resources       map[string]int
		Calls           int
	}
	if err := json.Unmarshal([]byte(r.text), &out); err != nil {
		t.Fatal(err)
	}
	// m1.small has 1 CPU, 2048 MB and 20 GB; m1.large 4, 8192 and 80.
	want := map[string]int{
		"app_nodes": 2, "servers": 5, "vcpus": 14, "ram_mb": 28672, "disk_gb": 280, "volumes": 6, "volumes_gb": 120, "ports": 8, "floating_ips": 1, "load_balancers": 1,
	}
	if out.Action != "create" || !maps.Equal(out.Sizes.Now, want) || out.Sizes.Min["vcpus"] != 13 || out.Sizes.Max["vcpus"] != 17 {
		t.Errorf("%s", r.text)
	}
	if out.Resources["OS::Octavia::LoadBalancer"] != 1 || out.Calls != len(h.cloud.Calls()) {
		t.Errorf("%d calls, %v after %v", out.Calls, out.Resources, h.cloud.CallNames())
	}
	if got := h.wrote(); len(got) > 0 || len(h.cloud.Stacks()) > 0 {
		t.Errorf("wrote %v", got)
	}
	h.ready(academy, spec())
	h.cloud.AddImage("debian-13")
	for name, row := range map[string]struct{ spec, verdict, code string }{
		"the same":         {spec(), "unchanged", "unchanged"},
		"bounds":           {spec("app", `{"nodes": 2, "min": 1, "max": 9}`), "safe", "changed"},
		"a setting":        {spec("platform_name", `"L'école"`), "restarts apps", "changed"},
		"an image":         {spec("app", `{"nodes": 2, "min": 1, "max": 5, "image": "debian-13"}`), "restarts apps", "changed"},
		"a backend image":  {spec("backend", `{"image": "debian-13"}`), "replaces backend", "replaces_backend"},
		"a backend flavor": {spec("backend", `{"flavor": "m1.small"}`), "replaces backend", "replaces_backend"},
		"another volume":   {spec("backend", `{"mysql_gb": 50}`), "restarts apps", "immutable"},
	} {
		r := h.post(academy+"/preview", row.spec)
		if r.status != http.StatusOK || r.str("verdict") != row.verdict || r.str("code") != row.code {
			t.Errorf("%s: %s", name, r.text)
		}
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
}

// Row 7.1.3: the same request from everywhere at once is one site.
func TestRow7103IdempotentInParallel(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	var wg sync.WaitGroup
	replies := make([]reply, 8)
	for i := range replies {
		wg.Go(func() { replies[i] = h.put(academy, three()) })
	}
	wg.Wait()
	changed := 0
	for _, r := range replies {
		switch r.str("code") {
		case "changed":
			changed++
		case "unchanged", "busy", "superseded":
		default:
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	h.cloud.Settle()
	if s, _ := h.cloud.Stack(academy); changed < 1 || s.Parameters["app_count"] != "3" || len(h.cloud.Members()) != 3 {
		t.Errorf("%d changed; %s nodes, %d members, %s", changed, s.Parameters["app_count"], len(h.cloud.Members()), s.State)
	}
}

// Row 7.1.5 and "data on volumes that outlive the stack": deletion takes two requests, and the volumes stay.
func TestRow7105DeleteGuardAndRow7002VolumesStay(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.ready("other", spec("network", `{"external": ""}`))
	before := h.volumesOf(academy)
	del := func(query string) reply { return h.send(http.MethodDelete, "/sites/academy"+query, "") }
	r := del("")
	if r.status != http.StatusConflict || r.str("code") != "confirm" || r.str("confirm") == "" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	for id := range before {
		if !strings.Contains(r.text, id) {
			t.Errorf("volume %s is not named: %s", id, r.text)
		}
	}
	confirm := "?confirm=" + r.str("confirm")
	// Neither an old one, nor one of another site, nor one that is not ours.
	h.send(http.MethodDelete, "/sites/other"+confirm, "").want(t, http.StatusConflict, "confirm")
	del("?confirm=x").want(t, http.StatusConflict, "confirm")
	extra := h.cloud.MakeVolume("late", 1, map[string]string{"stackhook-site": academy})
	del(confirm).want(t, http.StatusConflict, "confirm")
	h.cloud.SetVolumeStatus(extra, "available")
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	r = del("")
	confirm = "?confirm=" + r.str("confirm")
	h.cloud.Advance(11 * time.Minute)
	del(confirm).want(t, http.StatusConflict, "confirm")
	confirm = "?confirm=" + del("").str("confirm")
	del(confirm).want(t, http.StatusAccepted, "deleting")
	del(confirm).want(t, http.StatusAccepted, "deleting")
	h.put(academy, spec()).want(t, http.StatusConflict, "busy")
	h.cloud.Settle()
	del(confirm).want(t, http.StatusOK, "deleted")
	del("").want(t, http.StatusNotFound, "no_such_site")
	after := h.volumesOf(academy)
	delete(after, extra)
	if len(after) != 6 || !slices.Equal(slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before))) {
		t.Errorf("volumes %v, then %v", before, after)
	}
	for id, status := range after {
		if status != "available" {
			t.Errorf("volume %s is %s", id, status)
		}
	}
	if s, ok := h.cloud.Stack("other"); !ok || s.State != "CREATE_COMPLETE" {
		t.Errorf("the other site: %+v", s)
	}
}

// What was confirmed is one stack: not a site of the same name that was made since of the same volumes.
func TestConfirmationIsForOneStack(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	confirm := h.gone()
	h.ready(academy, spec("backend", `{"volumes": "retained"}`))
	h.send(http.MethodDelete, "/sites/academy?confirm="+confirm, "").want(t, http.StatusConflict, "confirm")
	if s, ok := h.cloud.Stack(academy); !ok || s.State != "CREATE_COMPLETE" {
		t.Errorf("%+v", s)
	}
}

// Row 7.1.6: a new site takes over the volumes of one that was deleted.
func TestRow7106ReAdopt(t *testing.T) {
	t.Parallel()
	h := start(t)
	retained := spec("backend", `{"volumes": "retained"}`)
	if r := h.put(academy, retained); !slices.Equal(r.faults(), []string{"backend.volumes"}) {
		t.Errorf("nothing to take over: %s", r.text)
	}
	h.ready(academy, spec())
	before := h.volumesOf(academy)
	h.gone()
	// Without a word about them it is not clear what is meant.
	if r := h.put(academy, spec()); !slices.Equal(r.faults(), []string{"backend.volumes"}) || !strings.Contains(r.text, slices.Sorted(maps.Keys(before))[0]) {
		t.Errorf("%s", r.text)
	}
	one := slices.Sorted(maps.Keys(before))[0]
	h.cloud.SetVolumeStatus(one, "in-use")
	if r := h.put(academy, retained); !slices.Equal(r.faults(), []string{"backend.volumes"}) || !strings.Contains(r.text, one) {
		t.Errorf("one in use: %s", r.text)
	}
	h.cloud.SetVolumeStatus(one, "available")
	double := h.cloud.MakeVolume("double", 20, map[string]string{"stackhook-site": academy, "role": "mysql", "index": "1"})
	if r := h.put(academy, retained); !slices.Equal(r.faults(), []string{"backend.volumes"}) || !strings.Contains(r.text, double) {
		t.Errorf("two for one place: %s", r.text)
	}
	ids := h.byPlace(academy, double)
	text, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	named := spec("backend", `{"volumes": `+string(text)+`}`)
	r := h.send(http.MethodPut, "/sites/elsewhere", named)
	if len(r.faults()) != 6 {
		t.Errorf("volumes of another site: %s", r.text)
	}
	if got := h.wrote(); slices.Contains(got, create) && len(h.cloud.Stacks()) > 0 {
		t.Errorf("wrote %v", got)
	}
	h.ready(academy, named)
	h.put(academy, named).want(t, http.StatusOK, "unchanged")
	h.put(academy, retained).want(t, http.StatusOK, "unchanged")
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
	after := h.volumesOf(academy)
	delete(after, double)
	if len(after) != 6 || !slices.Equal(slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before))) {
		t.Errorf("volumes %v, then %v", before, after)
	}
	for id, status := range after {
		if status != "in-use" {
			t.Errorf("volume %s is %s", id, status)
		}
	}
	ids["mysql-0"], ids["mysql-1"] = ids["mysql-1"], ids["mysql-0"]
	text, _ = json.Marshal(ids)
	r = h.put(academy, spec("backend", `{"volumes": `+string(text)+`}`))
	r.want(t, http.StatusConflict, "immutable")
	// And once more, by metadata alone.
	h.gone()
	h.cloud.SetVolumeStatus(double, "in-use")
	if r := h.put(academy, retained); r.status != http.StatusUnprocessableEntity {
		t.Errorf("%s", r.text)
	}
}
