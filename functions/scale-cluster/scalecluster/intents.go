package scalecluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// A request that comes while the cluster is being changed is kept in the stack itself: as a signal to the wait handle
// scale_log, which Heat stores without an update and while one runs (live: 225 of 225 signals at once). Each has an id of its
// own, as of several with one id the last may be lost, and its order is that of the times inside. It is signed: whoever may
// signal the stack's handles, a machine of it among them, could otherwise have us do what only a person may ask for. A signal
// shows about half a second after its answer, and is never taken away: Heat has no call for that.
const (
	logResource   = "scale_log"
	intentPurpose = "intent"
	// intentLife is for a cluster that only its stack describes.
	intentLife = 10 * time.Minute
	// sameDelivery is within what time a process does not keep the same notification again.
	sameDelivery = 30 * time.Second
)

// deliveries are the notifications that this process has kept, and when.
type deliveries struct {
	mu sync.Mutex
	at map[string]time.Time
}

// put notes one, and drops those that nobody asks about any more.
func (d *deliveries) put(key string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.at, func(_ string, at time.Time) bool { return now.Sub(at) >= sameDelivery })
	d.at[key] = now
}

func (d *deliveries) recent(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.at[key]
	return ok && now.Sub(at) < sameDelivery
}

// keep stores a request that cannot be made now, if it is one to be kept.
func (s *scaler) keep(ctx context.Context, v *visit, decision cluster.Decision) cluster.Decision {
	now := s.now()
	if !decision.Keepable(v.state, v.request, now) {
		return s.replaces(ctx, v, decision)
	}
	intent := v.request.Intent(rand.Text(), v.state.Policy.Keep, now)
	delivery := v.stack.ID + " " + v.request.Key
	if v.request.Key != "" && s.stored.recent(delivery, now) {
		return decision.Keep(intent)
	}
	err := s.write(ctx, v, intent, "kept: "+string(intent.Op)+" for "+intent.Who)
	switch openstack.CodeOf(err) {
	case "":
		s.stored.put(delivery, now)
		return decision.Keep(intent)
	case openstack.Gone:
		return decision.NotKept("Its stack has no " + logResource + ", so the request is not kept either.")
	default:
		logging.From(ctx).Warn().Err(err).Msg("a request could not be kept")
		return decision.NotKept("The request could not be kept for later.")
	}
}

// keepUnanswered stores the request of an update that was not answered in time, nor taken by then, if it is one to be kept, and
// says so in its result. The update may still be taken: then the memory knows the intent.
func (s *scaler) keepUnanswered(ctx context.Context, v *visit, result *cluster.Decision) bool {
	if !v.state.Keeps(v.request) {
		return false
	}
	ctx, cancel := halfTime(ctx)
	defer cancel()
	intent := v.request.Intent(rand.Text(), v.state.Policy.Keep, v.now).Unanswered(v.now)
	if err := s.write(ctx, v, intent, "kept: "+string(intent.Op)+" for "+intent.Who); err != nil {
		logging.From(ctx).Warn().Err(err).Msg("a request could not be kept")
		return false
	}
	s.empty.put(v.stack.ID, false, time.Time{})
	*result = result.KeepUnanswered(intent)
	return true
}

// write puts an intent into the stack's log. The reason is what people read in the stack's events.
func (s *scaler) write(ctx context.Context, v *visit, i cluster.Intent, reason string) error {
	text := i.String()
	return v.door.Signal(ctx, v.stack.StackRef, logResource, openstack.Signal{ //nolint:wrapcheck // who calls says what it was for
		ID: i.ID, Status: "SUCCESS", Reason: reason, Data: map[string]string{"intent": text, "sig": s.box.Sign(intentPurpose, v.stack.ID+"\n"+text)},
	})
}

// kept are the intents in the stack's log. What cannot be read is not there: the next pass looks again.
func (s *scaler) kept(ctx context.Context, v *visit) []cluster.Intent {
	signals, err := v.door.Metadata(ctx, v.stack.StackRef, logResource)
	if err != nil {
		if openstack.CodeOf(err) != openstack.Gone {
			logging.From(ctx).Warn().Err(err).Msg("what was kept for later could not be read")
		}
		return nil
	}
	var out []cluster.Intent
	for _, value := range signals {
		signal, _ := value.(map[string]any)
		data, _ := signal["data"].(map[string]any)
		text, _ := data["intent"].(string)
		signature, _ := data["sig"].(string)
		if !s.box.Verify(intentPurpose, v.stack.ID+"\n"+text, signature) {
			continue
		}
		if i, ok := cluster.ReadIntent(text); ok {
			out = append(out, i)
		}
	}
	return out
}

// keptView is what people see of a kept request.
type keptView struct {
	Op    cluster.Op `json:"direction"`
	By    int        `json:"by,omitempty"`
	To    int        `json:"to,omitempty"`
	Nodes []string   `json:"nodes,omitempty"`
	Who   string     `json:"who,omitempty"`
	Since time.Time  `json:"since"`
	Until time.Time  `json:"until"`
}

// keptOf is the request that waits to be made; nil if there is none.
func (s *scaler) keptOf(ctx context.Context, v *visit) *keptView {
	i, ok := v.state.Pending(s.kept(ctx, v), s.now())
	if !ok {
		return nil
	}
	return &keptView{i.Op, i.By, i.To, i.Nodes, i.Who, time.UnixMilli(i.At).UTC(), time.UnixMilli(i.Until).UTC()}
}

// carry makes a kept request true after a pass that found nothing else to do.
func (s *scaler) carry(ctx context.Context, v *visit, pass cluster.Decision) (cluster.Decision, error) {
	made, err := s.pending(ctx, v, pass)
	if err != nil || made == nil {
		return pass, err
	}
	return *made, nil
}

// onlyKept makes a kept request true without a pass; nil if there is none.
func (s *scaler) onlyKept(ctx context.Context, v *visit) (*cluster.Decision, error) {
	idle := cluster.Decision{Op: cluster.OpPass, Code: cluster.Steady, Reason: "Nothing else is due."}
	idle.From, idle.To, idle.Asked, idle.DryRun, idle.Ring = v.state.Count, v.state.Count, v.state.Count, v.request.DryRun, v.state.Memory.Ring
	return s.pending(ctx, v, idle)
}

// pending looks for a kept request and makes it true. It is decided as if it came now: what holds an alarm back now holds it
// back too, until nobody wants it any more. One that comes to nothing is written off, so that it is not done at some later time.
func (s *scaler) pending(ctx context.Context, v *visit, pass cluster.Decision) (*cluster.Decision, error) {
	now := s.now()
	if !pass.Nothing() || v.state.Status == "IN_PROGRESS" || !s.mayKeep(v, now) {
		return nil, nil //nolint:nilnil // none is no error
	}
	intent, ok := v.state.Pending(s.kept(ctx, v), now)
	if !ok {
		s.empty.put(v.stack.ID, true, now.Add(v.state.Policy.Keep/2))
		return nil, nil //nolint:nilnil // none is no error
	}
	mine := *v
	mine.request = intent.Request(now)
	mine.request.DryRun = v.request.DryRun
	if !v.full && cluster.Decide(v.state, mine.request, now).NeedsNodes(v.target.policy) {
		return nil, nil //nolint:nilnil // left to a request that looks at the nodes
	}
	decision, err := s.settle(ctx, &mine)
	if err != nil {
		return nil, fmt.Errorf("make kept request of cluster %s: %w", v.target.name, err)
	}
	decision = decision.Since(intent, now)
	switch {
	case decision.Applied, decision.DryRun && !decision.Idle():
		return &decision, nil
	case decision.GivesUp(intent) && !mine.wrote && !v.request.DryRun:
		if err := s.write(ctx, v, intent.Settled(rand.Text()), "not made: "+string(decision.Code)); err != nil {
			logging.From(ctx).Warn().Err(err).Msg("a kept request could not be written off")
		}
	}
	decision = pass.With(decision)
	return &decision, nil
}

// mayKeep says whether it is worth a request to look for what is kept. Where Heat and the load balancer had nothing to do lately,
// only an update that was not answered can have left something: a pass looks for that twice in the life of an intent.
func (s *scaler) mayKeep(v *visit, now time.Time) bool {
	empty, _ := s.empty.get(v.stack.ID, now)
	return v.state.MayKeep(now) || v.timed && !empty && v.state.Policy.Keep > 0
}

// replaces writes off what a person had asked for before, when they ask for another thing and no update says so.
func (s *scaler) replaces(ctx context.Context, v *visit, decision cluster.Decision) cluster.Decision {
	r := v.request
	size := r.Op == cluster.OpOut || r.Op == cluster.OpIn || r.Op == cluster.OpSet
	quiet := decision.Code == cluster.Unchanged || decision.Code == cluster.AtMax || decision.Code == cluster.AtMin
	now := s.now()
	if !size || !quiet || !r.Person || r.DryRun || !v.state.MayKeep(now) {
		return decision
	}
	if !v.state.Outdated(s.kept(ctx, v), now) {
		return decision
	}
	newest := r.Intent(rand.Text(), v.state.Policy.Keep, now)
	if err := s.write(ctx, v, newest.Settled(rand.Text()), "replaced by "+string(r.Op)+" for "+newest.Who); err != nil {
		logging.From(ctx).Warn().Err(err).Msg("a kept request could not be written off")
	}
	return decision
}
