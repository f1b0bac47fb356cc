package tender

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
)

// serve does what a lab in use may need besides: scripts are run and grades sent, if that was not done before. Of a lab that
// sleeps a grade is sent if its tag says that one is due; nobody reads those that do not. A failure is in the report, and false
// for a grade that is not sent: the next read tries again.
func (p *pass) serve(l *look) bool {
	h := l.stack()
	open := h.Stack.Patchable() || h.Stack.Action == "SUSPEND" && lab.Tagged(h.Tags, lab.TagDue) != "" && !kept(l.home, h)
	if p.dryRun || len(l.entry.Checks) == 0 || !open {
		return true
	}
	site := p.Sites[l.view.site]
	if p.examinable(l.stack(), l.entry) {
		p.memory.done(idOf(l.stack().ID), doExamine, l.at.Add(examineEvery))
		did, err := p.Examiner.Examine(p.because(doExamine, ""), site.Cloud, *l.full, l.entry)
		p.served(l.stack(), doExamine, did, err)
	}
	if p.Grades == nil {
		return true
	}
	did, err := p.Grades.Deliver(p.because(doDeliver, ""), site.Cloud, *l.full)
	p.served(l.stack(), doDeliver, did, err)
	return err == nil
}

// examineEvery is how often the scripts of a lab in use are run.
const examineEvery = 5 * time.Minute

// examinable says that the lab has checks that are scripts, and is up.
func (p *pass) examinable(h lab.Held, e lab.Entry) bool {
	return p.Examiner != nil && h.Kind() == "" && lab.BaseOf(h.Tags) != "" && h.Stack.Patchable() &&
		slices.ContainsFunc(e.Checks, func(c lab.Check) bool { return c.Script != "" })
}

// served enters what was done for a lab, if anything.
func (p *pass) served(h lab.Held, do, did string, err error) {
	if did != "" || err != nil {
		p.change(h, do, did, err)
	}
}

// leave saves what would be lost when the lab sleeps or goes: grades that were not sent, and the time that it was up where
// its learner has a budget. A lab whose grade cannot be saved stays until it must go; one of which nobody knows what it earned
// stays until somebody does, or an operator orders it all the same.
func (p *pass) leave(l *look, due lab.Due) error {
	if l.stack().Kind() != "" || lab.BaseOf(l.stack().Tags) == "" {
		return nil
	}
	if p.Grades != nil && len(l.entry.Checks) > 0 {
		err := p.saveGrade(l, due)
		unknown := errors.Is(err, grades.ErrUnread) && due.Do.Deletes() && due.Why != byOperator // asleep nothing is lost
		if err != nil && (unknown || !p.mustGo(l, due)) {
			return failed("keep the grade", err)
		}
	}
	current := l.home.Current != nil && l.home.Current.ID == l.stack().ID
	if due.Do == lab.TendDelete && current && l.entry.Budget.Time > 0 {
		return p.noteTime(l)
	}
	return nil
}

// saveGrade sends the lab's grade, or keeps it, before the lab sleeps or goes.
func (p *pass) saveGrade(l *look, due lab.Due) error {
	site := p.Sites[l.view.site]
	if l.full == nil {
		s, err := site.Cloud.Stack(p.ctx, refOf(l.stack()))
		if openstack.CodeOf(err) == openstack.Unavailable {
			s, err = site.Cloud.Stack(p.ctx, refOf(l.stack())) // much hangs on it
		}
		switch {
		case openstack.CodeOf(err) == openstack.Gone:
			return nil
		case err != nil:
			return failed("read what the lab earned", errors.Join(grades.ErrUnread, err))
		}
		p.saw(l, s)
	}
	save := p.Grades.Leave
	if due.Do == lab.TendSuspend {
		save = p.Grades.Sleep
	}
	did, err := save(p.because(doDeliver, due.Why), site.Cloud, *l.full)
	p.served(l.stack(), doDeliver, did, err)
	return err //nolint:wrapcheck // the caller says what it was for
}

// A lab may stay for the sake of its grade so long after its end, and through so many tries in vain.
const (
	patience     = 45 * time.Minute
	patientTries = 3
)

// mustGo says that the lab has had its time for so long that nothing keeps it any more.
func (p *pass) mustGo(l *look, due lab.Due) bool {
	until := l.home.Lease.Until
	return !until.IsZero() && p.Now().Sub(until) > patience || p.memory.tries(idOf(l.stack().ID), string(due.Do)) >= patientTries
}

// outbox tries again to send a grade that is kept in a stack of its own.
func (p *pass) outbox(l *look) (used bool) {
	h := l.stack()
	if p.Grades == nil {
		return false
	}
	if rests, _ := p.memory.resting(idOf(h.ID), doOutbox, p.now); rests {
		return false
	}
	if p.dryRun {
		p.change(h, doOutbox, "a grade waits to be sent", nil)
		return false
	}
	s := openstack.Stack{StackRef: refOf(h), Action: h.Stack.Action, Status: h.Stack.Status, Created: h.Stack.Created, Tags: h.Tags}
	did, err := p.Grades.Outbox(p.because(doOutbox, ""), p.Sites[l.view.site].Cloud, s)
	p.memory.done(idOf(h.ID), doOutbox, p.Now().Add(outboxEvery))
	p.served(h, doOutbox, did, err)
	return did != ""
}

// outboxEvery is how often an outbox is looked into that does not say itself when it is due.
const outboxEvery = 4 * time.Minute

// kept says that the grade which is due of a lab that sleeps is in good hands: it waits in the owner's outbox, as whoever put
// the lab to sleep has seen to, or the outbox was emptied since. The lab's own tag cannot be taken away while it sleeps.
func kept(home lab.Home, h lab.Held) bool {
	due, err := strconv.ParseInt(lab.Tagged(h.Tags, lab.TagDue), 10, 64)
	return err == nil && slices.ContainsFunc(home.Helpers, func(box lab.Held) bool {
		waits := lab.Tagged(box.Tags, grades.TagUntil) == ""
		return box.Kind() == lab.NoteGrade && (waits || max(box.Stack.Created.Unix(), box.Stack.Updated.Unix()) >= due)
	})
}

// outboxDue says that the grade in an outbox is to be sent now: its tag tells when it may be tried again.
func outboxDue(h lab.Held, now time.Time) bool {
	at, err := strconv.ParseInt(lab.Tagged(h.Tags, "due="), 10, 64)
	return err != nil || now.Unix() >= at
}

// noteTime writes down for how long the owner's labs were up, since this one's own record goes with it. The note is one,
// however often it is made; of two the greater counts.
func (p *pass) noteTime(l *look) error {
	h, cloud := l.stack(), p.Sites[l.view.site].Cloud
	events, err := cloud.Events(p.ctx, refOf(h), "")
	if err != nil {
		return failed("read for how long the lab was up", err)
	}
	used := l.home.UsedBy(l.entry, eventsOf(h, events), l.at)
	note := lab.OwnerIn(h.Tags).SpentNote(used, l.home.Period)
	_, err = cloud.CreateStack(p.because("note_time", ""), openstack.NewStack{Name: note.Name, Template: lab.NoteTemplate, Tags: note.Tags})
	if openstack.CodeOf(err) == openstack.Conflict {
		return p.renote(l, note)
	}
	if err != nil {
		return failed("note for how long the lab was up", err)
	}
	return nil
}

// renote brings a note that is there up to date.
func (p *pass) renote(l *look, note lab.Note) error {
	for _, s := range l.home.Helpers {
		if s.Name != note.Name || !s.Stack.Patchable() || slices.Equal(s.Tags, note.Tags) {
			continue
		}
		err := p.Sites[s.Order].Cloud.PatchStack(p.because("note_time", ""), refOf(s), openstack.StackChange{Tags: note.Tags})
		if err != nil {
			return failed("note for how long the lab was up", err)
		}
	}
	return nil
}

func eventsOf(h lab.Held, events []openstack.Event) []lab.Event {
	out := make([]lab.Event, len(events))
	for i, e := range events {
		out[i] = lab.Event{
			Time: e.Time, Resource: e.Resource, Action: e.Action, Status: e.Status, Reason: e.Reason, Self: e.Resource == h.Name && e.PhysicalID == h.ID,
		}
	}
	return out
}
