package scalecluster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	listGroup = "heat GET /stacks/{}/{}/resources"
	markOne   = "heat PATCH /stacks/{}/{}/resources/{}"
	// scaling is a cluster of an AutoScalingGroup without cooldowns and drain.
	scaling = "scaling"
)

// group is a house with a cluster of an AutoScalingGroup, found already; the entry is more of its configuration.
func group(t *testing.T, n int, entry string, options ...openstacktest.Option) *house {
	t.Helper()
	h := startWith(t, "  "+scaling+": {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s"+entry+"}\n", options...)
	template := scalingTemplate(t)
	_, err := h.same().CreateStack(t.Context(), openstack.NewStack{
		Name: scaling, Template: template.Text, Files: template.Files,
		Parameters: map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": n},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.cloud.Settle()
	if s, _ := h.cloud.Stack(scaling); s.State != "CREATE_COMPLETE" {
		t.Fatalf("stack is %s: %s", s.State, s.Reason)
	}
	h.post("/scaling/in?dry_run=1", ``, ci()) // which looks at the pool, once an hour
	h.calls()
	return h
}

// newest are the names of the nodes that Heat would take last, n of them: all are of one age.
func (h *house) newest(n int) []string {
	h.t.Helper()
	names := slices.Sorted(maps.Keys(h.servers(scaling)))
	return names[len(names)-n:]
}

// ask names nodes in a body.
func ask(names []string) string {
	b, _ := json.Marshal(map[string][]string{"nodes": names})
	return string(b)
}

// without is a map without some of its keys.
func without(m map[string]string, names []string) map[string]string {
	out := maps.Clone(m)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

// marks are the names of the members that failed.
func (h *house) marks() []string {
	h.t.Helper()
	ref, err := h.same().FindStack(h.t.Context(), scaling)
	if err != nil {
		h.t.Fatal(err)
	}
	list, err := h.same().Resources(h.t.Context(), ref.StackRef, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		if r.Status == "FAILED" {
			out = append(out, r.Name)
		}
	}
	h.calls()
	return out
}

// Out from one to three and in again: the chosen victims go, and no others, whatever Heat's own order; the requests are
// counted, the answer says that they are several, and the same request again is the same.
func TestScalingGroupOutAndIn(t *testing.T) {
	t.Parallel()
	h := group(t, 1, "")
	first := h.servers(scaling)
	h.post("/scaling/out", `{"by": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, listGroup, update, read}) {
		t.Errorf("out: %v", got)
	}
	h.settle(time.Minute)
	before := h.servers(scaling)
	victims := h.newest(2)
	if len(before) != 3 || len(without(first, slices.Collect(maps.Keys(before)))) != 0 {
		t.Fatalf("%v became %v", first, before)
	}
	key := append(ci(), "Idempotency-Key", "one")
	r := h.post("/scaling/in", ask(victims), key)
	r.want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, listGroup, markOne, markOne, update, read}) {
		t.Errorf("in: %v", got)
	}
	if !strings.Contains(r.text, "AutoScalingGroup") || len(r.victims()) != 2 {
		t.Errorf("the answer: %s", r.text)
	}
	h.settle(0)
	h.post("/scaling/in", ask(victims), key).want(t, http.StatusOK, "duplicate")
	if after := h.servers(scaling); !maps.Equal(after, without(before, victims)) || h.count(scaling) != 1 || len(h.cloud.Members()) != 1 {
		t.Errorf("%v became %v, without %v", before, after, victims)
	}
	h.calls()
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, listGroup, lookKept}) {
		t.Errorf("a pass: %v", got)
	}
}

// Nodes that leave by a drain are marked when it is over, by the pass that removes them; the choice is by age.
func TestScalingGroupDrains(t *testing.T) {
	t.Parallel()
	h := group(t, 1, ", drain: {timeout: 5m}, victims: newest")
	first := h.servers(scaling)
	for n := 2; n <= 3; n++ {
		h.post("/scaling/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
		h.settle(time.Minute)
	}
	for range 2 {
		h.post("/scaling/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		h.settle(time.Second)
	}
	if got := h.marks(); len(got) != 0 || h.count(scaling) != 3 {
		t.Errorf("marked %v, count %d", got, h.count(scaling))
	}
	h.settle(5 * time.Minute)
	h.calls()
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, listGroup, markOne, markOne, update, read}) {
		t.Errorf("removal: %v", got)
	}
	h.settle(0)
	if after := h.servers(scaling); !maps.Equal(after, first) {
		t.Errorf("left are %v, want the oldest: %v", after, first)
	}
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
}

// A host that is killed after any of its requests, also between marks and update: the same request again, or the pass, goes
// on with the same victims, and nobody else is taken away or made anew.
func TestScalingGroupKilledAnywhere(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		entry, then string
		life        int64
	}{"at once": {"", "/scaling/in", 8}, "by a drain": {", drain: {timeout: 5m}", "/scaling/reconcile", 14}} {
		for after := int64(1); after <= row.life; after++ {
			t.Run(name+" "+strconv.FormatInt(after, 10), func(t *testing.T) {
				t.Parallel()
				h := group(t, 3, row.entry)
				before, victims := h.servers(scaling), h.newest(2)
				k := &killer{}
				k.left.Store(after)
				h.cloud.Chaos(k.choose)
				body := ask(victims)
				twice := func(path, body string) {
					t.Helper()
					headers := append(ci(), "Idempotency-Key", "one")
					h.post(path, body, headers)
					if k.left.Load() <= 0 {
						k.left.Store(forever)
						h.h = h.process()
						h.settle(0)
						if r := h.post(path, body, headers); r.status >= http.StatusBadRequest {
							t.Errorf("once more: %s", r.text)
						}
					}
					h.settle(0)
				}
				twice("/scaling/in", body)
				twice("/scaling/in", body) // the load balancer takes one a time
				for range 3 {
					h.settle(5 * time.Minute)
					twice("/scaling/reconcile", ``)
				}
				h.cloud.Chaos(nil)
				if k.left.Load() < forever/2 {
					t.Error("nobody was killed")
				}
				if left := h.servers(scaling); !maps.Equal(left, without(before, victims)) || len(h.marks()) != 0 {
					t.Errorf("%v became %v, want %v gone; marked %v", before, left, victims, h.marks())
				}
			})
		}
	}
}

// dies has a removal of one node die between its mark and its update, and gives what was before.
func (h *house) dies() (before map[string]string, victim string) {
	h.t.Helper()
	before, victim = h.servers(scaling), h.newest(1)[0]
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, PathPattern: "*/stacks/scaling/*", DropRequest: true})
	if r := h.post("/scaling/in", ask([]string{victim}), ci()); r.status != http.StatusServiceUnavailable {
		h.t.Fatalf("%d %s", r.status, r.text)
	}
	h.cloud.ClearFaults()
	h.h = h.process()
	if got := h.marks(); !slices.Equal(got, []string{victim}) {
		h.t.Fatalf("marked are %v, want %s", got, victim)
	}
	h.post("/scaling/in?dry_run=1", ``, ci())
	h.calls()
	return before, victim
}

// Between mark and update its sender died, and something else is asked for: nobody goes whom that does not choose. While
// the sender may still be alive, its mark is left alone; after that it is taken back, by a pass or by the next change.
func TestScalingGroupCutOff(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path, code string
		calls      []string
		nodes      int
	}{
		"a pass":              {"/scaling/reconcile", "repaired", []string{read, membersOf, listGroup, markOne}, 3},
		"a growth":            {"/scaling/out", "scaled", []string{read, listGroup, markOne, update, read}, 4},
		"a pause":             {"/scaling/pause", "paused", []string{read, listGroup, markOne, update, read}, 3},
		"another is replaced": {"/scaling/replace", "replaced", []string{read, membersOf, listGroup, markOne, markOne, update, read}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := group(t, 3, "")
			before, _ := h.dies()
			replaced, body := []string(nil), ``
			if row.path == "/scaling/replace" {
				replaced = slices.Sorted(maps.Keys(before))[:1]
				body = ask(replaced)
			}
			early := "busy"
			if row.path == "/scaling/reconcile" {
				early = "steady"
			}
			if r := h.post(row.path, body, ci()); r.code() != early {
				t.Errorf("at once: %s", r.text)
			}
			h.settle(2 * time.Minute)
			h.calls()
			h.post(row.path, body, ci()).want(t, http.StatusAccepted, row.code)
			if got := h.calls(); !slices.Equal(got, row.calls) {
				t.Errorf("%v, want %v", got, row.calls)
			}
			h.settle(0)
			after := h.servers(scaling)
			for name, server := range without(before, replaced) {
				if after[name] != server {
					t.Errorf("%v became %v", before, after)
				}
			}
			for _, name := range replaced {
				if after[name] == "" || after[name] == before[name] {
					t.Errorf("%s is not made anew: %v became %v", name, before, after)
				}
			}
			if len(after) != row.nodes || len(h.marks()) != 0 {
				t.Errorf("%v, marked %v", after, h.marks())
			}
		})
	}
}

// overtaker lets somebody update a stack just before an update of ours, and gives Heat some time for it.
type overtaker struct {
	h    *house
	once sync.Once
}

func (o *overtaker) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/stacks/scaling/") {
		o.once.Do(func() {
			ref, err := o.h.same().FindStack(r.Context(), scaling)
			if err == nil {
				err = o.h.same().PatchStack(r.Context(), ref.StackRef, openstack.StackChange{})
			}
			if err != nil {
				o.h.t.Error(err)
			}
			o.h.cloud.Advance(2 * time.Second)
		})
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Somebody's update comes between mark and update, and makes the marked node anew: another goes, which the next pass finds out.
func TestScalingGroupOvertaken(t *testing.T) {
	t.Parallel()
	h := group(t, 3, "")
	before, victim := h.servers(scaling), h.newest(1)[0]
	h.h = h.through(&overtaker{h: h})
	h.post("/scaling/in", ask([]string{victim}), ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	after := h.servers(scaling)
	if len(after) != 2 || after[victim] == "" || after[victim] == before[victim] {
		t.Fatalf("%v became %v", before, after)
	}
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusAccepted, "wrong_victim")
	h.settle(time.Minute)
	h.post("/scaling/in", aodh("alarm", 1), ci()).want(t, http.StatusOK, "halted")
}

// A node is made anew under its own name, for the same number of requests as one that goes.
func TestScalingGroupReplace(t *testing.T) {
	t.Parallel()
	h := group(t, 2, "")
	before, victim := h.servers(scaling), h.newest(1)[0]
	plan := h.post("/scaling/replace?dry_run=1", ask([]string{victim}), ci()).plan()
	if fmt.Sprint(plan["parameters"]) != "map[app_count:2]" || fmt.Sprint(plan["marks"]) != "[map[node:"+victim+" unhealthy:true]]" {
		t.Errorf("plan %v", plan)
	}
	h.calls()
	h.post("/scaling/replace", ask([]string{victim}), ci()).want(t, http.StatusAccepted, "replaced")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, listGroup, markOne, update, read}) {
		t.Errorf("%v", got)
	}
	h.settle(0)
	after := h.servers(scaling)
	if !maps.Equal(without(after, []string{victim}), without(before, []string{victim})) || after[victim] == "" || after[victim] == before[victim] {
		t.Errorf("%v became %v", before, after)
	}
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
}

// A node that somebody else marked would go in place of the chosen one: none goes before it is made anew.
func TestScalingGroupForeignMark(t *testing.T) {
	t.Parallel()
	h := group(t, 3, "")
	before, victims := h.servers(scaling), h.newest(2)
	ref, err := h.same().FindStack(t.Context(), scaling)
	if err != nil {
		t.Fatal(err)
	}
	list, err := h.same().Resources(t.Context(), ref.StackRef, 1)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(r openstack.Resource) bool { return r.Name == victims[0] })
	if err := h.same().MarkUnhealthy(t.Context(), list[i].Stack, victims[0], true, "by hand"); err != nil {
		t.Fatal(err)
	}
	h.post("/scaling/in", ask(victims[1:]), ci()).want(t, http.StatusOK, "unhealthy")
	h.post("/scaling/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	h.post("/scaling/replace", ask(victims[:1]), ci()).want(t, http.StatusAccepted, "replaced")
	h.settle(time.Minute)
	h.post("/scaling/in", ask(victims[1:]), ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	after := h.servers(scaling)
	if len(after) != 2 || after[victims[0]] == before[victims[0]] || after[victims[0]] == "" || after[victims[1]] != "" {
		t.Errorf("%v became %v", before, after)
	}
}

// Of twenty equal requests at once one is made, in one process and in twenty with a lease: one mark, one update, and the
// node goes that the answer named.
func TestScalingGroupTwenty(t *testing.T) {
	t.Parallel()
	for entry, processes := range map[string]int{"": 1, ", lease: true": 20} {
		t.Run(strconv.Itoa(processes), func(t *testing.T) {
			t.Parallel()
			h := group(t, 3, entry)
			before := h.servers(scaling)
			replies := h.together(h.hosts(processes), func(int) (string, string) { return "/scaling/in", aodh("alarm", 1) })
			calls := h.calls()
			h.settle(0)
			named := map[string]bool{}
			for _, r := range replies {
				if r.body["applied"] == true {
					maps.Copy(named, r.victims())
				}
			}
			count := func(name string) int {
				return len(slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != name }))
			}
			if len(named) != 1 || count(update) != 1 || count(markOne) != 1 {
				t.Errorf("%d named, %d updates, %d marks", len(named), count(update), count(markOne))
			}
			if after := h.servers(scaling); !maps.Equal(after, without(before, slices.Collect(maps.Keys(named)))) {
				t.Errorf("%v became %v, named %v", before, after, named)
			}
		})
	}
}

// Two hosts with a lease ask for this and that, and some updates are lost: the bounds hold, and nobody goes, or is made anew,
// whom no answer named.
func TestScalingGroupTwoHostsRace(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{", lease: true", ", lease: true, drain: {timeout: 5m}"} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(len(entry))))
			h := group(t, 3, entry, openstacktest.PatchWindow(2*time.Millisecond), openstacktest.TokenLife(30*24*time.Hour))
			hosts, named := h.hosts(2), map[string]bool{}
			for round := range *raceRounds {
				before := h.servers(scaling)
				if random.IntN(3) == 0 {
					h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, PathPattern: "*/stacks/scaling/*", LostUpdate: true, Times: 1})
				}
				replies := h.atOnce(random, hosts, scaling, round)
				h.cloud.ClearFaults()
				h.settle(time.Duration(random.IntN(7)) * time.Minute)
				for _, r := range replies {
					maps.Copy(named, r.victims())
				}
				after := h.servers(scaling)
				for name, server := range before {
					if after[name] != server && !named[name] {
						t.Fatalf("round %d: node %s went, and nobody said so: %s, %s", round, name, replies[0].text, replies[1].text)
					}
				}
				if n := h.count(scaling); n < 1 || n > 4 || n != len(after) {
					t.Fatalf("round %d: count %d, %d nodes", round, n, len(after))
				}
			}
		})
	}
}
