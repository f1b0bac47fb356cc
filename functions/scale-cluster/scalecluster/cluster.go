package scalecluster

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
)

// ourTag is on every stack of ours; a stack without it is none of our business unless the configuration names it.
const ourTag = "stackhook"

// stacks is what is needed of the cloud.
type stacks interface {
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	Members(ctx context.Context, pool string) ([]openstack.Member, error)
	ChangeMember(ctx context.Context, pool, member string, change openstack.MemberChange) error
	Pool(ctx context.Context, id string) (openstack.PoolSettings, error)
	LoadBalancerStatus(ctx context.Context, id string) (string, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	ServerRoom(ctx context.Context) (openstack.Room, error)
	Flavors(ctx context.Context) ([]openstack.Flavor, error)
	Servers(ctx context.Context, ids ...string) ([]openstack.Server, error)
	Act(ctx context.Context, ref openstack.StackRef, action openstack.Action) error
	Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error
	Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error)
	PreviewChange(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) (openstack.Preview, error)
	Resources(ctx context.Context, ref openstack.StackRef, depth int) ([]openstack.Resource, error)
	MarkUnhealthy(ctx context.Context, ref openstack.StackRef, resource string, unhealthy bool, reason string) error
	leases
}

// door is the cloud with somebody's rights: our own, which all requests of the process share, or a caller's.
type door struct {
	stacks
	shared bool
}

// target is the cluster that a request names.
type target struct {
	name   string
	stack  string
	fixed  *config.Cluster // nil if only its stack describes it
	policy cluster.Policy
	quota  bool // grow no further than the quota
	lease  bool // one writer at a time
}

func (s *scaler) target(name string) target {
	if c, ok := s.clusters[name]; ok {
		return target{name: name, stack: c.Stack, fixed: &c, policy: s.policies[name], quota: c.Quota, lease: c.Lease}
	}
	return target{name: name, stack: name, policy: cluster.Policy{Stuck: cluster.DefaultStuck, Keep: intentLife}}
}

// read gets the target's stack: two requests, or one if the process has seen it before. Outputs are most of the work in
// Heat, and only what takes nodes away needs them.
func (s *scaler) read(ctx context.Context, d door, t target, who caller.Caller, outputs bool) (openstack.Stack, error) {
	ref, known := s.refs.get(t.stack)
	if !known || !d.shared {
		found, err := d.FindStack(ctx, t.stack)
		if openstack.CodeOf(err) == openstack.Gone {
			return openstack.Stack{}, gone(t, who, err)
		}
		if err != nil {
			return openstack.Stack{}, err
		}
		ref = found.StackRef
	}
	show := d.StackParameters
	if outputs {
		show = d.Stack
	}
	stack, err := show(ctx, ref)
	if openstack.CodeOf(err) == openstack.Gone {
		// What we knew is outdated. Looking again would cost more calls than a request has; the next one will.
		s.refs.forget(t.stack)
		if known {
			return openstack.Stack{}, &openstack.Error{Code: openstack.Unavailable, Op: "read replaced stack " + t.stack, Err: err}
		}
		return openstack.Stack{}, gone(t, who, err)
	}
	if err == nil && d.shared {
		s.refs.put(t.stack, ref)
	}
	return stack, err
}

// gone tells a name that never was a cluster from a cluster that is no more: whoever we signed an address for, or is in
// the configuration, had one.
func gone(t target, who caller.Caller, err error) error {
	if t.fixed == nil && who.Kind != caller.Signed {
		return noCluster(err)
	}
	return &function.Error{
		Code: "gone", Status: http.StatusGone, Err: err,
		Public: "The cluster's stack does not exist any more. Deploy it again, or remove the alarm.",
	}
}

func noCluster(err error) error {
	return &function.Error{
		Code: "no_such_cluster", Status: http.StatusNotFound, Err: err,
		Public: "There is no cluster of this name that can be scaled from here. Correct the name, or deploy the cluster first.",
	}
}

// untagged is for a stack that could be scaled and does not say that it is ours, or not any more: an update without
// --existing takes away all tags.
func untagged() error {
	return &function.Error{
		Code: "no_such_cluster", Status: http.StatusNotFound,
		Public: "The stack of this name has not the tag stackhook, which an update without --existing takes away, too. If it is a cluster to be scaled, give it the tag (openstack stack update --existing --tags stackhook).",
	}
}

// state is the cluster as its stack shows it. Bounds and cooldowns of the configuration go before the stack's own.
func (t target) state(stack openstack.Stack) (cluster.State, error) {
	count, err := strconv.Atoi(stack.Parameters["app_count"])
	memory, hasMemory := stack.Parameters["scale_state"]
	if err != nil || !hasMemory {
		return cluster.State{}, noCluster(err)
	}
	if t.fixed == nil && !slices.Contains(stack.Tags, ourTag) {
		return cluster.State{}, untagged()
	}
	st := cluster.State{Count: count, Action: stack.Action, Status: stack.Status, Policy: t.policy, Updated: stack.Updated, Pause: cluster.PauseOf(stack.Tags), Tags: stack.Tags}
	if st.Memory, hasMemory = cluster.Remember(memory); !hasMemory && !stack.Updated.IsZero() {
		st.Memory = cluster.Restored(count, stack.Updated)
	}
	st.Since = cmp.Or(stack.Updated, stack.Created)
	_ = json.Unmarshal([]byte(stack.Parameters["app_removal"]), &st.Removal) // a stack of somebody else's may have none
	if t.fixed != nil {
		st.Min, st.Max = t.fixed.Min, t.fixed.Max
		st.CooldownOut, st.CooldownIn = t.fixed.CooldownOut, t.fixed.CooldownIn
		return st, nil
	}
	st.Min = whole(stack.Parameters["app_min"], 1)
	// A stack that names no upper bound is not grown: nobody has said how far.
	st.Max = whole(stack.Parameters["app_max"], max(count, st.Min))
	st.CooldownOut = time.Duration(whole(stack.Parameters["cooldown_out"], 180)) * time.Second
	st.CooldownIn = time.Duration(whole(stack.Parameters["cooldown_in"], 600)) * time.Second
	return st, nil
}

func whole(text string, otherwise int) int {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 {
		return otherwise
	}
	return int(f)
}

// refs remembers the ids of stacks, which never change for a stack, to save looking for their names.
type refs struct {
	mu     sync.Mutex
	byName map[string]openstack.StackRef
}

func (r *refs) get(name string) (openstack.StackRef, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref, ok := r.byName[name]
	return ref, ok
}

func (r *refs) put(name string, ref openstack.StackRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[name] = ref
}

func (r *refs) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byName, name)
}

// turns lets requests for one cluster go one after another, within this process. Between processes Heat decides, and
// absolute updates make that harmless; here it saves the updates and the reads.
type turns struct {
	clock   atomic.Uint64 // orders arrivals and reads; wall time is too coarse
	mu      sync.Mutex
	waiting map[string]*turn
}

type turn struct {
	slot  chan struct{}
	users int // guarded by turns.mu
	// The newest stack that was read with our own rights, and when that read began. Only the holder of slot looks.
	stack   openstack.Stack
	outputs bool
	begun   uint64
}

// take waits for the caller's turn, for half of the time that is left: who has to be told that there was none needs the
// rest. give ends the turn.
func (t *turns) take(ctx context.Context, name string) (mine *turn, give func(), err error) {
	t.mu.Lock()
	mine, ok := t.waiting[name]
	if !ok {
		mine = &turn{slot: make(chan struct{}, 1)}
		t.waiting[name] = mine
	}
	mine.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(t.waiting, name)
		}
	}
	ctx, cancel := halfTime(ctx)
	defer cancel()
	select {
	case mine.slot <- struct{}{}:
		return mine, func() { <-mine.slot; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, nil, ctx.Err()
	}
}

// halfTime bounds ctx to half of the time that is left, if that is bounded.
func halfTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
