package deploysite_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

const (
	find     = "heat GET /stacks"
	create   = "heat POST /stacks"
	read     = "heat GET /stacks/{}/{}"
	update   = "heat PATCH /stacks/{}/{}"
	events   = "heat GET /stacks/{}/{}/events"
	academy  = "academy"
	members  = "octavia GET /lbaas/pools/{}/members"
	metadata = "heat GET /stacks/{}/{}/resources/{}/metadata"
)

// A site is put, followed to its end and reached; each step costs what it should.
func TestSiteFromPutToAddress(t *testing.T) {
	t.Parallel()
	h := start(t)
	r := h.put(academy, spec())
	r.want(t, http.StatusAccepted, "created")
	if got, want := r.header.Get("Location"), "https://hooks.example.org/deploy-site/sites/academy"; got != want {
		t.Errorf("Location %s, want %s", got, want)
	}
	// Find; ten questions; look once more, and create.
	got := h.calls()
	if len(got) != 13 || got[0] != find || !slices.Equal(got[11:], []string{find, create}) {
		t.Errorf("put: %v", got)
	}
	r = h.get(academy)
	if r.status != http.StatusOK || r.str("state") != "creating" || r.str("address") != "" {
		t.Errorf("at once: %s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{find, read, events, metadata}) {
		t.Errorf("first get: %v", got)
	}
	h.get(academy)
	if got := h.calls(); !slices.Equal(got, []string{read, events, metadata}) {
		t.Errorf("get: %v", got)
	}
	last := -1.0
	for range 200 {
		h.cloud.Advance(500 * time.Millisecond)
		r = h.get(academy)
		percent, _ := r.body["percent"].(float64)
		if percent < last || percent > 100 {
			t.Fatalf("from %v to %v percent", last, percent)
		}
		last = percent
		if r.str("state") != "creating" {
			break
		}
		if percent == 100 {
			t.Fatalf("100 percent while it is being made: %s", r.text)
		}
	}
	if r.str("state") != "ready" || last != 100 || r.str("address") == "" || r.str("pool_id") == "" {
		t.Fatalf("in the end: %s", r.text)
	}
	if got := r.str("url"); got != "http://learn.example.org" {
		t.Errorf("url %s", got)
	}
	if strings.Count(r.text, `"state":"done"`) != 5 {
		t.Errorf("steps: %s", r.text)
	}
	if n := len(h.cloud.Members()); n != 2 {
		t.Errorf("%d members", n)
	}
	// A process that does not know the site yet.
	h.restart()
	h.calls()
	h.get(academy)
	if got := h.calls(); !slices.Equal(got, []string{find, read, events, metadata, members}) {
		t.Errorf("get in a new process: %v", got)
	}
}

// The alarms call addresses that scale-cluster accepts, and each the one for its direction.
func TestRow7109AlarmsAreSignedAndRow7009AlarmsAreOptional(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	box, err := seal.New(seal.Key{ID: "one", Secret: []byte(sealSecret)})
	if err != nil {
		t.Fatal(err)
	}
	p := h.parameters()
	for _, direction := range []string{"out", "in"} {
		base, sig, _ := strings.Cut(p["scale_"+direction+"_url"], "?sig=")
		if base != "https://hooks.example.org/scale-cluster/academy/"+direction || !box.Verify("scale", "academy/"+direction, sig) {
			t.Errorf("%s: %s", direction, p["scale_"+direction+"_url"])
		}
	}
	alarms := h.cloud.Alarms()
	if len(alarms) != 2 {
		t.Fatalf("%d alarms", len(alarms))
	}
	for _, a := range alarms {
		if len(a.AlarmActions) != 1 || !strings.HasPrefix(a.AlarmActions[0], "https://hooks.example.org/scale-cluster/academy/") || len(a.OKActions) > 0 {
			t.Errorf("%+v", a)
		}
	}
	// Off means none, and that can be changed later.
	h.ready("quiet", spec("alarm", `{"off": true}`))
	if n := len(h.cloud.Alarms()); n != 2 {
		t.Errorf("%d alarms after a site without", n)
	}
	h.put("quiet", spec()).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if n := len(h.cloud.Alarms()); n != 4 {
		t.Errorf("%d alarms after they were switched on", n)
	}
}

// The same request again changes nothing, whoever sends it.
func TestPutTwiceIsOneSite(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.calls()
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged") // while it is being made
	if got := h.calls(); !slices.Equal(got, []string{find, read}) {
		t.Errorf("second put: %v", got)
	}
	h.cloud.Settle()
	h.restart()
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
	if n := len(h.cloud.Stacks()); n != 1 {
		t.Errorf("%d stacks", n)
	}
}

func TestParallelPutsMakeOneSite(t *testing.T) {
	t.Parallel()
	h := start(t)
	var wg sync.WaitGroup
	replies := make([]reply, 20)
	for i := range replies {
		wg.Go(func() { replies[i] = h.put(academy, spec()) })
	}
	wg.Wait()
	created := 0
	for _, r := range replies {
		switch r.str("code") {
		case "created":
			created++
		case "unchanged":
		default:
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	if n := len(h.cloud.Stacks()); n != 1 || created != 1 {
		t.Errorf("%d stacks, %d say created", n, created)
	}
}

// Only what differs is written, and the number of nodes only by those who own it.
func TestChanges(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	put := func(spec, code string, changed ...string) map[string]string {
		t.Helper()
		h.calls()
		r := h.put(academy, spec)
		status := http.StatusAccepted
		want := []string{find, read, update, read}
		if code == "unchanged" {
			status, want = http.StatusOK, want[:2]
		}
		r.want(t, status, code)
		if got := h.calls(); !slices.Equal(got, want) {
			t.Errorf("%s: %v", spec, got)
		}
		if got := fmt.Sprint(r.body["changed"]); len(changed) > 0 && got != fmt.Sprint(changed) {
			t.Errorf("%s: changed %s, want %v", spec, got, changed)
		}
		if got := r.str("verdict"); code == "changed" && got != "safe" && got != "unchanged" {
			t.Errorf("%s: verdict %s", spec, got)
		}
		h.cloud.Settle()
		h.put(academy, spec).want(t, http.StatusOK, "unchanged")
		return h.parameters()
	}
	app := func(text string) string { return spec("app", "{"+text+"}") }
	// Scaling has moved the number; the same spec leaves it alone.
	h.scaleTo(4)
	put(spec(), "unchanged")
	if p := put(app(`"nodes": 2, "min": 1, "max": 6`), "changed", "app_max"); p["app_count"] != "4" {
		t.Errorf("count %s after a change of max", p["app_count"])
	}
	// Another number is a decision.
	if p := put(app(`"nodes": 3, "min": 1, "max": 6`), "changed", "app_count", "app_removal"); p["app_count"] != "3" {
		t.Errorf("count %s after nodes 3", p["app_count"])
	}
	// Without one, scaling's number stays, but within the bounds.
	if p := put(app(`"min": 1, "max": 6`), "changed"); p["app_count"] != "3" {
		t.Errorf("count %s after nodes was left out", p["app_count"])
	}
	if p := put(app(`"min": 1, "max": 2`), "changed", "app_count", "app_max", "app_removal"); p["app_count"] != "2" {
		t.Errorf("count %s after max 2", p["app_count"])
	}
	if p := put(spec("app", `{"min": 1, "max": 2}`, "cooldowns", `{"out": "90s"}`, "alarm", `{"high": 5e9, "low": 1e9}`),
		"changed", "alarm_high", "alarm_low", "cooldown_out"); p["cooldown_out"] != "90" || p["app_count"] != "2" {
		t.Errorf("%v", p)
	}
	if n := len(h.cloud.Members()); n != 2 {
		t.Errorf("%d members", n)
	}
}

// three is the usual spec with three nodes.
func three() string { return spec("app", `{"nodes": 3, "min": 1, "max": 5}`) }

// scaleTo is scaling by someone else.
func (h *house) scaleTo(n int) {
	h.t.Helper()
	cloud := h.client()
	s, err := cloud.FindStack(h.t.Context(), academy)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cloud.PatchStack(h.t.Context(), s.StackRef, count(n)); err != nil {
		h.t.Fatal(err)
	}
	h.cloud.Settle()
}

// A change is refused while Heat is at work, and says when to ask again.
func TestBusy(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	for range 2 {
		r := h.put(academy, three())
		r.want(t, http.StatusConflict, "busy")
		if r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if got := h.calls(); slices.Contains(got, update) {
		t.Errorf("%v", got)
	}
}

func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	r := h.put(academy, spec("network", `{"cidr": "10.1.0.0/24", "external": "public"}`))
	r.want(t, http.StatusConflict, "immutable")
	if !strings.Contains(r.text, `"field":"network.cidr"`) {
		t.Errorf("%s", r.text)
	}
	h.foreign("somebodys", nil)
	h.calls()
	h.put("somebodys", spec()).want(t, http.StatusConflict, "name_taken")
	h.get("somebodys").want(t, http.StatusNotFound, "no_such_site")
	h.cloud.SetStackState(academy, "SUSPEND", "COMPLETE", "")
	h.put(academy, three()).want(t, http.StatusConflict, "suspended")
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
	h.cloud.SetStackState(academy, "DELETE", "IN_PROGRESS", "")
	h.put(academy, spec()).want(t, http.StatusConflict, "busy")
	if got := h.calls(); slices.Contains(got, update) || slices.Contains(got, create) {
		t.Errorf("%v", got)
	}
}

// A site that failed is tried again by the same request, and says which step failed.
func TestFailedSiteIsRepaired(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cloud.FailResource(openstacktest.ResourceFault{Type: "OS::Octavia::PoolMember", Times: 1})
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.cloud.Settle()
	r := h.get(academy)
	if r.str("state") != "failed" || !strings.Contains(r.text, `{"key":"nodes","title":"Application nodes","state":"failed"}`) || strings.Contains(r.text, "valid host") {
		t.Errorf("%s", r.text)
	}
	h.put(academy, spec()).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if r := h.get(academy); r.str("state") != "ready" || len(h.cloud.Members()) != 2 {
		t.Errorf("%s", r.text)
	}
}

// Whatever goes wrong at OpenStack, there is one site in the end, and the caller is told what to do.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault  openstacktest.Fault
		status int
		code   string
	}{
		"create's answer lost":  {openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", DropReply: true, Times: 1}, 200, "unchanged"},
		"503 before the create": {openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Status: 503, Times: 1}, 202, "created"},
		"token expired":         {openstacktest.Fault{Service: "heat", Status: 401, Times: 1}, 202, "created"},
		"cloud down":            {openstacktest.Fault{Service: "heat", Status: 503}, 503, "unavailable"},
		"forbidden":             {openstacktest.Fault{Service: "heat", Status: 403}, 502, "forbidden"},
		"refused":               {openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Status: 400}, 422, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cloud.Inject(row.fault)
			h.put(academy, spec()).want(t, row.status, row.code)
			h.cloud.ClearFaults()
			if r := h.put(academy, spec()); r.status >= 300 {
				t.Errorf("again: %d %s", r.status, r.text)
			}
			if n := len(h.cloud.Stacks()); n != 1 {
				t.Errorf("%d stacks", n)
			}
		})
	}
}

// 202 is no promise: an update that Heat drops is noticed, one whose answer is lost is not sent twice.
func TestUpdateFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault  openstacktest.Fault
		status int
		code   string
		count  string
	}{
		"lost":         {openstacktest.Fault{Service: "heat", Method: "PATCH", LostUpdate: true, Times: 1}, 409, "superseded", "2"},
		"answer lost":  {openstacktest.Fault{Service: "heat", Method: "PATCH", DropReply: true, Times: 1}, 202, "changed", "3"},
		"503 before":   {openstacktest.Fault{Service: "heat", Method: "PATCH", Status: 503, Times: 1}, 503, "unavailable", "2"},
		"409 at last":  {openstacktest.Fault{Service: "heat", Method: "PATCH", Status: 409, Times: 1}, 409, "busy", "2"},
		"token is old": {openstacktest.Fault{Service: "heat", Method: "PATCH", Status: 401, Times: 1}, 202, "changed", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.ready(academy, spec())
			h.cloud.Inject(row.fault)
			h.put(academy, three()).want(t, row.status, row.code)
			if got := h.parameters()["app_count"]; got != row.count {
				t.Errorf("count %s, want %s", got, row.count)
			}
		})
	}
}

// A new key or public address is written by the next put, though Heat never shows the old ones.
func TestRow7109NewKeyNewAddresses(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	before := h.parameters()["scale_out_url"]
	h.yaml = strings.Replace(h.yaml, "seal_keys: [", "seal_keys: [{id: two, secret: another-secret-hunter2-hunter2-hunte}, ", 1)
	h.restart()
	r := h.put(academy, spec())
	r.want(t, http.StatusAccepted, "changed")
	if got := fmt.Sprint(r.body["changed"]); got != "[scale_in_url scale_out_url]" {
		t.Errorf("changed %s", got)
	}
	if after := h.parameters()["scale_out_url"]; after == before {
		t.Error("the address is the old one")
	}
}
