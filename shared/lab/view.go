package lab

import (
	"slices"
	"time"
)

// State is what a lab is to its learner.
type State string

// The states. A lab is starting until Heat has it, and gone once Heat has it no longer.
const (
	Starting  State = "starting"
	Building  State = "building"
	Ready     State = "ready"
	Suspended State = "suspended"
	Resuming  State = "resuming"
	Broken    State = "failed"
	Gone      State = "gone"
	InLine    State = "waiting" // nothing is built yet: others come first
)

// Reason is a code for why a lab is in its state; the page has a sentence for each. Empty where the state says it all.
type Reason string

// The reasons.
const (
	Missing      Reason = "missing"        // nothing was created yet: it may be started again
	CloudTrouble Reason = "cloud_trouble"  // OpenStack did not answer: it is tried again
	Unanswered   Reason = "unanswered"     // OpenStack is slow: it was asked and will be asked again
	Clearing     Reason = "clearing"       // an old lab of this learner is being removed; the new one follows
	Slow         Reason = "slow"           // longer than the lab's build timeout
	Finishing    Reason = "finishing"      // built; the outputs were not read yet
	Suspending   Reason = "suspending"     // going to sleep: nothing may be done before it has
	Maintenance  Reason = "maintenance"    // staff changes the lab; it stays usable
	Degraded     Reason = "degraded"       // a check or change by staff failed; it may still be usable
	NoWayIn      Reason = "no_way_in"      // complete, but none of its outputs gives an address
	CloudFull    Reason = "cloud_full"     // quota, or no host with room
	TimedOut     Reason = "build_timeout"  // Heat gave up waiting
	SetupFailed  Reason = "setup_failed"   // the machine ran but reported a failure
	BuildFailed  Reason = "build_failed"   // any other failure of a create
	ResumeFailed Reason = "resume_failed"  //
	SleepFailed  Reason = "suspend_failed" //
	DeleteFailed Reason = "delete_failed"  //
	Ended        Reason = "ended"          // it was there and is not any more
	LabRefused   Reason = "lab_refused"    // OpenStack takes our request for wrong: the template, or our rights
	ClassFull    Reason = "class_full"     // every place is taken: a lab of somebody else has to end first
	Queued       Reason = "in_line"        // others are being built first
	Answering    Reason = "answering"      // built; it does not answer yet
	Unreachable  Reason = "unreachable"    // built, and it does not answer
	UndoOver     Reason = "undo_over"      // there is no lab to go back to any more
	LabClosed    Reason = "lab_closed"     // outside the times at which the course may use it
	BudgetSpent  Reason = "budget_spent"   // the learner's time is used up
	BadImage     Reason = "bad_image"      // the image or flavor that the template names is not there
	NetworkFault Reason = "network_failed" // a network, port or address could not be made
	VolumeFault  Reason = "volume_failed"  // a volume could not be made or attached
	CloudFault   Reason = "cloud_failed"   // OpenStack itself failed: identity, database, message queue
	BuildHung    Reason = "build_hung"     // OpenStack began and never ended
)

// Stack is what one look at Heat said. A look at the stack fills Outputs, a look at the events fills Events, a look at a
// list neither.
type Stack struct {
	Action, Status string
	Reason         string // Heat's words: they choose a code and go no further
	Created        time.Time
	Updated        time.Time // when the last update began
	Lease          Lease
	Outputs        map[string]any
	Events         []Event
}

// Look says what to ask Heat for next time.
type Look string

// The looks; each is one call.
const (
	LookName   Look = "name"   // by name, when no id is known
	LookEvents Look = "events" // steps, and the stack's own end
	LookStack  Look = "stack"  // state and outputs
)

// Poll is what a page does next: look again after a while, or start the lab. The zero value means nothing: the state is
// final until somebody acts.
type Poll struct {
	Start bool
	Look  Look
	After time.Duration
}

// Status is a lab as its learner sees it.
type Status struct {
	State     State
	Step      StepKey
	Steps     []Step
	Percent   int
	ETA       time.Duration // zero: unknown
	Elapsed   time.Duration // since Heat began with what it does; zero when it does nothing
	Expected  time.Duration // of the whole build; zero: unknown
	Reason    Reason
	Access    []Access
	ExpiresAt time.Time // zero: no limit
	Actions   []Act     // what may be done now
	Poll      Poll
	// Place is where in line the learner is, while the state is InLine.
	Place *Place
	// Undo is the way back from a reset, as long as there is one: ActUndo is then among Actions.
	Undo *Undo
	// Keeps says that a reset keeps this lab for a while.
	Keeps bool
	// Rebuild is how the new lab comes along while the learner still has the old one.
	Rebuild *Rebuild
	// Allowance is what is left of the learner's time; nil: no bound.
	Allowance *Allowance
	// OpensAt is when the course may use the lab next, if it is closed; ClosesAt is when its use ends, or did. Zero: never.
	OpensAt, ClosesAt time.Time
	// SleepsAt is when the lab will be put to sleep if nobody uses it; zero: never, or unknown.
	SleepsAt time.Time
	// Checks are what is graded, and Score what they come to, 0 to 1; nil: no result yet.
	Checks []Checked
	Score  *float64
	// Grade is how the LMS stands to the score; nil: nobody asked for a grade.
	Grade *Grade
}

// Place is a learner's place in line.
type Place struct {
	Number int // 1 is next
	Total  int
	Retry  time.Duration // when to ask again
}

// Undo is the way back from a reset.
type Undo struct {
	Gen   int       `json:"gen"`   // the generation to go back to
	Until time.Time `json:"until"` // as long as it is kept
}

// Rebuild is a new lab that takes the place of this one once it is up.
type Rebuild struct {
	Gen    int
	State  State // Building, or Broken if nothing will come of it
	Reason Reason
}

// Checked is one check as its learner sees it.
type Checked struct {
	Name, Title string
	Weight      int
	Reported    bool // there is a result
	Passed      bool
	Score       float64 // the best
	Message     string  // of the newest result: a hint
	At          time.Time
}

// GradeState is how far a score is on its way to the LMS.
type GradeState string

// A grade is due until the LMS took it, or will never take it.
const (
	GradeDue    GradeState = "due"
	GradeSent   GradeState = "sent"
	GradeParked GradeState = "parked"
)

// Grade is how the LMS stands to the score.
type Grade struct {
	State  GradeState
	Reason string // of a parked one
	At     time.Time
}

// How soon to look again. Pages add jitter and slow down by themselves while nothing changes.
const (
	soon       = 300 * time.Millisecond
	whileBusy  = 1500 * time.Millisecond
	whileWaits = 4 * time.Second
	whileFull  = 30 * time.Second
	whileReady = time.Minute
	whileAtIt  = 10 * time.Second // an update of a lab that stays usable
)

// Unseen is the status of a lab that Heat does not have, or could not be asked about. The page goes on by itself.
func Unseen(e Entry, why Reason) Status {
	s := Status{State: Starting, Steps: allSteps(e.Plan, Waiting), Reason: why, Access: []Access{}}
	switch why {
	case Ended:
		s.State, s.Steps = Gone, nil
		s.offer(Stack{}, e, time.Time{})
	case LabRefused:
		s.State, s.Steps = Broken, nil
	case Missing:
		s.Poll = Poll{Start: true, After: soon}
	case CloudFull:
		s.Poll = Poll{Start: true, After: whileFull}
	case Unanswered:
		s.Poll = Poll{Look: LookName, After: whileBusy}
	default: // trouble that passes
		s.Poll = Poll{Look: LookName, After: whileWaits}
	}
	return s
}

// Begun is the status of a lab that was created, or told to wake up, this instant: nobody needs to be asked.
func Begun(e Entry, do Do, lease Lease) Status {
	s := Status{State: Building, Steps: allSteps(e.Plan, Waiting), Access: []Access{}, ExpiresAt: lease.Until}
	s.Step = current(s.Steps)
	s.Poll = Poll{Look: LookName, After: whileBusy}
	if do == Resume {
		s.State, s.Poll.Look = Resuming, LookEvents
		return s
	}
	s.Expected = e.Expected
	s.ETA = e.eta(0, s.Expected, 0)
	return s
}

// Asleep is the status of a lab that was told to go to sleep this instant.
func Asleep(lease Lease) Status {
	return Status{State: Suspended, Reason: Suspending, Access: []Access{}, ExpiresAt: lease.Until, Poll: Poll{Look: LookStack, After: whileWaits}}
}

// Woken is s, or, if s is of a sleeping lab that its learner came to use, the status that starts it as soon as it may be.
func Woken(s Status) Status {
	if s.State == Suspended && s.Reason == "" {
		s.State, s.Actions, s.Poll = Resuming, nil, Poll{Start: true, After: whileBusy}
	}
	return s
}

// Renewing is s with a start as the next thing to do, which writes down how long the lab may live now.
func Renewing(s Status) Status {
	s.Poll = Poll{Start: true, After: soon}
	return s
}

// View says what the stack means to its learner.
func View(stack Stack, e Entry, now time.Time) Status {
	r := readRun(stack.Events)
	if stack.Events != nil {
		stack = fromEvents(stack, r)
	}
	s := Status{Access: []Access{}, ExpiresAt: e.capped(stack.Created, stack.Lease.Until)}
	state := stack.state()
	if stack.interrupted() {
		state = "SUSPEND_IN_PROGRESS"
	}
	switch state {
	case "INIT_IN_PROGRESS", "INIT_COMPLETE", "_":
		s.State, s.Poll = Starting, Poll{Look: LookEvents, After: whileBusy}
		s.Steps = allSteps(e.Plan, Waiting)
	case "CREATE_IN_PROGRESS":
		s.build(Building, stack, r, e, now)
	case "RESUME_IN_PROGRESS":
		s.build(Resuming, stack, r, e, now)
	case "SUSPEND_IN_PROGRESS":
		s.State, s.Reason, s.Poll = Suspended, Suspending, Poll{Look: LookStack, After: whileWaits}
	case "SUSPEND_COMPLETE":
		s.State, s.Poll = Suspended, Poll{Look: LookStack, After: whileReady}
	case "DELETE_IN_PROGRESS", "DELETE_COMPLETE":
		s.State, s.Reason = Gone, Ended
	case "CREATE_FAILED", "ROLLBACK_FAILED":
		s.fail(Diagnose(stack).Reason, r, e)
	case "RESUME_FAILED":
		s.fail(ResumeFailed, r, e)
	case "SUSPEND_FAILED":
		s.fail(SleepFailed, r, e)
	case "DELETE_FAILED":
		s.fail(DeleteFailed, r, e)
	default:
		s.open(stack, e, now)
	}
	s.Step = current(s.Steps)
	s.offer(stack, e, now)
	s.Keeps = slices.Contains(s.Actions, ActReset) && stack.Usable()
	return s
}

// Overview is View for a stack in a list, whose outputs nobody has read: it tells no way in and misses none.
func Overview(stack Stack, e Entry, now time.Time) Status {
	stack.Outputs, e.Ways = map[string]any{}, nil
	s := View(stack, e, now)
	if s.Reason == NoWayIn {
		s.Reason = upkeep(stack, now)
	}
	s.Poll = Poll{}
	return s
}

// fromEvents takes the stack's state from its own newest event.
func fromEvents(stack Stack, r run) Stack {
	stack.Action, stack.Status, stack.Reason, stack.Outputs = r.action, r.status, r.reason, nil
	if r.action == "CREATE" && !r.started.IsZero() {
		stack.Created = r.started
	}
	return stack
}

// build fills in a status while Heat is at work.
func (s *Status) build(state State, stack Stack, r run, e Entry, now time.Time) {
	s.State = state
	s.Steps, s.Percent = progress(e.Plan, r.parts)
	s.Poll = Poll{Look: LookEvents, After: whileBusy}
	began := r.started
	if began.IsZero() && state == Building {
		began = stack.Created
	}
	if began.IsZero() {
		return
	}
	s.Elapsed = max(0, now.Sub(began))
	if state == Building {
		s.Expected = e.Expected
	}
	if e.BuildTimeout > 0 && s.Elapsed > e.BuildTimeout {
		s.Reason, s.Poll.After = Slow, whileWaits
		return
	}
	s.ETA = e.eta(s.Elapsed, s.Expected, s.Percent)
}

func (s *Status) fail(why Reason, r run, e Entry) {
	s.State, s.Reason = Broken, why
	s.Steps, s.Percent = progress(e.Plan, r.parts)
	if len(r.parts) == 0 {
		s.Steps = nil // nobody asked for the events: a list of waiting steps would be a lie
	}
}

// open is for every state in which the lab's machines run: *_COMPLETE, and what staff may be doing to a finished lab.
func (s *Status) open(stack Stack, e Entry, now time.Time) {
	s.Steps, s.Percent = allSteps(e.Plan, Done), 99
	if stack.Outputs == nil {
		s.State, s.Reason, s.Poll = Building, Finishing, Poll{Look: LookStack, After: soon}
		return
	}
	s.State, s.Percent, s.Poll = Ready, 100, Poll{Look: LookStack, After: whileReady}
	s.Access = e.accesses(stack.Outputs)
	s.Reason = upkeep(stack, now)
	if stack.Status == "IN_PROGRESS" {
		s.Poll.After = whileAtIt
	}
	if len(s.Access) == 0 {
		s.Reason = NoWayIn
	}
}

// upkeep is what else is going on with a lab that is up. An update that has only begun is as a rule our own, which moves the
// lab's end, and nothing to speak of.
func upkeep(stack Stack, now time.Time) Reason {
	const brief = 30 * time.Second
	switch {
	case stack.Action == "UPDATE" && stack.Status == "IN_PROGRESS" && !stack.Updated.IsZero() && now.Sub(stack.Updated) < brief:
		return ""
	case stack.Status == "IN_PROGRESS":
		return Maintenance
	case stack.Status == "FAILED":
		return Degraded
	}
	return ""
}
