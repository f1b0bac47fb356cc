package site

// Balancing is what is known of a cloud's load balancing.
type Balancing struct {
	// Octavia says that the catalog has it.
	Octavia bool
	// Shell says that Heat takes LBaaSv2's resource types and makes nothing of them, as from release 22 on.
	Shell bool
	// Heat says that Heat makes something of them, Extension that Neutron has the extension lbaasv2.
	Heat, Extension bool
}

// Choose is the kind of load balancer for a wish, or why there is none.
func Choose(wish string, b Balancing) (kind string, fault *Fault) {
	const field = "load_balancer.kind"
	switch {
	case wish == KindOctavia && !b.Octavia:
		return "", &Fault{field, "cannot be octavia: the cloud's catalog has no load-balancer service."}
	case wish == KindOctavia, wish == KindAuto && b.Octavia:
		return KindOctavia, nil
	case b.Shell && b.Octavia:
		return "", &Fault{field, "cannot be lbaasv2: the cloud's orchestration service (2024.1 or later) takes such load balancers and makes nothing of them. The cloud has octavia: ask for that."}
	case b.Shell:
		return "", &Fault{field, "finds nothing: the cloud's catalog has no load-balancer service, and its orchestration service (2024.1 or later) takes load balancers of lbaasv2 and makes nothing of them."}
	case !b.Extension && wish == KindAuto:
		return "", &Fault{field, "finds nothing: the cloud has neither Octavia in its catalog nor the extension lbaasv2 in its network service."}
	case !b.Extension:
		return "", &Fault{field, "cannot be lbaasv2: the cloud's network service does not have that extension."}
	case !b.Heat:
		return "", &Fault{field, "cannot be lbaasv2: the cloud's orchestration service does not know such load balancers."}
	}
	return KindLBaaSv2, nil
}
