package tender

import (
	"context"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// look is one stack as it was read a moment ago, among all stacks of its owner.
type look struct {
	view  *view
	held  []lab.Held
	i     int // its place in held
	home  lab.Home
	entry lab.Entry
	full  *openstack.Stack // with its outputs; nil if only a list showed it
	at    time.Time
}

func (l *look) stack() lab.Held { return l.held[l.i] }

func (p *pass) lookAt(held []lab.Held, i int) *look {
	l := &look{view: p.sites[held[i].Order], held: slices.Clone(held), i: i, entry: p.entryOf(held[i]), at: p.Now()}
	l.home = lab.Gather(l.held, l.entry, l.at)
	return l
}

// read reads the stack with its outputs. Without it, it is false: the stack is gone, or the next pass will tell.
func (p *pass) read(l *look) bool {
	s, err := p.whole(l.view, refOf(l.stack()))
	if err != nil {
		return false
	}
	p.saw(l, s)
	return true
}

// whole reads a stack with its outputs. Of a lab that is up whose outputs do not tell its signals it takes a call more: without
// them it would look idle. Of one that sleeps nothing here depends on them, and who saves its grade reads them.
func (p *pass) whole(v *view, ref openstack.StackRef) (openstack.Stack, error) {
	cloud := p.Sites[v.site].Cloud
	s, err := cloud.Stack(p.ctx, ref)
	if err == nil && p.heldOf(v.site, s).Stack.Patchable() {
		s, err = grades.Whole(p.ctx, cloud, s)
	}
	if err != nil {
		return s, failed("read what may be due", err)
	}
	return s, nil
}

// saw puts what was read in the place of what the list said.
func (p *pass) saw(l *look, s openstack.Stack) {
	claim := l.stack().Claim
	l.held[l.i], l.full, l.at = p.heldOf(l.view.site, s), &s, p.Now()
	l.held[l.i].Claim = claim
	l.home = lab.Gather(l.held, l.entry, l.at)
}

// verdict is what is due of the stack by what is known of it.
func (l *look) verdict() lab.Due {
	var signals *lab.Signals
	if l.full != nil {
		read := lab.ReadSignals(l.full.Outputs, l.at)
		signals = &read
	}
	return lab.Tend(l.stack(), l.home, l.entry, signals, l.at)
}

// tend reads what an item of the queue is about, judges it again and does what is due. What a list alone showed to be due
// takes its turn before it is read, so that the change follows at once.
func (p *pass) tend(v *view, i item) {
	if p.beginning.Err() != nil || !i.check && !p.may(v) {
		p.left(1)
		return
	}
	held, full, err := p.fresh(v, i)
	switch {
	case openstack.CodeOf(err) == openstack.Gone:
		return
	case err != nil:
		p.unread(v, i, err)
		return
	}
	turn := !i.check
	for n := range held {
		held[n].Claim = i.claim
		l := p.lookAt(held, n)
		if full != nil {
			p.saw(l, *full)
		}
		if p.judge(l, turn) {
			turn = false
		}
	}
}

// fresh are the stacks of an item as they are now. One that has only to be read is read with its outputs; otherwise a list
// of all that its owner has shows what the stack itself does not: an extension that was noted while it sleeps.
func (p *pass) fresh(v *view, i item) ([]lab.Held, *openstack.Stack, error) {
	if i.alone && (i.check || i.base == "") {
		s, err := p.whole(v, i.ref)
		if err != nil {
			return nil, nil, err
		}
		return []lab.Held{p.heldOf(v.site, s)}, &s, nil
	}
	held, err := p.gather([]string{i.base})
	return held[i.base], nil, err
}

// unread enters that what may be due could not be read. It rests, so that others do not wait for it.
func (p *pass) unread(v *view, i item, err error) {
	if p.beginning.Err() != nil {
		p.left(1)
		return
	}
	p.memory.tried(idOf(i.ref.ID), string(lab.TendCheck), p.now)
	p.memory.tried(idOf(i.ref.ID), doDeliver, p.now)
	p.change(lab.Held{Cloud: p.Sites[v.site].Name, Name: i.ref.Name, ID: i.ref.ID}, doRead, "it may be due", err)
}

// judge decides about one stack that was read just now, and sends the change. A turn may have been taken for it; used says
// that it was needed.
func (p *pass) judge(l *look, turn bool) (used bool) {
	due := l.verdict()
	if due.Do == lab.TendCheck && l.full == nil {
		if !p.read(l) {
			return false
		}
		due = l.verdict()
	}
	if due.Do == lab.TendSuspend && l.stack().Stack.Action == "RESUME" {
		if !p.waking(l) {
			return false
		}
		due = l.verdict()
	}
	if l.stack().Kind() == lab.NoteGrade && due.Do == lab.TendKeep && outboxDue(l.stack(), l.at) {
		return p.outbox(l)
	}
	served := l.full == nil || p.serve(l)
	if due.Do == lab.TendKeep || due.Do == lab.TendCheck || due.Do == lab.TendReport {
		p.rest(l, due, served)
		return false
	}
	if rests, _ := p.memory.resting(idOf(l.stack().ID), string(due.Do), p.now); rests {
		return false
	}
	if !turn && !p.may(l.view) {
		p.left(1)
		return false
	}
	if p.Now().Sub(l.at) > stale && (!p.read(l) || l.verdict().Do != due.Do) {
		return true
	}
	_ = p.do(l, due) // the report has it
	return true
}

// rest remembers until when a stack that was read need not be read again. One that sleeps, whose grade was not served, is tried
// again soon: nothing else brings anybody back to it before its end.
func (p *pass) rest(l *look, due lab.Due, served bool) {
	asleep, next := !l.stack().Stack.Patchable(), due.Next
	switch {
	case l.full == nil:
		return
	case asleep && !served:
		p.memory.tried(idOf(l.stack().ID), reading(l.stack()), p.now)
		return
	case asleep && next.IsZero():
		next = l.at.Add(asleepEvery)
	}
	if next.After(l.at) {
		p.memory.done(idOf(l.stack().ID), reading(l.stack()), next)
	}
}

// reading is what a stack is read for, as the memory has it: one that sleeps, or wakes, for nothing but its grade, so that it is
// looked at afresh once it is up.
func reading(h lab.Held) string {
	if h.Stack.Patchable() {
		return string(lab.TendCheck)
	}
	return doDeliver
}

// asleepEvery is how often a lab without an end is read that sleeps with a grade to be sent again.
const asleepEvery = time.Hour

// waking reads when the lab was woken: until its page has written down the launch, only the events tell that its learner has
// just come back. Without it, it is false, and the next pass will tell.
func (p *pass) waking(l *look) bool {
	events, err := p.Sites[l.view.site].Cloud.Events(p.ctx, refOf(l.stack()), "")
	if err != nil {
		return false
	}
	l.held[l.i].Stack.Events = eventsOf(l.stack(), events)
	return true
}

// stale is how old what was read may be when a change is sent: a learner may have come back meanwhile.
const stale = 2 * time.Second

// do sends one change, after what has to be saved before it. The error is in the report.
func (p *pass) do(l *look, due lab.Due) error {
	h := l.stack()
	if p.dryRun {
		p.change(h, string(due.Do), due.Why, nil)
		return nil
	}
	err := p.leave(l, due)
	if err == nil {
		err = p.send(l, due)
	}
	p.memory.tried(idOf(h.ID), string(due.Do), p.now)
	if code := openstack.CodeOf(err); code != openstack.Gone && code != openstack.Busy { // of these, somebody else was faster
		p.change(h, string(due.Do), due.Why, err)
	}
	return err
}

// send makes the one request of a change.
func (p *pass) send(l *look, due lab.Due) error {
	cloud, h, do := p.Sites[l.view.site].Cloud, l.stack(), due.Do
	ctx := p.because(string(do), due.Why)
	switch {
	case do == lab.TendSuspend:
		return cloud.Act(ctx, refOf(h), openstack.Suspend) //nolint:wrapcheck // it says what was tried
	case do == lab.TendResume:
		return cloud.Act(ctx, refOf(h), openstack.Resume) //nolint:wrapcheck // it says what was tried
	case !do.Deletes():
		return nil
	case lab.BaseOf(h.Tags) == "" && h.Claim.IsZero():
		if err := p.withhold(l); err != nil {
			return err
		}
	}
	return cloud.DeleteStack(ctx, refOf(h)) //nolint:wrapcheck // it says what was tried
}

// because is the pass's context for a change, with its reason for the audit line.
func (p *pass) because(do, why string) context.Context {
	if why != "" {
		do += ": " + why
	}
	return logging.Because(p.ctx, do)
}

// withhold claims a ready-made lab that nobody has claimed, so that no learner gets it in the moment it goes.
func (p *pass) withhold(l *look) error {
	ref := refOf(l.stack())
	ours, err := pool.Withhold(p.because("delete_retired", "claim it first"), p.Sites[l.view.site].Cloud, ref, p.Now)
	switch {
	case err != nil:
		return failed("keep learners from a ready-made lab", err)
	case !ours: // somebody was faster
		return &openstack.Error{Code: openstack.Busy, Op: "claim " + ref.Name}
	}
	return nil
}
