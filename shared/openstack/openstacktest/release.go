package openstacktest

import (
	"slices"
	"strings"
)

// Release is a release of OpenStack, where it matters for what Heat knows. The empty one is Zed.
type Release string

// The releases that differ. Zed and Epoxy were seen; Bobcat, in between, is by Heat's source.
const (
	Zed    Release = ""       // Heat 19
	Bobcat Release = "2023.2" // Heat 21 hides LBaaSv2, which works as ever
	Epoxy  Release = "2025.1" // Heat 24 makes nothing of LBaaSv2 and of all that Senlin did, and knows Prometheus
)

// Of makes the cloud one of this release.
func Of(r Release) Option { return func(o *Options) { o.Release = r } }

const lbaas = "OS::Neutron::LBaaS::"

// hides says that Heat takes the type and does not show it.
func (r Release) hides(name string) bool {
	return r == Bobcat && strings.HasPrefix(name, lbaas) || r == Epoxy && slices.Contains(shells(), name)
}

// shells are types that were real once and now are OS::Heat::None: a stack of them is CREATE_COMPLETE with a made-up id,
// whatever properties they are given, and every attribute is null.
func shells() []string {
	var out []string
	for prefix, names := range map[string]string{
		lbaas: "LoadBalancer Listener Pool PoolMember HealthMonitor L7Policy L7Rule", "OS::Neutron::": "LoadBalancer Pool PoolMember HealthMonitor",
		"OS::Senlin::": "Cluster Node Policy Profile Receiver", "OS::Glance::": "Image",
	} {
		for name := range strings.FieldsSeq(names) {
			out = append(out, prefix+name)
		}
	}
	return out
}

// kindsOf are the built-in types of a release.
func kindsOf(r Release) map[string]*kind {
	all := allKinds()
	const prometheus = "OS::Aodh::PrometheusAlarm" // since Heat 22
	if r != Epoxy {
		delete(all, prometheus)
		return all
	}
	none := *all["OS::Heat::None"]
	none.create = uuidCreate
	for _, name := range shells() {
		all[name] = &none
	}
	return all
}

// available says why a type that Heat knows cannot be used in this cloud.
func (c *Cloud) available(name string) error {
	if !strings.HasPrefix(name, lbaas) || c.opts.Release == Epoxy || slices.Contains(c.catalogued.extensions, "lbaasv2") {
		return nil
	}
	return parameterError{"ResourceTypeUnavailable", "HEAT-E99001 Service neutron is not available for resource type " + name +
		", reason: Required extension lbaasv2 in neutron service is not available."}
}
