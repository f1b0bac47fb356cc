package grades

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lti/ags"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/outcome"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
	"github.com/stackhook/stackhook/shared/trace"
)

// Cloud is what is needed of OpenStack. openstack.Cloud is one.
type Cloud interface {
	Teller
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
}

// Did is what became of a grade.
type Did string

// Everything that may become of one.
const (
	Nothing   Did = "nothing"   // there is none, or the course site has it
	Sent      Did = "sent"      // the course site took it
	Parked    Did = "parked"    // the course site refuses it for good: Report.Why says why
	Postponed Did = "postponed" // it is to be tried again, not before Report.Next
	Kept      Did = "kept"      // it is in the outbox, so that the lab may go
)

// Report says what a call did.
type Report struct {
	Did   Did       `json:"did"`
	Score float64   `json:"score,omitempty"` // 0 to 1, of what was sent, parked, postponed or kept
	Why   string    `json:"why,omitempty"`   // a word: a verdict.Reason, or what went wrong
	Next  time.Time `json:"next,omitzero"`
}

// Word is what was done, empty if nothing was.
func (r Report) Word() string {
	if r.Did == Nothing || r.Why == resting {
		return ""
	}
	return string(r.Did)
}

// resting is why nothing is tried yet.
const resting = "back_off"

// Grades delivers grades. It is safe for concurrent use. Stacks that are passed in must have been read whole
// (openstack.Cloud.Stack): their parameters, outputs and tags are looked at. Of a lab that sleeps, or failed, the outputs do not
// tell what is written down at it; of each of those that is graded it takes 1 call more (Whole).
//
// An error is one of the cloud, and means that nothing is lost but not all is written down: call again. With ErrUnread it is
// not even known what there is to lose. What the course site says is never an error but in the Report.
type Grades interface {
	// Record writes down results of the lab's checks and delivers what they come to.
	Record(ctx context.Context, cloud Cloud, s openstack.Stack, results ...lab.Result) (Report, error)
	// Deliver sends what is due of a lab. 0 calls to the cloud if nothing is, else 2: it is written down that it was sent, and
	// the lab read again; before, 1 to list the owner's other labs, and 1 for each of those. One that is postponed costs 2 more:
	// the lab's tag due= says until when, and Deliver is to be called then; of a lab that sleeps it goes to the outbox.
	Deliver(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error)
	// Sleep is Deliver for a lab that is about to sleep. What the course site does not take now goes to the outbox; without an
	// error the lab may sleep.
	Sleep(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error)
	// Leave is Sleep for a lab that is about to be deleted. The best score that the course site has is noted, so that no later
	// lab of the owner's lowers it.
	Leave(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error)
	// Outbox tries to send the grade that an outbox (kind=grade) holds. Once that was taken the stack is a note of it (tag best=)
	// until its tag until=; one that was refused for good is deleted after a while. Before the time in its tag due= it does nothing. s may come from a list.
	Outbox(ctx context.Context, cloud Cloud, s openstack.Stack) (Report, error)
}

// Options replace what is real outside tests.
type Options struct {
	Client *http.Client // nil: one of package dial, which calls public addresses alone
	Now    function.Clock
}

// timeout bounds one request to a course site (S04).
const timeout = 10 * time.Second

// grader is the one implementation of Grades.
type grader struct {
	box       *seal.Box
	consumers map[string]config.Consumer
	platforms map[client]config.Platform
	entries   map[string]lab.Entry // by the lab's key: their checks
	signKey   []byte
	outcomes  outcome.Sender
	scores    *ags.Sender // nil without keys of our own
	now       function.Clock
	memory    *memory
}

// client is how a platform's registration is known.
type client struct{ issuer, id string }

// New reads from the configuration who may be sent grades. It asks nothing of anybody.
func New(c *config.Config, o Options) (Grades, error) {
	box, err := c.Box()
	if err != nil {
		return nil, fmt.Errorf("set up seal keys: %w", err)
	}
	if o.Client == nil {
		o.Client = dial.Client(false, timeout)
	}
	o.Client = trace.Client(o.Client)
	g := &grader{
		box: box, consumers: map[string]config.Consumer{}, platforms: map[client]config.Platform{}, entries: map[string]lab.Entry{},
		outcomes: outcome.Sender{Client: o.Client, Now: o.Now}, now: o.Now, memory: newMemory(),
	}
	// As package keeper derives it: what we sign at a lab all functions must know for ours.
	if g.signKey, err = hkdf.Key(sha256.New, []byte(c.NamingKey.Reveal()), nil, "signals", sha256.Size); err != nil {
		return nil, fmt.Errorf("derive the key of signals: %w", err)
	}
	for _, consumer := range c.LTI.Consumers {
		g.consumers[consumer.Key] = consumer
	}
	for _, platform := range c.LTI.Platforms {
		g.platforms[client{platform.Issuer, platform.ClientID}] = platform
	}
	for key, l := range c.Labs {
		g.entries[key] = lab.Entry{Key: key, Checks: checksOf(l.Checks)}
	}
	keys := c.LTI.ToolKeys
	if keys.Current.Reveal() != "" {
		own, err := keyset.ParseOwn(keys.Current.Reveal(), keys.Next.Reveal(), keys.Previous.Reveal())
		if err != nil {
			return nil, fmt.Errorf("set up lti.tool_keys: %w", err)
		}
		g.scores = ags.New(ags.Options{Client: o.Client, Signer: own, Now: o.Now})
	}
	return g, nil
}

func checksOf(list []config.Check) []lab.Check {
	checks := make([]lab.Check, len(list))
	for i, c := range list {
		checks[i] = lab.Check{Name: c.Name, Title: c.Title, Weight: c.Weight, Script: c.Script}
	}
	return checks
}
