package scalecluster_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const progressOf = "heat GET /stacks/{}/{}/resources/{}/metadata"

// work is the open work in the plan of a dry run.
func (r reply) work() string { return fmt.Sprint(r.plan()["open_work"]) }

// site makes a site's stack, of which no configuration says anything.
func (h *house) site(name string, nodes int) {
	h.t.Helper()
	template, err := heattemplates.Load("site.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = h.client().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: template.Text, Files: template.Files, Tags: []string{"stackhook", "site"},
		Parameters: map[string]any{
			"app_image": "debian-12", "app_flavor": "m1.small", "backend_image": "debian-12", "backend_flavor": "m1.small", "backend_affinity": "soft",
			"lms_host": "l.example", "studio_host": "s.example", "mfe_host": "m.example", "search_host": "f.example", "contact_email": "o@example.org",
			"app_count": nodes, "app_max": 4, "secrets": map[string]any{},
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cloud.Settle()
	if s, _ := h.cloud.Stack(name); s.State != "CREATE_COMPLETE" {
		h.t.Fatalf("stack %s is %s: %s", name, s.State, s.Reason)
	}
}

// says has a site's node say which step it is at.
func (h *house) says(site, node, mode string, at time.Time) {
	h.t.Helper()
	found, err := h.same().FindStack(h.t.Context(), site)
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.same().Signal(h.t.Context(), found.StackRef, "progress", openstack.Signal{
		ID: fmt.Sprintf("app-%s-app-%s-%d", site, node, at.UnixMilli()), Status: "SUCCESS", Reason: "migrating",
		Data: map[string]string{"role": "app", "step": "migrate", "mode": mode},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cloud.Advance(time.Second) // a signal shows a little later
}

// Row 7.1.10 of the sites: the plan of a shrinking says whether the node that would go runs the migrations, for one request more;
// a growth asks nothing. What cannot be read leaves the plan as it is.
func TestRow7110PlanNamesTheMigrations(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.site("school", 2)
	h.post("/school/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	h.calls()
	begun := h.cloud.Now().UTC().Truncate(time.Millisecond)
	h.says("school", "0", "run", begun)
	h.says("school", "1", "wait", begun)
	h.calls()
	r := h.post("/school/in?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, progressOf, preview}) {
		t.Errorf("%v", got)
	}
	if want := "[map[health:ONLINE migrating_since:" + begun.Format(time.RFC3339Nano) + " node:0]]"; r.work() != want {
		t.Errorf("%s, want %s", r.work(), want)
	}
	if r = h.post("/school/in?dry_run=1", `{"nodes": ["1"]}`, ci()); r.work() != "[map[health:ONLINE node:1]]" {
		t.Errorf("a node that waits: %s", r.work())
	}
	h.says("school", "0", "done", begun.Add(time.Minute))
	if r = h.post("/school/in?dry_run=1", ``, ci()); r.work() != "[map[health:ONLINE node:0]]" {
		t.Errorf("a node that is done: %s", r.work())
	}
	h.calls()
	if r = h.post("/school/out?dry_run=1", ``, ci()); r.work() != "<nil>" {
		t.Errorf("a growth: %s", r.work())
	}
	if got := h.calls(); !slices.Equal(got, []string{read, preview}) {
		t.Errorf("a growth: %v", got)
	}
	h.cloud.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/progress/metadata", Status: http.StatusServiceUnavailable, Times: 9})
	r = h.post("/school/in?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "scaled")
	if r.work() != "[map[health:ONLINE node:0]]" || r.plan()["parameters"] == nil || !strings.Contains(h.log.String(), "migrations could not be read") {
		t.Errorf("%s", r.text)
	}
	if got := writes(h.calls()); len(got) > 0 {
		t.Errorf("a dry run wrote %v", got)
	}
}

// Row 7.1.10: the sessions are counted now, the hook is named and not asked, and neither costs OpenStack a request.
func TestRow7110PlanCountsSessionsAndAsksNoHook(t *testing.T) {
	t.Parallel()
	lb, k := newMetrics(t), newHook(t)
	h := leaving(t, 3, "sessions_url: "+lb.URL+"/metrics, hook: {url: "+k.URL+"/leaves, secret: "+hookSecret+", timeout: 1s, deadline: 2m}")
	k.now = h.cloud.Now
	line := func(n int) string {
		return fmt.Sprintf("octavia_member_current_sessions{member=%q} %d\n", h.member(leaver, "0").ID, n)
	}
	lb.say(http.StatusOK, line(7))
	h.calls()
	until := func(d time.Duration) string { return h.cloud.Now().UTC().Add(d).Format(time.RFC3339Nano) }
	want := "[map[health:ONLINE hook_until:" + until(7*time.Minute) + " node:0 removed_at:" + until(5*time.Minute) + " sessions:7]]"
	r := h.post("/leaver/in?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "draining")
	if r.work() != want || lb.asked() != 1 {
		t.Errorf("asked %d times: %s, want %s", lb.asked(), r.work(), want)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf}) {
		t.Errorf("%v", got)
	}
	lb.say(http.StatusBadGateway, "")
	if r = h.post("/leaver/in?dry_run=1", ``, ci()); strings.Contains(r.work(), "sessions") || !strings.Contains(r.work(), "node:0") {
		t.Errorf("what is not to be had: %s", r.work())
	}
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	lb.say(http.StatusOK, line(2))
	end := h.cloud.Now().UTC().Truncate(time.Second).Add(5 * time.Minute).Format(time.RFC3339Nano)
	h.settle(5 * time.Minute)
	r = h.post("/leaver/reconcile?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "removed")
	if !strings.Contains(r.work(), "removed_at:"+end+" sessions:2") {
		t.Errorf("on its way out: %s, want %s", r.work(), end)
	}
	if asked := k.heard(t); asked != nil {
		t.Errorf("a dry run asked the hook: %v", asked)
	}
}

// Row 7.1.10: what is held back has its nodes' work named, too.
func TestRow7110PlanOfWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("careful", 3, "paused")
	r := h.post("/careful/in?dry_run=1", aodh("alarm", 1), ci())
	r.want(t, http.StatusOK, "paused")
	otherwise, _ := r.plan()["otherwise"].(map[string]any)
	victims, _ := otherwise["victims"].([]any)
	if len(victims) != 1 || r.work() != fmt.Sprintf("[map[health:ONLINE node:%v]]", victims[0]) {
		t.Errorf("%s", r.text)
	}
}
