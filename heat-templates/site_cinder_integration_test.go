//go:build integration

package heattemplates_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// cinder is the block storage of the cloud that OS_CLOUD names, and its Heat for what our client never asks.
type cinder struct {
	*direct
	url, heat string
}

// block is a volume.
type block struct {
	ID, Name, Status string
	Metadata         map[string]string
}

func newCinder(t *testing.T) *cinder {
	t.Helper()
	d := newDirect(t)
	c := &cinder{direct: d, url: d.at["volumev3"], heat: d.at["orchestration"]}
	if c.url == "" {
		c.url = d.at["block-storage"]
	}
	if c.url == "" {
		t.Fatal("this cloud has no Cinder")
	}
	return c
}

func (c *cinder) volume(t *testing.T, id string) block {
	t.Helper()
	var reply struct{ Volume block }
	c.call(t, http.MethodGet, c.url+"/volumes/"+id, nil, &reply)
	return reply.Volume
}

// want checks a site's volume, by the name that the output volumes has for it.
func (c *cinder) want(t *testing.T, id any, site, name, status string) {
	t.Helper()
	v := c.volume(t, fmt.Sprint(id))
	role, index, _ := strings.Cut(name, "-")
	if v.Status != status || v.Name != site+"-"+name || v.Metadata["stackhook-site"] != site || v.Metadata["role"] != role || v.Metadata["index"] != index {
		t.Errorf("%s: %+v, want it %s", name, v, status)
	}
}

// wait is a wait condition: its node, its status, and its handle's address.
type wait struct{ node, action, status, handle string }

// waits are those of a site.
func (c *cinder) waits(t *testing.T, site openstack.StackRef) []wait {
	t.Helper()
	var reply struct {
		Resources []struct {
			Name   string `json:"resource_name"`
			Status string `json:"resource_status"`
			Parent string `json:"parent_resource"`
			Links  []struct{ Href, Rel string }
		}
	}
	c.call(t, http.MethodGet, c.heat+"/stacks/"+site.Name+"/"+site.ID+"/resources?nested_depth=5", nil, &reply)
	var out []wait
	for _, r := range reply.Resources {
		action, status, _ := strings.Cut(r.Status, "_")
		for _, link := range r.Links {
			if r.Name == "ready" && link.Rel == "stack" {
				out = append(out, wait{r.Parent, action, status, link.Href + "/resources/handle"})
			}
		}
	}
	return out
}

// removeOf deletes the volumes of a site.
func (c *cinder) removeOf(t *testing.T, site string) {
	t.Helper()
	var reply struct{ Volumes []block }
	c.call(t, http.MethodGet, c.url+"/volumes/detail?limit=1000", nil, &reply)
	for _, v := range reply.Volumes {
		if v.Metadata["stackhook-site"] == site && v.Status == "available" {
			c.call(t, http.MethodDelete, c.url+"/volumes/"+v.ID, nil, nil)
		}
	}
}
