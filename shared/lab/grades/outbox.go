package grades

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
	"github.com/stackhook/stackhook/shared/openstack"
)

// The tags of an outbox, besides those of a note and lab.TagDue: no try before.
const (
	TagTries  = "tries="  // how many failed
	TagParked = "parked=" // why it is given up; until due it is left for whoever wants to know
)

// Its parameters: the sealed destination is the lab's own.
const (
	paramScore  = "score"
	paramAt     = "at"
	paramResult = "result"
)

const outboxTemplate = `heat_template_version: 2018-08-31
description: A grade that waits until the course site takes it.
parameters:
  grading: {type: string}
  score: {type: string}
  at: {type: string}
  result: {type: string, default: ""}
resources:
  grade: {type: OS::Heat::Value, properties: {type: string, value: {get_param: score}}}
`

const (
	giveUpAfter = 30 * 24 * time.Hour // a course site that does not take a grade for so long never will
	parkedFor   = 14 * 24 * time.Hour
)

// keep puts a grade into the owner's outbox, of which there is one: the better grade stays.
func (d *delivery) keep(ctx context.Context, s openstack.Stack, due Due, next time.Time) error {
	waiting := lab.TagDue + strconv.FormatInt(next.Unix(), 10)
	box := gradeStack(s, due, waiting)
	_, err := d.cloud.CreateStack(ctx, box)
	if code := openstack.CodeOf(err); code != openstack.Conflict && code != openstack.Unavailable {
		return keeping(err)
	}
	// It is there, or the answer was lost.
	found, err := d.cloud.FindStack(ctx, box.Name)
	if err != nil {
		return keeping(err)
	}
	for range rounds {
		there, err := d.cloud.Stack(ctx, found.StackRef)
		if err != nil {
			return keeping(err)
		}
		if there.Action == "DELETE" { // it has served; its name is free in a moment
			return keeping(&openstack.Error{Code: openstack.Busy, Op: "write to stack " + there.Name})
		}
		if kept, ok := dueIn(there); ok && !isNote(there.Tags) && kept.Score >= due.Score-sameScore {
			return nil
		}
		// Of two updates at once Heat drops one without a word, so it is read again.
		tags := append(without(there.Tags, TagUntil, lab.TagDue, TagTries, TagParked), waiting)
		if err := d.cloud.PatchStack(ctx, there.StackRef, openstack.StackChange{Parameters: box.Parameters, Tags: tags}); err != nil {
			return keeping(err)
		}
	}
	return keeping(errors.New("somebody else writes to the outbox"))
}

func keeping(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("keep a grade: %w", err)
}

// gradeStack is the owner's stack for a grade: an outbox or a note, as its tags say.
func gradeStack(s openstack.Stack, due Due, tags ...string) openstack.NewStack {
	note := lab.OwnerIn(s.Tags).Note(lab.NoteGrade, "", tags...)
	if lab.BaseOf(note.Tags) == "" {
		note.Tags = append(note.Tags, lab.TagOwner+lab.BaseOf(s.Tags))
	}
	return openstack.NewStack{
		Name: note.Name, Template: outboxTemplate, Tags: note.Tags, Timeout: 5 * time.Minute,
		Parameters: map[string]any{
			GradingParameter: s.Parameters[GradingParameter],
			paramScore:       strconv.FormatFloat(due.Score, 'f', -1, 64),
			paramAt:          strconv.FormatInt(due.At.Unix(), 10),
			paramResult:      due.Result,
		},
	}
}

func gradeName(tags []string) string { return lab.OwnerIn(tags).Note(lab.NoteGrade, "").Name }

// dueIn is the grade that an outbox holds.
func dueIn(s openstack.Stack) (Due, bool) {
	score, err := strconv.ParseFloat(s.Parameters[paramScore], 64)
	at, wrong := strconv.ParseInt(s.Parameters[paramAt], 10, 64)
	if err != nil || wrong != nil || score < 0 || score > 1 {
		return Due{}, false
	}
	return Due{Send: true, Score: score, At: time.Unix(at, 0).UTC(), Result: s.Parameters[paramResult]}, true
}

// Outbox is described at Grades.
func (g *grader) Outbox(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	if isNote(s.Tags) {
		return Report{Did: Nothing}, nil
	}
	if next := timeIn(s.Tags, lab.TagDue); g.now().Before(next) {
		return Report{Did: Postponed, Why: resting, Next: next}, nil
	}
	if why := lab.Tagged(s.Tags, TagParked); why != "" {
		return g.discard(ctx, cloud, s, Report{Did: Parked, Why: why})
	}
	_, give, err := g.memory.take(ctx, s.ID, g.now())
	if err != nil {
		return Report{}, fmt.Errorf("wait for the outbox's turn: %w", err)
	}
	defer give()
	if s, err = cloud.Stack(ctx, s.StackRef); err != nil {
		if openstack.CodeOf(err) == openstack.Gone {
			return Report{Did: Nothing}, nil
		}
		return Report{}, fmt.Errorf("read outbox: %w", err)
	}
	return g.empty(ctx, cloud, s)
}

// empty sends what is in an outbox, unless the lab has sent as good a grade since.
func (g *grader) empty(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	owner := lab.BaseOf(s.Tags)
	due, ok := dueIn(s)
	to, wrong := Open(g.box, owner, s.Parameters[GradingParameter], g.now())
	switch {
	case wrong != nil:
		return g.giveUp(ctx, cloud, s, due, string(sealReason(wrong)))
	case !ok || !to.Graded():
		return g.giveUp(ctx, cloud, s, due, string(verdict.Unfit))
	}
	earlier, found, err := g.best(ctx, cloud, owner, s.ID)
	if err != nil {
		return Report{}, fmt.Errorf("look at the labs of the grade's owner: %w", err)
	}
	if found && covers(earlier, due.Score) {
		return g.served(ctx, cloud, s, Report{Did: Nothing, Score: earlier.Score})
	}
	sent := g.deliver(ctx, to, due)
	if reason := verdict.RefusedFor(sent); reason != "" {
		return g.giveUp(ctx, cloud, s, due, string(reason))
	}
	if sent == nil {
		return g.served(ctx, cloud, s, Report{Did: Sent, Score: due.Score})
	}
	if g.now().Sub(s.Created) > giveUpAfter {
		return g.giveUp(ctx, cloud, s, due, why(sent))
	}
	return g.putOff(ctx, cloud, s, due, sent)
}

// served makes a note of an outbox whose grade the course site has.
func (g *grader) served(ctx context.Context, cloud Cloud, s openstack.Stack, report Report) (Report, error) {
	score := report.Score
	if best, ok := bestIn(s.Tags); ok {
		score = max(score, float64(best)/1000)
	}
	tags := append(without(s.Tags, lab.TagDue, TagTries, TagParked, TagBest, TagUntil), g.noteTags(score)...)
	return report, noting(cloud.PatchStack(ctx, s.StackRef, openstack.StackChange{Tags: tags}))
}

// discard removes an outbox whose grade was refused, or leaves it as a note of an earlier one.
func (g *grader) discard(ctx context.Context, cloud Cloud, s openstack.Stack, report Report) (Report, error) {
	if best, ok := bestIn(s.Tags); ok {
		report.Score = float64(best) / 1000
		return g.served(ctx, cloud, s, report)
	}
	if err := cloud.DeleteStack(ctx, s.StackRef); err != nil && openstack.CodeOf(err) != openstack.Gone {
		return report, fmt.Errorf("remove outbox: %w", err)
	}
	return report, nil
}

// giveUp leaves the outbox for a while, with the reason in its tags.
func (g *grader) giveUp(ctx context.Context, cloud Cloud, s openstack.Stack, due Due, why string) (Report, error) {
	logging.From(ctx).Warn().Str("stack", s.Name).Str("why", why).Float64("score", due.Score).Msg("a kept grade is given up")
	until := g.now().Add(parkedFor)
	err := retag(ctx, cloud, s, lab.TagDue+strconv.FormatInt(until.Unix(), 10), TagParked+why)
	return Report{Did: Parked, Score: due.Score, Why: why, Next: until}, err
}

func (g *grader) putOff(ctx context.Context, cloud Cloud, s openstack.Stack, due Due, sent error) (Report, error) {
	tries, _ := strconv.Atoi(lab.Tagged(s.Tags, TagTries)) // none at first
	next := g.now().Add(max(verdict.Wait(sent), backOff(tries)))
	err := retag(ctx, cloud, s, lab.TagDue+strconv.FormatInt(next.Unix(), 10), TagTries+strconv.Itoa(tries+1))
	return Report{Did: Postponed, Score: due.Score, Why: why(sent), Next: next}, err
}

func retag(ctx context.Context, cloud Cloud, s openstack.Stack, tags ...string) error {
	tags = append(without(s.Tags, lab.TagDue, TagTries, TagParked), tags...)
	if err := cloud.PatchStack(ctx, s.StackRef, openstack.StackChange{Tags: tags}); err != nil {
		return fmt.Errorf("put a kept grade off: %w", err)
	}
	return nil
}

func timeIn(tags []string, prefix string) time.Time {
	seconds, err := strconv.ParseInt(lab.Tagged(tags, prefix), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
