package line_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/line"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const template = `
heat_template_version: 2018-08-31
resources:
  machine: {type: OS::Nova::Server, properties: {image: debian-12, flavor: m1.small}}
`

// class is a fake cloud that is at work on a lab for a minute, and the line before it.
type class struct {
	*openstacktest.Cloud
	*line.Line
	t      *testing.T
	client *openstack.Cloud
	counts atomic.Int32
}

func newClass(t *testing.T, capacity, builds int) *class {
	t.Helper()
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	fake, err := openstacktest.New(openstacktest.Options{Start: start, TokenLife: 1000 * time.Hour, Build: func(string) time.Duration { return time.Minute }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	env := fake.Env()
	client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	c := &class{Cloud: fake, t: t, client: client}
	c.Line = line.New(fake.Now, 1, line.Cloud{Capacity: capacity, MaxBuilds: builds, Count: c.count})
	return c
}

func (c *class) count(ctx context.Context) (line.Load, error) {
	c.counts.Add(1)
	labs, err := c.client.CountStacks(ctx, openstack.StackFilter{Tags: []string{lab.Tag}})
	if err != nil {
		return line.Load{}, err
	}
	builds, err := c.client.CountStacks(ctx, openstack.StackFilter{Tags: []string{lab.Tag}, Action: "CREATE", Status: "IN_PROGRESS"})
	return line.Load{Builds: builds, Labs: labs}, err
}

// building are the names of the labs that the cloud is at work on.
func (c *class) building() (names []string) {
	for _, s := range c.Stacks() {
		if s.State == "CREATE_IN_PROGRESS" {
			names = append(names, s.Name)
		}
	}
	return names
}

// learner is one who waits, as their page does it.
type learner struct {
	name  string
	since time.Time
	next  time.Time // when the page asks again
	begun time.Time
	turn  line.Turn
}

// ask has the learner ask, and build if they may.
func (c *class) ask(l *learner) {
	turn, err := c.Ask(c.t.Context(), l.name, l.since, lab.Pace{Median: time.Minute, P90: time.Minute})
	if err != nil {
		c.t.Error(err)
		return
	}
	l.turn = turn
	if !turn.Go {
		if turn.Retry <= 0 {
			c.t.Errorf("%s waits at place %d and is told no time", l.name, turn.Place)
		}
		l.next = c.Now().Add(turn.Retry)
		return
	}
	_, err = c.client.CreateStack(c.t.Context(), openstack.NewStack{Name: l.name, Template: template, Tags: []string{lab.Tag}})
	turn.Done(err == nil)
	if err != nil {
		c.t.Error(err)
	}
	l.begun = c.Now()
}

// due are the learners whose page asks now.
func (c *class) due(all []*learner) (due []*learner) {
	for _, l := range all {
		if l.begun.IsZero() && !l.next.After(c.Now()) {
			due = append(due, l)
		}
	}
	return due
}

// TestRow5Hundred: a hundred learners at once, ten builds at once. The cloud never works on more, everybody is let in as they
// came but for the ten who may go at any moment, and each has a place that only moves forward.
func TestRow5Hundred(t *testing.T) {
	t.Parallel()
	const learners, most = 100, 10
	c := newClass(t, 0, most)
	for i := range most { // another class came before
		c.ask(&learner{name: fmt.Sprint("other-", i), since: c.Now()})
	}
	all := make([]*learner, learners)
	for i := range all { // who came first by their tickets, not by their names
		all[i] = &learner{name: fmt.Sprintf("lab-%02d", (i*37)%learners), since: c.Now().Add(time.Duration(i-learners) * time.Millisecond)}
	}
	begin := c.Now()
	atOnce(all, c.ask)
	atOnce(waiting(all), c.ask) // now that all are there, each has a place of their own
	if places := placesOf(all); !slices.Equal(places, upTo(learners)) {
		t.Errorf("%d learners have the places %d", len(places), places)
	}
	for len(waiting(all)) > 0 {
		if n := len(c.building()); n > most {
			t.Fatalf("%d builds at once", n)
		}
		c.Advance(time.Second)
		before := placesByName(all)
		atOnce(c.due(all), c.ask)
		for _, l := range waiting(all) {
			if was := before[l.name]; l.turn.Place > was {
				t.Errorf("%s went from place %d back to %d", l.name, was, l.turn.Place)
			}
		}
		if c.Now().Sub(begin) > 2*time.Hour {
			t.Fatal("not everybody got in")
		}
	}
	for i := range learners - most {
		if all[i].begun.After(all[i+most].begun) {
			t.Errorf("learner %d began at %s, learner %d at %s", i, all[i].begun.Sub(begin), i+most, all[i+most].begun.Sub(begin))
		}
	}
	t.Logf("all began within %s, %d counts", c.Now().Sub(begin), c.counts.Load())
}

// TestRow5Restart: the process that knew the line is gone. Another builds it anew from what those who wait bring along.
func TestRow5Restart(t *testing.T) {
	t.Parallel()
	const learners, most = 12, 2
	c := newClass(t, 0, most)
	all := make([]*learner, learners)
	for i := range all {
		all[i] = &learner{name: fmt.Sprintf("lab-%02d", learners-i), since: c.Now().Add(time.Duration(i-learners) * time.Second)}
	}
	for _, l := range all {
		c.ask(l)
	}
	was := placesByName(all)
	c.Line = line.New(c.Now, 1, line.Cloud{MaxBuilds: most, Count: c.count})
	for range 2 { // the first time round not all are known yet
		for _, l := range all[most:] {
			c.ask(l)
		}
	}
	if now := placesByName(all); fmt.Sprint(now) != fmt.Sprint(was) {
		t.Errorf("places %v, were %v", now, was)
	}
}

// TestRow5Silent: who asks no longer is forgotten, and the next moves up; who asks in time is not.
func TestRow5Silent(t *testing.T) {
	t.Parallel()
	c := newClass(t, 0, 1)
	first, gone, stays := &learner{name: "a"}, &learner{name: "b"}, &learner{name: "c"}
	for _, l := range []*learner{first, gone, stays} {
		l.since = c.Now()
		c.ask(l)
	}
	if gone.turn.Place != 1 || stays.turn.Place != 2 {
		t.Fatalf("places %d and %d", gone.turn.Place, stays.turn.Place)
	}
	c.Advance(gone.turn.Retry + 29*time.Second)
	if c.ask(stays); stays.turn.Place == 1 && !stays.turn.Go {
		t.Error("who was told to wait so long was forgotten before")
	}
	c.Advance(2 * time.Second)
	if c.ask(stays); !stays.turn.Go && stays.turn.Place != 1 {
		t.Errorf("place %d behind somebody who went away", stays.turn.Place)
	}
}

// TestRow5Twice: two requests of one learner at once are one build and one place.
func TestRow5Twice(t *testing.T) {
	t.Parallel()
	c := newClass(t, 0, 1)
	first, err := c.Ask(t.Context(), "a", c.Now(), lab.Pace{})
	second, err2 := c.Ask(t.Context(), "a", c.Now(), lab.Pace{})
	if err != nil || err2 != nil || !first.Go || !second.Go || !slices.Equal(second.Clouds, []int{0}) {
		t.Errorf("%+v, %v; %+v, %v", first, err, second, err2)
	}
	for range 2 {
		if other, err := c.Ask(t.Context(), "b", c.Now(), lab.Pace{}); err != nil || other.Go || other.Place != 1 || other.Total != 1 {
			t.Errorf("another while the one place is taken: %+v, %v", other, err)
		}
	}
	first.Done(false) // nothing came of it
	second.Done(false)
	if other, err := c.Ask(t.Context(), "b", c.Now(), lab.Pace{}); err != nil || !other.Go {
		t.Errorf("after that: %+v, %v", other, err)
	}
}

// TestReservations: what was begun since the last count is added to it, until a count must have seen it, or its process died.
func TestReservations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	seen := 0
	l := line.New(func() time.Time { return now }, 1, line.Cloud{MaxBuilds: 2, Count: func(context.Context) (line.Load, error) { return line.Load{Builds: seen}, nil }})
	ask := func(who string) line.Turn {
		t.Helper()
		turn, err := l.Ask(t.Context(), who, now, lab.Pace{})
		if err != nil {
			t.Fatal(err)
		}
		return turn
	}
	a, b := ask("a"), ask("b")
	if !a.Go || !b.Go || ask("c").Go {
		t.Fatal("want two, and no third")
	}
	now = now.Add(3 * time.Second)
	if ask("c").Go {
		t.Error("a count that may have come before the creates made room")
	}
	a.Done(true)
	b.Done(true)
	seen = 2
	now = now.Add(3 * time.Second)
	if ask("c").Go {
		t.Error("both are being built, and a third may go")
	}
	seen = 1
	now = now.Add(3 * time.Second)
	c := ask("c")
	if !c.Go || ask("d").Go {
		t.Error("one has ended: one may go and no more")
	}
	seen = 0
	now = now.Add(59 * time.Second)
	if !ask("d").Go || ask("e").Go {
		t.Error("c still counts: one may go")
	}
	now = now.Add(2 * time.Second)
	if !ask("e").Go {
		t.Error("nobody ever told what became of c, and it still counts")
	}
}

// TestFull: with every place taken the line says so, and nobody is let in until one is given up.
func TestFull(t *testing.T) {
	t.Parallel()
	c := newClass(t, 2, 0)
	all := []*learner{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	for _, l := range all {
		l.since = c.Now()
		c.ask(l)
		c.Settle()
	}
	if last := all[3].turn; last.Go || !last.Full || last.Place != 2 || last.Total != 2 {
		t.Fatalf("%+v", last)
	}
	s, _ := c.Stack("a")
	if err := c.client.DeleteStack(t.Context(), openstack.StackRef{Name: s.Name, ID: s.ID}); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.Advance(3 * time.Second)
	if c.ask(all[3]); all[3].turn.Go {
		t.Error("the last one got the place of the first in line")
	}
	if c.ask(all[2]); !all[2].turn.Go {
		t.Errorf("%+v", all[2].turn)
	}
}

// TestClouds: the line is one before all clouds. The first in order with room takes who is next, and one that cannot be
// counted takes nobody.
func TestClouds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	var broken error
	cloud := func(capacity, builds int, load line.Load) line.Cloud {
		return line.Cloud{Capacity: capacity, MaxBuilds: builds, Count: func(context.Context) (line.Load, error) {
			mu.Lock()
			defer mu.Unlock()
			return load, broken
		}}
	}
	l := line.New(func() time.Time { return now }, 1, cloud(10, 2, line.Load{Builds: 1, Labs: 5}), cloud(3, 5, line.Load{Labs: 2}), cloud(0, 1, line.Load{}))
	ask := func(who string) line.Turn {
		t.Helper()
		turn, err := l.Ask(t.Context(), who, now, lab.Pace{})
		if err != nil {
			t.Fatal(err)
		}
		return turn
	}
	a := ask("a")
	if !slices.Equal(a.Clouds, []int{0, 1, 2}) {
		t.Errorf("the first: %+v", a)
	}
	a.Move(2) // the first two had no room after all
	if b := ask("b"); !slices.Equal(b.Clouds, []int{0, 1}) {
		t.Errorf("the second: %+v", b)
	}
	if c := ask("c"); !slices.Equal(c.Clouds, []int{1}) {
		t.Errorf("the third: %+v", c)
	}
	if d := ask("d"); d.Go || d.Full || d.Place != 1 {
		t.Errorf("the fourth: %+v", d)
	}
	mu.Lock()
	broken = errors.New("hunter2 is down")
	mu.Unlock()
	now = now.Add(3 * time.Second)
	if d, err := l.Ask(t.Context(), "d", now, lab.Pace{}); err == nil || d.Go || !errors.Is(err, broken) {
		t.Errorf("nobody can be counted: %+v, %v", d, err)
	}
}

// TestUnbounded: without a bound nobody waits and nothing is counted.
func TestUnbounded(t *testing.T) {
	t.Parallel()
	l := line.New(time.Now, 3, line.Cloud{Count: func(context.Context) (line.Load, error) {
		t.Error("counted")
		return line.Load{Builds: math.MaxInt}, nil
	}})
	for i := range 50 {
		if turn, err := l.Ask(t.Context(), strconv.Itoa(i), time.Time{}, lab.Pace{}); err != nil || !turn.Go || !slices.Equal(turn.Clouds, []int{0}) {
			t.Fatalf("%+v, %v", turn, err)
		}
	}
	if l.Bounded() {
		t.Error("bounded")
	}
}

// TestReplicas: three processes that cannot see each other's builds share what is left.
func TestReplicas(t *testing.T) {
	t.Parallel()
	total := 0
	for range 3 {
		l := line.New(time.Now, 3, line.Cloud{MaxBuilds: 10, Count: func(context.Context) (line.Load, error) { return line.Load{Builds: 1}, nil }})
		for i := range 20 {
			if turn, err := l.Ask(t.Context(), strconv.Itoa(i), time.Time{}, lab.Pace{}); err != nil {
				t.Fatal(err)
			} else if turn.Go {
				total++
			}
		}
	}
	if total > 9 || total < 3 {
		t.Errorf("%d were let through, 9 were free", total)
	}
}

// TestTwoProcesses: each has counted a moment ago, and then one place becomes free. Whoever is let in looks again, and the
// other sees it.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	c := newClass(t, 0, 1)
	c.ask(&learner{name: "first", since: c.Now()})
	other := line.New(c.Now, 1, line.Cloud{MaxBuilds: 1, Count: c.count})
	lines := []*line.Line{c.Line, other}
	c.Settle()
	c.Advance(3 * time.Second)
	for i, l := range lines { // both count, and see the place free; neither takes it
		turn, err := l.Ask(t.Context(), fmt.Sprint("looks", i), c.Now(), lab.Pace{})
		if err != nil || !turn.Go {
			t.Fatalf("%+v, %v", turn, err)
		}
		turn.Done(false)
	}
	c.Advance(time.Second)
	let := 0
	for i, l := range lines {
		c.Line = l
		who := &learner{name: fmt.Sprint("next", i), since: c.Now()}
		if c.ask(who); who.turn.Go {
			let++
		}
		c.Advance(300 * time.Millisecond)
	}
	if let != 1 || len(c.building()) != 1 {
		t.Errorf("%d were let in, %q are being built", let, c.building())
	}
}

// TestCountedOnce: of a hundred who ask at once one has the cloud counted, and the request that began it may end meanwhile.
func TestCountedOnce(t *testing.T) {
	t.Parallel()
	counts := new(atomic.Int32)
	counting, counted := make(chan struct{}), make(chan struct{})
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	l := line.New(func() time.Time { return now }, 1, line.Cloud{MaxBuilds: 1000, Count: func(ctx context.Context) (line.Load, error) {
		counts.Add(1)
		close(counting)
		<-counted
		return line.Load{}, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _, _ = l.Ask(ctx, "first", time.Time{}, lab.Pace{}) })
	<-counting
	for i := range 100 {
		all.Go(func() {
			if turn, err := l.Ask(t.Context(), strconv.Itoa(i), time.Time{}, lab.Pace{}); err != nil || !turn.Go {
				t.Errorf("%+v, %v", turn, err)
			}
		})
	}
	cancel()
	gone, err := l.Ask(ctx, "gone", time.Time{}, lab.Pace{}) // does not wait, and is told that nothing is known
	if err == nil || gone.Go || !strings.Contains(err.Error(), "no answer yet") {
		t.Errorf("%+v, %v", gone, err)
	}
	close(counted)
	all.Wait()
	if n := counts.Load(); n != 1 {
		t.Errorf("counted %d times", n)
	}
}

// TestLeave: who got a lab some other way has no place any more.
func TestLeave(t *testing.T) {
	t.Parallel()
	c := newClass(t, 0, 1)
	for _, name := range []string{"a", "b", "c"} {
		c.ask(&learner{name: name, since: c.Now()})
	}
	c.Leave("b")
	last := &learner{name: "c", since: c.Now()}
	if c.ask(last); last.turn.Place != 1 || last.turn.Total != 1 {
		t.Errorf("%+v", last.turn)
	}
}

func atOnce(all []*learner, fn func(*learner)) {
	var group sync.WaitGroup
	for _, l := range all {
		group.Go(func() { fn(l) })
	}
	group.Wait()
}

func waiting(all []*learner) []*learner {
	return slices.DeleteFunc(slices.Clone(all), func(l *learner) bool { return !l.begun.IsZero() })
}

// placesOf are the places in line, in order.
func placesOf(all []*learner) (places []int) {
	for _, l := range waiting(all) {
		places = append(places, l.turn.Place)
	}
	slices.Sort(places)
	return places
}

func placesByName(all []*learner) map[string]int {
	places := map[string]int{}
	for _, l := range waiting(all) {
		places[l.name] = l.turn.Place
	}
	return places
}

// upTo are the places of so many who wait.
func upTo(learners int) (places []int) {
	for i := range learners {
		places = append(places, i+1)
	}
	return places
}
