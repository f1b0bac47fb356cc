package roster

import (
	"fmt"
	"math"
	"strconv"

	"github.com/stackhook/stackhook/shared/openstack"
)

// Resource is something that a project may have too little of.
type Resource string

// The resources, in the order in which they are named when several run out at once.
const (
	Labs           Resource = "labs" // the configuration's capacity
	Stacks         Resource = "stacks"
	Servers        Resource = "servers"
	Cores          Resource = "cores"
	RAM            Resource = "ram" // MiB
	Ports          Resource = "ports"
	Networks       Resource = "networks"
	Subnets        Resource = "subnets"
	Routers        Resource = "routers"
	FloatingIPs    Resource = "floating_ips"
	SecurityGroups Resource = "security_groups"
	Volumes        Resource = "volumes"
	Gigabytes      Resource = "gigabytes" // of volumes
	KeyPairs       Resource = "key_pairs" // of the user, not of the project
)

// Resources are all of them, in that order.
func Resources() []Resource {
	return []Resource{
		Labs, Stacks, Servers, Cores, RAM, Ports, Networks, Subnets, Routers, FloatingIPs, SecurityGroups, Volumes, Gigabytes, KeyPairs,
	}
}

// Amounts are so much of each resource.
type Amounts map[Resource]int

// amountsOf is a room without what has no bound.
func amountsOf(r openstack.Room) Amounts {
	all := Amounts{
		Servers: r.Servers, Cores: r.Cores, RAM: r.RAM, Ports: r.Ports, Networks: r.Networks, Subnets: r.Subnets, Routers: r.Routers,
		FloatingIPs: r.FloatingIPs, SecurityGroups: r.SecurityGroups, Volumes: r.Volumes, Gigabytes: r.Gigabytes, KeyPairs: r.KeyPairs,
	}
	for what, left := range all {
		if left == math.MaxInt {
			delete(all, what)
		}
	}
	return all
}

// needOf is what one lab takes, by Heat's preview of it, nested stacks included. One stack is what it takes of Heat's bound:
// nested ones do not count (heat/db/sqlalchemy/api.py stack_count_all).
func needOf(preview []openstack.Resource, flavors []openstack.Flavor) (Amounts, error) {
	need := Amounts{Labs: 1, Stacks: 1}
	for _, r := range preview {
		if err := need.add(r, flavors); err != nil {
			return nil, err
		}
	}
	return need, nil
}

func (a Amounts) add(r openstack.Resource, flavors []openstack.Flavor) error {
	switch r.Type {
	case "OS::Nova::Server":
		return a.addServer(r, flavors)
	case "OS::Nova::KeyPair":
		a[KeyPairs]++
	case "OS::Neutron::Net":
		a[Networks]++
	case "OS::Neutron::Subnet":
		a[Subnets]++
	case "OS::Neutron::Router":
		a[Routers]++
	case "OS::Neutron::Port":
		a[Ports]++
	case "OS::Neutron::RouterInterface":
		if r.Properties["port"] == nil && r.Properties["port_id"] == nil {
			a[Ports]++ // the router's own
		}
	case "OS::Neutron::FloatingIP":
		a[FloatingIPs]++
	case "OS::Neutron::SecurityGroup":
		a[SecurityGroups]++
	case "OS::Cinder::Volume":
		a[Volumes]++
		a[Gigabytes] += gigabytes(r.Properties["size"])
	}
	return nil
}

func (a Amounts) addServer(r openstack.Resource, flavors []openstack.Flavor) error {
	wanted, _ := r.Properties["flavor"].(string)
	flavor, err := flavorOf(wanted, flavors)
	if err != nil {
		return fmt.Errorf("size up server %s: %w", r.Name, err)
	}
	a[Servers]++
	a[Cores] += flavor.Cores
	a[RAM] += flavor.RAM
	a[Ports] += novaPorts(r.Properties["networks"])
	disks, _ := r.Properties["block_device_mapping_v2"].([]any)
	for _, raw := range disks {
		disk, _ := raw.(map[string]any)
		if disk["volume_id"] == nil && disk["volume_size"] != nil { // Nova makes a volume of it
			a[Volumes]++
			a[Gigabytes] += gigabytes(disk["volume_size"])
		}
	}
	return nil
}

func flavorOf(wanted string, flavors []openstack.Flavor) (openstack.Flavor, error) {
	for _, f := range flavors {
		if f.ID == wanted || f.Name == wanted {
			return f, nil
		}
	}
	return openstack.Flavor{}, &openstack.Error{Code: openstack.Refused, Op: "find flavor " + wanted}
}

// novaPorts is how many ports Nova makes for a server on these networks: one for each that has none of the template's own,
// which reads as an empty text in a preview, and one if no network is named.
func novaPorts(networks any) int {
	list, _ := networks.([]any)
	if len(list) == 0 {
		return 1
	}
	n := 0
	for _, raw := range list {
		if network, _ := raw.(map[string]any); network["port"] == nil {
			n++
		}
	}
	return n
}

// gigabytes reads a size that may be a number or a text; an unknown one is the least that there is.
func gigabytes(size any) int {
	switch size := size.(type) {
	case float64:
		return int(math.Ceil(size))
	case string:
		if n, err := strconv.Atoi(size); err == nil {
			return n
		}
	}
	return 1
}

// fits is how many labs go into what is left, and what is short for one more. Without any bound it is math.MaxInt.
func fits(need, left Amounts) (labs int, short []Resource) {
	labs = math.MaxInt
	for _, what := range Resources() {
		room, bounded := left[what]
		if !bounded || need[what] == 0 {
			continue
		}
		switch n := room / need[what]; {
		case n < labs:
			labs, short = n, []Resource{what}
		case n == labs:
			short = append(short, what)
		}
	}
	return labs, short
}
