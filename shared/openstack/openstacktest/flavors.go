package openstacktest

import "net/http"

// Flavor is a size of servers.
type Flavor struct {
	ID, Name         string
	Cores, RAM, Disk int // RAM in MiB, Disk in GiB
}

// defaultFlavors are those of the real test cloud.
func defaultFlavors() []Flavor {
	return []Flavor{
		{ID: "3d29f797-749c-43d2-99e3-c232134f5486", Name: "m1.tiny", Cores: 1, RAM: 64, Disk: 1},
		{ID: "cf27cd34-ef5c-42b6-a796-eebbd28f19f9", Name: "m1.small", Cores: 1, RAM: 2048, Disk: 20},
		{ID: "3fcb71af-5a5c-48e1-8c21-7451344f01d4", Name: "m1.large", Cores: 4, RAM: 8192, Disk: 80},
	}
}

// AddFlavor adds a flavor to the built-in m1.tiny, m1.small and m1.large.
func (c *Cloud) AddFlavor(f Flavor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.ID = or(f.ID, c.ids.uuid())
	c.nova.flavors = append(c.nova.flavors, f)
}

// flavor finds a flavor by id or name. Heat would refuse an unknown one; the fake takes it for m1.tiny.
func (c *Cloud) flavor(ref string) Flavor {
	for _, f := range c.nova.flavors {
		if f.ID == ref || f.Name == ref {
			return f
		}
	}
	return c.nova.flavors[0]
}

func (c *Cloud) listFlavors(*request) reply {
	out := []any{}
	for _, f := range c.nova.flavors {
		out = append(out, map[string]any{
			"id": f.ID, "name": f.Name, "vcpus": f.Cores, "ram": f.RAM, "disk": f.Disk, "swap": "", "rxtx_factor": 1.0,
			"OS-FLV-EXT-DATA:ephemeral": 0, "OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true,
			"links": []any{},
		})
	}
	return reply{status: http.StatusOK, body: map[string]any{"flavors": out}}
}
