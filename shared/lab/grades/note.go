package grades

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// The tags of a note of the best score that the course site has. An outbox that is empty is such a note: then it has until=,
// after which it goes, and due= says the same, so that nobody tries to send it.
const (
	TagBest  = "best="  // in thousandths
	TagUntil = "until=" // in Unix seconds
)

const nothingNoted = -1

// noted is for how long a best score is remembered after its lab.
const noted = 30 * 24 * time.Hour

// Leave is described at Grades.
func (g *grader) Leave(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	if s.Parameters[GradingParameter] == "" { // nothing was ever sent for it
		return Report{Did: Nothing}, nil
	}
	s, err := Whole(ctx, cloud, s)
	if err != nil {
		return Report{}, err
	}
	report, err := g.turn(ctx, cloud, s, true)
	if err != nil {
		return report, err
	}
	k, give, err := g.memory.take(ctx, s.ID, g.now())
	if err != nil {
		return report, fmt.Errorf("wait for the lab's turn: %w", err)
	}
	defer give()
	if sent, ok := highest(g.read(s, k).Sent); ok {
		_, err = g.note(ctx, cloud, s, sent)
	}
	return report, err
}

// note keeps a score that was sent in the owner's grade stack, beside a grade that waits there. found is the best that was
// noted before, in thousandths; -1 if nothing was.
func (g *grader) note(ctx context.Context, cloud Cloud, s openstack.Stack, sent lab.Delivery) (found int, err error) {
	due := Due{Score: sent.Score, At: sent.At, Result: sent.Result}
	_, err = cloud.CreateStack(ctx, gradeStack(s, due, g.noteTags(sent.Score)...))
	if code := openstack.CodeOf(err); code != openstack.Conflict && code != openstack.Unavailable {
		return nothingNoted, noting(err)
	}
	there, err := cloud.FindStack(ctx, gradeName(s.Tags))
	if err != nil {
		return nothingNoted, noting(err)
	}
	if there.Action == "DELETE" {
		return nothingNoted, noting(&openstack.Error{Code: openstack.Busy, Op: "write to stack " + there.Name})
	}
	best, told := bestIn(there.Tags)
	if !told {
		best = nothingNoted
	}
	if best >= thousandths(sent.Score) {
		return best, nil
	}
	tags := append(without(there.Tags, TagBest), bestTag(sent.Score))
	return best, noting(cloud.PatchStack(ctx, there.StackRef, openstack.StackChange{Tags: tags}))
}

func noting(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("note the best grade: %w", err)
}

func (g *grader) noteTags(score float64) []string {
	until := strconv.FormatInt(g.now().Add(noted).Unix(), 10)
	return []string{bestTag(score), TagUntil + until, lab.TagDue + until}
}

func bestTag(score float64) string { return TagBest + strconv.Itoa(thousandths(score)) }

func thousandths(score float64) int { return int(math.Round(score * 1000)) }

// bestIn is the score that a note tells, in thousandths.
func bestIn(tags []string) (int, bool) {
	best, err := strconv.Atoi(lab.Tagged(tags, TagBest))
	return best, err == nil && best >= 0 && best <= 1000
}

// covers says that an earlier delivery was of that score, or a better one. A note, which names no result, tells its own in
// thousandths, so that a third of all points would seem to be more than the third that it is.
func covers(earlier lab.Delivery, score float64) bool {
	if earlier.Result == "" {
		return thousandths(earlier.Score) >= thousandths(score)
	}
	return earlier.Score >= score-sameScore
}

// isNote says that nothing in the stack waits to be sent.
func isNote(tags []string) bool { return lab.Tagged(tags, TagUntil) != "" }

func highest(sent []lab.Delivery) (best lab.Delivery, ok bool) {
	for _, s := range sent {
		if !ok || s.Score > best.Score {
			best, ok = s, true
		}
	}
	return best, ok
}

// best is the best grade that the owner's other labs sent, those that are gone included: one call to list them and their
// note, and one for each lab, two of one that sleeps.
func (g *grader) best(ctx context.Context, cloud Cloud, owner, but string) (found lab.Delivery, ok bool, err error) {
	if owner == "" {
		return lab.Delivery{}, false, nil
	}
	var all []lab.Delivery
	for s, err := range cloud.Stacks(ctx, lab.TagOwner+owner) {
		if err != nil {
			return lab.Delivery{}, false, fmt.Errorf("list: %w", err)
		}
		if thousand, told := bestIn(s.Tags); told {
			all = append(all, lab.Delivery{Score: float64(thousand) / 1000, At: s.Created})
		}
		if s.ID == but || lab.Tagged(s.Tags, lab.TagKind) != "" || s.Action == "DELETE" || s.State() == "CREATE_IN_PROGRESS" {
			continue
		}
		whole, err := cloud.Stack(ctx, s.StackRef)
		if openstack.CodeOf(err) == openstack.Gone {
			continue
		}
		if err == nil {
			whole, err = Whole(ctx, cloud, whole)
		}
		if err != nil {
			return lab.Delivery{}, false, fmt.Errorf("read: %w", err)
		}
		all = append(all, lab.ReadSigned(whole.Outputs, g.signKey, whole.ID, lab.Entry{}, g.now()).Sent...)
	}
	found, ok = highest(all)
	return found, ok, nil
}

// without is tags without those that begin with one of the prefixes.
func without(tags []string, prefixes ...string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(tag, prefix) })
	})
}
