package openstack

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// Volume is one of the project's block volumes.
type Volume struct {
	ID, Name string
	Status   string // available, in-use, error, deleting …
	SizeGB   int
	Type     string
	Metadata map[string]string
	// Servers are those it is attached to.
	Servers []string
}

// Volumes are the volumes of the project whose metadata has all of these pairs; all of the project for none. One request
// for each page of 1000, Cinder's own bound (osapi_max_limit).
func (c *Cloud) Volumes(ctx context.Context, metadata map[string]string) ([]Volume, error) {
	var out []Volume
	query := url.Values{}
	for {
		var reply struct {
			Volumes []volumeWire `json:"volumes"`
			Links   []link       `json:"volumes_links"`
		}
		err := c.do(ctx, request{
			op: "list volumes", service: cinder(), method: http.MethodGet, path: "/volumes/detail", query: query, into: &reply,
		})
		if err != nil {
			return nil, err
		}
		for _, w := range reply.Volumes {
			if v := w.volume(); v.carries(metadata) {
				out = append(out, v)
			}
		}
		if !hasNext(reply.Links) || len(reply.Volumes) == 0 {
			return out, nil
		}
		query.Set("marker", reply.Volumes[len(reply.Volumes)-1].ID)
	}
}

// carries is asked here and not of Cinder, whose filter by metadata an operator may have turned off (resource_filters.json);
// it is then ignored without a word.
func (v Volume) carries(metadata map[string]string) bool {
	for key, value := range metadata {
		if v.Metadata[key] != value {
			return false
		}
	}
	return true
}

type volumeWire struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Status      string            `json:"status"`
	Size        int               `json:"size"`
	Type        string            `json:"volume_type"` // null reads as empty
	Metadata    map[string]string `json:"metadata"`
	Attachments []struct {
		Server string `json:"server_id"`
	} `json:"attachments"`
}

func (w volumeWire) volume() Volume {
	v := Volume{ID: w.ID, Name: w.Name, Status: w.Status, SizeGB: w.Size, Type: w.Type, Metadata: w.Metadata}
	for _, a := range w.Attachments {
		v.Servers = append(v.Servers, a.Server)
	}
	return v
}

// HasVolumeType says whether the project may use a volume type of that name or id: one request.
func (c *Cloud) HasVolumeType(ctx context.Context, ref string) (bool, error) {
	var reply struct {
		Types []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"volume_types"`
	}
	err := c.do(ctx, request{op: "list volume types", service: cinder(), method: http.MethodGet, path: "/types", into: &reply})
	if err != nil {
		return false, err
	}
	for _, t := range reply.Types {
		if slices.Contains([]string{t.ID, t.Name}, ref) {
			return true, nil
		}
	}
	return false, nil
}
