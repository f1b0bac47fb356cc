//go:build integration

package tender_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// town is a keeper and a tender of one kind of lab on the cloud that OS_CLOUD or OS_* name. Their clock can be turned;
// Heat's cannot.
type town struct {
	*keeper.Keeper
	*tender.Tender
	parts  tender.Parts
	client *openstack.Cloud
	config *config.Config
	quarter
	shift  atomic.Int64
	course string
}

// build makes a town. Its lab's key is nobody else's, and neither are its stacks.
func build(t *testing.T, template string, change ...func(*config.Lab)) *town {
	t.Helper()
	client, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: 2 * time.Minute})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	entry := config.Lab{
		Title: "Lab", Template: template, BuildTimeout: 15 * time.Minute, IdleTimeout: 30 * time.Minute, Lifetime: 8 * time.Hour, MaxAge: 48 * time.Hour,
		Grace: time.Hour, Extend: config.Extend{By: 2 * time.Hour, Times: 2}, Access: []config.Access{{Kind: "url", Output: "lab_url"}},
	}
	for _, fn := range change {
		fn(&entry)
	}
	key := "real" + strings.ToLower(rand.Text()[:10])
	tn := &town{client: client, course: rand.Text(), quarter: quarter{Cloud: client, key: key, ids: &sync.Map{}}}
	tn.config = &config.Config{
		PublicURL: "https://hooks.example.org", NamingKey: config.Secret(namingKey), TemplatesDir: "testdata", Labs: map[string]config.Lab{key: entry},
		SealKeys: []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
	}
	tn.Keeper = tn.another(t, tn.config)
	tn.parts = tender.Parts{
		Sites: []tender.Site{{Name: "real", Cloud: tn.quarter}}, Catalogue: onShelves{tn.Keeper, key}, Tend: config.Tend{Rate: 10, Parallel: 4}, Now: tn.now,
		NewStack: func(name, key string, tags []string) openstack.NewStack { return tn.NewStack(name, key, tags, "") },
	}
	tn.Tender = tender.New(tn.parts)
	t.Cleanup(func() { tn.clear(t) })
	return tn
}

// another is a keeper as another process has it.
func (tn *town) another(t *testing.T, c *config.Config) *keeper.Keeper {
	t.Helper()
	k, err := keeper.New(c, keeper.One(tn.client), tn.now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// onShelves is a keeper's catalogue.
type onShelves struct {
	keeper *keeper.Keeper
	key    string
}

func (s onShelves) Keys() []string { return []string{s.key} }

func (s onShelves) Entry(key string) (lab.Entry, bool) {
	shelf, known := s.keeper.Shelf(key)
	return shelf.Entry, known
}

func (tn *town) now() time.Time { return time.Now().Add(time.Duration(tn.shift.Load())) }

func (tn *town) turn(d time.Duration) { tn.shift.Add(int64(d)) }

// turnTo turns the clock to at.
func (tn *town) turnTo(at time.Time) { tn.shift.Store(int64(time.Until(at))) }

func (tn *town) who(learner string) lab.Identity {
	return lab.Identity{Tenant: "academy", Context: tn.course, Lab: tn.key, Learner: learner}
}

// quarter is a cloud of which only what belongs to one lab's key is seen: others work in the same project, whose labs must
// not be tended by a clock that is hours fast. The list is asked for by that one tag as it is asked for by ours otherwise.
type quarter struct {
	*openstack.Cloud
	key string
	ids *sync.Map // of stacks that were seen
}

func (q quarter) StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error] {
	if slices.Equal(f.Tags, []string{lab.Tag}) {
		f.Tags = []string{lab.TagLab + q.key}
	}
	return func(yield func(openstack.Stack, error) bool) {
		for s, err := range q.Cloud.StacksWhere(ctx, f) {
			if err == nil && lab.Tagged(s.Tags, lab.TagLab) != q.key && !q.knows(s.ID) {
				continue
			}
			q.ids.Store(bare(s.ID), true)
			if !yield(s, err) {
				return
			}
		}
	}
}

func (q quarter) knows(id string) bool {
	_, known := q.ids.Load(bare(id))
	return known
}

func (q quarter) KeyPairs(ctx context.Context) ([]openstack.KeyPair, error) {
	pairs, err := q.Cloud.KeyPairs(ctx)
	return slices.DeleteFunc(pairs, func(p openstack.KeyPair) bool {
		return !q.knows(strings.TrimPrefix(p.Name, pool.ClaimName("")))
	}), err
}

func (q quarter) FloatingIPs(ctx context.Context) ([]openstack.FloatingIP, error) {
	_, err := q.Cloud.FloatingIPs(ctx)
	return nil, err // whose they are nothing tells
}

func bare(id string) string { return strings.ReplaceAll(id, "-", "") }

// clear deletes all that the test, which is over, has left.
func (tn *town) clear(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	left := make(chan openstack.StackRef)
	var workers sync.WaitGroup
	for range makers {
		workers.Go(func() {
			for ref := range left {
				if err := tn.client.DeleteStack(ctx, ref); err != nil && openstack.CodeOf(err) != openstack.Gone {
					t.Errorf("delete %s: %v", ref.Name, err)
				}
			}
		})
	}
	for s, err := range tn.client.StacksWhere(ctx, openstack.StackFilter{Tags: []string{lab.TagLab + tn.key}}) {
		if err != nil {
			t.Error(err)
			break
		}
		tn.ids.Store(bare(s.ID), true)
		left <- s.StackRef
	}
	close(left)
	workers.Wait()
	pairs, err := tn.KeyPairs(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, pair := range pairs {
		if err := tn.client.DeleteKeyPair(ctx, pair.Name); err != nil && openstack.CodeOf(err) != openstack.Gone {
			t.Error(err)
		}
	}
}

// makers are how many creates, or deletes, are under way at once.
const makers = 8

// launched is a launch with the number of its calls.
func (tn *town) launched(t *testing.T, learner string) (keeper.Ticket, lab.Status, []string) {
	t.Helper()
	ctx := counted(t)
	ticket, status := tn.Start(ctx, tn.Ticket(tn.who(learner)))
	return ticket, status, logging.Calls(ctx)
}

func counted(t *testing.T) context.Context {
	t.Helper()
	return logging.WithRequest(t.Context(), *logging.From(t.Context()), rand.Text())
}

// up does what the page does until the lab is ready, and what the machine does that it is made of.
func (tn *town) up(t *testing.T, ticket keeper.Ticket, status lab.Status) (keeper.Ticket, lab.Status) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(min(status.Poll.After, 2*time.Second)) {
		if status.State == lab.Ready && !status.Poll.Start {
			return ticket, status
		}
		if status.State == lab.Building {
			tn.speaks(t, ticket)
		}
		if status.Poll.Start {
			ticket, status = tn.Start(t.Context(), ticket)
			continue
		}
		after, looked, err := tn.Look(t.Context(), ticket, status.Poll.Look)
		if err == nil { // the cloud may be busy: the page asks again
			ticket, status = after, looked
		}
	}
	t.Fatalf("not ready: %+v", status)
	return ticket, status
}

// speaks plays the machine that says that it is ready. As a machine, which is made after the handle, it speaks only once Heat
// has made that: a signal before leaves the handle locked for ever, and with it the build.
func (tn *town) speaks(t *testing.T, ticket keeper.Ticket) {
	t.Helper()
	resources, err := tn.client.Resources(t.Context(), refTo(ticket), 0)
	made := func(r openstack.Resource) bool {
		return r.Name == lab.SignalsOutput && r.Action == "CREATE" && r.Status == "COMPLETE"
	}
	if err != nil || !slices.ContainsFunc(resources, made) {
		return
	}
	signal := openstack.Signal{ID: "ready", Status: "SUCCESS", Reason: "set up", Data: fmt.Sprintf(`{"at": %d}`, time.Now().Unix())}
	_ = tn.client.Signal(t.Context(), refTo(ticket), lab.SignalsOutput, signal) // if it is lost, it is said again
}

func refTo(ticket keeper.Ticket) openstack.StackRef {
	name := ticket.Name
	if name == "" {
		name = ticket.Stack
	}
	return openstack.StackRef{Name: name, ID: ticket.ID}
}

// settles waits until Heat is done with the stack; its state is DELETE_COMPLETE if it is gone. For a second or so before, Heat
// still lists it with that state.
func (tn *town) settles(t *testing.T, ref openstack.StackRef, want ...string) openstack.Stack {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		s, err := tn.client.Stack(t.Context(), ref)
		if openstack.CodeOf(err) == openstack.Gone {
			s = openstack.Stack{StackRef: ref, Action: "DELETE", Status: "COMPLETE"}
		} else if err != nil || s.Busy() || s.State() == "DELETE_COMPLETE" {
			continue
		}
		if len(want) > 0 && !slices.Contains(want, s.State()) {
			t.Errorf("%s is %s (%s), want %q", ref.Name, s.State(), s.Reason, want)
		}
		return s
	}
	t.Fatalf("%s does not settle", ref.Name)
	return openstack.Stack{}
}

// tended is a pass whose changes are checked, as "do name", and whose calls are counted: the lists, what is read, and one
// write a change.
func (tn *town) tended(t *testing.T, calls int, want ...string) tender.Report {
	t.Helper()
	report := tn.Pass(t.Context(), tender.Options{})
	t.Logf("pass: %d stacks, %d calls, %d ms, %v", report.Stacks, report.Calls, report.TookMS, report.Counts)
	wantDone(t, report, want...)
	if report.Calls != calls {
		t.Errorf("%d calls, want %d", report.Calls, calls)
	}
	return report
}

// owned are the stacks of an owner that are labs and stay.
func (tn *town) owned(t *testing.T, learner string) []openstack.Stack {
	t.Helper()
	var has []openstack.Stack
	filter := openstack.StackFilter{AnyTags: []string{lab.TagOwner + tn.who(learner).Hide(namingKey).Stack}}
	for s, err := range tn.client.StacksWhere(t.Context(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		if lab.Tagged(s.Tags, lab.TagKind) == "" && s.Action != "DELETE" {
			has = append(has, s)
		}
	}
	return has
}

// way is the address that the lab's page shows.
func way(t *testing.T, s lab.Status) string {
	t.Helper()
	if len(s.Access) == 0 {
		t.Fatalf("no way in: %+v", s)
	}
	return s.Access[0].URL
}

// spread says how long something took.
func spread(times []time.Duration) string {
	slices.Sort(times)
	return fmt.Sprintf("median %s, slowest %s of %d", times[len(times)/2].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond), len(times))
}
