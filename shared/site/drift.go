package site

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Record is what a site's stack says it is made of.
type Record struct {
	Apps    []AppRecord
	Backend []string          // servers by index; empty for one that is away
	Absent  string            // index of the data node that is taken away for now
	Volumes map[string]string // ids by VolumeKeys
	// Made is what each server is to be made of, by its id.
	Made map[string]Made
}

// Made is what a server is made of: images and flavors by name or id.
type Made struct{ Image, Flavor string }

// MadeOf is what a site's parameters have its servers made of: what is wanted now, or what a node keeps until it is rolled.
func (r Record) MadeOf(parameters map[string]string) map[string]Made {
	out := map[string]Made{}
	note := func(role, name, server string) {
		m := Made{parameters[role+"_image"], parameters[role+"_flavor"]}
		if had, older := KeptIn(parameters, role)[name]; older {
			m = Made{or(had["image"], m.Image), or(had["flavor"], m.Flavor)}
		}
		if server != "" {
			out[server] = m
		}
	}
	for _, a := range r.Apps {
		note("app", a.Name, a.Server)
	}
	for i, id := range r.Backend {
		note("backend", strconv.Itoa(i), id)
	}
	return out
}

// Images are those that servers are to be made of, each once.
func (r Record) Images() []string {
	var list []string
	for _, m := range r.Made {
		list = append(list, m.Image)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// AppRecord is an application node.
type AppRecord struct{ Name, Server, Member string }

// Servers are the ids of all servers.
func (r Record) Servers() []string {
	var list []string
	for _, a := range r.Apps {
		list = append(list, a.Server)
	}
	return slices.DeleteFunc(append(list, r.Backend...), func(id string) bool { return id == "" })
}

// Reality is what there is, by id.
type Reality struct {
	Servers  map[string]string // statuses
	Members  map[string]string // operating statuses
	Balancer string            // provisioning status, or gone
	Volumes  map[string]VolumeFound
	// Made is what each server is made of, by id: of images and flavors the ids. Known are the ids that a name has; of an
	// image or a flavor that is not there any more nothing can be told.
	Made  map[string]Made
	Known map[string][]string
}

// VolumeFound is a volume with the servers it is attached to.
type VolumeFound struct {
	Status  string
	Servers []string
}

// Drifted is one thing that is not as it was made.
type Drifted struct {
	What string `json:"what"` // e.g. app 2, backend 0, volume mysql-1
	ID   string `json:"id,omitempty"`
	Is   string `json:"is"`
	Was  string `json:"was"` // as it was made
}

// Compare lists what is not as it was made.
func Compare(r Record, now Reality) []Drifted {
	var out []Drifted
	note := func(what, id, is, was string) {
		if !strings.EqualFold(is, was) {
			out = append(out, Drifted{what, id, or(is, "gone"), was})
		}
	}
	note("load balancer", "", now.Balancer, "ACTIVE")
	for _, a := range r.Apps {
		note("app "+a.Name, a.Server, now.Servers[a.Server], "ACTIVE")
		r.made("app "+a.Name, a.Server, now, note)
		if _, there := now.Members[a.Member]; !there {
			note("member of app "+a.Name, a.Member, "", "ONLINE")
		} else if s := now.Members[a.Member]; s == "ERROR" || s == "OFFLINE" {
			note("member of app "+a.Name, a.Member, s, "ONLINE")
		}
	}
	for i, id := range r.Backend {
		if strconv.Itoa(i) != r.Absent {
			note("backend "+strconv.Itoa(i), id, now.Servers[id], "ACTIVE")
			r.made("backend "+strconv.Itoa(i), id, now, note)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Volumes)) {
		r.volume(key, now, note)
	}
	return out
}

// made compares image and flavor of a server that is there.
func (r Record) made(what, id string, now Reality, note func(what, id, is, was string)) {
	is, there := now.Made[id]
	was, asked := r.Made[id]
	if !there || !asked {
		return
	}
	for _, part := range [][3]string{{"image of ", is.Image, was.Image}, {"flavor of ", is.Flavor, was.Flavor}} {
		ids := now.Known[part[2]]
		if part[1] != "" && part[1] != part[2] && len(ids) > 0 && !slices.Contains(ids, part[1]) {
			note(part[0]+what, id, part[1], part[2])
		}
	}
}

// volume must be in use by the data node of its index.
func (r Record) volume(key string, now Reality, note func(what, id, is, was string)) {
	id := r.Volumes[key]
	_, index, _ := strings.Cut(key, "-")
	if index == r.Absent {
		return
	}
	v := now.Volumes[id]
	if v.Status != "in-use" {
		note("volume "+key, id, v.Status, "in-use")
		return
	}
	i, err := strconv.Atoi(index)
	if err == nil && i < len(r.Backend) && !slices.Contains(v.Servers, r.Backend[i]) {
		note("volume "+key, id, "attached to "+or(strings.Join(v.Servers, " "), "nothing"), "attached to "+r.Backend[i])
	}
}
