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
	"github.com/stackhook/stackhook/shared/openstack"
)

// Deliver is described at Grades.
func (g *grader) Deliver(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
	return g.turn(ctx, cloud, s, !Writable(s))
}

// Leave is described at Grades.
func (g *grader) Leave(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error) {
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
	for round := range rounds {
		sig, err := d.signals(ctx, s)
		if err != nil {
			return report, err
		}
		due := Plan(sig, d.checks[lab.Tagged(s.Tags, lab.TagLab)], orAnywhere(to, opened))
		if !due.Send {
			return report, nil
		}
		if opened != nil {
			return d.park(ctx, s, sig, due, sealReason(opened))
		}
		if now := d.now(); now.Before(d.known.next) && !d.leaving {
			return Report{Did: Postponed, Score: due.Score, Why: resting, Next: d.known.next}, nil
		}
		next, again, err := d.send(ctx, s, sig, to, due)
		if err != nil || !again || d.leaving {
			return next, err
		}
		report = next
		if round < rounds-1 {
			if s, err = d.cloud.Stack(ctx, s.StackRef); err != nil {
				return report, lookedAgain(err)
			}
		}
	}
	return report, nil
}

// lookedAgain: a lab that has gone meanwhile has nothing more to send.
func lookedAgain(err error) error {
	if openstack.CodeOf(err) == openstack.Gone {
		return nil
	}
	return fmt.Errorf("look again after a grade was sent: %w", err)
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

// signals are those of s, and of its predecessor what it had sent: a reset does not lower a grade.
func (d *delivery) signals(ctx context.Context, s openstack.Stack) (lab.Signals, error) {
	sig := d.known.with(s, d.now())
	if len(sig.Sent) > 0 || lab.Generation(s.Tags) == 0 || d.known.carried {
		return sig, nil
	}
	earlier, found, err := best(ctx, d.cloud, lab.BaseOf(s.Tags), s.ID, d.now())
	if err != nil {
		return sig, fmt.Errorf("look at the lab before the reset: %w", err)
	}
	if found && !d.leaving {
		if err := d.mark(ctx, s, lab.SentID(0), "grade carried over", sentData(earlier)); err != nil {
			return sig, err
		}
		d.known.sent = append(d.known.sent, lab.Delivery{Score: earlier.Score, At: d.now(), Result: earlier.Result})
	}
	d.known.carried = true
	if found {
		sig.Sent = append(sig.Sent, earlier)
	}
	return sig, nil
}

// send tries once and writes down what came of it; again says that the lab is worth another look.
func (d *delivery) send(ctx context.Context, s openstack.Stack, sig lab.Signals, to Destination, due Due) (r Report, again bool, err error) {
	sent := d.deliver(ctx, to, due)
	logging.Note(ctx, "score", strconv.FormatFloat(due.Score, 'f', 4, 64))
	switch reason := verdict.RefusedFor(sent); {
	case sent == nil:
		d.known.succeed()
		done := lab.Delivery{Score: due.Score, At: d.now().Truncate(time.Second), Result: due.Result}
		d.known.sent = append(d.known.sent, done)
		err := d.mark(ctx, s, sentID(sig.Sent, done), "grade sent", sentData(done))
		return Report{Did: Sent, Score: due.Score}, true, err
	case reason != "":
		r, err := d.park(ctx, s, sig, due, reason)
		return r, false, err
	}
	next := d.known.fail(d.now(), verdict.Wait(sent))
	logging.From(ctx).Warn().Str("stack", s.Name).Str("host", to.host()).Str("why", why(sent)).Time("next", next).Msg("a grade is not delivered yet")
	if !d.leaving {
		return Report{Did: Postponed, Score: due.Score, Why: why(sent), Next: next}, false, nil
	}
	if err := d.keep(ctx, s, due, next); err != nil {
		return Report{Did: Postponed, Score: due.Score, Why: why(sent), Next: next}, false, err
	}
	return Report{Did: Kept, Score: due.Score, Why: why(sent), Next: next}, false, nil
}

// why is one word of an error: its text may hold an address.
func why(err error) string {
	if later, ok := errors.AsType[*verdict.Later](err); ok {
		return later.Why
	}
	return "unknown"
}

// deliver brings a grade to its destination. Errors are those of package verdict.
func (g *grader) deliver(ctx context.Context, to Destination, due Due) error {
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
		return &verdict.Later{Why: "consumer_unknown"} // it may be configured again
	}
	if !lti.AllowedHost(to.Outcome, consumer.OutcomeHosts) {
		return &verdict.Refused{Reason: verdict.Unlisted}
	}
	return g.outcomes.Replace(ctx, outcome.Place{ //nolint:wrapcheck // verdicts say all
		URL: to.Outcome, SourcedID: to.SourcedID, Key: to.Key, Secret: consumer.Secret.Reveal(),
	}, due.Score)
}

func (g *grader) deliverScore(ctx context.Context, to Destination, due Due) error {
	platform, known := g.platforms[client{to.Issuer, to.ClientID}]
	switch {
	case !known:
		return &verdict.Later{Why: "platform_unknown"}
	case g.scores == nil:
		return &verdict.Later{Why: "no_tool_keys"}
	case platform.TokenURL == "":
		return &verdict.Later{Why: "no_token_url"}
	}
	hosts := lti.Registration{TokenURL: platform.TokenURL, GradeHosts: platform.GradeHosts}
	for _, address := range []string{to.LineItem, to.LineItems} {
		if address != "" && !hosts.TakesScores(address) {
			return &verdict.Refused{Reason: verdict.Unlisted}
		}
	}
	return g.scores.Send(ctx, ags.Place{ //nolint:wrapcheck // verdicts say all
		Registration: ags.Registration{Issuer: to.Issuer, ClientID: to.ClientID, TokenURL: platform.TokenURL},
		User:         to.User, Link: to.Link,
		Scores: lti.Scores{LineItem: to.LineItem, LineItems: to.LineItems, Scopes: to.Scopes},
	}, ags.Score{Given: due.Score, At: due.timestamp()})
}

// park writes down that a grade is given up, and why.
func (d *delivery) park(ctx context.Context, s openstack.Stack, sig lab.Signals, due Due, reason verdict.Reason) (Report, error) {
	d.known.succeed()
	given := lab.Parking{Reason: string(reason), At: due.At}
	logging.From(ctx).Warn().Str("stack", s.Name).Str("why", string(reason)).Float64("score", due.Score).Msg("a grade is given up")
	d.known.parked = append(d.known.parked, parking{given, d.now()})
	report := Report{Did: Parked, Score: due.Score, Why: string(reason)}
	return report, d.mark(ctx, s, lab.ParkedID(len(sig.Parked)), "grade given up: "+string(reason), parkedData(given))
}
