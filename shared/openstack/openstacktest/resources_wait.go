package openstacktest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// waitKinds are wait conditions and their handles (heat/engine/resources/openstack/heat/wait_condition{,_handle}.py).
func waitKinds() map[string]*kind {
	handle := &kind{props: "signal_transport", create: createHandle, attr: handleAttr, ref: handleRef}
	return map[string]*kind{
		"OS::Heat::WaitConditionHandle": handle,
		"OS::Heat::WaitCondition": {
			props: "handle! timeout!~ count~", attr: conditionAttr,
			create: func(*Cloud, *resource) error { return nil }, // it never has a physical id
			wait:   waitForSignals,
		},
	}
}

func createHandle(c *Cloud, r *resource) error {
	r.id = c.ids.hex() // the handle's own Keystone user
	r.data["token"] = "gAAAAAB" + c.ids.hex()
	return nil
}

// handleRef is the URL to signal; templates hand it to conditions, also across stacks.
func handleRef(c *Cloud, r *resource) any { return c.signalURL(r) }

func (c *Cloud) signalURL(r *resource) string {
	return c.base + "/heat/v1/" + r.stack.project + "/stacks/" + r.stack.name + "/" + r.stack.id + "/resources/" + r.name + "/signal"
}

func handleAttr(c *Cloud, r *resource, name string) (any, bool) {
	switch name {
	case "token":
		return r.data["token"], true
	case "endpoint":
		return c.signalURL(r), true
	case "curl_cli":
		return "curl -i -X POST -H 'X-Auth-Token: " + str(r.data["token"]) + "' -H 'Content-Type: application/json' -H 'Accept: application/json' " + c.signalURL(r), true
	case "signal":
		return dumps(c.signalDetails(r)), true
	}
	return nil, false
}

// signalDetails are what a guest needs to signal r: with HEAT_SIGNAL it logs in as the stack's own user, whose password Heat
// gives away (heat/engine/resources/signal_responder.py _get_heat_signal_credentials).
func (c *Cloud) signalDetails(r *resource) map[string]any {
	if r.prop("signal_transport") != "HEAT_SIGNAL" {
		return map[string]any{"alarm_url": c.signalURL(r), "endpoint": c.signalURL(r), "token": r.data["token"]}
	}
	return map[string]any{
		"alarm_url": c.signalURL(r), "auth_url": c.base + "/identity/v3/", "username": r.physicalName(), "user_id": r.id,
		"password": "hunter2-" + r.id, "project_id": r.stack.project, "domain_id": "heat", "region_name": region,
	}
}

// signalPath finds the stack and the resource in a handle's reference.
var signalPath = regexp.MustCompile(`/stacks/[^/\s]+/([0-9a-f-]{36})/resources/([^/\s]+)/signal`)

// handles are the wait handles whose references are in the text.
func (c *Cloud) handles(text string) []*resource {
	var out []*resource
	for _, m := range signalPath.FindAllStringSubmatch(text, -1) {
		if s := c.stacks.byID[m[1]]; s != nil {
			if r := s.resources[m[2]]; r != nil && r.typ == "OS::Heat::WaitConditionHandle" && r.id != "" && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// handle is the wait handle of a reference.
func (c *Cloud) handle(url string) *resource {
	if found := c.handles(url); len(found) > 0 {
		return found[0]
	}
	return nil
}

// conditionAttr: the signals so far, also of a condition that waits or has failed (wait_condition.py _resolve_attribute).
func conditionAttr(c *Cloud, r *resource, name string) (any, bool) {
	if name != "data" {
		return nil, false
	}
	h := c.handle(r.prop("handle"))
	if h == nil || !found(h) {
		return "", true
	}
	out := map[string]any{}
	for id, raw := range h.meta {
		out[id] = mapOf(raw)["data"]
	}
	return dumps(out), true
}

// found says whether a resource is found by what refers to it: not one that sleeps (heat/engine/stack.py resource_by_refid).
func found(r *resource) bool {
	switch r.status {
	case complete:
		return slices.Contains([]string{actInit, actCreate, actResume, actUpdate, actCheck}, r.action)
	case inProgress:
		return slices.Contains([]string{actCreate, actResume, actUpdate}, r.action)
	}
	return false
}

// waitForSignals ends when count successes or one failure have come, or at the timeout.
func waitForSignals(c *Cloud, r *resource, j *job) {
	c.waiting[r] = true
	c.after(time.Duration(r.intProp("timeout", 3600))*time.Second, func() {
		got := 0
		if h := c.handle(r.prop("handle")); h != nil {
			got = len(h.meta)
		}
		c.endJob(r, j, fmt.Sprintf("WaitConditionTimeout: %s: %d of %d received", where(r), got, r.intProp("count", 1)))
	})
	c.lookAtCondition(r)
}

// lookAtCondition ends r's job when the signals suffice.
func (c *Cloud) lookAtCondition(r *resource) {
	if r.job == nil {
		delete(c.waiting, r)
		return
	}
	h := c.handle(r.prop("handle"))
	if h == nil {
		return
	}
	var bad []string
	for _, raw := range h.meta {
		if m := mapOf(raw); str(m["status"]) == "FAILURE" {
			bad = append(bad, str(m["reason"]))
		}
	}
	slices.Sort(bad)
	switch {
	case len(bad) > 0:
		c.endJob(r, r.job, "WaitConditionFailure: "+where(r)+": "+strings.Join(bad, ";"))
	case len(h.meta) >= r.intProp("count", 1):
		c.endJob(r, r.job, "")
	}
}

// signal stores a signal. What it cannot read is dropped without a trace, though Heat has answered 200 (live.md 3).
func (c *Cloud) signal(h *resource, body map[string]any) {
	for key := range body {
		if !slices.Contains([]string{"id", "status", "reason", "data"}, key) {
			return
		}
	}
	status := or(str(body["status"]), "SUCCESS")
	if status != "SUCCESS" && status != "FAILURE" {
		return
	}
	id := or(str(body["id"]), strconv.Itoa(len(h.meta)+1))
	reason := or(str(body["reason"]), "Signal "+id+" received")
	data := body["data"]
	if data == nil {
		data = ""
	}
	h.meta[id] = map[string]any{"status": status, "reason": reason, "data": data}
	h.stack.record(&event{resource: h.name, typ: h.typ, physical: h.id, action: actSignal, status: complete, reason: "Signal: status:" + status + " reason:" + reason})
	for r := range maps.Clone(c.waiting) {
		c.lookAtCondition(r)
	}
}
