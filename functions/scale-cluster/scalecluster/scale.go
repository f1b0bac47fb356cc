package scalecluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// scaler is the function.
type scaler struct {
	clusters    map[string]config.Cluster
	policies    map[string]cluster.Policy
	credentials map[string][]caller.Credential
	box         *seal.Box
	publicURL   string
	now         function.Clock
	own         door
	as          func(token string) door
	turns       turns
	refs        refs
	counts      counts
	wishes      wishes // for more nodes
	worked      wishes // sights of Heat at work
	roundsAt    roundsAt
	pools       facts[bool]             // whether a pool keeps clients at their members, by its id
	flavors     facts[openstack.Flavor] // by id or name, as a stack's parameter has it
	stored      deliveries
	empty       facts[bool] // whether nothing is kept in a stack, by its id
}

// wishes remembers when something was heard of each stack: when it was last asked to grow, also in vain, as an alarm that
// wants nodes and one that takes them away must not play against each other; and when Heat was last seen at work on it, as
// nothing else tells when an update ended. What was granted is in the cluster's memory; the rest is known to the process
// that heard it, and not worth a request to keep.
type wishes struct {
	mu sync.Mutex
	at map[string]heard
}

// heard is when something was, by the clock and by the order in which requests arrived.
type heard struct {
	at      time.Time
	arrival uint64
}

func (w *wishes) put(stack string, now time.Time, arrival uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[stack] = heard{now, max(arrival, w.at[stack].arrival)}
}

func (w *wishes) last(stack string) (at time.Time, arrival uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at[stack].at, w.at[stack].arrival
}

// doorFor is the cloud with the rights the caller has.
func (s *scaler) doorFor(who caller.Caller) door {
	if who.Kind == caller.Keystone {
		return s.as(who.Token)
	}
	return s.own
}

// outcome is what a request came to, and what was due besides.
type outcome struct {
	cluster.Decision
	pass *cluster.Decision
	plan *plan
}

// decide reads the cluster, decides, and makes the decision true. An alarm that changes nothing is an occasion to do what
// is due: alarms repeat themselves, and nothing else may.
func (s *scaler) decide(ctx context.Context, who caller.Caller, t target, r cluster.Request, occasion bool) (outcome, error) {
	ctx = logging.Because(ctx, string(r.Op))
	arrived := s.turns.clock.Add(1)
	queue := t.stack
	if r.Op == cluster.OpOut && !r.DryRun && who.Kind != caller.Keystone {
		// Before its turn: who wants fewer nodes at the same time, and is before it in the queue, hears of it.
		s.wishes.put(t.stack, s.now(), arrived)
	}
	if who.Kind == caller.Keystone {
		queue += " " + who.Token // nobody waits for those who have not been let in yet
	}
	turn, give, err := s.turns.take(ctx, queue)
	if err != nil {
		return outcome{}, noTurn(err)
	}
	defer give()
	v := visit{target: t, door: s.doorFor(who), turn: turn, request: r, timed: r.Op == cluster.OpPass}
	if err := s.look(ctx, &v, who, arrived); err != nil {
		s.counts.failed(err)
		return outcome{}, err
	}
	decision, err := s.settle(ctx, &v)
	if err != nil {
		s.counts.failed(err)
		return outcome{}, err
	}
	out, err := s.besides(ctx, &v, decision, occasion)
	if err != nil {
		s.counts.decided(decision)
		s.counts.failed(err)
		return outcome{}, err
	}
	s.counts.decided(out.Decision)
	if out.pass != nil {
		s.counts.decided(*out.pass)
	}
	return out, nil
}

// besides does what a request is the occasion for, once it is decided: what is kept for later, and what is due.
func (s *scaler) besides(ctx context.Context, v *visit, decision cluster.Decision, occasion bool) (out outcome, err error) {
	r := v.request
	out.Decision = decision
	if r.DryRun {
		out.plan = s.explain(ctx, v)
	}
	switch {
	case r.Op == cluster.OpPass:
		out.Decision, err = s.carry(ctx, v, decision)
	case occasion && !v.wrote && (decision.Idle() && v.target.policy.NeedsPass() || v.state.Stuck(s.now())):
		out.Decision = s.keep(ctx, v, decision)
		v.request = cluster.Request{Op: cluster.OpPass, Who: r.Who, DryRun: r.DryRun}
		var pass cluster.Decision
		if pass, err = s.settle(ctx, v); err == nil {
			pass, err = s.carry(ctx, v, pass)
		}
		out.pass = &pass
	case occasion && !v.wrote && decision.Idle():
		out.pass, err = s.onlyKept(ctx, v)
	default:
		out.Decision = s.keep(ctx, v, decision)
	}
	return out, err
}

// noTurn is for a request that others kept waiting for too long: every sender that can send it again is told to.
func noTurn(err error) error {
	return &function.Error{
		Code: string(cluster.Busy), Status: http.StatusServiceUnavailable, RetryAfter: busyRetry, Err: err,
		Public: "Too many requests for this cluster came at once; this one had no turn in its time, and nothing was changed. Send it again.",
	}
}

// busyRetry is when a queue should be over.
const busyRetry = 10 * time.Second

// visit is one request's turn at its cluster.
type visit struct {
	target  target
	door    door
	turn    *turn
	request cluster.Request
	timed   bool // a pass that was asked for, and not one that an alarm is the occasion for
	stack   openstack.Stack
	full    bool // it was read with its outputs
	state   cluster.State
	group   openstack.StackRef // of its members, if it is an AutoScalingGroup
	grouped bool               // it was looked at what the group is
	now     time.Time          // one for all looks at one decision, so that they agree
	spent   bool               // the pool was read, too: of the four requests none is left to tell why another is refused
	wrote   bool               // an update was sent, whatever became of it: none is left for anything besides
}

// look reads the cluster's stack, unless one that waited before us has done so since we came.
func (s *scaler) look(ctx context.Context, v *visit, who caller.Caller, arrived uint64) (err error) {
	full := v.request.Op != cluster.OpOut || v.target.policy.NeedsNodes()
	v.stack, v.full = v.turn.stack, v.turn.outputs
	if !v.door.shared || v.turn.begun < arrived || full && !v.turn.outputs {
		begun := s.turns.clock.Add(1)
		if v.stack, err = s.read(ctx, v.door, v.target, who, full); err != nil {
			return err
		}
		v.full = full
		v.turn.keep(v.door, v.stack, full, begun)
	}
	if v.state, err = v.target.state(v.stack); err != nil {
		return err
	}
	if v.request.Op == cluster.OpOut && !v.request.DryRun {
		s.wishes.put(v.target.stack, s.now(), arrived)
	}
	var wished uint64
	v.state.Wanted, wished = s.wishes.last(v.target.stack)
	v.state.Rival = v.request.Op == cluster.OpIn && wished > arrived
	v.state.Worked, _ = s.worked.last(v.target.stack)
	if v.stack.Busy() {
		s.worked.put(v.target.stack, s.now(), arrived)
	}
	s.counts.seen(v.target.name, v.state, s.now())
	return nil
}

// settle decides and makes the decision true.
func (s *scaler) settle(ctx context.Context, v *visit) (cluster.Decision, error) {
	decide := deciderOf(v.request.Op)
	v.request.Token, v.now = rand.Text(), s.now()
	decision := decide(v.state, v.request, v.now)
	if decision.NeedsNodes(v.target.policy) && v.state.Nodes == nil {
		var err error
		if v.state.Nodes, v.state.Strangers, err = nodes(ctx, v.door, v.stack); err != nil {
			return cluster.Decision{}, err
		}
		if v.state.Group != nil {
			v.state = v.state.Grouped(v.state.Group)
		}
		decision = decide(v.state, v.request, v.now)
	}
	builds := decision.To > decision.From && (decision.Code == cluster.Scaled || decision.Code == cluster.Capped) || decision.Code == cluster.Replaced
	if builds && v.target.quota {
		if err := s.measure(ctx, v); err != nil {
			return cluster.Decision{}, fmt.Errorf("read quota for cluster %s: %w", v.target.name, err)
		}
		decision = decide(v.state, v.request, v.now)
	}
	decision, err := s.gather(ctx, v, decide, decision)
	if err != nil {
		return cluster.Decision{}, err
	}
	if decision.Code == cluster.WrongVictim {
		logging.From(ctx).Error().Str("stack", v.target.stack).Msg("a removal took other nodes than it was told: scaling is stopped")
	}
	ctx = logging.Because(ctx, string(decision.Op)+": "+string(decision.Code))
	switch {
	case len(decision.Members) > 0:
		return drain(ctx, v, decision)
	case decision.Patch == nil && len(decision.Marks) > 0:
		return v.unmark(ctx, decision)
	case decision.Patch == nil:
		return decision, nil
	}
	v.turn.begun = 0 // what was read before the update is of no use to those who wait
	begun := s.turns.clock.Add(1)
	write := s.leased
	if decision.Patch.Tags != nil {
		write = s.unleased // a lease is for the next decision on the size
	}
	decision, after, err := write(ctx, v, decide, decision)
	if err == nil {
		v.turn.keep(v.door, after, false, begun)
	}
	return decision, err
}

// keep lets those who wait use what was read, if it was read with rights they share.
func (t *turn) keep(d door, stack openstack.Stack, outputs bool, begun uint64) {
	if d.shared && stack.ID != "" {
		t.stack, t.outputs, t.begun = stack, outputs, begun
	}
}

// apply writes the decision and reads back whose decision stands. An update is never sent twice: after an answer that was lost,
// or did not come in time (F22), it may have worked, and reading says so.
func (s *scaler) apply(ctx context.Context, v *visit, decision cluster.Decision) (cluster.Decision, openstack.Stack, error) {
	v.wrote = true
	late, patchErr := v.send(ctx, decision)
	switch openstack.CodeOf(patchErr) {
	case "", openstack.Unavailable:
	case openstack.Busy:
		v.state.Action, v.state.Status = "UPDATE", "IN_PROGRESS"
		return decision.Refuse(cluster.Busy, v.state.Memory), openstack.Stack{}, nil
	case openstack.Refused:
		return decision.Refuse(cluster.NotScalable, v.state.Memory), openstack.Stack{}, nil
	case openstack.Conflict, openstack.Gone, openstack.Forbidden, openstack.Quota, openstack.Broken:
		return cluster.Decision{}, openstack.Stack{}, patchErr
	}
	stack, err := v.door.StackParameters(ctx, v.stack.StackRef)
	if err != nil {
		return cluster.Decision{}, openstack.Stack{}, fmt.Errorf("read back cluster %s: %w", v.target.name, err)
	}
	after, err := v.target.state(stack)
	if err != nil {
		return cluster.Decision{}, openstack.Stack{}, err
	}
	result := cluster.Verify(decision, v.request.Token, v.state.Memory, after)
	if decision.Patch.Tags != nil {
		result = decision.VerifyTags(after)
	}
	switch {
	case result.Code == cluster.Lost && late && s.keepUnanswered(ctx, v, &result):
		return result, stack, nil
	case result.Code == cluster.Lost && patchErr != nil:
		return cluster.Decision{}, stack, patchErr // it did not take it: the cloud was down
	case result.Code == cluster.Superseded && decision.Patch.Tags == nil:
		// Look once more with the winner's eyes: it may have acted on the very same notification.
		if again := cluster.Decide(after, v.request, s.now()); again.Code == cluster.Duplicate {
			return again, stack, nil
		}
	}
	return result, stack, nil
}

// send writes the decision, in half of the time that is left: the other half is for telling what became of it. Late says that it
// was not answered in that time.
func (v *visit) send(ctx context.Context, decision cluster.Decision) (late bool, err error) {
	sending, cancel := halfTime(ctx)
	defer cancel()
	if err = v.mark(sending, decision.Marks); err == nil {
		err = v.door.PatchStack(sending, v.stack.StackRef, changeOf(v.stack, decision.Patch))
	}
	return err != nil && sending.Err() != nil, err //nolint:wrapcheck // who calls asks for its code
}
