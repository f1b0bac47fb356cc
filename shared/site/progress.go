package site

import (
	"slices"
)

// Event is one line of a stack's history.
type Event struct {
	Resource       string
	Action, Status string
	// Stack says that it is about the stack itself.
	Stack bool
}

// Step is a part of a site, and how far it is.
type Step struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	State string `json:"state"` // pending, active, done, failed
}

// Progress is how far Heat has got with a site.
type Progress struct {
	State   string `json:"state"` // creating, updating, ready, unserved, failed, suspended, deleting
	Percent int    `json:"percent"`
	Steps   []Step `json:"steps"`
}

// States of a site and of its steps.
const (
	Creating  = "creating"
	Updating  = "updating"
	Ready     = "ready"
	Failed    = "failed"
	Suspended = "suspended"
	Deleting  = "deleting"
	// Unserved is a site that Heat has made and whose load balancer reaches none of its nodes.
	Unserved = "unserved"

	pending = "pending"
	active  = "active"
	done    = "done"
)

// part is a step with the resources of the template it stands for.
type part struct {
	key, title string
	resources  []string
}

// parts are the steps of a stack with these parameters: conditions of the template leave some resources out, and what
// never comes must not be waited for.
func parts(parameters map[string]string) []part {
	external, own := parameters["external_network"] != "", parameters["network"] == ""
	network := part{"network", "Network", []string{"app_group", "backend_group"}}
	if own {
		network.resources = append(network.resources, "net", "net_subnet")
	}
	if own && external {
		network.resources = append(network.resources, "router", "router_interface")
	}
	balancer := part{"loadbalancer", "Load balancer", []string{"lb_" + or(parameters["lb_kind"], KindOctavia)}}
	if external {
		balancer.resources = append(balancer.resources, "floating_ip")
	}
	list := []part{network, {"backend", "Data nodes", []string{"backend"}}, balancer, {"nodes", "Application nodes", []string{"nodes"}}}
	if parameters["dns_zone"] != "" {
		list = append(list, part{"dns", "Host names", []string{"dns_lms", "dns_studio", "dns_mfe", "dns_search"}})
	}
	if stateIn(parameters).URLs != "" {
		list = append(list, part{"alarms", "Alarms", []string{"alarm_out", "alarm_in"}})
	}
	return list
}

// Follow reads a site's progress from its events, oldest first.
func Follow(h Have, events []Event) Progress {
	p := Progress{State: StateOf(h.Action, h.Status), Steps: []Step{}}
	if p.State == Deleting {
		return p
	}
	whole := p.State == Ready || p.State == Suspended
	updating := h.Action == "UPDATE"
	last := latest(events, updating)
	finished, all := 0, 0
	for _, part := range parts(h.Parameters) {
		step := Step{Key: part.key, Title: part.title}
		states := make([]string, 0, len(part.resources))
		for _, r := range part.resources {
			state := last[r]
			if state == "" && updating {
				state = done // not touched by this update: it is there
			}
			if whole {
				state = done // events may have been purged; the stack's word counts
			}
			states = append(states, or(state, pending))
			if all++; state == done {
				finished++
			}
		}
		step.State = combined(states)
		p.Steps = append(p.Steps, step)
	}
	p.Percent = 100
	if !whole {
		p.Percent = min(99, 100*finished/all)
	}
	return p
}

// latest is the state of each resource by its last event, within the last update if there is one.
func latest(events []Event, updating bool) map[string]string {
	if updating {
		for i := range slices.Backward(events) {
			if e := events[i]; e.Stack && e.Action == "UPDATE" && e.Status == "IN_PROGRESS" {
				events = events[i:]
				break
			}
		}
	}
	last := map[string]string{}
	for _, e := range events {
		switch {
		case e.Stack || e.Action == "SIGNAL":
		case e.Status == "COMPLETE":
			last[e.Resource] = done
		case e.Status == "FAILED":
			last[e.Resource] = Failed
		default:
			last[e.Resource] = active
		}
	}
	return last
}

// combined is the state of a step with resources in these states.
func combined(states []string) string {
	switch {
	case slices.Contains(states, Failed):
		return Failed
	case !slices.ContainsFunc(states, func(s string) bool { return s != done }):
		return done
	case !slices.ContainsFunc(states, func(s string) bool { return s != pending }):
		return pending
	}
	return active
}

// StateOf is the state of a site by its stack alone.
func StateOf(action, status string) string {
	switch {
	case action == "DELETE" && status != "FAILED":
		return Deleting
	case status == "FAILED":
		return Failed
	case action == "SUSPEND":
		return Suspended
	case status == "COMPLETE":
		return Ready
	case action == "CREATE":
		return Creating
	}
	return Updating
}

// Reached says whether the update that runs has touched the resource.
func Reached(events []Event, resource string) bool {
	return latest(events, true)[resource] != ""
}
