package grades

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/ags"
	"github.com/stackhook/stackhook/shared/lti/outcome"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Deliver is described at Grades.
func (g *grader) Deliver(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	return g.turn(ctx, cloud, s, !Writable(s))
}

// Sleep is described at Grades.
func (g *grader) Sleep(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	return g.turn(ctx, cloud, s, true)
}

func (g *grader) turn(ctx context.Context, cloud Cloud, s openstack.Stack, leaving bool) (Report, error) {
	if s.Action == "CREATE" && soon(s) {
		return Report{Did: Nothing}, nil
	}
	k, give, err := g.memory.take(ctx, s.ID, g.now())
	if err != nil {
		return Report{}, fmt.Errorf("wait for the lab's turn: %w", err)
	}
	defer give()
	return (&delivery{grader: g, cloud: cloud, known: k, leaving: leaving}).run(ctx, s)
}

// delivery is one turn at a lab's grade.
type delivery struct {
	*grader

	cloud   Cloud
	known   *known
	leaving bool // what cannot be delivered now goes to the outbox
	doubted bool // a score that had arrived was sent once more: see unsure
}

// rounds bounds how often one turn sends: another host may be at the same lab, and send something better or lower.
const rounds = 3

// run sends what is due, and looks again afterwards.
func (d *delivery) run(ctx context.Context, s openstack.Stack) (Report, error) {
	to, opened := Open(d.box, lab.BaseOf(s.Tags), s.Parameters[GradingParameter], d.now())
	if opened == nil && !to.Graded() {
		return Report{Did: Nothing}, nil
	}
	report := Report{Did: Nothing}
	s, err := Whole(ctx, d.cloud, s)
	if err != nil {
		return report, err
	}
	for round := range rounds {
		sig, due, err := d.due(ctx, s, orAnywhere(to, opened))
		switch {
		case err != nil:
			return report, err
		case !due.Send:
			return report, d.settled(ctx, s)
		case opened != nil:
			return d.park(ctx, s, sig, due, sealReason(opened))
		}
		if next := later(d.known.next, timeIn(s.Tags, lab.TagDue)); d.now().Before(next) && !d.leaving {
			return d.postpone(ctx, s, due, next, resting)
		}
		next, again, err := d.send(ctx, s, sig, to, due)
		if err != nil || !again || d.leaving {
			return next, err
		}
		report = next
		if round < rounds-1 {
			after, err := d.cloud.Stack(ctx, s.StackRef)
			switch {
			case openstack.CodeOf(err) == openstack.Gone, err == nil && after.Action == "DELETE":
				return report, d.remember(ctx, s)
			case err == nil:
				s, err = Whole(ctx, d.cloud, after)
			}
			if err != nil {
				return report, fmt.Errorf("look again after a grade was sent: %w", err)
			}
		}
	}
	return report, nil
}

// remember notes what was sent for a lab that went meanwhile: who deleted it may not have seen that yet.
func (d *delivery) remember(ctx context.Context, s openstack.Stack) error {
	sent, ok := highest(d.read(s, d.known).Sent)
	if !ok {
		return nil
	}
	_, err := d.note(ctx, d.cloud, s, sent)
	return err
}

// orAnywhere lets a grade be due whose destination cannot be read: that is to be noted, once.
func orAnywhere(to Destination, unreadable error) Destination {
	if unreadable != nil {
		return Destination{Outcome: "unreadable"}
	}
	return to
}

// Reasons to park a grade besides those of package verdict.
const (
	reasonForeign  verdict.Reason = "foreign_destination"    // sealed for another owner's lab
	reasonUnsealed verdict.Reason = "unreadable_destination" // sealed by nobody we know, or a key that has gone
)

func sealReason(err error) verdict.Reason {
	if errors.Is(err, errForeign) {
		return reasonForeign
	}
	return reasonUnsealed
}

// due is what is due of a lab. Before a grade is sent, the owner's other labs are asked for theirs, and the note that the last
// one left: neither a reset nor a new lab lowers a grade, nor one that slept when it was sent and could not take it down.
func (d *delivery) due(ctx context.Context, s openstack.Stack, to Destination) (Written, Due, error) {
	checks := d.entries[lab.Tagged(s.Tags, lab.TagLab)].Checks
	sig := d.read(s, d.known)
	due := Plan(sig, checks, to)
	if !due.Send && !d.doubted && unsure(s, sig, due) {
		d.doubted, due.Send = true, true
	}
	if !due.Send {
		return sig, due, nil
	}
	earlier, found, err := d.best(ctx, d.cloud, lab.BaseOf(s.Tags), s.ID)
	if err != nil {
		return sig, Due{}, fmt.Errorf("look at what the owner's other labs earned: %w", err)
	}
	if best, sent := highest(sig.Sent); !found || sent && best.Score >= earlier.Score-sameScore {
		return sig, due, nil
	}
	carried := delivered{Delivery: lab.Delivery{Score: earlier.Score, At: d.now().Truncate(time.Second), Result: "carried"}}
	if covers(earlier, due.Score) {
		carried.Score = max(carried.Score, due.Score)
	}
	carried.after = sig.below(carried.Score)
	d.known.sent = append(d.known.sent, carried)
	if err := d.mark(ctx, s, sentID(carried.Result), "grade of an earlier lab", sentData(carried)); err != nil {
		return sig, Due{}, err
	}
	sig = d.read(s, d.known)
	return sig, Plan(sig, checks, to), nil
}

// send tries once and writes down what came of it; again says that the lab is worth another look.
func (d *delivery) send(ctx context.Context, s openstack.Stack, sig Written, to Destination, due Due) (r Report, again bool, err error) {
	sent := d.deliver(ctx, to, due)
	logging.Note(ctx, "score", strconv.FormatFloat(due.Score, 'f', 4, 64))
	switch reason := verdict.RefusedFor(sent); {
	case sent == nil:
		d.known.succeed()
		done := delivered{
			Delivery: lab.Delivery{Score: due.Score, At: d.now().Truncate(time.Second), Result: due.Result}, after: sig.below(due.Score),
		}
		d.known.sent = append(d.known.sent, done)
		err := d.write(ctx, s, sentID(done.Result), "grade sent", sentData(done))
		if errors.Is(err, ErrAsleep) {
			err = d.noteAsleep(ctx, s, sig, to, due, done.Delivery)
		}
		return Report{Did: Sent, Score: due.Score}, true, err
	case reason != "":
		r, err := d.park(ctx, s, sig, due, reason)
		return r, false, err
	}
	next := d.known.fail(d.now(), verdict.Wait(sent))
	logging.From(ctx).Warn().Str("stack", s.Name).Str("host", to.host()).Str("why", why(sent)).Time("next", next).Msg("a grade is not delivered yet")
	r, err = d.postpone(ctx, s, due, next, why(sent))
	return r, false, err
}

// unsure says that the best score is with the course site, and yet the lab's tags tell of a try that came to nothing as far as
// anybody knows. It may have arrived after all, later and lower, so the best is sent once more: to the course site it is the
// same.
func unsure(s openstack.Stack, sig Written, due Due) bool {
	return lab.Tagged(s.Tags, lab.TagDue) != "" && due.Result != "" && sig.arrived(due.Score)
}

// noteAsleep notes what was sent for a lab that cannot take it down. If somebody else noted something meanwhile, both were on
// their way at once, and the better one is sent again.
func (d *delivery) noteAsleep(ctx context.Context, s openstack.Stack, before Written, to Destination, due Due, done lab.Delivery) error {
	found, err := d.note(ctx, d.cloud, s, done)
	known := nothingNoted
	if best, sent := highest(before.Sent); sent {
		known = thousandths(best.Score)
	}
	if err != nil || found == nothingNoted || found == known || found == thousandths(due.Score) {
		return err
	}
	due.Score, due.At = max(due.Score, float64(found)/1000), d.now()
	if err := d.deliver(ctx, to, due); err != nil {
		return d.keep(ctx, s, due, d.now().Add(firstWait))
	}
	return nil
}

// postpone leaves a grade for later: at the lab, or in the outbox if the lab sleeps or ends, or has begun to since it was read.
func (d *delivery) postpone(ctx context.Context, s openstack.Stack, due Due, next time.Time, reason string) (Report, error) {
	report := Report{Did: Postponed, Score: due.Score, Why: reason, Next: next}
	fresh, err := s, error(nil)
	if !d.leaving {
		fresh, err = d.cloud.Stack(ctx, s.StackRef)
	}
	switch gone := openstack.CodeOf(err) == openstack.Gone; {
	case d.leaving, gone, err == nil && !Writable(fresh):
		if err := d.keep(ctx, s, due, next); err != nil {
			return report, err
		}
		report.Did = Kept
		return report, nil
	case err != nil:
		return report, fmt.Errorf("look whether the lab is still up: %w", err)
	}
	return report, d.tag(ctx, fresh, strconv.FormatInt(next.Unix(), 10))
}

// settled takes the tag away that says when a grade is to be tried again.
func (d *delivery) settled(ctx context.Context, s openstack.Stack) error {
	if d.leaving || lab.Tagged(s.Tags, lab.TagDue) == "" {
		return nil
	}
	s, err := d.cloud.Stack(ctx, s.StackRef) // others write to the tags, too
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		return nil
	case err != nil:
		return fmt.Errorf("look at the lab's tags: %w", err)
	}
	return d.tag(ctx, s, "")
}

// tag writes into a lab's tags when its grade is to be tried again; empty: none is due. Without the tag it is tried whenever
// somebody looks.
func (d *delivery) tag(ctx context.Context, s openstack.Stack, due string) error {
	if lab.Tagged(s.Tags, lab.TagDue) == due || !(lab.Stack{Action: s.Action, Status: s.Status}).Patchable() {
		return nil
	}
	tags := without(s.Tags, lab.TagDue)
	if due != "" {
		tags = append(tags, lab.TagDue+due)
	}
	if err := d.cloud.PatchStack(ctx, s.StackRef, openstack.StackChange{Tags: tags}); err != nil {
		return fmt.Errorf("note when a grade is tried again: %w", err)
	}
	return nil
}

// why is one word of an error: its text may hold an address.
func why(err error) string {
	if later, ok := errors.AsType[*verdict.LaterError](err); ok {
		return later.Why
	}
	return "unknown"
}

// deliver brings a grade to its destination, and counts what came of it. Errors are those of package verdict.
func (g *grader) deliver(ctx context.Context, to Destination, due Due) error {
	err := g.bring(ctx, to, due)
	result, reason := "delivered", ""
	if refused := verdict.RefusedFor(err); refused != "" {
		result, reason = "refused", string(refused)
	} else if err != nil {
		result, reason = "postponed", why(err)
	}
	observe.Metrics(ctx).Counter(metricDeliveries, helpDeliveries, "result", "reason").Add(1, result, reason)
	return err
}

const (
	metricDeliveries = "stackhook_grade_deliveries_total"
	helpDeliveries   = "Tries to bring a grade to its course site: delivered, refused for good, or postponed, and why."
)

func (g *grader) bring(ctx context.Context, to Destination, due Due) error {
	if due.Score == 0 {
		logging.From(ctx).Warn().Str("host", to.host()).Msg("a score of 0 is sent as 0; Open edX up to 11.4 of its LTI block stores it over LTI 1.3 and does not show it")
	}
	if to.Outcome != "" {
		return g.deliverOutcome(ctx, to, due)
	}
	return g.deliverScore(ctx, to, due)
}

// deliverOutcome looks at the list of hosts again: it may have changed since the launch.
func (g *grader) deliverOutcome(ctx context.Context, to Destination, due Due) error {
	consumer, known := g.consumers[to.Key]
	if !known {
		return &verdict.LaterError{Why: "consumer_unknown"} // it may be configured again
	}
	if !lti.AllowedHost(to.Outcome, consumer.OutcomeHosts) {
		return &verdict.RefusedError{Reason: verdict.Unlisted}
	}
	return g.outcomes.Replace(ctx, outcome.Place{ //nolint:wrapcheck // verdicts say all
		URL: to.Outcome, SourcedID: to.SourcedID, Key: to.Key, Secret: consumer.Secret.Reveal(),
	}, due.Score)
}

func (g *grader) deliverScore(ctx context.Context, to Destination, due Due) error {
	platform, known := g.platforms[client{to.Issuer, to.ClientID}]
	switch {
	case !known:
		return &verdict.LaterError{Why: "platform_unknown"}
	case g.scores == nil:
		return &verdict.LaterError{Why: "no_tool_keys"}
	case platform.TokenURL == "":
		return &verdict.LaterError{Why: "no_token_url"}
	}
	hosts := lti.Registration{TokenURL: platform.TokenURL, GradeHosts: platform.GradeHosts}
	for _, address := range []string{to.LineItem, to.LineItems} {
		if address != "" && !hosts.TakesScores(address) {
			return &verdict.RefusedError{Reason: verdict.Unlisted}
		}
	}
	return g.scores.Send(ctx, ags.Place{ //nolint:wrapcheck // verdicts say all
		Registration: ags.Registration{Issuer: to.Issuer, ClientID: to.ClientID, TokenURL: platform.TokenURL},
		User:         to.User, Link: to.Link,
		Scores: lti.Scores{LineItem: to.LineItem, LineItems: to.LineItems, Scopes: to.Scopes},
	}, ags.Score{Given: due.Score, At: due.timestamp()})
}

// park writes down that a grade is given up, and why.
func (d *delivery) park(ctx context.Context, s openstack.Stack, sig Written, due Due, reason verdict.Reason) (Report, error) {
	d.known.succeed()
	given := lab.Parking{Reason: string(reason), At: due.At}
	logging.From(ctx).Warn().Str("stack", s.Name).Str("why", string(reason)).Float64("score", due.Score).Msg("a grade is given up")
	d.known.parked = append(d.known.parked, parking{given, d.now()})
	report := Report{Did: Parked, Score: due.Score, Why: string(reason)}
	return report, d.mark(ctx, s, lab.ParkedID(len(sig.Parked)), "grade given up: "+string(reason), parkedData(given))
}
