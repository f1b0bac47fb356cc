package site

import "fmt"

// Size is what a site takes of the cloud.
type Size struct {
	AppNodes      int `json:"app_nodes"`
	Servers       int `json:"servers"`
	VCPUs         int `json:"vcpus"`
	RAMMB         int `json:"ram_mb"`
	DiskGB        int `json:"disk_gb"` // of the servers' own disks
	Volumes       int `json:"volumes"`
	VolumesGB     int `json:"volumes_gb"`
	Ports         int `json:"ports"`
	FloatingIPs   int `json:"floating_ips"`
	LoadBalancers int `json:"load_balancers"`
}

// Sizes are a site's at its least, now (or to begin with), and at its most.
type Sizes struct {
	Min Size `json:"min"`
	Now Size `json:"now"`
	Max Size `json:"max"`
}

// Flavor is a size of servers.
type Flavor struct{ VCPUs, RAMMB, DiskGB int }

// fixedPorts are the load balancer's and, of a network that is made, the DHCP agent's and the router's.
const fixedPorts = 1

// SizesOf is what the site takes with application nodes between its bounds and now of them at present.
func SizesOf(s Spec, app, backend Flavor, now int) Sizes {
	return Sizes{Min: sizeOf(s, app, backend, *s.App.Min), Now: sizeOf(s, app, backend, now), Max: sizeOf(s, app, backend, *s.App.Max)}
}

func sizeOf(s Spec, app, backend Flavor, nodes int) Size {
	size := Size{
		AppNodes: nodes, Servers: nodes + backendNodes,
		VCPUs:   nodes*app.VCPUs + backendNodes*backend.VCPUs,
		RAMMB:   nodes*app.RAMMB + backendNodes*backend.RAMMB,
		DiskGB:  nodes*app.DiskGB + backendNodes*backend.DiskGB,
		Volumes: volumesOfBackend, VolumesGB: backendNodes * (*s.Backend.MySQLGB + *s.Backend.MongoDBGB),
		Ports: nodes + backendNodes + fixedPorts, LoadBalancers: 1,
	}
	if s.Network.ID == "" {
		size.Ports += 2
	}
	if *s.Network.External != "" {
		size.FloatingIPs = 1
	}
	return size
}

// Room is how much more the project may have; unbounded where a number is huge.
type Room struct {
	Servers, VCPUs, RAMMB, Ports, FloatingIPs, Volumes, VolumesGB, Networks, Subnets, Routers, SecurityGroups, LoadBalancers int
}

// groupsOfSite are the security groups of a site's: one for each role, and scaling's lock.
const groupsOfSite = 4

// Short says which quotas a new site does not fit into at its first size. Volumes that are taken over take no more room.
func Short(s Spec, need Size, room Room) []Fault {
	made := 0
	if s.Network.ID == "" {
		made = 1
	}
	routers := min(made, need.FloatingIPs)
	volumes, gigabytes := need.Volumes, need.VolumesGB
	if s.Backend.Volumes.Retained || s.Backend.Volumes.IDs != nil {
		volumes, gigabytes = 0, 0
	}
	var faults []Fault
	for _, q := range []struct {
		field, what string
		need, room  int
	}{
		{"app.nodes", "servers", need.Servers, room.Servers},
		{"app.flavor", "virtual CPUs", need.VCPUs, room.VCPUs},
		{"app.flavor", "MB of memory", need.RAMMB, room.RAMMB},
		{"app.nodes", "ports", need.Ports, room.Ports},
		{"backend", "volumes", volumes, room.Volumes},
		{"backend", "GB of volumes", gigabytes, room.VolumesGB},
		{"network.external", "floating IPs", need.FloatingIPs, room.FloatingIPs},
		{"network", "networks", made, room.Networks},
		{"network", "subnets", made, room.Subnets},
		{"network", "routers", routers, room.Routers},
		{"network", "security groups", groupsOfSite, room.SecurityGroups},
		{"load_balancer", "load balancers", need.LoadBalancers, room.LoadBalancers},
	} {
		if q.need > q.room {
			faults = append(faults, Fault{q.field, fmt.Sprintf("does not fit the project's quota: the site needs %d %s, and there is room for %d.", q.need, q.what, q.room)})
		}
	}
	return faults
}
