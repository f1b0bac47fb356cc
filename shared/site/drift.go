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
		if _, there := now.Members[a.Member]; !there {
			note("member of app "+a.Name, a.Member, "", "ONLINE")
		} else if s := now.Members[a.Member]; s == "ERROR" || s == "OFFLINE" {
			note("member of app "+a.Name, a.Member, s, "ONLINE")
		}
	}
	for i, id := range r.Backend {
		if strconv.Itoa(i) != r.Absent {
			note("backend "+strconv.Itoa(i), id, now.Servers[id], "ACTIVE")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Volumes)) {
		r.volume(key, now, note)
	}
	return out
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
