//go:build integration

package shim_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealWholeLoop is a cluster's life with nobody's hand in it, and with everything in the way that can be: measures,
// Gnocchi, Aodh, its notifier, the shim, Heat and Octavia are all real. Each part ends at the right size, with the right
// members in Octavia, and with a history that explains it. The clusters live side by side; the engine of all is killed
// when they have ended.
func TestRealWholeLoop(t *testing.T) {
	var last *loop
	t.Run("side by side", func(all *testing.T) {
		all.Run("alarms alone", func(t *testing.T) { t.Parallel(); alarmsAlone(t) })
		all.Run("operators and crowds", func(t *testing.T) { t.Parallel(); operatorsAndCrowds(t) })
		all.Run("killed between any two calls", func(t *testing.T) { t.Parallel(); killedBetweenCalls(t) })
		all.Run("a cluster for later", func(sub *testing.T) {
			sub.Parallel()
			last = newLoop(t, engineEntry) // it outlives this part
			last.build(1)
		})
	})
	if !t.Failed() && last != nil {
		engineKilled(t, last)
	}
}

// loop is a fleet behind a gate.
type loop struct {
	*fleet

	gate *gate
	life *testing.T // the test that the cluster and its processes live as long as
}

// newLoop is a cluster that is still to be built, with two processes that serve it.
func newLoop(t *testing.T, entry string) *loop {
	t.Helper()
	_, cloud := realCloud(t)
	l := &loop{
		fleet: &fleet{caller: caller{t: t}, cloud: cloud, name: "loop-" + strings.ToLower(rand.Text()[:8])}, gate: newGate(t), life: t,
	}
	l.processes(2, 1, entry)
	return l
}

// processes starts so many that serve; those before are gone.
func (l *loop) processes(count, copies int, entry string) {
	l.t.Helper()
	story := l.t
	l.t = l.life
	defer func() { l.t = story }()
	var to []string
	for range count {
		l.serve(entry + "\npublic_url: " + l.gate.url)
		to = append(to, l.s.Addr())
	}
	l.gate.serve(copies, to...)
}

// part is one part of the story.
func (l *loop) part(name string, story func()) {
	outer := l.t
	ok := outer.Run(name, func(t *testing.T) {
		begun := time.Now()
		l.t = t
		story()
		t.Logf("%s: took %s", name, time.Since(begun).Round(100*time.Millisecond))
	})
	l.t = outer
	if !ok {
		outer.FailNow()
	}
}

// hears waits until each of these has been answered so often since the mark.
func (l *loop) hears(mark, times int, answers ...string) {
	l.t.Helper()
	until(l.t, fmt.Sprint(times, " times ", answers), patience, func() (string, bool) {
		counts := l.gate.since(mark)
		ok := true
		for _, a := range answers {
			ok = ok && counts[a] >= times
		}
		return fmt.Sprint(counts), ok
	})
}

// memory is what decides whether anything was written: a decision changes it, and nothing else does.
func (l *loop) memory() string {
	l.t.Helper()
	s, err := l.cloud.StackParameters(l.t.Context(), l.ref)
	if err != nil {
		l.t.Fatal(err)
	}
	return s.Parameters["app_count"] + " " + s.Parameters["app_removal"] + " " + s.Parameters["scale_state"]
}

// weights are those of the pool's members.
func (l *loop) weights() []int {
	l.t.Helper()
	list, err := l.cloud.Members(l.t.Context(), l.pool)
	if err != nil {
		return nil // the next look will tell
	}
	var out []int
	for _, m := range list {
		out = append(out, m.Weight)
	}
	slices.Sort(out)
	return out
}

// weighs waits for these weights.
func (l *loop) weighs(want ...int) {
	l.t.Helper()
	until(l.t, fmt.Sprint("the members have the weights ", want), patience, func() (string, bool) {
		got := l.weights()
		return fmt.Sprint(got), slices.Equal(got, want)
	})
}

// reaches waits for the size, and then looks whether everything says so: the nodes that GET lists, their servers, the
// members of the pool, and a history in which each size follows from the one before.
func (l *loop) reaches(size int) fleetView {
	l.t.Helper()
	l.settled("UPDATE_COMPLETE", size)
	v := l.view()
	l.is(v, size)
	return v
}

func (l *loop) is(v fleetView, size int) {
	l.t.Helper()
	if v.Nodes != size || len(v.List) != size || !l.fits(v) {
		l.t.Errorf("not a cluster of %d: %+v, pool %v", size, v, l.weights())
	}
	var ids []string
	for _, n := range v.List {
		ids = append(ids, n.Server)
	}
	servers, err := l.cloud.Servers(l.t.Context(), ids...)
	if err != nil || len(servers) != size {
		l.t.Errorf("%d servers of %v: %v", len(servers), ids, err)
	}
	for _, s := range servers {
		if s.Status != "ACTIVE" {
			l.t.Errorf("server %s is %s", s.ID, s.Status)
		}
	}
	ring := v.Decisions
	for i := 0; i+1 < len(ring); i++ {
		if ring[i].From != ring[i+1].To {
			l.t.Errorf("what comes after %+v is %+v", ring[i+1], ring[i])
		}
	}
	if len(ring) > 0 && ring[0].To != size {
		l.t.Errorf("the history ends at %d, the cluster has %d", ring[0].To, size)
	}
	l.t.Logf("history: %s", strings.Join(v.ring(), "; "))
}

// load is what the nodes are measured to do. A new value takes the place of all that was measured before.
type load struct {
	*gnocchi

	group, id string
}

// set measures the value, in the last two minutes and now; a negative one is no measure at all.
func (l *load) set(value float64) {
	l.t.Helper()
	if l.id != "" {
		l.send(http.MethodDelete, l.url+"/v1/resource/instance/"+l.id, nil, nil)
		l.id = ""
	}
	if value < 0 {
		return
	}
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	l.id = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	l.measure(l.id, l.group, value)
}

// alarmsEntry lets nothing but the alarms' own words hold them back.
const alarmsEntry = `{min: 1, max: 3, cooldown_out: 0s, cooldown_in: 0s, lease: true, drain: {timeout: %s},
    steps_out: [{at: 50, by: 1}, {at: 80, by: 2}], steps_in: [{at: 20, by: 1}, {at: 10, by: 2}]}`

// alarmsAlone lets two real alarms run a cluster: their states, their repeats and their values are all it hears.
func alarmsAlone(t *testing.T) {
	t.Helper()
	l := newLoop(t, fmt.Sprintf(alarmsEntry, "10m"))
	l.build(1, map[string]any{
		"scale_out_url": l.s.ScaleURL(l.name, "out"), "scale_in_url": l.s.ScaleURL(l.name, "in"), "alarm_ticks": true,
		"alarm_metric": "busy", "alarm_aggregation": "mean", "alarm_granularity": 60, "alarm_high": 50, "alarm_low": 20,
	})
	busy := &load{gnocchi: newGnocchi(t), group: l.ref.ID}
	t.Cleanup(func() { busy.set(-1) })

	l.part("without data nothing happens", func() {
		before := l.memory()
		l.hears(l.gate.mark(), 2, "out insufficient data: not_alarm", "in insufficient data: not_alarm", "+steady")
		if after := l.memory(); after != before {
			l.t.Errorf("it was %s and is %s", before, after)
		}
	})
	l.part("out from 1 to 3 by the value, told three times at once by each", func() {
		l.gate.serve(3, l.gate.to...)
		mark, begun := l.gate.mark(), time.Now()
		busy.set(95)
		until(l.t, "the count is 3", patience, func() (string, bool) {
			m := l.memory()
			return m, strings.HasPrefix(m, "3 ")
		})
		l.t.Logf("from the measure to Heat: %s", time.Since(begun).Round(100*time.Millisecond))
		v := l.reaches(3)
		l.hears(mark, 3, "out alarm: at_max") // it repeats itself, and nothing more comes of it
		counts := l.gate.since(mark)
		if ring := v.ring(); counts["out alarm: scaled"] != 1 || len(ring) != 1 || !strings.HasPrefix(ring[0], "out 1 to 3: scaled by aodh ") {
			l.t.Errorf("answers %v, history %v", counts, ring)
		}
	})
	l.part("ok scales nothing, nor does what comes late and in the wrong order", func() {
		mark := l.gate.mark()
		busy.set(35)
		l.hears(mark, 3, "out ok: not_alarm", "in ok: not_alarm", "+steady")
		before, old := l.memory(), l.gate.all()
		mark = l.gate.mark()
		for some := range slices.Chunk(old, 4) {
			l.gate.deliver(some...)
		}
		l.t.Logf("%d old notifications, newest first: %v", len(old), l.gate.since(mark))
		if after := l.memory(); after != before {
			l.t.Errorf("it was %s and is %s", before, after)
		}
		l.is(l.view(), 3)
	})
	var nodes fleetView
	l.part("in is a drain", func() {
		for _, m := range l.list() {
			l.change(m.ID, openstack.MemberChange{Weight: new(7)})
		}
		nodes = l.view()
		mark := l.gate.mark()
		busy.set(5)
		l.weighs(0, 0, 7)
		l.hears(mark, 3, "in alarm: at_min") // the lower bound's number stays
		if v := l.view(); len(v.List) != 3 {
			l.t.Errorf("nodes went before their time: %+v", v)
		}
		l.serversAre("ACTIVE", nodes)
	})
	l.part("out takes them back, with the weight they had, before any is built", func() {
		before, mark := l.memory(), l.gate.mark()
		busy.set(96)
		l.weighs(7, 7, 7)
		l.hears(mark, 1, "out alarm: at_max")
		if after := l.memory(); after != before {
			l.t.Errorf("something was written to the stack: it was %s and is %s", before, after)
		}
		if v := l.view(); !slices.Equal(v.names(), nodes.names()) {
			l.t.Errorf("nodes %v, were %v", v.names(), nodes.names())
		}
	})
	l.part("in from 3 to 1, by processes that know nothing of its beginning", func() {
		busy.set(4)
		l.weighs(0, 0, 7)
		l.serversAre("ACTIVE", nodes) // weight 0 first, and the servers later
		l.gate.serve(0)
		l.processes(2, 3, fmt.Sprintf(alarmsEntry, "5s"))
		v := l.reaches(1)
		if !slices.Equal(v.names(), []string{"2"}) {
			l.t.Errorf("left is %v", v.names())
		}
		l.serversAre("", fleetView{List: nodes.List[:2]})
		for _, d := range v.Decisions[:len(v.Decisions)-1] {
			if d.Code != "removed" || !strings.HasPrefix(d.By, "aodh ") {
				l.t.Errorf("history: %v", v.ring())
			}
		}
		l.weighs(7)
	})
}

// list are the pool's members.
func (l *loop) list() []openstack.Member {
	l.t.Helper()
	list, err := l.cloud.Members(l.t.Context(), l.pool)
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

// change writes a member as soon as the load balancer lets us.
func (l *loop) change(member string, c openstack.MemberChange) {
	l.t.Helper()
	until(l.t, "the load balancer takes a change", time.Minute, func() (string, bool) {
		err := l.cloud.ChangeMember(l.t.Context(), l.pool, member, c)
		return fmt.Sprint(err), err == nil
	})
}

// serversAre looks whether all the nodes' servers have the status; "" is that there is none.
func (l *loop) serversAre(status string, nodes fleetView) {
	l.t.Helper()
	for _, n := range nodes.List {
		list, err := l.cloud.Servers(l.t.Context(), n.Server)
		if err != nil {
			l.t.Fatal(err)
		}
		got := ""
		if len(list) == 1 {
			got = list[0].Status
		}
		if got != status {
			l.t.Errorf("the server of node %s is %q, want %q", n.Name, got, status)
		}
	}
}
