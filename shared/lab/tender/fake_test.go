package tender_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// template is a lab without a machine: its wait condition is satisfied by a signal of ours.
const template = `heat_template_version: 2018-08-31
resources:
  signals: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: TOKEN_SIGNAL}}
  ready: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: signals}, timeout: 1800}}
outputs:
  signals: {value: {get_attr: [ready, data]}}
`

// tiny is a stack that is made at once.
const tiny = `heat_template_version: 2018-08-31
resources:
  value: {type: OS::Heat::Value, properties: {value: x}}
`

// unnoted is how much later than its lease tells a lab of the catalogue may have been launched.
const unnoted = 10 * time.Minute

var namingKey = []byte("hunter2, a naming key for tests, long enough")

// shelves is a catalogue.
type shelves map[string]lab.Entry

func (s shelves) Keys() []string { return slices.Sorted(maps.Keys(s)) }

func (s shelves) Entry(key string) (lab.Entry, bool) {
	e, known := s[key]
	return e, known
}

func catalogue() shelves {
	web := lab.Entry{
		Key: "web", Title: "Web", BuildTimeout: 15 * time.Minute, IdleTimeout: 30 * time.Minute, Lifetime: 8 * time.Hour, MaxAge: 48 * time.Hour,
		Grace: time.Hour, Extend: lab.Extend{By: 2 * time.Hour, Times: 2}, Revision: "0badcafe",
	}
	graded := web
	graded.Key, graded.Checks = "graded", []lab.Check{{Name: "one", Weight: 1}}
	return shelves{"web": web, "graded": graded}
}

// field is a tender of one or more fake clouds whose clocks are its own.
type field struct {
	fakes   []*openstacktest.Cloud
	clients []*openstack.Cloud
	parts   tender.Parts
	*tender.Tender
}

func open(tb testing.TB, clouds int, change ...func(*tender.Parts)) *field {
	tb.Helper()
	f := &field{}
	f.parts = tender.Parts{Catalogue: catalogue(), Tend: config.Tend{Rate: 10, Parallel: 4}, Ticks: atOnce}
	for i := range clouds {
		fake := openstacktest.Start(tb, openstacktest.TokenLife(100_000*time.Hour), func(o *openstacktest.Options) { o.Seed = uint64(i) })
		env := fake.Env()
		client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
		if err != nil {
			tb.Fatal(err)
		}
		f.fakes, f.clients = append(f.fakes, fake), append(f.clients, client)
		f.parts.Sites = append(f.parts.Sites, tender.Site{Name: fmt.Sprintf("cloud%d", i), Cloud: client})
	}
	f.parts.Now = f.fakes[0].Now
	f.parts.NewStack = func(name, _ string, tags []string) openstack.NewStack {
		return openstack.NewStack{Name: name, Template: tiny, Tags: tags}
	}
	for _, fn := range change {
		fn(&f.parts)
	}
	f.Tender = tender.New(f.parts)
	return f
}

// atOnce lets every change through without a wait.
func atOnce(int) (<-chan time.Time, func()) {
	open := make(chan time.Time)
	close(open)
	return open, func() {}
}

// reborn forgets what the process remembers, as if it had been killed.
func (f *field) reborn() { f.Tender = tender.New(f.parts) }

func (f *field) now() time.Time { return f.fakes[0].Now() }

// advance turns all clocks.
func (f *field) advance(d time.Duration) {
	for _, fake := range f.fakes {
		fake.Advance(d)
	}
}

func owner(key, learner string) lab.Owner {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: key, Learner: learner}.Hide(namingKey)
}

// stack makes a stack in a cloud.
func (f *field) stack(tb testing.TB, cloud int, name, text string, tags ...string) openstack.StackRef {
	tb.Helper()
	ref, err := f.clients[cloud].CreateStack(tb.Context(), openstack.NewStack{Name: name, Template: text, Tags: tags})
	if err != nil {
		tb.Fatal(err)
	}
	return ref
}

// lab is a learner's lab that was launched now and is up.
func (f *field) lab(tb testing.TB, cloud int, key, learner string, tags ...string) openstack.StackRef {
	tb.Helper()
	o := owner(key, learner)
	e, _ := f.parts.Catalogue.Entry(key)
	name := lab.NameOf(o.Stack, lab.Generation(tags))
	all := append(o.Tags(), tags...)
	if lab.LeaseOf(tags).Until.IsZero() {
		all = e.Lease(f.now()).Retag(all)
	}
	ref := f.stack(tb, cloud, name, template, all...)
	f.signal(tb, cloud, ref, "ready", nil)
	f.advance(5 * time.Second)
	if state := f.state(tb, cloud, ref); state != "CREATE_COMPLETE" {
		tb.Fatalf("%s is %s", name, state)
	}
	return ref
}

func (f *field) signal(tb testing.TB, cloud int, ref openstack.StackRef, id string, data map[string]any) {
	tb.Helper()
	f.advance(time.Second) // the handle comes first
	if !f.fakes[cloud].Signal(ref.Name, "signals", map[string]any{"id": id, "status": "SUCCESS", "data": data}) {
		tb.Fatalf("%s takes no signal", ref.Name)
	}
}

func (f *field) state(tb testing.TB, cloud int, ref openstack.StackRef) string {
	tb.Helper()
	for _, s := range f.fakes[cloud].Stacks() {
		if s.ID == ref.ID {
			return s.State
		}
	}
	return "gone"
}

func (f *field) act(tb testing.TB, cloud int, ref openstack.StackRef, action openstack.Action) {
	tb.Helper()
	if err := f.clients[cloud].Act(tb.Context(), ref, action); err != nil {
		tb.Fatal(err)
	}
	f.advance(5 * time.Second)
}

// retag writes a lease into a lab's tags, as a launch does.
func (f *field) retag(tb testing.TB, cloud int, ref openstack.StackRef, l lab.Lease) {
	tb.Helper()
	s, err := f.clients[cloud].StackParameters(tb.Context(), ref)
	if err == nil {
		err = f.clients[cloud].PatchStack(tb.Context(), ref, openstack.StackChange{Tags: l.Retag(s.Tags)})
	}
	if err != nil {
		tb.Fatal(err)
	}
	f.advance(5 * time.Second)
}

// pass is a pass with the calls that it made, logging in left out.
func (f *field) pass(tb testing.TB) (tender.Report, []string) {
	tb.Helper()
	for _, fake := range f.fakes {
		fake.ResetCalls()
	}
	report := f.Pass(tb.Context(), tender.Options{})
	return report, f.calls()
}

func (f *field) calls() []string {
	var names []string
	for _, fake := range f.fakes {
		for _, name := range fake.CallNames() {
			if !strings.HasPrefix(name, "identity ") {
				names = append(names, name)
			}
		}
	}
	return names
}

func writes(calls []string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(name string) bool { return strings.Contains(name, " GET ") })
}

// wantDone checks what a report says was done to which stack, as "do name".
func wantDone(tb testing.TB, r tender.Report, want ...string) {
	tb.Helper()
	got := []string{}
	for _, c := range r.Changes {
		if c.Result == "failed" {
			tb.Errorf("failed: %+v", c)
		}
		got = append(got, c.Do+" "+c.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		tb.Errorf("done %q, want %q", got, want)
	}
}

func wantCalls(tb testing.TB, got []string, want ...string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("calls\n got %q\nwant %q", got, want)
	}
}

func wantState(tb testing.TB, f *field, cloud int, ref openstack.StackRef, want string) {
	tb.Helper()
	if got := f.state(tb, cloud, ref); got != want {
		tb.Errorf("%s is %s, want %s", ref.Name, got, want)
	}
}

const (
	list   = "heat GET /stacks"
	read   = "heat GET /stacks/{}/{}"
	remove = "heat DELETE /stacks/{}/{}"
	action = "heat POST /stacks/{}/{}/actions"
)

// meddling is a cloud in which something happens right after a pass has read the list.
type meddling struct {
	tender.Cloud
	after func()
	done  bool
}

func (m *meddling) StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error] {
	return func(yield func(openstack.Stack, error) bool) {
		for s, err := range m.Cloud.StacksWhere(ctx, f) {
			if !yield(s, err) {
				return
			}
		}
		if !m.done {
			m.done = true
			m.after()
		}
	}
}
