package keeper

import (
	"context"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/openstack"
)

// needs are how many things of each kind a lab takes from the project's quotas, by the types in its template. What nested
// templates and groups make is not counted: a lab that fits by this may still be refused.
type needs map[string]int

// needsOf counts what a template makes in any case: what has a condition may be left out.
func needsOf(text string) (needs, error) {
	var template struct {
		Resources map[string]struct {
			Type      string `yaml:"type"`
			Condition any    `yaml:"condition"`
		} `yaml:"resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	n := needs{}
	for _, r := range template.Resources {
		if r.Condition == nil {
			n[r.Type]++
		}
	}
	return n, nil
}

// short names what the project has too little of; empty if the lab fits.
func (n needs) short(room openstack.Room) string {
	servers := n["OS::Nova::Server"]
	for what, left := range map[string]struct{ need, left int }{
		"servers":         {servers, room.Servers},
		"cores":           {servers, room.Cores}, // one each at least
		"RAM":             {servers, room.RAM},
		"ports":           {n["OS::Neutron::Port"], room.Ports},
		"networks":        {n["OS::Neutron::Net"], room.Networks},
		"subnets":         {n["OS::Neutron::Subnet"], room.Subnets},
		"routers":         {n["OS::Neutron::Router"], room.Routers},
		"floating IPs":    {n["OS::Neutron::FloatingIP"], room.FloatingIPs},
		"security groups": {n["OS::Neutron::SecurityGroup"], room.SecurityGroups},
		"volumes":         {n["OS::Cinder::Volume"], room.Volumes},
		"gigabytes":       {n["OS::Cinder::Volume"], room.Gigabytes},
		"key pairs":       {n["OS::Nova::KeyPair"], room.KeyPairs},
	} {
		if left.need > left.left {
			return what
		}
	}
	return ""
}

// spacious says whether the lab fits into what the cloud's project has left, where the configuration wants that asked. A cloud
// that does not tell is tried: it refuses what it does not have.
func (k *Keeper) spacious(ctx context.Context, place int, t Ticket) (short string) {
	if !k.clouds[place].Quota {
		return ""
	}
	room, err := k.clouds[place].Cloud.Room(ctx)
	if err != nil {
		return ""
	}
	return k.entries[t.Lab].needs.short(room)
}
