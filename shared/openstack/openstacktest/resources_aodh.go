package openstacktest

import "net/http"

// aodhKinds take every property: only name, severity and the action lists matter here.
func aodhKinds() map[string]*kind {
	out := map[string]*kind{}
	for _, typ := range []string{"GnocchiAggregationByResourcesAlarm", "GnocchiAggregationByMetricsAlarm", "GnocchiResourcesAlarm", "EventAlarm", "CompositeAlarm", "LBMemberHealthAlarm", "PrometheusAlarm", "Alarm"} {
		k := neutronKind("*~", "alarm", func(_ *Cloud, _ *resource, o *object) error {
			o.fields["alarm_id"], o.fields["state"] = o.id, "insufficient data"
			o.fields["type"] = typ
			return nil
		})
		out["OS::Aodh::"+typ] = k
	}
	return out
}

func (c *Cloud) aodhRoutes() {
	c.route("GET /aodh/v2/alarms", func(q *request) reply {
		out := []any{}
		for _, id := range q.c.neutronIDs("alarm") {
			out = append(out, q.c.neutron[id].fields)
		}
		return reply{status: http.StatusOK, body: out}
	})
	c.route("GET /aodh/v2/alarms/{id}", func(q *request) reply {
		o := q.c.neutron[q.PathValue("id")]
		if o == nil || o.kind != "alarm" {
			return novaError(http.StatusNotFound, "Alarm not found")
		}
		return reply{status: http.StatusOK, body: o.fields}
	})
}

// Alarm is an alarm some stack made: where it would be sent in which state.
type Alarm struct {
	ID, Name, Type, StackID                         string
	AlarmActions, OKActions, InsufficientDataAction []string
}

// Alarms are all alarms, ordered by id.
func (c *Cloud) Alarms() []Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	owner := map[string]string{}
	for _, s := range c.stacks.byID {
		for _, r := range s.resources {
			owner[r.id] = s.root().id
		}
	}
	var out []Alarm
	for _, id := range c.neutronIDs("alarm") {
		o := c.neutron[id]
		out = append(out, Alarm{
			ID: id, Name: o.str("name"), Type: o.str("type"), StackID: owner[id],
			AlarmActions: texts(o.fields["alarm_actions"]), OKActions: texts(o.fields["ok_actions"]),
			InsufficientDataAction: texts(o.fields["insufficient_data_actions"]),
		})
	}
	return out
}

func texts(v any) []string {
	var out []string
	for _, item := range listOf(v) {
		out = append(out, str(item))
	}
	return out
}
