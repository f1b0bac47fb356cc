package openstacktest

import (
	"fmt"
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
			create: func(_ *Cloud, r *resource) error { r.id = r.physicalName(); return nil },
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
		return dumps(map[string]any{"alarm_url": c.signalURL(r), "endpoint": c.signalURL(r), "token": r.data["token"]}), true
	}
	return nil, false
}

// handles finds all wait handles whose reference is url.
func (c *Cloud) handle(url string) *resource {
	for _, s := range c.stacks {
		for _, r := range s.resources {
			if r.typ == "OS::Heat::WaitConditionHandle" && r.id != "" && c.signalURL(r) == url {
				return r
			}
		}
	}
	return nil
}

func conditionAttr(c *Cloud, r *resource, name string) (any, bool) {
	if name != "data" {
		return nil, false
	}
	out := map[string]any{}
	if h := c.handle(r.prop("handle")); h != nil {
		for id, raw := range h.meta {
			out[id] = mapOf(raw)["data"]
		}
	}
	return dumps(out), true
}

// waitForSignals ends when count successes or one failure have come, or at the timeout.
func waitForSignals(c *Cloud, r *resource, j *job) {
	r.data["waiting"] = true
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
	h := c.handle(r.prop("handle"))
	if h == nil || r.job == nil {
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
	for _, s := range c.stacks {
		for _, r := range s.resources {
			if r.typ == "OS::Heat::WaitCondition" && r.job != nil {
				c.lookAtCondition(r)
			}
		}
	}
}

// guestBoots is what a server's guest does once it runs: it signals every wait handle named in its user data.
func (c *Cloud) guestBoots(userData string) {
	if c.opts.SilentGuests || !strings.Contains(userData, "/signal") {
		return
	}
	for _, s := range c.stacks {
		for _, r := range s.resources {
			if r.typ == "OS::Heat::WaitConditionHandle" && r.id != "" && strings.Contains(userData, c.signalURL(r)) {
				c.signal(r, map[string]any{"status": "SUCCESS", "reason": "the guest is up"})
			}
		}
	}
}
