package pool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Cloud is what a claim needs of OpenStack: two calls if nobody is in the way.
type Cloud interface {
	CreateKeyPair(ctx context.Context, name, publicKey string) error
	KeyPairs(ctx context.Context) ([]openstack.KeyPair, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
}

// Outcome is what became of a wish for a ready-made lab.
type Outcome string

// The outcomes.
const (
	// Taken: the lab is the learner's. Its tags and parameters are to be read back, as after every update.
	Taken Outcome = "taken"
	// UnderWay: a request of this learner, perhaps this one, has claimed a lab, and whether it got it is not known yet. Look
	// for the owner's stacks again, and build nothing meanwhile.
	UnderWay Outcome = "under_way"
	// None: nobody's lab is left. Build one.
	None Outcome = "none"
	// Barred: no claim is to be had, for want of rights, of key pairs in the quota, or of Nova. Build one; the error says why.
	Barred Outcome = "barred"
)

const (
	// handOver is how long the request that made a claim may take to write the owner into the stack. It goes by the list
	// that it began with, which must not be old.
	handOver = 20 * time.Second
	// resumable is how long another request of the same learner may still go on with a claim. It is far less than the ten
	// minutes after which tend-labs removes a lab that was claimed and not taken, so that nobody is given one as it goes.
	resumable = 5 * time.Minute
)

// Candidates are those of stacks that may be given to somebody: ready-made labs of that key and revision, finished and
// without an owner.
func Candidates(stacks []openstack.Stack, key, revision string) []openstack.Stack {
	var out []openstack.Stack
	for _, s := range stacks {
		if unowned(s, key) && slices.Contains(s.Tags, lab.TagRev+revision) && up(s) {
			out = append(out, s)
		}
	}
	return out
}

// unowned says that s is a ready-made lab of that key, and nobody's.
func unowned(s openstack.Stack, key string) bool {
	return slices.Contains(s.Tags, lab.TagWarm+key) && lab.BaseOf(s.Tags) == ""
}

// up says that s is finished, runs, and takes an update (live-numbers.md: not while asleep, not while Heat is at work).
func up(s openstack.Stack) bool {
	return s.Status == "COMPLETE" && (s.Action == "CREATE" || s.Action == "UPDATE" || s.Action == "CHECK" || s.Action == "RESUME")
}

// Claim gives one of the candidates to owner. tags are the owner's, with the lease; params change the stack's parameters.
// Every learner goes through the candidates in an order of their own, the same in each request, so that two requests of one
// learner want the same lab first, and two learners do not.
//
// It may be cut off anywhere: a lab that was claimed and not handed over is given to nobody else.
func Claim(ctx context.Context, cloud Cloud, owner lab.Owner, candidates []openstack.Stack, tags []string, params map[string]any, now function.Clock) (openstack.StackRef, Outcome, error) {
	began := now()
	c := claimer{
		cloud: cloud, mark: newMark(owner.Stack, began), tags: tags, params: params, now: now, listed: began,
		left: inOrder(owner.Stack, candidates),
	}
	return c.run(ctx)
}

// claimer is one wish on its way.
type claimer struct {
	cloud  Cloud
	mark   Mark
	tags   []string
	params map[string]any
	now    function.Clock
	listed time.Time
	left   []openstack.Stack
	lost   bool // Nova has left one claim without an answer
}

func (c *claimer) run(ctx context.Context) (openstack.StackRef, Outcome, error) {
	for len(c.left) > 0 {
		wanted := c.left[0]
		ours, outcome, err := c.take(ctx, wanted)
		if outcome != "" {
			return openstack.StackRef{}, outcome, err
		}
		if ours.ID == "" {
			continue
		}
		outcome, err = c.handOver(ctx, ours)
		if outcome != None {
			return ours.StackRef, outcome, err
		}
		c.drop(ours.ID)
	}
	return openstack.StackRef{}, None, nil
}

// take claims wanted, or, if it is another's, crosses out what is not to be had. Without an outcome and without a stack the
// next one is to be tried.
func (c *claimer) take(ctx context.Context, wanted openstack.Stack) (ours openstack.Stack, outcome Outcome, err error) {
	err = c.cloud.CreateKeyPair(ctx, ClaimName(wanted.ID), c.mark.publicKey())
	if err == nil {
		return wanted, "", nil
	}
	code := openstack.CodeOf(err)
	if code != openstack.Conflict && (code != openstack.Unavailable || c.lost) {
		return openstack.Stack{}, Barred, fmt.Errorf("claim %s: %w", wanted.Name, err)
	}
	c.lost = c.lost || code == openstack.Unavailable
	marks, listErr := Marks(ctx, c.cloud)
	if listErr != nil {
		return openstack.Stack{}, Barred, errors.Join(fmt.Errorf("claim %s: %w", wanted.Name, err), listErr)
	}
	ours, outcome = c.sift(marks)
	c.drop(wanted.ID) // claimed by another, or its claim may yet come into being, with nobody to use it
	return ours, outcome, nil
}

// sift crosses out the candidates that are claimed. One that this very request claimed, whose answer was lost, is ours, and
// so is one that an earlier request of this learner claimed and did not take.
func (c *claimer) sift(marks []Mark) (ours openstack.Stack, outcome Outcome) {
	var free []openstack.Stack
	for _, s := range c.left {
		m, claimed := on(marks, s.ID)
		age := c.now().Sub(m.At)
		switch {
		case !claimed:
			free = append(free, s)
		case m.Base != c.mark.Base:
		case m.token == c.mark.token:
			ours, outcome = s, ""
		case age < handOver && ours.ID == "":
			outcome = UnderWay
		case age < resumable && ours.ID == "" && outcome == "":
			ours = s
		}
	}
	c.left = free
	return ours, outcome
}

func (c *claimer) drop(id string) {
	c.left = slices.DeleteFunc(c.left, func(s openstack.Stack) bool { return s.ID == id })
}

// handOver writes the owner into the stack. None says that this stack cannot be had after all, and that another may.
func (c *claimer) handOver(ctx context.Context, s openstack.Stack) (Outcome, error) {
	if late := c.now().Sub(c.listed); late > handOver {
		return UnderWay, fmt.Errorf("hand over %s: %s after the list that showed it", s.Name, late.Round(time.Second))
	}
	change := openstack.StackChange{Tags: given(s.Tags, c.tags, c.now()), Parameters: c.params}
	var err error
	const tries = 2 // the same words twice are one
	for range tries {
		if err = c.cloud.PatchStack(ctx, s.StackRef, change); openstack.CodeOf(err) != openstack.Unavailable {
			break
		}
	}
	switch openstack.CodeOf(err) {
	case "":
		return Taken, nil
	case openstack.Gone, openstack.Busy, openstack.Conflict: // removed, or somebody works on it
		return None, nil
	case openstack.Unavailable, openstack.Broken: // it may have taken effect
		return UnderWay, fmt.Errorf("hand over %s: %w", s.Name, err)
	default: // our words or our rights: no other candidate would take them either
		return Barred, fmt.Errorf("hand over %s: %w", s.Name, err)
	}
}

// given are the tags of a ready-made lab that has an owner from now on.
func given(stack, owner []string, now time.Time) []string {
	tags := slices.DeleteFunc(slices.Clone(stack), func(tag string) bool {
		key, _, pair := strings.Cut(tag, "=")
		return strings.HasPrefix(tag, lab.TagWarm) || slices.Contains(owner, tag) ||
			pair && slices.ContainsFunc(owner, func(theirs string) bool { return strings.HasPrefix(theirs, key+"=") })
	})
	return append(append(tags, owner...), lab.TagClaimed+strconv.FormatInt(now.Unix(), 10))
}

// inOrder sorts the candidates as this owner goes through them (rendezvous hashing).
func inOrder(base string, candidates []openstack.Stack) []openstack.Stack {
	sorted := slices.Clone(candidates)
	weight := func(s openstack.Stack) []byte {
		sum := sha256.Sum256([]byte(base + s.ID))
		return sum[:]
	}
	slices.SortFunc(sorted, func(a, b openstack.Stack) int { return bytes.Compare(weight(a), weight(b)) })
	return sorted
}
