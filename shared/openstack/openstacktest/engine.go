package openstacktest

import (
	"maps"
	"strings"
	"time"
)

// traversal is one walk of Heat over a stack's resources. A later one supersedes it: s.run then points elsewhere and
// whatever the old walk still finishes has no consequence for the stack.
type traversal struct {
	s      *stack
	action string
	left   int
	clean  bool // second phase of an update: delete what was replaced or removed
	failed string
	checks []string
	done   func(failure string) // tells the resource that owns a nested stack
}

// step is one resource's part of a traversal.
type step struct {
	t       *traversal
	r       *resource
	waits   int
	next    []*step
	started bool
}

// job is work on a resource that ends by time or signal. It outlives the traversal that started it: Heat lets a
// resource that is being built finish, and the next traversal takes it over (live.md 2c).
type job struct{ done []func(failure string) }

// pickUp is how long the engine takes to begin: until then a stack's resources are INIT_COMPLETE.
const pickUp = 100 * time.Millisecond

// begin starts a traversal of s, superseding any other.
func (c *Cloud) begin(s *stack, action string, done func(string)) {
	s.generation++
	t := &traversal{s: s, action: action, done: done}
	s.run = t
	if action == actUpdate {
		s.updated = c.clock.now
	}
	s.set(action, inProgress, "Stack "+action+" started")
	if s.owner == nil && action != actDelete {
		c.after(time.Duration(s.timeout)*time.Minute, func() { t.timeOut() })
	}
	c.after(pickUp, func() {
		if s.run == t {
			t.plan()
		}
	})
}

func (t *traversal) timeOut() {
	if t.s.run == t && t.s.status == inProgress {
		t.s.run = nil
		t.s.set(t.action, failed, titled(t.action)+" timed out")
	}
}

func titled(action string) string { return action[:1] + strings.ToLower(action[1:]) }

// plan makes the steps and starts those that wait for nothing.
func (t *traversal) plan() {
	switch t.action {
	case actCreate, actUpdate:
		t.planForward()
	case actDelete:
		t.planExisting(true)
	default:
		// heat/engine/stack.py: suspend goes against the dependencies, resume and check along them.
		t.planExisting(t.action == actSuspend)
	}
}

func (t *traversal) planForward() {
	s := t.s
	defs, err := s.enabled()
	if err != nil {
		t.end(err.Error())
		return
	}
	keep := map[string]*resource{}
	for _, d := range defs {
		r := s.resources[d.name]
		if r == nil {
			r = s.newResource(d)
		}
		keep[d.name] = r
	}
	for _, r := range s.ordered() {
		if keep[r.name] == nil {
			s.doomed = append(s.doomed, r)
			delete(s.resources, r.name)
		}
	}
	steps := map[string]*step{}
	list := make([]*step, 0, len(defs))
	for _, d := range defs {
		st := &step{t: t, r: keep[d.name]}
		steps[d.name] = st
		list = append(list, st)
	}
	for _, d := range defs {
		for _, need := range d.needs {
			if before := steps[need]; before != nil && need != d.name {
				before.next = append(before.next, steps[d.name])
				steps[d.name].waits++
			}
		}
	}
	t.start(list)
}

func (t *traversal) planExisting(reverse bool) {
	s := t.s
	steps := map[string]*step{}
	list := make([]*step, 0, len(s.resources))
	for _, r := range s.ordered() {
		st := &step{t: t, r: r}
		steps[r.name] = st
		list = append(list, st)
	}
	for _, r := range s.doomed { // of an update that was cut off
		list = append(list, &step{t: t, r: r})
	}
	for _, st := range list {
		for _, need := range st.r.def.needs {
			other := steps[need]
			if other == nil || other == st {
				continue
			}
			if reverse {
				st.next = append(st.next, other)
				other.waits++
			} else {
				other.next = append(other.next, st)
				st.waits++
			}
		}
	}
	t.start(list)
}

func (t *traversal) start(list []*step) {
	t.left = len(list)
	if t.left == 0 {
		t.phaseDone()
		return
	}
	for _, st := range list {
		if st.waits == 0 {
			st.run()
		}
	}
}

// run does the step unless it is done already, the walk has failed or another has taken over.
func (st *step) run() {
	t := st.t
	if st.started || t.s.run != t || t.failed != "" {
		return
	}
	st.started = true
	c := t.s.c
	switch {
	case t.clean || t.action == actDelete:
		c.deleteResource(st)
	case t.action == actCreate || t.action == actUpdate:
		c.applyResource(st)
	default:
		c.actOnResource(st, t.action)
	}
}

// finish is called once by each step.
func (st *step) finish(failure string) {
	t := st.t
	if t.s.run != t {
		return
	}
	t.left--
	if failure != "" && t.action == actCheck { // a check goes on and names them all
		t.checks = append(t.checks, "'"+failure+"'")
	} else if failure != "" {
		if t.failed == "" {
			t.failed = failure
			t.end(failure)
		}
		return
	}
	if t.failed != "" {
		return
	}
	for _, n := range st.next {
		n.waits--
		if n.waits == 0 {
			n.run()
		}
	}
	if t.left == 0 && t.s.run == t && t.failed == "" {
		t.phaseDone()
	}
}

// phaseDone goes on to delete what an update left over, or ends the walk.
func (t *traversal) phaseDone() {
	if t.action == actUpdate && !t.clean && len(t.s.doomed) > 0 {
		t.clean = true
		doomed := t.s.doomed
		steps := map[string]*step{}
		list := make([]*step, 0, len(doomed))
		for _, r := range doomed {
			st := &step{t: t, r: r}
			steps[r.name] = st
			list = append(list, st)
		}
		for _, st := range list {
			for _, need := range st.r.def.needs {
				if other := steps[need]; other != nil && other != st {
					st.next = append(st.next, other)
					other.waits++
				}
			}
		}
		t.start(list)
		return
	}
	t.end("")
}

// end sets the stack's final status and tells the owner.
func (t *traversal) end(failure string) {
	s := t.s
	c := s.c
	reason := "Stack " + t.action + " completed successfully"
	if len(t.checks) > 0 {
		failure = "[" + strings.Join(t.checks, ", ") + "]"
	}
	if failure != "" {
		reason = "Resource " + t.action + " failed: " + failure
	}
	if t.action == actCheck { // most types have no check of their own
		reason += ". 'CHECK' not fully supported (see resources)"
	}
	if failure != "" {
		s.set(t.action, failed, reason)
	} else {
		s.set(t.action, complete, reason)
	}
	if failure == "" {
		s.run = nil
	}
	if failure == "" && t.action == actDelete {
		s.deleted = c.clock.now
		c.after(nameBusy, func() { c.stacks.purge(s) })
	}
	if t.done != nil {
		t.done(failure)
	}
}

// nameBusy is how long a stack is still listed and its name taken after DELETE_COMPLETE can be read: the row is marked
// as deleted later than its status is written (live-numbers.md).
const nameBusy = 2 * time.Second

// supersede cancels what runs in s and its nested stacks, leaving the events Heat leaves (live.md 2c).
func (c *Cloud) supersede(s *stack) {
	for _, r := range s.ordered() {
		if r.nested != nil && r.nested.status == inProgress {
			c.supersede(r.nested)
			r.nested.run = nil
			cancelled := "Stack " + r.nested.action + " cancelled"
			r.nested.set(r.nested.action, failed, cancelled)
			r.set(r.action, failed, "resources."+r.name+": "+cancelled)
		}
	}
	if s.status == inProgress && s.owner == nil {
		s.record(&event{resource: s.name, typ: "OS::Heat::Stack", physical: s.id, action: s.action, status: failed, reason: "Stack " + s.action + " cancelled"})
	}
}

// work starts a job on r that ends by itself after d.
func (c *Cloud) work(r *resource, d time.Duration, failure string, done func(string)) {
	j := &job{done: []func(string){done}}
	r.job = j
	c.after(d, func() { c.endJob(r, j, failure) })
}

func (c *Cloud) endJob(r *resource, j *job, failure string) {
	if r.job != j {
		return
	}
	r.job = nil
	for _, fn := range j.done {
		fn(failure)
	}
}

// resolveProps computes the properties r should have now.
func (c *Cloud) resolveProps(r *resource, d *definition) (map[string]any, error) {
	props, err := scope{c: c, s: r.stack}.resolve(maps.Clone(d.properties))
	if err != nil {
		return nil, err
	}
	out := mapOf(props)
	for k, v := range out {
		if v == nil {
			delete(out, k) // a null property is as good as none
		}
	}
	return out, nil
}
