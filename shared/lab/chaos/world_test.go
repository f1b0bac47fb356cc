package chaos_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

const (
	lifetime = 2 * time.Hour
	naming   = "hunter2-naming-key-0123456789abcdef"
)

// template takes signals as a lab does, and is up when the machine in it says so.
const template = `
heat_template_version: 2018-08-31
parameters:
  grading: {type: string, default: ""}
resources:
  signals: {type: OS::Heat::WaitConditionHandle}
  ready: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: signals}, timeout: 900}}
outputs:
  lab_url: {value: "https://lab.example.org/"}
  signals: {value: {get_attr: [ready, data]}}
`

// world is two clouds, two hosts, and a few learners with their pages.
type world struct {
	t      *testing.T
	random *rand.Rand
	gates  gates
	config *config.Config
	clouds []*openstacktest.Cloud
	hosts  []*host
	pages  []*learner
	book   *book
	spoilt bool // something failed in this play
	calm   bool // nothing ever fails
	box    *seal.Box
	log    bytes.Buffer
	logMu  sync.Mutex
	mu     sync.Mutex // guards the learners while deeds are under way
	story  []string
}

// told is a score that was reported, and when.
type told struct {
	score float64
	at    time.Time
}

// learner is one with the page that they have open.
type learner struct {
	name   string
	ticket keeper.Ticket
	status lab.Status
	// promised is until when a page said that a stack would live, by its id.
	promised map[string]time.Time
	// fresh are those that were promised while requests are under way: Heat has no guard against a delete that was decided
	// on a moment before.
	fresh map[string]bool
	// gen is the generation that the learner wants: pages of earlier ones promise nothing any more. doubt is while two
	// requests of theirs are under way of which one gives a lab up.
	gen    int
	doubt  bool
	orders int // how many such requests are under way
	// told are the scores that the lab reported and was told were written down.
	told []told
}

func configuration(dir string) string {
	return `
public_url: https://hooks.example.org
naming_key: ` + naming + `
seal_keys: [{id: a, secret: hunter2-seal-key-0123456789abcdef}]
templates_dir: ` + dir + `
clouds: [{name: one}, {name: two}]
tend: {rate: 100, parallel: 4}
lti: {consumers: [{key: academy, secret: hunter2-lti-secret-0123456789abcdef, labs: [web], outcome_hosts: [lms.example.org]}]}
labs:
  web:
    title: Web
    template: lab.yaml
    build_timeout: 15m
    idle_timeout: 30m
    lifetime: 2h
    max_age: 24h
    reset_grace: 30m
    extend: {by: 1h, times: 2}
    warm: 1
    checks: [{name: one}, {name: two}, {name: three}]
    access: [{kind: url, output: lab_url}]
`
}

func newWorld(t *testing.T, c *config.Config, clouds []*openstacktest.Cloud, random *rand.Rand) *world {
	t.Helper()
	w := &world{t: t, random: random, config: c, clouds: clouds, book: newBook()}
	var err error
	if w.box, err = c.Box(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		w.hosts = append(w.hosts, &host{number: i, world: w})
	}
	for i := range 3 {
		w.pages = append(w.pages, &learner{name: fmt.Sprintf("learner-%d", i), promised: map[string]time.Time{}, fresh: map[string]bool{}})
	}
	for _, h := range w.hosts {
		h.start()
	}
	return w
}

func (w *world) now() time.Time { return w.clouds[0].Now() }

// Write takes the log of all hosts.
func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

func (w *world) tell(format string, args ...any) {
	line := w.now().Format("15:04:05 ") + plain(fmt.Sprintf(format, args...))
	for i, c := range w.clouds { // their ports are the machine's choice
		line = strings.ReplaceAll(line, c.URL(), w.config.Clouds[i].Name)
	}
	w.story = append(w.story, line)
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.story {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

// host is a process that serves the functions: what it remembers is gone when it is killed.
type host struct {
	number int
	world  *world
	mu     sync.Mutex
	killed bool
	// tends says that what it does now is a pass, which may not break a promise.
	tends  bool
	keeper *keeper.Keeper
	tender *tender.Tender
	grades grades.Grades
	clouds keeper.Clouds
}

func (h *host) dead() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.killed
}

func (h *host) die() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.killed = true
}

// start is a new process.
func (h *host) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.killed = false
	var clouds keeper.Clouds
	for i, cloud := range h.world.clouds {
		env := cloud.Env()
		client, err := openstack.New(openstack.Options{
			Getenv:    func(name string) string { return env[name] },
			Transport: door{host: h, to: h.world.config.Clouds[i].Name, cloud: cloud, gates: &h.world.gates},
		})
		if err != nil {
			h.world.fail("set up cloud: %v", err)
		}
		clouds = append(clouds, keeper.Site{Name: h.world.config.Clouds[i].Name, Cloud: client})
	}
	h.clouds = clouds
	var err error
	if h.keeper, err = keeper.New(h.world.config, clouds, h.world.now); err != nil {
		h.world.fail("set up labs: %v", err)
	}
	lms := &http.Client{Transport: door{host: h, to: "lms", cloud: h.world.book, gates: &h.world.gates}}
	if h.grades, err = grades.New(h.world.config, grades.Options{Client: lms, Now: h.world.now}); err != nil {
		h.world.fail("set up grades: %v", err)
	}
	h.keeper.UseGrades(h.grades)
	h.tender = tender.New(tender.Parts{
		Sites: sites(clouds), Catalogue: catalogue{h.keeper}, Tend: h.world.config.Tend, Grades: delivery{h.grades}, Now: h.world.now,
		NewStack: func(name, key string, tags []string) openstack.NewStack {
			return h.keeper.NewStack(name, key, tags, "")
		},
	})
}

// watch sees what a host asks of the clouds: no pass deletes a lab before the time that its learner was told.
func (h *host) watch(r *http.Request) {
	if !h.tends || r.Method != http.MethodDelete || !strings.Contains(r.URL.Path, "/stacks/") {
		return
	}
	id := path.Base(r.URL.Path)
	for _, l := range h.world.pages {
		if until, promised := l.promised[id]; promised && !l.fresh[id] && h.world.now().Before(until) {
			h.world.fail("%s was told that stack %s lives until %s, and it is deleted", l.name, id, until.Format(time.TimeOnly))
		}
	}
}

// deed is what one host is asked for.
type deed struct {
	host *host
	what string
	do   func(ctx context.Context) string
}

// spoil is how likely each trouble is for a request, in thousandths.
type spoil struct{ kill, drop, e503, e409, e401, quota int }

func (s spoil) verdict(random *rand.Rand) verdict {
	n := random.IntN(1000)
	for _, c := range []struct {
		share int
		v     verdict
	}{{s.kill, kill}, {s.drop, dropReply}, {s.e503, refuse503}, {s.e409, refuse409}, {s.e401, refuse401}, {s.quota, refuseQuota}} {
		if n < c.share {
			return c.v
		}
		n -= c.share
	}
	return pass
}

// crossed forgets what a learner was told if two hosts sent their grade at once and something failed meanwhile: over LTI 1.1
// the course site keeps whatever comes last, and a host that dies between its yes and our note of it leaves no trace.
func (w *world) crossed() {
	for _, l := range w.pages {
		if w.spoilt && len(w.book.sentBy[l.name]) > 1 {
			l.told = nil
		}
	}
	w.spoilt, w.book.sentBy = false, map[string]map[int]bool{}
}

// play does some deeds at the same time: of the requests that wait, one goes on at a time, whichever the seed says.
func (w *world) play(s spoil, deeds ...deed) {
	open := len(deeds)
	var mu sync.Mutex
	outcomes := make([]string, len(deeds))
	for i, d := range deeds {
		go func() {
			log := zerolog.New(w)
			ctx, cancel := context.WithTimeout(log.WithContext(context.Background()), 25*time.Second)
			defer cancel()
			outcome := d.do(ctx)
			mu.Lock()
			defer mu.Unlock()
			outcomes[i] = outcome
			open--
		}()
	}
	for {
		synctest.Wait()
		next := w.gates.next(w.random)
		if next != nil {
			v := s.verdict(w.random)
			if v != pass {
				w.spoilt = true
				w.tell("host %d %s: %s", next.host.number, next.request, v)
			}
			next.turn <- v
			w.clouds[0].Advance(20 * time.Millisecond)
			w.clouds[1].Advance(20 * time.Millisecond)
			continue
		}
		mu.Lock()
		left := open
		mu.Unlock()
		if left == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond) // somebody waits for time to pass
	}
	w.crossed()
	for i, d := range deeds {
		w.tell("host %d %s: %s", d.host.number, d.what, outcomes[i])
	}
	for _, h := range w.hosts {
		if h.tends = false; h.dead() {
			h.start()
		}
	}
}

// wait lets time go by, for the hosts and for the clouds. Machines that boot say so within it.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	for _, c := range w.clouds {
		c.Advance(d / 2)
		for _, s := range c.Stacks() {
			if s.State == "CREATE_IN_PROGRESS" {
				c.Signal(s.Name, "signals", map[string]any{"id": "ready", "status": "SUCCESS", "reason": "up", "data": map[string]any{"at": c.Now().Unix()}})
			}
		}
		c.Advance(d - d/2)
	}
}

// labs are a learner's stacks that nobody is deleting.
func (w *world) labs(l *learner) []openstacktest.Stack {
	owner := w.identity(l).Hide([]byte(naming))
	var own []openstacktest.Stack
	for _, c := range w.clouds {
		for _, s := range c.Stacks() {
			if lab.BaseOf(s.Tags) == owner.Stack && lab.Tagged(s.Tags, lab.TagKind) == "" && !strings.HasPrefix(s.State, "DELETE") {
				own = append(own, s)
			}
		}
	}
	return own
}

func (w *world) identity(l *learner) lab.Identity {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: l.name}
}

// sites are the clouds as a tender knows them.
func sites(clouds keeper.Clouds) []tender.Site {
	out := make([]tender.Site, len(clouds))
	for i, c := range clouds {
		cloud, _ := c.Cloud.(tender.Cloud)
		out[i] = tender.Site{Name: c.Name, Cloud: cloud}
	}
	return out
}

type catalogue struct{ keeper *keeper.Keeper }

func (c catalogue) Keys() []string { return []string{"web"} }

func (c catalogue) Entry(key string) (lab.Entry, bool) {
	shelf, ok := c.keeper.Shelf(key)
	return shelf.Entry, ok
}

// delivery is how a tender knows grades.
type delivery struct{ grades grades.Grades }

func (d delivery) Deliver(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := d.grades.Deliver(ctx, cloud, s)
	return report.Word(), err
}

func (d delivery) Sleep(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := d.grades.Sleep(ctx, cloud, s)
	return report.Word(), err
}

func (d delivery) Leave(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := d.grades.Leave(ctx, cloud, s)
	return report.Word(), err
}

func (d delivery) Outbox(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	report, err := d.grades.Outbox(ctx, cloud, s)
	return report.Word(), err
}
