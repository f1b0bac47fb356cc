package scalecluster_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func (h *house) tags(name string) []string {
	h.t.Helper()
	s, ok := h.cloud.Stack(name)
	if !ok {
		h.t.Fatalf("no stack %s", name)
	}
	return s.Tags
}

// F18: people pause and resume, in each direction, for three requests; asked twice it is one update, and other tags stay.
func TestPauseStory(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook", "team=a")
	h.post("/alone/out?dry_run=1", ``, ci())
	h.calls()
	for _, step := range []struct {
		path, body string
		status     int
		code       string
		tags       []string
		calls      []string
	}{
		{"/alone/pause", `{"direction": "in", "reason": "maintenance"}`, 202, "paused", []string{"stackhook", "team=a", "paused-in"}, []string{read, update, read}},
		{"/alone/pause", `{"direction": "in"}`, 200, "unchanged", []string{"stackhook", "team=a", "paused-in"}, []string{read}},
		{"/alone/pause?direction=out", ``, 202, "paused", []string{"stackhook", "team=a", "paused-in", "paused-out"}, nil},
		{"/alone/pause", ``, 202, "paused", []string{"stackhook", "team=a", "paused", "paused-in", "paused-out"}, nil},
		{"/alone/resume", `{"direction": "in"}`, 202, "resumed", []string{"stackhook", "team=a", "paused", "paused-out"}, nil},
		{"/alone/resume?direction=all&dry_run=1", ``, 200, "resumed", []string{"stackhook", "team=a", "paused", "paused-out"}, []string{read, preview}},
		{"/alone/resume?direction=all", ``, 202, "resumed", []string{"stackhook", "team=a"}, nil},
		{"/alone/resume", ``, 200, "unchanged", []string{"stackhook", "team=a"}, nil},
	} {
		before := h.servers(alone)
		r := h.post(step.path, step.body, ci())
		r.want(t, step.status, step.code)
		if got := h.calls(); step.calls != nil && !slices.Equal(got, step.calls) {
			t.Errorf("%s: %v", step.path, got)
		}
		h.settle(0)
		if got := h.tags(alone); !slices.Equal(got, step.tags) {
			t.Errorf("%s: tags %v, want %v", step.path, got, step.tags)
		}
		if after := h.servers(alone); len(after) != 2 || after["0"] != before["0"] || after["1"] != before["1"] || h.count(alone) != 2 {
			t.Errorf("%s: %v became %v", step.path, before, after)
		}
	}
	// What was paused is obeyed, and again when it is resumed.
	h.post("/alone/pause", ``, ci()).want(t, http.StatusAccepted, "paused")
	h.settle(0)
	h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusOK, "paused")
	h.post("/alone/resume", ``, ci()).want(t, http.StatusAccepted, "resumed")
	h.settle(0)
	h.post(h.signed(alone, "out"), aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "scaled")
}

// F18: alarms may not, nor strangers; what is not understood, a GET, and a stack at work change nothing.
func TestPauseRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.post("/academy/pause", ``, theAlarm()).want(t, http.StatusForbidden, "forbidden")
	h.post("/academy/resume", ``, theAlarm()).want(t, http.StatusForbidden, "forbidden")
	h.post(strings.Replace(h.signed("academy", "out"), "/out", "/pause", 1), ``, nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/academy/pause", `{"direction": "up"}`, ci()).want(t, http.StatusBadRequest, "bad_direction")
	h.post("/academy/pause", `{"nodes": ["1"]}`, ci()).want(t, http.StatusBadRequest, "bad_field")
	h.post("/academy/pause?dry_run=x", ``, ci()).want(t, http.StatusBadRequest, "bad_option")
	h.send(http.MethodGet, "/academy/pause", ``, ci()).want(t, http.StatusMethodNotAllowed, "method")
	if got := h.calls(); len(got) > 0 {
		t.Errorf("asked the cloud %v", got)
	}
	h.post("/academy/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.calls()
	r := h.post("/academy/pause", ``, ci())
	r.want(t, http.StatusConflict, "busy")
	if got := h.calls(); !slices.Equal(got, []string{read}) || r.header.Get("Retry-After") == "" {
		t.Errorf("%v", got)
	}
	h.settle(0)
	h.post("/academy/pause", ``, []string{"X-Auth-Token", h.cloud.Token()}).want(t, http.StatusAccepted, "paused")
	h.settle(0)
	h.cloud.SetStackState(app, "SUSPEND", "COMPLETE", "")
	h.post("/academy/resume", ``, ci()).want(t, http.StatusOK, "not_scalable")
}

// F18: of a pause and a change of size at once one may be lost, and whoever lost is told so; neither undoes the other.
func TestPauseRaces(t *testing.T) {
	t.Parallel()
	wins := map[bool]int{}
	for range 20 {
		h := start(t, openstacktest.PatchWindow(20*time.Millisecond))
		h.cluster(alone, 2, "stackhook")
		hosts := []http.Handler{h.process(), h.process()}
		for _, host := range hosts {
			h.sendTo(host, http.MethodPost, "/alone/out?dry_run=1", ``, ci())
		}
		var pause, size reply
		var wg sync.WaitGroup
		wg.Go(func() { pause = h.sendTo(hosts[0], http.MethodPost, "/alone/pause", ``, ci()) })
		wg.Go(func() { size = h.sendTo(hosts[1], http.MethodPost, "/alone/set?strict=1", `{"to": 3}`, ci()) })
		wg.Wait()
		h.settle(0)
		paused := slices.Contains(h.tags(alone), "paused")
		if said := pause.body["applied"] == true; said != paused || !said && pause.status != http.StatusConflict {
			t.Errorf("paused %v, and the answer is %s", paused, pause.text)
		}
		if said := size.body["applied"] == true; said != (h.count(alone) == 3) || !said && size.status != http.StatusConflict {
			t.Errorf("count %d, and the answer is %s", h.count(alone), size.text)
		}
		if !paused && h.count(alone) != 3 || paused && size.body["applied"] == true && h.count(alone) != 3 || !slices.Contains(h.tags(alone), "stackhook") {
			t.Errorf("neither was made: %v", h.tags(alone))
		}
		wins[paused]++
	}
	if wins[true] == 0 {
		t.Errorf("the pause never won: %v", wins)
	}
}

// F18: a pause that is lost, that is cut off, and that comes twice.
func TestPauseFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault  openstacktest.Fault
		status int
		code   string
		paused bool
	}{
		"lost":          {openstacktest.Fault{LostUpdate: true}, 409, "lost", false},
		"answer lost":   {openstacktest.Fault{DropReply: true}, 202, "paused", true},
		"request lost":  {openstacktest.Fault{DropRequest: true}, 503, "unavailable", false},
		"busy by now":   {openstacktest.Fault{Status: 409}, 409, "busy", false},
		"asleep by now": {openstacktest.Fault{Status: 400}, 200, "not_scalable", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(alone, 2, "stackhook")
			row.fault.Service, row.fault.Method, row.fault.Times = "heat", http.MethodPatch, 1
			h.cloud.Inject(row.fault)
			mine := append(ci(), "Idempotency-Key", "p")
			h.post("/alone/pause", ``, mine).want(t, row.status, row.code)
			h.settle(0)
			if got := slices.Contains(h.tags(alone), "paused"); got != row.paused {
				t.Errorf("tags %v", h.tags(alone))
			}
			again := h.post("/alone/pause", ``, mine)
			h.settle(0)
			if !slices.Contains(h.tags(alone), "paused") || h.count(alone) != 2 || row.paused != (again.code() == "unchanged") {
				t.Errorf("%v: %s", h.tags(alone), again.text)
			}
		})
	}
}
