package pool

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Claims is what it needs of OpenStack to keep a lab from learners: two calls.
type Claims interface {
	CreateKeyPair(ctx context.Context, name, publicKey string) error
	DeleteKeyPair(ctx context.Context, name string) error
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
}

// Withhold claims a ready-made lab for whoever is about to delete it, so that no learner gets it in the moment it goes. It
// is false if the lab is claimed, owned or gone. The claim is tidied up as every other.
//
// The look is there for a list that is older than a claim's life: then the lab may have been somebody's for long.
func Withhold(ctx context.Context, cloud Claims, ref openstack.StackRef, now function.Clock) (bool, error) {
	err := cloud.CreateKeyPair(ctx, ClaimName(ref.ID), newMark(tend, now()).publicKey())
	if openstack.CodeOf(err) == openstack.Conflict {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", ref.Name, err)
	}
	s, err := cloud.StackParameters(ctx, ref)
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at %s: %w", ref.Name, err)
	case lab.BaseOf(s.Tags) == "":
		return true, nil
	}
	if err := cloud.DeleteKeyPair(ctx, ClaimName(ref.ID)); err != nil && openstack.CodeOf(err) != openstack.Gone {
		return false, fmt.Errorf("give back the claim on %s: %w", ref.Name, err)
	}
	return false, nil
}
