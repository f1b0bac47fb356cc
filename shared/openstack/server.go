package openstack

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// few is up to how many servers are asked for one by one. Nova lists by id for administrators alone, so more are found by
// listing the project.
const few = 2

// Servers are the servers with these ids, in this order, those that do not exist left out; without ids all of the
// project. A stack's servers are its [Cloud.Resources] of type OS::Nova::Server, by physical id.
func (c *Cloud) Servers(ctx context.Context, ids ...string) ([]Server, error) {
	if len(ids) == 0 || len(ids) > few {
		all, err := c.allServers(ctx)
		if err != nil || len(ids) == 0 {
			return all, err
		}
		return inOrder(all, ids), nil
	}
	var out []Server
	for _, id := range ids {
		var reply struct {
			Server serverWire `json:"server"`
		}
		err := c.do(ctx, request{
			op: "read server " + id, service: nova(), method: http.MethodGet, path: "/servers/{}", args: []string{id}, into: &reply,
		})
		switch {
		case CodeOf(err) == Gone:
			continue
		case err != nil:
			return nil, err
		}
		out = append(out, reply.Server.server())
	}
	return out, nil
}

func inOrder(all []Server, ids []string) []Server {
	byID := make(map[string]Server, len(all))
	for _, s := range all {
		byID[s.ID] = s
	}
	var out []Server
	for _, id := range ids {
		if s, ok := byID[id]; ok {
			out = append(out, s)
		}
	}
	return out
}

func (c *Cloud) allServers(ctx context.Context) ([]Server, error) {
	var out []Server
	query := url.Values{}
	for {
		var reply struct {
			Servers []serverWire `json:"servers"`
			Links   []link       `json:"servers_links"`
		}
		err := c.do(ctx, request{
			op: "list servers", service: nova(), method: http.MethodGet, path: "/servers/detail", query: query, into: &reply,
		})
		if err != nil {
			return nil, err
		}
		for _, w := range reply.Servers {
			out = append(out, w.server())
		}
		if !hasNext(reply.Links) || len(reply.Servers) == 0 {
			return out, nil
		}
		query.Set("marker", reply.Servers[len(reply.Servers)-1].ID)
	}
}

type serverWire struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	// Image is "" for a server that boots from a volume.
	Image  any `json:"image"`
	Flavor struct {
		ID string `json:"id"`
	} `json:"flavor"`
	Addresses map[string][]struct {
		Address string `json:"addr"`
		Kind    string `json:"OS-EXT-IPS:type"`
	} `json:"addresses"`
}

func (w serverWire) server() Server {
	s := Server{ID: w.ID, Name: w.Name, Status: w.Status, FlavorID: w.Flavor.ID}
	if image, ok := w.Image.(map[string]any); ok {
		s.ImageID, _ = image["id"].(string)
	}
	var floating []string
	for _, network := range slices.Sorted(maps.Keys(w.Addresses)) {
		for _, a := range w.Addresses[network] {
			if a.Kind == "floating" {
				floating = append(floating, a.Address)
			} else {
				s.Addresses = append(s.Addresses, a.Address)
			}
		}
	}
	s.Addresses = append(s.Addresses, floating...)
	return s
}

// Console is the address of a browser console (noVNC) of the server. It opens the machine to whoever has it, for as long
// as Nova's console token lives: hand it to the learner alone and never log it.
func (c *Cloud) Console(ctx context.Context, serverID string) (string, error) {
	op := "open console of server " + serverID
	var reply struct {
		Console struct {
			URL string `json:"url"`
		} `json:"remote_console"`
	}
	err := c.do(ctx, request{
		op: op, service: nova(), method: http.MethodPost, path: "/servers/{}/remote-consoles", args: []string{serverID},
		microversion: "2.6", // the first with remote-consoles
		body:         map[string]any{"remote_console": map[string]string{"protocol": "vnc", "type": "novnc"}},
		into:         &reply,
	})
	if err != nil {
		return "", err
	}
	if reply.Console.URL == "" {
		return "", broken(op, "Nova's answer has no console address")
	}
	return reply.Console.URL, nil
}
