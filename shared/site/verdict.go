package site

import (
	"slices"
	"strings"
)

// Verdict is how much a change disturbs.
type Verdict string

// The verdicts, from the lightest to the heaviest.
const (
	Nothing         Verdict = "unchanged"
	Safe            Verdict = "safe"
	RestartsApps    Verdict = "restarts apps"
	ReplacesBackend Verdict = "replaces backend"
)

// Override is what a request must say to have a change with the verdict ReplacesBackend made.
const Override = "replaces-backend"

// immutable parameters make the network, the volumes or their servers anew, all at once: that is another site.
var immutable = map[string]string{
	"network": "network.id", "subnet": "network.subnet", "cidr": "network.cidr", "key_name": "key_name",
	"mysql_size": "backend.mysql_gb", "mongodb_size": "backend.mongodb_gb", "volume_type": "backend.volume_type",
	"backend_affinity": "backend.affinity", "lb_kind": "load_balancer.kind",
}

// backends are the parameters whose change makes the data nodes anew.
var backends = []string{"backend_image", "backend_flavor"}

// light are those that reach no application node.
var light = []string{
	"app_count", "app_removal", "app_min", "app_max", "app_timeout", "backend_timeout", "cooldown_out", "cooldown_in",
	"scale_out_url", "scale_in_url", "alarm_metric", "alarm_aggregation", "alarm_granularity", "alarm_periods", "alarm_high",
	"alarm_low", "alarm_ticks", "alarm_second_metric", "alarm_second_aggregation", "alarm_second_high", "replace_url", "admin_cidr",
	"dns_zone", "external_network",
}

// weigh is the verdict on a change of these parameters; the template is Heat's to judge, see Heavier.
func weigh(fields []string) Verdict {
	verdict := Nothing
	for _, field := range fields {
		switch {
		case touchesBackend(field):
			return ReplacesBackend
		case touchesApps(field):
			verdict = heavier(verdict, RestartsApps)
		default:
			verdict = heavier(verdict, Safe)
		}
	}
	return verdict
}

func touchesBackend(field string) bool { return slices.Contains(backends, field) }

// touchesApps is true also of what a later template may add: rather too heavy a word than too light a one.
func touchesApps(field string) bool {
	return field != "template" && !touchesBackend(field) && !slices.Contains(light, field)
}

func heavier(a, b Verdict) Verdict {
	order := []Verdict{Nothing, Safe, RestartsApps, ReplacesBackend}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// Touched is a resource that Heat's preview says an update makes anew, changes or deletes.
type Touched struct {
	Name, Type string
	// Parent is the resource whose nested stack holds it; empty at the top.
	Parent string
	// Gone says that it is replaced or deleted rather than changed in place.
	Gone bool
}

// Weigh is the verdict of Plan, made heavier by what Heat's preview found: data nodes or volumes that go mean the backend,
// anything else that goes or changes at the top may restart applications. A group always reads as changed, so that alone
// says nothing.
func Weigh(verdict Verdict, touched []Touched) Verdict {
	for _, t := range touched {
		if !t.Gone {
			continue
		}
		switch {
		case t.Type == "OS::Cinder::Volume", t.Type == "OS::Cinder::VolumeAttachment",
			strings.HasPrefix(t.Parent, "node_"), strings.HasPrefix(t.Name, "node_"), t.Name == "backend", t.Parent == "backend":
			return ReplacesBackend
		case t.Type == "OS::Nova::Server", t.Name == "pool", t.Name == "listener", t.Name == "loadbalancer":
			verdict = heavier(verdict, RestartsApps)
		}
	}
	return verdict
}
