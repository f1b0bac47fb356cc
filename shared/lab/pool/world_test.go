package pool_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	key      = "web"
	revision = "0badcafe"
	template = `
heat_template_version: 2018-08-31
parameters:
  grading: {type: string, default: ""}
resources:
  one: {type: OS::Heat::Value, properties: {value: 1}}
`
)

// world is a cloud with ready-made labs.
type world struct {
	*openstacktest.Cloud
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{openstacktest.Start(t, openstacktest.TokenLife(1000*time.Hour)), t}
}

// host is one function host's own connection.
func (w *world) host() *openstack.Cloud {
	w.t.Helper()
	env := w.Env()
	client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// refill is one tend-labs at work.
func (w *world) refill(cloud pool.Stock) pool.Refill {
	return pool.Refill{Cloud: cloud, Now: w.Now, New: newStack}
}

func newStack(name, _ string, tags []string) openstack.NewStack {
	return openstack.NewStack{Name: name, Template: template, Tags: tags, Timeout: 15 * time.Minute}
}

// stock makes n ready-made labs and waits for them.
func (w *world) stock(n int) {
	w.t.Helper()
	report, err := w.refill(w.host()).Run(w.t.Context(), pool.Want{Lab: key, Count: n, Revision: revision}, nil)
	if err != nil || report.Missing != 0 || len(report.Changes) != n {
		w.t.Fatalf("make %d labs ready: %+v, %v", n, report, err)
	}
	w.Settle()
	w.ResetCalls()
}

// calls are the requests but for logging in, since the last ResetCalls.
func (w *world) calls() []string {
	return slices.DeleteFunc(w.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") })
}

// owned are the stacks of one owner, unowned those of nobody.
func (w *world) owned(base string) (names []string) {
	for _, s := range w.Stacks() {
		if lab.BaseOf(s.Tags) == base && !strings.HasPrefix(s.State, "DELETE") {
			names = append(names, s.Name)
		}
	}
	return names
}

// door is what a learner's request needs of a cloud.
type door interface {
	pool.Cloud
	list(ctx context.Context, owner lab.Owner) ([]openstack.Stack, error)
	EnsureStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, bool, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
}

// open is a door that nothing happens to.
type open struct{ *openstack.Cloud }

func (o open) list(ctx context.Context, owner lab.Owner) ([]openstack.Stack, error) {
	var out []openstack.Stack
	for s, err := range o.StacksWhere(ctx, openstack.StackFilter{AnyTags: []string{lab.TagOwner + owner.Stack, lab.TagWarm + owner.Lab}}) {
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// launch is one request of a learner as a launch goes about it: one list, then the lab that the learner has, a ready-made one,
// or one to be built. What comes back is the stack, or none if the page has to look again.
func launch(ctx context.Context, cloud door, owner lab.Owner, now func() time.Time) (openstack.StackRef, pool.Outcome, error) {
	stacks, err := cloud.list(ctx, owner)
	if err != nil {
		return openstack.StackRef{}, pool.UnderWay, err
	}
	for _, s := range stacks {
		if lab.BaseOf(s.Tags) == owner.Stack {
			return s.StackRef, pool.Taken, nil
		}
	}
	tags := append(owner.Tags(), lab.Lease{Until: now().Add(8 * time.Hour)}.Retag(nil)...)
	ref, outcome, err := pool.Claim(ctx, cloud, owner, pool.Candidates(stacks, owner.Lab, revision), tags, map[string]any{"grading": "hunter2-" + owner.Stack}, now)
	switch outcome {
	case pool.Taken:
		s, err := cloud.StackParameters(ctx, ref)
		if err != nil || lab.BaseOf(s.Tags) != owner.Stack {
			return openstack.StackRef{}, pool.UnderWay, fmt.Errorf("%v is not in %v: %w", owner.Stack, s.Tags, err)
		}
		return ref, outcome, nil
	case pool.None, pool.Barred:
		ref, _, err = cloud.EnsureStack(ctx, openstack.NewStack{Name: owner.Stack, Template: template, Tags: tags})
		return ref, outcome, err
	case pool.UnderWay:
	}
	return openstack.StackRef{}, outcome, err
}

func ownerOf(n int) lab.Owner {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: key, Learner: fmt.Sprint("u", n)}.Hide([]byte("a naming key for tests, long enough"))
}

// atOnce runs fn for 0 to n-1 in parallel.
func atOnce(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}
