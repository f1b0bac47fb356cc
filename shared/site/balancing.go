package site

import "fmt"

// Balancing is what is known of a cloud's load balancing.
type Balancing struct {
	// Octavia says that the catalog has it.
	Octavia bool
	// Extension says that Neutron has the extension lbaasv2.
	Extension bool
	// Heat says that Heat has the resource type OS::Neutron::LBaaS::LoadBalancer and that it makes something: from release
	// 22 on the type is there and makes nothing (heat/engine/resources/openstack/neutron/lbaas).
	Heat bool
	// HeatRelease is Heat's word for itself, for people.
	HeatRelease string
}

// Choose is the kind of load balancer for a wish, or why there is none.
func Choose(wish string, b Balancing) (kind string, fault *Fault) {
	const field = "load_balancer.kind"
	switch {
	case wish == KindOctavia && !b.Octavia:
		return "", &Fault{field, "cannot be octavia: the cloud's catalog has no load-balancer service."}
	case wish == KindOctavia, wish == KindAuto && b.Octavia:
		return KindOctavia, nil
	case !b.Extension && wish == KindAuto:
		return "", &Fault{field, "finds nothing: the cloud has neither Octavia in its catalog nor the extension lbaasv2 in its network service."}
	case !b.Extension:
		return "", &Fault{field, "cannot be lbaasv2: the cloud's network service does not have that extension."}
	case !b.Heat:
		return "", &Fault{field, fmt.Sprintf("cannot be lbaasv2: the cloud's orchestration service (%s) takes such load balancers and makes nothing of them.", or(b.HeatRelease, "of unknown release"))}
	}
	return KindLBaaSv2, nil
}
