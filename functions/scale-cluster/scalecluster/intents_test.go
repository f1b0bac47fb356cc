package scalecluster_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// updating is a house whose cluster of so many has just begun an update that adds one.
func updating(t *testing.T, name string, n int) *house {
	t.Helper()
	h := start(t)
	h.cluster(name, n, "stackhook")
	h.post("/"+name+"/set", `{"to": `+string(rune('0'+n+1))+`}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.calls()
	return h
}

// repeated is what Aodh sends each minute for an alarm that repeats.
func repeated(n int) string {
	return strings.Replace(aodh("alarm", n), `"previous":"ok"`, `"previous":"alarm"`, 1)
}

// event is what Aodh sends for an event, once.
func event(id string) string {
	return `{"alarm_name":"failed","alarm_id":"event-alarm","severity":"low","previous":"insufficient data","current":"alarm","reason":"Event hits",` +
		`"reason_data":{"type":"event","event":{"message_id":"` + id + `","event_type":"compute.instance.update","generated":"2026-01-05T09:00:00","traits":[]}}}`
}

// N4: whoever asks while an update runs is kept for two requests, told so by 202, and gets what they asked for by the first pass after
// it, once.
func TestN4KeptWhileUpdating(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path, body string
		headers    []string
		to         int // from 2
		code       string
	}{
		"Aodh":                 {"/bounded/out", aodh("alarm", 2), ci(), 3, "scaled"},
		"Aodh, a repeat":       {"/bounded/out", repeated(2), ci(), 3, "scaled"},
		"Aodh, an event":       {"/bounded/out", event("m1"), ci(), 3, "scaled"},
		"Alertmanager":         {"/bounded/auto", firing(2), ci(), 3, "scaled"},
		"a CloudEvent":         {"/bounded/auto", `{"specversion":"1.0","id":"5","source":"s","type":"t","data":{"to":4}}`, append(ci(), "Content-Type", "application/cloudevents+json"), 4, "scaled"},
		"a person's step":      {"/bounded/out", `{"by": 2}`, ci(), 4, "scaled"},
		"a person's size":      {"/bounded/set", `{"to": 1}`, ci(), 1, "scaled"},
		"a person's key":       {"/bounded/out", ``, append(ci(), "Idempotency-Key", "once"), 3, "scaled"},
		"a person's node":      {"/bounded/in?force=1", `{"nodes": ["1"]}`, ci(), 1, "scaled"},
		"a person's token":     {"/bounded/set", `{"to": 4}`, nil, 4, "scaled"},
		"a node to be rebuilt": {"/bounded/replace?force=1", `{"nodes": ["1"]}`, ci(), 2, "replaced"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := updating(t, "bounded", 1)
			if row.headers == nil {
				row.headers = []string{"X-Auth-Token", h.cloud.Token()}
			}
			r := h.post(row.path, row.body, row.headers)
			r.want(t, http.StatusAccepted, "kept")
			if name != "a CloudEvent" && (r.body["applied"] != false || !strings.Contains(r.text, "is kept")) { // which is answered without a body
				t.Errorf("%s", r.text)
			}
			got := h.calls()
			if slices.Contains(got, update) || len(got) > 3 || got[len(got)-1] != keepOne {
				t.Errorf("keeping it made %v", got)
			}
			h.post("/bounded/reconcile", ``, ci()).want(t, http.StatusOK, "busy")
			if h.count("bounded") != 2 {
				t.Fatalf("count %d", h.count("bounded"))
			}
			h.settle(0)
			h.calls()
			r = h.post("/bounded/reconcile", ``, ci())
			r.want(t, http.StatusAccepted, row.code)
			if got := h.calls(); slices.Index(got, lookKept) < 0 || len(got) > 6 {
				t.Errorf("making it made %v", got)
			}
			if h.count("bounded") != row.to || !strings.Contains(r.text, "ago by") {
				t.Errorf("count %d: %s", h.count("bounded"), r.text)
			}
			h.settle(longEnough)
			// Neither another pass nor, where it has a key that lives, the same delivery does it again.
			h.post("/bounded/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
			h.process()
			h.sendTo(h.process(), http.MethodPost, "/bounded/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
			if h.count("bounded") != row.to || len(h.servers("bounded")) != row.to {
				t.Errorf("afterwards: count %d, %d nodes", h.count("bounded"), len(h.servers("bounded")))
			}
		})
	}
}

// N4: the requests to OpenStack, each counted.
func TestN4Costs(t *testing.T) {
	t.Parallel()
	h := updating(t, alone, 1)
	for _, step := range []struct {
		settle     bool
		path, body string
		calls      []string
	}{
		{false, "/alone/set", `{"to": 3}`, []string{read, keepOne}},
		{false, "/alone/set?strict=1", `{"to": 3}`, []string{read}},
		{false, "/alone/set?dry_run=1", `{"to": 3}`, []string{read}},
		{false, "/alone/reconcile", ``, []string{read}},
		{true, "/alone/reconcile", ``, []string{read, membersOf, lookKept, update, read}},
		{true, "/alone/reconcile", ``, []string{read, membersOf, lookKept}},
		// An alarm that has nothing to do is the occasion, too; without policies it needs no members.
		{false, "/alone/set", `{"to": 4}`, []string{read, membersOf, update, read}},
	} {
		if step.settle {
			h.settle(0)
			h.calls()
		}
		h.post(step.path, step.body, ci())
		got := h.calls()
		if step.path == "/alone/set" && step.body == `{"to": 4}` {
			continue
		}
		if !slices.Equal(got, step.calls) {
			t.Errorf("%s: %v, want %v", step.path, got, step.calls)
		}
	}
	h.post("/alone/set", `{"to": 3}`, ci()).want(t, http.StatusAccepted, "kept")
	h.settle(0)
	h.calls()
	shown := h.send(http.MethodGet, "/alone?kept=1", ``, ci())
	waits, _ := shown.body["kept"].(map[string]any)
	if got := h.calls(); !slices.Equal(got, []string{read, lookKept}) || waits["direction"] != "set" || waits["to"] != 3.0 || waits["who"] != "ci" {
		t.Errorf("%v: %s", got, shown.text)
	}
	h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusOK, "at_max")
	if got := h.calls(); !slices.Equal(got, []string{read, lookKept}) {
		t.Errorf("an alarm that reads no nodes: %v", got)
	}
	h.settle(2 * time.Hour)
	h.calls()
	// Long after the last update a pass looks twice in the life of an intent: what was not answered may have left one (F22).
	for n, after := range []time.Duration{0, 4 * time.Minute, time.Minute} {
		h.cloud.Advance(after)
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
		if got := h.calls(); slices.Contains(got, lookKept) != (n != 1) {
			t.Errorf("pass %d: %v", n, got)
		}
	}
}

// N4: an alarm with nothing to do makes what is kept, where nothing else asks for passes, for four requests.
func TestN4AlarmIsTheOccasion(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	h.post("/alone/set", `{"to": 1}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "kept")
	h.settle(0)
	h.calls()
	r := h.post(h.signed(alone, "in"), aodh("alarm", 7), nobody())
	r.want(t, http.StatusAccepted, "at_min")
	pass, _ := r.body["pass"].(map[string]any)
	if pass["code"] != "scaled" || pass["applied"] != true || h.count(alone) != 2 {
		t.Errorf("count %d: %s", h.count(alone), r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, lookKept, update, read}) {
		t.Errorf("%v", got)
	}
}

// N4: the newest replaces the others, a person's goes before an alarm's, and what is made at once replaces what was kept.
func TestN4Replaced(t *testing.T) {
	t.Parallel()
	type ask struct{ path, body string }
	for name, row := range map[string]struct {
		asks []ask
		then ask // once it is steady
		to   int
	}{
		"the newest": {[]ask{{"/bounded/set", `{"to": 5}`}, {"/bounded/set", `{"to": 3}`}}, ask{"/bounded/reconcile", ``}, 3},
		"a person before an alarm, which is newer": {[]ask{{"/bounded/set", `{"to": 4}`}, {"/bounded/out", aodh("alarm", 1)}}, ask{"/bounded/reconcile", ``}, 5},
		"of two alarms the newer":                  {[]ask{{"/bounded/in", aodh("alarm", 1)}, {"/bounded/out", aodh("alarm", 2)}}, ask{"/bounded/reconcile", ``}, 3},
		"a person who asks at once":                {[]ask{{"/bounded/set", `{"to": 5}`}}, ask{"/bounded/set", `{"to": 3}`}, 3},
		"a person who gets what there is":          {[]ask{{"/bounded/set", `{"to": 5}`}}, ask{"/bounded/set", `{"to": 2}`}, 2},
		"an alarm at once, after an alarm":         {[]ask{{"/bounded/in", aodh("alarm", 1)}}, ask{"/bounded/out", aodh("alarm", 2)}, 3},
		"an alarm at once, after a person":         {[]ask{{"/bounded/set", `{"to": 5}`}}, ask{"/bounded/out", aodh("alarm", 2)}, 5},
		"nobody's, when its time is over":          {[]ask{{"/bounded/set", `{"to": 5}`}}, ask{"", ``}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := updating(t, "bounded", 1)
			for _, a := range row.asks {
				h.post(a.path, a.body, ci()).want(t, http.StatusAccepted, "kept")
				h.cloud.Advance(time.Second)
			}
			h.settle(0)
			if row.then.path == "" {
				h.settle(10 * time.Minute)
				row.then.path = "/bounded/reconcile"
			}
			h.post(row.then.path, row.then.body, ci())
			h.settle(0)
			for range 3 {
				h.post("/bounded/reconcile", ``, ci())
				h.settle(0)
			}
			if h.count("bounded") != row.to {
				t.Errorf("count %d, want %d", h.count("bounded"), row.to)
			}
		})
	}
}

// N4: what holds an alarm back holds back what was kept for one, until its time is over; and what comes to nothing is written off,
// and is not made when it might later.
func TestN4WaitsOrIsWrittenOff(t *testing.T) {
	t.Parallel()
	t.Run("cooldown", func(t *testing.T) {
		t.Parallel()
		h := updating(t, alone, 1) // three minutes
		h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "kept")
		h.settle(0)
		r := h.post("/alone/reconcile", ``, ci())
		r.want(t, http.StatusOK, "steady")
		if !strings.Contains(r.text, "too recent") || r.body["retry_after"] == nil {
			t.Errorf("%s", r.text)
		}
		h.settle(3 * time.Minute)
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
		if h.count(alone) != 3 {
			t.Errorf("count %d", h.count(alone))
		}
	})
	t.Run("a repeat has its own next one", func(t *testing.T) {
		t.Parallel()
		h := updating(t, alone, 1)
		h.post(h.signed(alone, "out"), repeated(1), nobody()).want(t, http.StatusAccepted, "kept")
		h.settle(4 * time.Minute)
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
		if h.count(alone) != 2 {
			t.Errorf("count %d", h.count(alone))
		}
	})
	t.Run("at the bound", func(t *testing.T) {
		t.Parallel()
		h := updating(t, alone, 3)
		h.post("/alone/out?force=1", ``, ci()).want(t, http.StatusAccepted, "kept")
		h.settle(0)
		h.calls()
		r := h.post("/alone/reconcile", ``, ci())
		r.want(t, http.StatusOK, "steady")
		if got := h.calls(); !slices.Equal(got, []string{read, membersOf, lookKept, keepOne}) || !strings.Contains(r.text, "upper bound") {
			t.Errorf("%v: %s", got, r.text)
		}
		h.settle(time.Second)
		// Somebody makes room by other means.
		cloud := h.client()
		found, err := cloud.FindStack(t.Context(), alone)
		if err != nil {
			t.Fatal(err)
		}
		if err := cloud.PatchStack(t.Context(), found.StackRef, openstack.StackChange{Parameters: map[string]any{"app_count": 3}}); err != nil {
			t.Fatal(err)
		}
		h.settle(0)
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
		if h.count(alone) != 3 {
			t.Errorf("count %d", h.count(alone))
		}
	})
	t.Run("paused", func(t *testing.T) {
		t.Parallel()
		h := updating(t, "bounded", 1)
		h.post("/bounded/out", aodh("alarm", 1), ci()).want(t, http.StatusAccepted, "kept")
		h.settle(0)
		h.post("/bounded/pause", ``, ci()).want(t, http.StatusAccepted, "paused")
		h.settle(0)
		h.post("/bounded/reconcile", ``, ci()).want(t, http.StatusOK, "paused")
		if h.count("bounded") != 2 {
			t.Errorf("count %d", h.count("bounded"))
		}
	})
}

// N4: the same delivery twice, and twenty at once by two hosts, are one step.
func TestN4Once(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path, body string
		headers    []string
	}{
		"an event":         {"/bounded/out", event("m1"), ci()},
		"a person's key":   {"/bounded/out", `{"by": 1}`, append(ci(), "Idempotency-Key", "k")},
		"a CloudEvent":     {"/bounded/out", aodh("alarm", 1), append(ci(), "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "t")},
		"a person's steps": {"/bounded/out", `{"by": 1}`, ci()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := updating(t, "bounded", 1)
			hosts := []http.Handler{h.process(), h.process()}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					h.sendTo(hosts[i%2], http.MethodPost, row.path, row.body, row.headers).want(t, http.StatusAccepted, "kept")
				})
			}
			wg.Wait()
			h.settle(time.Second)
			for range 10 {
				wg.Go(func() { h.sendTo(hosts[0], http.MethodPost, "/bounded/reconcile", ``, ci()) })
				wg.Go(func() { h.sendTo(hosts[1], http.MethodPost, "/bounded/reconcile", ``, ci()) })
			}
			wg.Wait()
			h.settle(0)
			if h.count("bounded") != 3 {
				t.Fatalf("count %d", h.count("bounded"))
			}
			h.settle(time.Minute)
			if name != "a person's steps" { // which nothing tells apart from another wish
				if again := h.post(row.path, row.body, row.headers); again.code() != "duplicate" {
					t.Errorf("%d %s %s", again.status, again.code(), again.text)
				}
			}
			h.post("/bounded/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
			if h.count("bounded") != 3 {
				t.Errorf("afterwards: count %d", h.count("bounded"))
			}
		})
	}
}

// N4: a drain leaves the memory as it is; its marks say what was made.
func TestN4KeptDrain(t *testing.T) {
	t.Parallel()
	h := start4(t)
	h.post("/gentle/set", `{"to": 3}`, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.post(h.signed(gentle, "in"), event("m9"), nobody()).want(t, http.StatusAccepted, "kept")
	h.settle(0)
	h.calls()
	r := h.post("/gentle/reconcile", ``, ci())
	r.want(t, http.StatusAccepted, "draining")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, lookKept, changeOne}) {
		t.Errorf("%v", got)
	}
	h.settle(time.Minute)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	h.post(h.signed(gentle, "in"), event("m9"), nobody()).want(t, http.StatusOK, "duplicate")
	h.settle(5 * time.Minute)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.settle(0)
	for range 3 {
		h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
		h.post(h.signed(gentle, "in"), event("m9"), nobody()).want(t, http.StatusOK, "duplicate")
	}
	if h.count(gentle) != 2 || h.serving() != 2 {
		t.Errorf("count %d, %d in service", h.count(gentle), h.serving())
	}
}

// N4: whoever can signal the stack has no say: what nobody of us signed, for this stack, is not made.
func TestN4Forged(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, name := range []string{"careful", "bounded"} {
		h.cluster(name, 1)
		h.post("/"+name+"/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
	}
	h.post("/bounded/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "kept")
	h.settle(time.Second)
	cloud := h.client()
	found, err := cloud.FindStack(t.Context(), "bounded")
	if err != nil {
		t.Fatal(err)
	}
	signals, err := cloud.Metadata(t.Context(), found.StackRef, "scale_log")
	if err != nil || len(signals) != 1 {
		t.Fatalf("%v, %v", signals, err)
	}
	for _, value := range signals {
		signal, _ := value.(map[string]any)
		data, _ := signal["data"].(map[string]any)
		text, _ := data["intent"].(string)
		for id, forged := range map[string]any{
			"f1": map[string]any{"intent": strings.Replace(text, `"to":4`, `"to":9`, 1), "sig": data["sig"]}, "f2": map[string]any{"intent": text}, "f3": text, "f4": nil, "f5": []any{1},
			"f6": map[string]any{"intent": strings.Replace(text, `"op":"set"`, `"op":"none"`, 1), "sig": data["sig"]},
		} {
			h.cloud.Signal("bounded", "scale_log", map[string]any{"id": id, "status": "SUCCESS", "data": forged})
		}
	}
	h.post("/bounded/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if h.count("bounded") != 4 {
		t.Errorf("count %d", h.count("bounded"))
	}
	// What was kept for one stack is nothing to another.
	for id, value := range signals {
		body, _ := value.(map[string]any)
		body["id"] = "copy-" + id
		h.cloud.Signal("careful", "scale_log", body)
	}
	h.post("/careful/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	if strings.Contains(h.log.String(), "hunter2") {
		t.Error("the log holds a secret")
	}
}

// N4: a stack without the handle, one that is being created, and one that is asleep: busy as ever, and said so.
func TestN4NothingToKeepItIn(t *testing.T) {
	t.Parallel()
	t.Run("an older stack", func(t *testing.T) {
		t.Parallel()
		h := start(t)
		h.old(alone)
		h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
		h.calls()
		r := h.post("/alone/out", ``, ci())
		r.want(t, http.StatusConflict, "busy")
		if got := h.calls(); !slices.Equal(got, []string{read, keepOne}) || !strings.Contains(r.text, "no scale_log") {
			t.Errorf("%v: %s", got, r.text)
		}
		h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "busy")
		h.post("/alone/auto", firing(1), ci()).want(t, http.StatusServiceUnavailable, "busy")
		h.settle(0)
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	})
	t.Run("being created", func(t *testing.T) {
		t.Parallel()
		h := start(t)
		h.cluster(alone, 1, "stackhook")
		h.post("/alone/out?dry_run=1", ``, ci())
		h.cloud.SetStackState(alone, "CREATE", "IN_PROGRESS", "")
		h.calls()
		h.post("/alone/out", ``, ci()).want(t, http.StatusConflict, "busy")
		if got := h.calls(); !slices.Equal(got, []string{read}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("the store is out", func(t *testing.T) {
		t.Parallel()
		h := updating(t, alone, 1)
		h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, Status: http.StatusServiceUnavailable})
		r := h.post("/alone/out", ``, ci())
		r.want(t, http.StatusConflict, "busy")
		if !strings.Contains(r.text, "could not be kept") {
			t.Errorf("%s", r.text)
		}
		h.post("/alone/auto", firing(1), ci()).want(t, http.StatusServiceUnavailable, "busy")
		h.cloud.ClearFaults()
		h.settle(0)
		h.cloud.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/metadata", Status: http.StatusServiceUnavailable})
		h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	})
}

// old is a cluster as it was made before there was anything to keep requests in.
func (h *house) old(name string) {
	h.t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	before, rest, found := strings.Cut(template.Text, "  scale_log:\n")
	_, after, rest2 := strings.Cut(rest, "  net:\n")
	if !found || !rest2 {
		h.t.Fatal("cluster.yaml has no scale_log before net")
	}
	_, err = h.client().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: before + "  net:\n" + after, Files: template.Files, Tags: []string{"stackhook"},
		Parameters: map[string]any{"image": "debian-12", "flavor": "m1.small", "app_max": 4},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
	h.calls()
}

// N4: whichever request to OpenStack is the last one that gets through, and with its answer or without, one step is made of what
// was kept, and never two.
func TestN4CutOffAnywhere(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]openstacktest.Fault{"before": {DropRequest: true}, "after": {DropReply: true}} {
		for n := range int64(6) {
			t.Run(name+" request "+strconv.FormatInt(n+1, 10), func(t *testing.T) {
				t.Parallel()
				h := updating(t, "bounded", 1)
				h.cloud.Chaos(cutOff(n, drop))
				h.post("/bounded/out", event("m1"), ci())
				h.cloud.Chaos(nil)
				h.post("/bounded/out", event("m1"), ci()) // the host's own retry
				h.settle(time.Second)
				h.cloud.Chaos(cutOff(n, drop))
				h.sendTo(h.process(), http.MethodPost, "/bounded/reconcile", ``, ci())
				h.cloud.Chaos(nil)
				for range 3 {
					h.settle(time.Second)
					h.sendTo(h.process(), http.MethodPost, "/bounded/reconcile", ``, ci())
				}
				h.settle(0)
				h.post("/bounded/out", event("m1"), ci())
				h.settle(0)
				if h.count("bounded") != 3 || len(h.servers("bounded")) != 3 {
					t.Errorf("count %d, %d nodes", h.count("bounded"), len(h.servers("bounded")))
				}
			})
		}
	}
}
