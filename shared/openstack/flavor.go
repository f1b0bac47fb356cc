package openstack

import (
	"context"
	"net/http"
	"net/url"
)

// Flavor is a size of servers.
type Flavor struct {
	ID, Name string
	Cores    int
	RAM      int // MiB
	Disk     int // GiB; zero where the server boots from a volume or the image decides
}

// Flavors are all flavors that the project may use: one request for each page, which is 1000 unless the cloud says
// otherwise.
func (c *Cloud) Flavors(ctx context.Context) ([]Flavor, error) {
	var out []Flavor
	query := url.Values{}
	for {
		var reply struct {
			Flavors []struct {
				ID    string `json:"id"`
				Name  string `json:"name"`
				Cores int    `json:"vcpus"`
				RAM   int    `json:"ram"`
				Disk  int    `json:"disk"`
			} `json:"flavors"`
			Links []link `json:"flavors_links"`
		}
		err := c.do(ctx, request{
			op: "list flavors", service: nova(), method: http.MethodGet, path: "/flavors/detail", query: query, into: &reply,
		})
		if err != nil {
			return nil, err
		}
		for _, f := range reply.Flavors {
			out = append(out, Flavor{ID: f.ID, Name: f.Name, Cores: f.Cores, RAM: f.RAM, Disk: f.Disk})
		}
		if !hasNext(reply.Links) || len(reply.Flavors) == 0 {
			return out, nil
		}
		query.Set("marker", reply.Flavors[len(reply.Flavors)-1].ID)
	}
}
