package tender

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Order is what an operator wants of one lab.
type Order struct {
	Act lab.Act
	Ref string // of its row
	// Shown is when the list was drawn that the order was given by: an extension is given once for it.
	Shown time.Time
}

// Outcome is what became of an order. Already is for one that was carried out before, Later for one that is to be given
// again when Heat is done with what it does, Never for one that cannot be.
type Outcome struct {
	Ref     string      `json:"ref"`
	Verdict lab.Verdict `json:"verdict"`
	Why     string      `json:"why,omitempty"`
	Until   *time.Time  `json:"until,omitempty"`
}

// Order carries out an order. It may be given any number of times: it names one stack by its id, and that is looked at before.
func (t *Tender) Order(ctx context.Context, o Order) (Outcome, error) {
	p, stop := t.begin(ctx, Options{})
	defer stop()
	o.Shown = o.Shown.Truncate(time.Second) // as the lab's tag has it
	out, err := p.order(o)                  //nolint:contextcheck // a pass has its own, made of ctx
	out.Ref = o.Ref
	logging.Note(ctx, "stack", o.Ref)
	logging.Note(ctx, "verdict", string(out.Verdict))
	return out, err
}

func (p *pass) order(o Order) (Outcome, error) {
	l, err := p.named(o)
	switch {
	case err != nil:
		return Outcome{}, err
	case l == nil:
		return Outcome{Verdict: gone(o.Act), Why: "it is gone"}, nil
	}
	switch o.Act {
	case lab.ActEnd:
		if lab.BaseOf(l.stack().Tags) == "" {
			return p.ordered(l, lab.TendRetire)
		}
		return p.follow(l.home.End(l.stack().ID, l.entry), l)
	case lab.ActUndo:
		return p.follow(l.home.Undo(l.stack().Gen()-1, l.entry, l.at), l)
	case lab.ActSuspend, lab.ActExtend:
		lease, verdict := l.stack().Stack.Staff(l.entry, o.Act, o.Shown, l.at)
		if verdict != lab.Now {
			return Outcome{Verdict: verdict, Why: l.stack().Stack.Action + "_" + l.stack().Stack.Status}, nil
		}
		if o.Act == lab.ActSuspend {
			return p.ordered(l, lab.TendSuspend)
		}
		return p.lengthen(l, lease)
	case lab.ActReset, lab.ActCheck: // the learner's own
	}
	return Outcome{Verdict: lab.Never, Why: "no order"}, nil
}

func gone(act lab.Act) lab.Verdict {
	if act == lab.ActEnd || act == lab.ActUndo {
		return lab.Already
	}
	return lab.Never
}

// named is the stack of an order among all of its owner's; nil if it is gone.
func (p *pass) named(o Order) (*look, error) {
	cloud, name, id := splitRef(o.Ref)
	site := slices.IndexFunc(p.Sites, func(s Site) bool { return s.Name == cloud })
	if site < 0 || !ourName.MatchString(name) || id == "" {
		return nil, noSuchLab()
	}
	s, err := p.Sites[site].Cloud.StackParameters(p.ctx, openstack.StackRef{Name: name, ID: id})
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		return nil, nil //nolint:nilnil // gone is no error, and there is nothing to look at
	case err != nil:
		return nil, refused(err)
	}
	h := p.heldOf(site, s)
	if !slices.Contains(h.Tags, lab.Tag) || !ours(h) || h.Kind() != "" {
		return nil, noSuchLab()
	}
	held := []lab.Held{h}
	if base := lab.BaseOf(h.Tags); base != "" {
		for _, v := range p.sites {
			v.seen = true
		}
		gathered, err := p.gather([]string{base})
		if err != nil {
			return nil, refused(err)
		}
		held = append(held, slices.DeleteFunc(gathered[base], func(other lab.Held) bool { return other.ID == h.ID && other.Order == site })...)
	}
	l := p.lookAt(held, 0)
	l.held[0].Stack.Lease = l.home.LeaseOf(l.held[0]) // with what was noted while it slept
	return l, nil
}

// ordered sends one change.
func (p *pass) ordered(l *look, do lab.Tending) (Outcome, error) {
	err := p.do(l, lab.Due{Do: do, Why: byOperator})
	switch code := openstack.CodeOf(err); {
	case err == nil:
		return Outcome{Verdict: lab.Now}, nil
	case code == openstack.Gone:
		return Outcome{Verdict: lab.Already, Why: "it is gone"}, nil
	case code == openstack.Busy:
		return busy(), nil
	}
	return Outcome{}, refused(err)
}

func busy() Outcome { return Outcome{Verdict: lab.Later, Why: "something else is going on with it"} }

const byOperator = "an operator asked for it"

// follow does what a plan says.
func (p *pass) follow(plan lab.Plan, l *look) (Outcome, error) {
	out := Outcome{Verdict: lab.Already, Why: plan.Why}
	if plan.Refused != "" {
		return Outcome{Verdict: lab.Never, Why: string(plan.Refused)}, nil
	}
	steps := []lab.Held{}
	if plan.Wake != nil {
		steps = append(steps, *plan.Wake)
	}
	if plan.Resume != nil {
		steps = append(steps, *plan.Resume)
	}
	for _, h := range plan.Delete {
		done, err := p.ordered(p.among(l, h), lab.TendDelete)
		if err != nil {
			return out, err
		}
		out.Verdict = done.Verdict
	}
	for _, h := range steps {
		done, err := p.ordered(p.among(l, h), lab.TendResume)
		if err != nil {
			return out, err
		}
		out.Verdict = done.Verdict
	}
	if plan.Wake != nil {
		out.Verdict = lab.Later
	}
	return out, nil
}

// among is the look at another stack of the same owner.
func (p *pass) among(l *look, h lab.Held) *look {
	at := slices.IndexFunc(l.held, func(other lab.Held) bool { return other.ID == h.ID && other.Order == h.Order })
	return p.lookAt(l.held, max(at, 0))
}

// lengthen writes down the lease. Of a lab that sleeps, whose tags Heat does not change, it goes into a note beside it, and
// otherwise it is read back: of two who write at once Heat drops one without a word.
func (p *pass) lengthen(l *look, lease lab.Lease) (Outcome, error) {
	h, cloud := l.stack(), p.Sites[l.view.site].Cloud
	out := Outcome{Verdict: lab.Now, Until: &lease.Until}
	if !h.Stack.Patchable() {
		note := lab.OwnerIn(h.Tags).LeaseNote(h.ID, lease)
		_, err := cloud.CreateStack(p.because(string(lab.ActExtend), "ordered"), openstack.NewStack{Name: note.Name, Template: lab.NoteTemplate, Tags: note.Tags})
		if err != nil && openstack.CodeOf(err) != openstack.Conflict { // that is the same order, given before
			return Outcome{}, refused(err)
		}
		return out, nil
	}
	if err := cloud.PatchStack(p.because(string(lab.ActExtend), "ordered"), refOf(h), openstack.StackChange{Tags: lease.Retag(h.Tags)}); err != nil {
		return Outcome{}, refused(err)
	}
	after, err := cloud.StackParameters(p.ctx, refOf(h))
	switch {
	case err != nil:
		return Outcome{}, refused(err)
	case lab.LeaseOf(after.Tags).Until.Before(lease.Until):
		return busy(), nil
	}
	return out, nil
}

func noSuchLab() error {
	return &function.Error{Code: "no_such_lab", Status: http.StatusNotFound, Public: "There is no such lab. List the labs again, and use a ref that the list shows."}
}

// refused is for an order that a cloud did not carry out.
func refused(err error) error {
	code := openstack.CodeOf(err)
	status, retry := code.HTTP()
	return &function.Error{
		Code: string(code), Status: status, RetryAfter: retry, Err: err,
		Public: "The cloud did not do it. Give the order again; what was begun is not done twice. If it stays, look for the reference in the log.",
	}
}
