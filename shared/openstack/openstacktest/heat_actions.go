package openstacktest

import (
	"net/http"
	"time"
)

// stackAction is POST …/actions. Heat answers 200 to an action that comes at the wrong moment, and the stack then
// fails (live.md 1, row 5); doing what is done already is a quiet no-op.
func (c *Cloud) stackAction(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	var in map[string]any
	if !q.decode(&in) || len(in) != 1 {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "Unexpected number of actions, expected exactly 1")
	}
	done := reply{status: http.StatusOK, body: jsonNull}
	if s.action == actDelete && s.status == complete {
		return done // not purged yet: nothing happens
	}
	for verb := range in {
		switch verb {
		case "suspend":
			if s.action == actSuspend && s.status == inProgress { // the engine's lock; Zed names the action before in its place
				return heatError(http.StatusConflict, "ActionInProgress", "Stack "+s.name+" already has an action ("+s.action+") in progress.")
			}
			if s.state() != "SUSPEND_COMPLETE" {
				c.begin(s, actSuspend, nil)
			}
			return done
		case "resume":
			if s.state() != "RESUME_COMPLETE" {
				c.begin(s, actResume, nil)
			}
			return done
		case "check":
			c.begin(s, actCheck, nil)
			return done
		case "cancel_update", "cancel_without_rollback":
			return c.cancelUpdate(s, verb, done)
		}
	}
	return heatError(http.StatusBadRequest, "HTTPBadRequest", "Invalid action specified")
}

func (c *Cloud) cancelUpdate(s *stack, verb string, done reply) reply {
	if s.status != inProgress || s.action != actUpdate && s.action != actCreate || verb == "cancel_update" && s.action != actUpdate {
		return heatError(http.StatusBadRequest, "NotSupported", "Cancelling update when stack is ('"+s.action+"', '"+s.status+"') is not supported.")
	}
	c.supersede(s)
	s.run = nil
	s.set(s.action, failed, "Stack "+s.action+" cancelled")
	return done
}

// signalResource is POST …/resources/{r}/signal: 200 only says that a thread was started.
func (c *Cloud) signalResource(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	r, rep, ok := c.resourceOf(q, s)
	if !ok {
		return rep
	}
	if s.action == actSuspend || s.action == actDelete {
		return heatError(http.StatusBadRequest, "NotSupported", "Signal resource during "+s.action+" is not supported.")
	}
	if r.typ != "OS::Heat::WaitConditionHandle" {
		return heatError(http.StatusBadRequest, "ResourceActionNotSupported", "Signal is not supported for resource.")
	}
	var body map[string]any
	if len(q.body) > 0 && !q.decode(&body) {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "JSON body is malformed")
	}
	// Later signals of a burst are stored sooner: of several with one id, the last is not the one that stays (live.md 1, row 4).
	delay := max(100*time.Millisecond, 600*time.Millisecond-time.Duration(s.signals)*50*time.Millisecond)
	s.signals++
	c.after(delay, func() {
		s.signals--
		if s.resources[r.name] == r && s.action != actDelete {
			c.signal(r, mapOf(normal(body)))
		}
	})
	return reply{status: http.StatusOK, body: jsonNull}
}
