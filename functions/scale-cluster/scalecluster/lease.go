package scalecluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// A lease is a key pair in Nova, the one thing in OpenStack that has exactly one winner and that a tenant may make. Its
// name holds the stack and the number of the decision that its owner may write, one more than the cluster remembers. So
// it need not be given back: once the decision is written, nobody wants that number again. An owner whose update was
// dropped gives it back, and one who dies leaves a number that is never written: after leaseLife the next number may be
// claimed, which again has one winner, so a lease is never taken away from anybody and two who find it stale cannot both
// have it.
const (
	leaseLife = 2 * time.Minute
	// leaseUse is how long an owner may still write: Heat cannot tell that a lease is over, so the owner has to.
	leaseUse = leaseLife / 2
	// maxStale is how many dead owners are passed over in one request.
	maxStale = 3
)

// leases are what is needed of Nova.
type leases interface {
	CreateKeyPair(ctx context.Context, name, publicKey string) error
	KeyPair(ctx context.Context, name string) (openstack.KeyPair, error)
	DeleteKeyPair(ctx context.Context, name string) error
}

// claim gets the right to write the cluster's next decision, and its number; 0 where there are no leases to be had, and
// reading back has to do. held says that another has it.
func (s *scaler) claim(ctx context.Context, v *visit) (number int, held bool) {
	if !v.target.lease || !v.door.shared {
		// Key pairs are a user's own: who comes with their token would not meet us there.
		return 0, false
	}
	next := v.state.Memory.Gen + 1
	for n := next; n < next+maxStale; n++ {
		err := v.door.CreateKeyPair(ctx, leaseName(v.stack.ID, n), mark(v.request.Token))
		if err == nil {
			return n, false
		}
		if openstack.CodeOf(err) != openstack.Conflict {
			logging.From(ctx).Warn().Err(err).Msg("no lease to be had: the update is read back alone")
			return 0, false
		}
		have, err := v.door.KeyPair(ctx, leaseName(v.stack.ID, n))
		if err != nil || s.now().Sub(have.Created) < leaseLife {
			return 0, true
		}
		logging.From(ctx).Warn().Str("lease", have.Name).Msg("its owner never wrote: passed over")
	}
	logging.From(ctx).Warn().Msg("too many leases without a living owner: the update is read back alone")
	return 0, false
}

// tidy takes away the leases before the last one, which a slow request may still want to claim in vain.
func (s *scaler) tidy(ctx context.Context, v *visit, number int) {
	for n := max(2, v.state.Memory.Gen); n < number; n++ {
		s.drop(ctx, v, n-1)
	}
}

// drop takes away one lease: an old one, or our own whose decision will never be written.
func (s *scaler) drop(ctx context.Context, v *visit, number int) {
	err := v.door.DeleteKeyPair(ctx, leaseName(v.stack.ID, number))
	if err != nil && openstack.CodeOf(err) != openstack.Gone {
		logging.From(ctx).Warn().Err(err).Msg("a lease is left over")
	}
}

func leaseName(stack string, number int) string {
	return fmt.Sprintf("stackhook-%s-%d", strings.ReplaceAll(stack, "-", ""), number)
}

// mark is a public key that names the owner, so that a person can see whose lease it is.
func mark(owner string) string { return openstack.PublicKey("stackhook-" + owner) }

// leased writes a decision that changes the stack, under a lease if the cluster has them.
func (s *scaler) leased(ctx context.Context, v *visit, decide decider, decision cluster.Decision) (cluster.Decision, openstack.Stack, error) {
	number, held := s.claim(ctx, v)
	if held {
		return decision.Refuse(cluster.Busy, v.state.Memory), openstack.Stack{}, nil
	}
	if number > 0 {
		v.request.Gen = number
		decision = decide(v.state, v.request, v.now)
		limited, cancel := context.WithTimeout(ctx, leaseUse)
		defer cancel()
		ctx = limited
	}
	decision, after, err := s.apply(ctx, v, decision)
	switch {
	case number == 0 || err != nil || decision.Code == cluster.Kept: // without an answer the update may still come true
	case decision.Applied:
		s.tidy(ctx, v, number)
	default:
		s.drop(ctx, v, number)
	}
	return decision, after, err
}

// unleased writes a decision without a lease.
func (s *scaler) unleased(ctx context.Context, v *visit, _ decider, decision cluster.Decision) (cluster.Decision, openstack.Stack, error) {
	return s.apply(ctx, v, decision)
}

// decider is Decide, Reconcile or SetPause.
type decider func(s cluster.State, r cluster.Request, now time.Time) cluster.Decision

func deciderOf(op cluster.Op) decider {
	switch op {
	case cluster.OpPass:
		return cluster.Reconcile
	case cluster.OpPause, cluster.OpResume:
		return cluster.SetPause
	default:
		return cluster.Decide
	}
}
