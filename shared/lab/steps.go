package lab

import (
	"slices"
	"strings"
	"time"
)

// StepKey names a step of a build in words that a learner may be shown: a template's many resources are few steps.
type StepKey string

// The steps, in the order in which they are shown.
const (
	StepNetwork  StepKey = "network"
	StepKeys     StepKey = "keys"
	StepStorage  StepKey = "storage"
	StepMachine  StepKey = "machine"
	StepAddress  StepKey = "address"
	StepSoftware StepKey = "software"
	StepOther    StepKey = "other"
)

// StepOrder is the order in which steps are shown.
var StepOrder = [...]StepKey{StepNetwork, StepKeys, StepStorage, StepMachine, StepAddress, StepSoftware, StepOther}

// weight is about how long a resource of a step takes, compared with the others.
func (k StepKey) weight() int {
	switch k {
	case StepMachine:
		return 8
	case StepSoftware:
		return 12
	case StepStorage, StepAddress:
		return 3
	case StepNetwork, StepKeys, StepOther:
		return 2
	}
	return 2
}

// StepOf says which step a resource of a type belongs to.
func StepOf(resourceType string) StepKey {
	switch resourceType {
	case "OS::Nova::KeyPair", "OS::Neutron::SecurityGroup", "OS::Neutron::SecurityGroupRule", "OS::Heat::RandomString", "OS::Nova::ServerGroup":
		return StepKeys
	case "OS::Neutron::FloatingIP", "OS::Neutron::FloatingIPAssociation", "OS::Nova::FloatingIP", "OS::Nova::FloatingIPAssociation":
		return StepAddress
	case "OS::Heat::WaitCondition", "OS::Heat::SoftwareDeployment", "OS::Heat::SoftwareDeploymentGroup", "OS::Heat::StructuredDeployment":
		return StepSoftware
	case "OS::Nova::Server", "OS::Heat::ResourceGroup", "OS::Heat::AutoScalingGroup", "OS::Heat::Stack":
		return StepMachine
	}
	switch {
	case strings.HasPrefix(resourceType, "OS::Neutron::"):
		return StepNetwork
	case strings.HasPrefix(resourceType, "OS::Cinder::"), strings.HasPrefix(resourceType, "OS::Glance::"):
		return StepStorage
	case strings.HasPrefix(resourceType, "OS::Octavia::"):
		return StepAddress
	case strings.HasSuffix(resourceType, ".yaml"):
		return StepMachine
	}
	return StepOther
}

// StepState is how far a step is.
type StepState string

// A step is failed as soon as one of its resources is, done when all are.
const (
	Waiting StepState = "waiting"
	Active  StepState = "active"
	Done    StepState = "done"
	Failed  StepState = "failed"
)

// Step is one line of the learner's progress list.
type Step struct {
	Key   StepKey
	State StepState
}

// Event is one step of a stack's life, as Heat records it.
type Event struct {
	Time     time.Time
	Resource string
	Action   string
	Status   string
	Reason   string
	// Self says that the event is about the stack as a whole.
	Self bool
}

// run is the newest action of a stack, read from its events.
type run struct {
	started, ended time.Time
	action, status string
	reason         string
	parts          map[string]StepState // by resource
}

// readRun finds the newest thing Heat began to do with the stack, and how far each resource is in it. Heat's times have
// whole seconds, so the order in which the events came decides between equals.
func readRun(events []Event) run {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	r := run{parts: map[string]StepState{}}
	for _, e := range events {
		if e.Self {
			if e.Status == "IN_PROGRESS" {
				r = run{started: e.Time, parts: map[string]StepState{}}
			}
			r.action, r.status, r.reason, r.ended = e.Action, e.Status, e.Reason, e.Time
			continue
		}
		switch e.Status {
		case "COMPLETE":
			r.parts[e.Resource] = Done
		case "FAILED":
			r.parts[e.Resource] = Failed
		case "IN_PROGRESS":
			r.parts[e.Resource] = Active
		}
	}
	return r
}

// progress is the learner's list and how much of the work is done, 0 to 99: only a ready lab is at 100. What is optional counts as work
// once it is done: nobody knew before that there would be more to do, and the share that is done would shrink when it begins.
func progress(plan []Part, parts map[string]StepState) (steps []Step, percent int) {
	type tally struct{ all, done, active, failed int }
	tallies := map[StepKey]*tally{}
	total, achieved := 0, 0
	for _, p := range plan {
		if p.Optional && parts[p.Resource] == "" {
			continue
		}
		t := tallies[p.Step]
		if t == nil {
			t = &tally{}
			tallies[p.Step] = t
		}
		t.all++
		weight := 6 * p.Step.weight()
		if p.Optional && parts[p.Resource] != Done {
			weight = 0
		}
		total += weight
		switch parts[p.Resource] {
		case Done:
			t.done++
			achieved += weight
		case Active:
			t.active++
			achieved += weight / 3
		case Failed:
			t.failed++
		case Waiting:
		}
	}
	for _, key := range StepOrder {
		t := tallies[key]
		if t == nil {
			continue
		}
		state := Waiting
		switch {
		case t.failed > 0:
			state = Failed
		case t.done == t.all:
			state = Done
		case t.done+t.active > 0:
			state = Active
		}
		steps = append(steps, Step{Key: key, State: state})
	}
	if total > 0 {
		percent = min(99, 100*achieved/total)
	}
	return steps, percent
}

// allSteps is the list with every step in one state, for when Heat was asked for the stack and not for its events.
func allSteps(plan []Part, state StepState) []Step {
	steps := make([]Step, 0, len(StepOrder))
	for _, key := range StepOrder {
		if slices.ContainsFunc(plan, func(p Part) bool { return p.Step == key }) {
			steps = append(steps, Step{Key: key, State: state})
		}
	}
	return steps
}

// current is the step to name in one line: the failed one, else the first that is under way, else the first that waits.
func current(steps []Step) StepKey {
	for _, state := range []StepState{Failed, Active, Waiting} {
		for _, s := range steps {
			if s.State == state {
				return s.Key
			}
		}
	}
	return ""
}
