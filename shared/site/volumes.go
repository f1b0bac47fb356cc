package site

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Volumes are the volumes of a site that was deleted, by the names of VolumeKeys; or Retained: those that are found.
type Volumes struct {
	Retained bool
	IDs      map[string]string
}

const wordRetained = "retained"

// Metadata of every volume that holds a site's data, as the template writes it.
const (
	MetadataSite  = "stackhook-site"
	MetadataRole  = "role"
	MetadataIndex = "index"
)

// VolumeKeys are the six volumes of a site.
func VolumeKeys() []string {
	keys := make([]string, 0, volumesOfBackend)
	for _, role := range []string{"mysql", "mongodb"} {
		for i := range backendNodes {
			keys = append(keys, role+"-"+strconv.Itoa(i))
		}
	}
	return keys
}

func isVolumeKey(key string) bool { return slices.Contains(VolumeKeys(), key) }

// Volume is one of Cinder's volumes that carries our metadata.
type Volume struct {
	ID, Name, Status string
	SizeGB           int
	Site, Role       string
	Index            string
}

// key is the volume's place in a site; empty for none.
func (v Volume) key() string {
	if key := v.Role + "-" + v.Index; isVolumeKey(key) {
		return key
	}
	return ""
}

// Line is what a person is told of the volume.
func (v Volume) Line() string {
	return fmt.Sprintf("%s (%s of site %s, %d GB, %s)", v.ID, or(v.key(), "no known place"), or(v.Site, "unknown"), v.SizeGB, v.Status)
}

// freeVolume is the status of a volume that nobody uses (cinder/objects/fields.py).
const freeVolume = "available"

// Retained finds the one complete set of a site's six free volumes among all. Faults say what is in the way: none, too few,
// two for one place, one in use.
func Retained(name string, all []Volume) (map[string]string, []Fault) {
	const field = "backend.volumes"
	byKey := map[string][]Volume{}
	for _, v := range all {
		if v.Site == name && v.key() != "" {
			byKey[v.key()] = append(byKey[v.key()], v)
		}
	}
	if len(byKey) == 0 {
		return nil, []Fault{{field, "finds nothing: no volume of the project is marked as one of site " + name + "'s."}}
	}
	ids, faults := map[string]string{}, []Fault{}
	for _, key := range VolumeKeys() {
		found := byKey[key]
		switch {
		case len(found) == 0:
			faults = append(faults, Fault{field, "finds no volume for " + key + "; name all six by id."})
		case len(found) > 1:
			faults = append(faults, Fault{field, "finds several volumes for " + key + ": " + lines(found) + "; name all six by id."})
		case found[0].Status != freeVolume:
			faults = append(faults, Fault{field, "finds a volume that is in use: " + found[0].Line() + "."})
		default:
			ids[key] = found[0].ID
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return ids, nil
}

// Named checks volumes that the Spec names by id: they must be there and free, and not be marked as another site's or
// another place's.
func Named(name string, ids map[string]string, all []Volume) []Fault {
	byID := map[string]Volume{}
	for _, v := range all {
		byID[v.ID] = v
	}
	var faults []Fault
	for _, key := range slices.Sorted(maps.Keys(ids)) {
		v, there := byID[ids[key]]
		field := "backend.volumes." + key
		switch {
		case !there:
			faults = append(faults, Fault{field, "is not a volume of the project."})
		case v.Status != freeVolume:
			faults = append(faults, Fault{field, "is not free: " + v.Line() + "."})
		case v.Site != "" && v.Site != name:
			faults = append(faults, Fault{field, "belongs to another site: " + v.Line() + "."})
		case v.key() != "" && v.key() != key:
			faults = append(faults, Fault{field, "has another place: " + v.Line() + "."})
		}
	}
	return faults
}

func lines(volumes []Volume) string {
	list := make([]string, len(volumes))
	for i, v := range volumes {
		list[i] = v.Line()
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// VolumesIn are the volumes that a stack was told to take over; none if it made its own.
func VolumesIn(parameters map[string]string) map[string]string {
	var ids map[string]string
	if json.Unmarshal([]byte(parameters["volumes"]), &ids) != nil {
		return nil
	}
	return ids
}
