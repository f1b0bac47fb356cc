package deploysite_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const writes = "POST PUT PATCH DELETE"

// wrote are the calls that change something: all but reads, the login, and Heat's own looks at a template or an update.
func (h *house) wrote() []string {
	var list []string
	for _, call := range h.cloud.Calls() {
		look := strings.HasSuffix(call.Path, "/preview") || strings.HasSuffix(call.Path, "/validate")
		if strings.Contains(writes, call.Method) && call.Service != "identity" && !look {
			list = append(list, call.Name)
		}
	}
	h.cloud.ResetCalls()
	return list
}

func (h *house) post(path, body string) reply {
	h.t.Helper()
	return h.send(http.MethodPost, "/sites/"+path, body)
}

// volumesOf are the ids of the volumes marked as a site's, by status.
func (h *house) volumesOf(name string) map[string]string {
	h.t.Helper()
	all, err := h.client().Volumes(h.t.Context(), map[string]string{"stackhook-site": name})
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range all {
		out[v.ID] = v.Status
	}
	return out
}

// nodesSay has data nodes say that they are in one cluster.
func (h *house) nodesSay(mode string, seqno map[int]int) {
	h.t.Helper()
	if !h.say(academy, mode, seqno) {
		h.t.Fatal("no progress handle")
	}
}

func (h *house) say(site, mode string, seqno map[int]int) bool {
	h.t.Helper()
	h.cloud.Advance(time.Second)
	for index, n := range seqno {
		body := map[string]any{
			"id": fmt.Sprintf("backend-%d-%d", index, h.cloud.Now().UnixMilli()), "status": "SUCCESS", "reason": fmt.Sprintf("backend %d: mysql %s", index, mode),
			"data": fmt.Sprintf(`{"role":"backend","index":%d,"step":"mysql","size":3,"mode":%q,"uuid":"u-1","seqno":%d}`, index, mode, n),
		}
		if !h.cloud.Signal(site, "progress", body) {
			return false
		}
	}
	return true
}

// Row "exactly 3, count not a parameter".
func TestRow7001ThreeNodeDataCluster(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, n := range []string{"1", "2", "4", "5"} {
		if r := h.put(academy, spec("backend", `{"nodes": `+n+`}`)); !slices.Equal(r.faults(), []string{"backend.nodes"}) {
			t.Errorf("%s nodes: %s", n, r.text)
		}
	}
	h.ready(academy, spec("backend", `{"nodes": 3}`))
	s, _ := h.cloud.Stack(academy)
	n := 0
	for name := range s.Resources {
		if strings.HasPrefix(name, "backend/node_") && strings.HasSuffix(name, "/server") {
			n++
		}
	}
	if n != 3 || len(h.volumesOf(academy)) != 6 {
		t.Errorf("%d data nodes, volumes %v", n, h.volumesOf(academy))
	}
}

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

// A change of the data nodes is made for those alone who say that they mean it, and then touches none of them by itself.
func TestRow7004RebuildBackendNeedsANamedOverride(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.cloud.AddImage("debian-13")
	before, servers := h.volumesOf(academy), h.servers()
	other := spec("backend", `{"image": "debian-13"}`)
	for range 2 {
		h.put(academy, other).want(t, http.StatusConflict, "replaces_backend")
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	r := h.send(http.MethodPut, "/sites/academy?override=replaces-backend", other)
	r.want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	h.put(academy, other).want(t, http.StatusOK, "unchanged")
	if !slices.Equal(servers, h.servers()) {
		t.Error("servers were touched by the change itself")
	}
	// Without a quorum of the two others none goes.
	r = h.post(academy+"/roll", "")
	r.want(t, http.StatusConflict, "no_quorum")
	steps := 0
	for ; steps < 12; steps++ {
		h.nodesSay("join", map[int]int{0: 9, 1: 9, 2: 9})
		r = h.post(academy+"/roll", "")
		if r.str("code") != "rolling" {
			break
		}
		h.post(academy+"/roll", "").want(t, http.StatusConflict, "busy")
		h.cloud.Settle()
	}
	r.want(t, http.StatusOK, "rolled")
	after := h.servers()
	if steps != 6 || len(after) != len(servers) {
		t.Errorf("%d steps; servers %v, then %v", steps, servers, after)
	}
	kept := 0
	for _, id := range after {
		if slices.Contains(servers, id) {
			kept++
		}
	}
	if kept != 2 || !maps.Equal(before, h.volumesOf(academy)) {
		t.Errorf("%d servers are the old ones; volumes %v, then %v", kept, before, h.volumesOf(academy))
	}
	if got := h.get(academy); got.str("state") != "ready" || strings.Contains(got.text, "rolling") {
		t.Errorf("%s", got.text)
	}
}

// servers are the ids of all servers, in order.
func (h *house) servers() []string {
	h.t.Helper()
	all, err := h.client().Servers(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for _, s := range all {
		list = append(list, s.ID)
	}
	slices.Sort(list)
	return list
}

// Row "rolling update": as many application nodes serve during a roll as before, and all are new after it.
func TestRow7015RollingUpdateOfApplicationNodes(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	servers := h.servers()
	changed := spec("platform_name", `"Another name"`)
	r := h.put(academy, changed)
	r.want(t, http.StatusAccepted, "changed")
	if r.str("verdict") != "restarts apps" {
		t.Errorf("%s", r.text)
	}
	h.cloud.Settle()
	if !slices.Equal(servers, h.servers()) {
		t.Error("servers were touched by the change itself")
	}
	steps := 0
	for ; steps < 10; steps++ {
		if r = h.post(academy+"/roll?role=app", ""); r.str("code") != "rolling" {
			break
		}
		h.cloud.Settle()
		if n := len(h.cloud.Members()); n < 2 {
			t.Errorf("%d members", n)
		}
	}
	r.want(t, http.StatusOK, "rolled")
	kept := slices.DeleteFunc(h.servers(), func(id string) bool { return !slices.Contains(servers, id) })
	if steps != 4 || len(h.cloud.Members()) != 2 || len(kept) != 3 || h.parameters()["app_count"] != "2" {
		t.Errorf("%d steps, %d members, kept %v, count %s", steps, len(h.cloud.Members()), kept, h.parameters()["app_count"])
	}
	h.put(academy, changed).want(t, http.StatusOK, "unchanged")
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

// gone deletes the site academy, with the confirmation that it gives.
func (h *house) gone() (confirm string) {
	h.t.Helper()
	confirm = h.send(http.MethodDelete, "/sites/academy", "").str("confirm")
	h.send(http.MethodDelete, "/sites/academy?confirm="+confirm, "").want(h.t, http.StatusAccepted, "deleting")
	h.cloud.Settle()
	return confirm
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

// byPlace maps the places of a site to its volumes' ids, one of them left out.
func (h *house) byPlace(name, without string) map[string]string {
	h.t.Helper()
	all, err := h.client().Volumes(h.t.Context(), map[string]string{"stackhook-site": name})
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range all {
		if v.ID != without {
			out[v.Metadata["role"]+"-"+v.Metadata["index"]] = v.ID
		}
	}
	return out
}

// Row 7.1.14: the kind of load balancer is chosen with proof.
func TestRow7114LoadBalancerKindAndRow7011LBaaSv2(t *testing.T) {
	t.Parallel()
	lbaas := spec("load_balancer", `{"kind": "lbaasv2"}`)
	octavia := spec("load_balancer", `{"kind": "octavia"}`)
	for name, row := range map[string]struct {
		release openstacktest.Release
		old     bool // no Octavia in the catalog, but the extension
		without bool // nor that
		spec    string
		kind    string // empty: refused
		word    string
	}{
		"octavia":                     {openstacktest.Zed, false, false, spec(), "octavia", ""},
		"octavia asked":               {openstacktest.Zed, false, false, octavia, "octavia", ""},
		"lbaasv2 beside octavia":      {openstacktest.Zed, false, false, lbaas, "", "does not have that extension"},
		"lbaasv2":                     {openstacktest.Zed, true, false, spec(), "lbaasv2", ""},
		"lbaasv2 asked":               {openstacktest.Zed, true, false, lbaas, "lbaasv2", ""},
		"octavia asked, not had":      {openstacktest.Zed, true, false, octavia, "", "no load-balancer service"},
		"none at all":                 {openstacktest.Zed, true, true, spec(), "", "neither"},
		"hidden in 21":                {openstacktest.Bobcat, true, false, spec(), "lbaasv2", ""},
		"hidden in 21, asked for":     {openstacktest.Bobcat, true, false, lbaas, "lbaasv2", ""},
		"octavia of today":            {openstacktest.Epoxy, false, false, spec(), "octavia", ""},
		"empty shells":                {openstacktest.Epoxy, true, false, spec(), "", "makes nothing"},
		"empty shells, asked for":     {openstacktest.Epoxy, true, false, lbaas, "", "makes nothing"},
		"empty shells, no extension":  {openstacktest.Epoxy, true, true, lbaas, "", "makes nothing"},
		"empty shells beside octavia": {openstacktest.Epoxy, false, false, lbaas, "", "ask for that"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []openstacktest.Option{openstacktest.Of(row.release)}
			if row.old {
				options = append(options, openstacktest.NoOctavia())
			}
			h := start(t, options...)
			if row.without {
				h.cloud.SetExtension("lbaasv2", false)
			}
			r := h.put(academy, row.spec)
			if row.kind == "" {
				if !slices.Equal(r.faults(), []string{"load_balancer.kind"}) || !strings.Contains(r.text, row.word) || len(h.wrote()) > 0 {
					t.Errorf("%d %s", r.status, r.text)
				}
				return
			}
			r.want(t, http.StatusAccepted, "created")
			h.cloud.Settle()
			if p := h.parameters(); p["lb_kind"] != row.kind || h.get(academy).str("state") != "ready" || len(h.cloud.Members()) != 2 {
				t.Errorf("%s, %d members: %s", p["lb_kind"], len(h.cloud.Members()), h.get(academy).text)
			}
		})
	}
}

// Row "secrets generated, equal on all nodes": made once, never changed by a PUT, never shown.
func TestRow7019SecretsAreMadeOnceAndNeverShown(t *testing.T) {
	t.Parallel()
	h := start(t)
	storage := func(access, secret string) string {
		keys := ""
		if access != "" {
			keys = `, "access_key": "` + access + `", "secret_key": "` + secret + `"`
		}
		return spec("storage", `{"endpoint": "https://s3.example.org", "bucket": "uploads"`+keys+`}`)
	}
	h.ready(academy, storage("hunter2-access", "hunter2-secret-key"))
	first := h.parameters()["secrets"]
	var made map[string]string
	if err := json.Unmarshal([]byte(first), &made); err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`)
	for _, name := range []string{
		"mysql_root_password", "mysql_password", "mysql_sst_password", "mongodb_key", "mongodb_admin_password", "mongodb_password", "redis_password",
		"search_key", "openedx_secret_key", "cms_oauth2_secret", "jwt_rsa_private_key", "s3_access_key", "s3_secret_key",
	} {
		if !plain.MatchString(made[name]) || len(made[name]) < 14 {
			t.Errorf("%s has %d characters, or others than it may", name, len(made[name]))
		}
	}
	text, err := base64.StdEncoding.DecodeString(made["jwt_rsa_private_key"])
	if block, _ := pem.Decode(text); err != nil || block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Errorf("the RSA key is none: %v", err)
	}
	seen := map[string]bool{}
	for name, value := range made {
		if seen[value] {
			t.Errorf("%s is another secret, too", name)
		}
		seen[value] = true
	}
	for _, again := range []string{storage("hunter2-access", "hunter2-secret-key"), storage("", "")} {
		h.put(academy, again).want(t, http.StatusOK, "unchanged")
	}
	h.put(academy, storage("hunter2-access", "hunter2-another-one")).want(t, http.StatusConflict, "secrets")
	h.put(academy, strings.Replace(storage("", ""), `"max": 5`, `"max": 6`, 1)).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if h.parameters()["secrets"] != first {
		t.Error("the secrets changed")
	}
	shown := h.get(academy).text + h.send(http.MethodGet, "/sites", "").text + h.post(academy+"/preview", storage("", "")).text + h.log.String()
	for name, value := range made {
		if strings.Contains(shown, value) {
			t.Errorf("%s is shown", name)
		}
	}
	stack, err := h.client().FindStack(t.Context(), academy)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := h.client().Stack(t.Context(), stack.StackRef)
	if err != nil || strings.Trim(whole.Parameters["secrets"], "*") != "" {
		t.Errorf("OpenStack shows the secrets, or: %v", err)
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

// Row "cancel running operation", and 7.1.4: data nodes are never rolled back.
func TestRow7023CancelAndRow7104RollbackWithDataRules(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.post(academy+"/cancel", "").want(t, http.StatusNotFound, "no_such_site")
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusConflict, "no_rollback")
	h.cloud.Advance(3 * time.Second)
	h.post(academy+"/cancel", "").want(t, http.StatusAccepted, "cancelled")
	h.cloud.Settle()
	h.put(academy, spec()).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if got := h.get(academy); got.str("state") != "ready" {
		t.Fatalf("%s", got.text)
	}
	h.post(academy+"/cancel", "").want(t, http.StatusOK, "unchanged")
	h.post(academy+"/cancel?rollback=maybe", "").want(t, http.StatusUnprocessableEntity, "invalid")
	h.put(academy, three()).want(t, http.StatusAccepted, "changed")
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusAccepted, "cancelled")
	h.cloud.Settle()
	h.put(academy, three())
	h.cloud.Settle()
	h.nodesSay("join", map[int]int{0: 1, 1: 1, 2: 1})
	h.post(academy+"/roll?node=2", "").want(t, http.StatusAccepted, "rolling")
	h.cloud.Advance(time.Second)
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusConflict, "touches_backend")
}

// Row 7.1.7: what differs is told, and nothing is changed.
func TestRow7107DriftCheck(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.post(academy+"/check", "").want(t, http.StatusOK, "as_recorded")
	all, err := h.client().Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if strings.HasSuffix(s.Name, "-backend-1") || strings.HasSuffix(s.Name, "-app-0") {
			h.cloud.DeleteServer(s.ID)
		}
	}
	h.cloud.SetVolumeStatus(h.byPlace(academy, "")["mysql-2"], "error")
	h.calls()
	r := h.post(academy+"/check", "")
	r.want(t, http.StatusOK, "drifted")
	for _, what := range []string{"backend 1", "app 0", "volume mysql-2"} {
		if !strings.Contains(r.text, `"what":"`+what+`"`) {
			t.Errorf("%s is not named: %s", what, r.text)
		}
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
}

// Row 7.1.12: after a full stop the node with the most of the data goes on.
func TestRow7112Recover(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.nodesSay("join", map[int]int{0: 5, 1: 5, 2: 5})
	h.post(academy+"/recover", "").want(t, http.StatusConflict, "no_recovery")
	h.nodesSay("wait", map[int]int{0: 5, 1: 9, 2: 7})
	if r := h.get(academy); strings.Count(r.text, `"mode":"wait"`) != 3 {
		t.Errorf("%s", r.text)
	}
	h.post(academy+"/recover", "").want(t, http.StatusAccepted, "recovering")
	h.cloud.Settle()
	if p := h.parameters()["bootstrap"]; !strings.HasPrefix(p, "1:") || len(p) < 20 {
		t.Errorf("bootstrap is %q", p)
	}
	h.post(academy+"/recover?node=7", "").want(t, http.StatusUnprocessableEntity, "invalid")
}

// Row 7.1.8 and 7.1.13: the page needs a link and no login, and shows why a node could not start.
func TestRow7108PageAndRow7025Logs(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec())
	h.cloud.Advance(4 * time.Second)
	h.cloud.Signal(academy, "progress", map[string]any{
		"id": fmt.Sprintf("backend-1-%d", h.cloud.Now().UnixMilli()), "status": "FAILURE", "reason": "disk:31: mkfs exit 1",
		"data": map[string]any{"role": "backend", "index": 1, "step": "disk", "last": "line one\n<b>line two</b>"},
	})
	r := h.get(academy)
	if !strings.Contains(r.text, "disk:31: mkfs exit 1") {
		t.Fatalf("%s", r.text)
	}
	link := strings.TrimPrefix(r.str("page"), "https://hooks.example.org/deploy-site")
	page := h.send(http.MethodGet, link, "", "-", "")
	if page.status != http.StatusOK || !strings.Contains(page.text, "disk:31: mkfs exit 1") || !strings.Contains(page.text, "&lt;b&gt;line two") {
		t.Errorf("%d %s", page.status, page.text)
	}
	if page.header.Get("Refresh") == "" || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", page.header)
	}
	lines := h.send(http.MethodGet, "/sites/academy", "", "Authorization", "Bearer "+ciToken, "Accept", "text/plain")
	if !strings.HasPrefix(lines.text, "academy ") || !strings.Contains(lines.text, "| line one") {
		t.Errorf("%s", lines.text)
	}
	h.send(http.MethodGet, strings.Replace(link, "/sites/academy/", "/sites/other/", 1), "", "-", "").want(t, http.StatusUnauthorized, "ticket")
	h.cloud.Advance(25 * time.Hour)
	h.send(http.MethodGet, link, "", "-", "").want(t, http.StatusUnauthorized, "ticket")
	if got := h.send(http.MethodGet, "/sites/academy", "", "X-Auth-Token", h.cloud.Token()); got.str("page") != "" {
		t.Error("a caller with rights of their own is given a link with ours")
	}
}

// Row 7.1.13: the script's line, its exit code and its last lines come from the node's own handle.
func TestRow7113BootFailureWithReason(t *testing.T) {
	t.Parallel()
	h := start(t, openstacktest.SilentGuests())
	h.put(academy, spec())
	for range 100 {
		h.cloud.Advance(time.Second)
		if h.cloud.Signal(academy, "backend/node_1/handle", map[string]any{
			"id": "boot", "status": "FAILURE", "reason": "disk:31: mkfs exit 1", "data": map[string]any{"last": "line one\n<b>line two</b>"},
		}) {
			break
		}
	}
	h.cloud.Settle()
	r := h.get(academy)
	if r.str("state") != "failed" || !strings.Contains(r.text, `"node":"node_1","reason":"disk:31: mkfs exit 1","last":["line one",`) {
		t.Errorf("%s", r.text)
	}
	lines := h.send(http.MethodGet, "/sites/academy?follow=lines", "")
	if !strings.Contains(lines.text, "FAILED   node_1: disk:31: mkfs exit 1\n           | line one\n") {
		t.Errorf("%s", lines.text)
	}
}

// A data node that never came up is made anew by name, though nobody is in a cluster yet.
func TestLostDataNodeIsRolledWithoutQuorum(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cloud.FailServer("server", 1)
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.cloud.Settle()
	for i := range 3 {
		h.post(academy+fmt.Sprintf("/roll?node=%d", i), "")
		if h.parameters()["backend_absent"] != "" {
			break
		}
	}
	for range 4 {
		h.cloud.Settle()
		h.post(academy+"/roll?role=backend", "")
	}
	h.cloud.Settle()
	h.put(academy, spec())
	h.cloud.Settle()
	if r := h.get(academy); r.str("state") != "ready" || len(h.volumesOf(academy)) != 6 {
		t.Errorf("%s", r.text)
	}
}
