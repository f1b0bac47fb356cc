package openstacktest

import (
	"regexp"
	"strings"
	"time"
)

// Call is one request the cloud got.
type Call struct {
	Time    time.Time
	Service string // identity, heat, nova, octavia, neutron, cinder, aodh
	Method  string
	Path    string // below the endpoint, without version and project: /stacks/lab-1/<id>
	Query   string
	// Name is "heat GET /stacks/{}/{}": service, method and path with every id and name replaced.
	Name string
}

// Calls are all requests since the start or the last ResetCalls, in order of arrival.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call(nil), c.calls...)
}

// CallNames are the names of Calls.
func (c *Cloud) CallNames() []string {
	calls := c.Calls()
	names := make([]string, len(calls))
	for i, call := range calls {
		names[i] = call.Name
	}
	return names
}

// ResetCalls empties the call log.
func (c *Cloud) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

var uuidElement = regexp.MustCompile(`/([0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32})`)

// relative is a path without the API's version and the project: what a client appends to the endpoint.
func (c *Cloud) relative(path string) string {
	for _, version := range []string{"/v1", "/v2.1", "/v2.0", "/v3", "/v2"} {
		if path == version || strings.HasPrefix(path, version+"/") {
			path = strings.TrimPrefix(path, version)
			break
		}
	}
	return strings.TrimPrefix(path, "/"+c.projectID)
}

func callName(service, method, path string) string {
	if service == "heat" {
		path = heatPath(path)
	}
	if service == "nova" && strings.HasPrefix(path, "/os-keypairs/") {
		path = "/os-keypairs/{}"
	}
	if service == "neutron" && strings.HasPrefix(path, "/extensions/") {
		path = "/extensions/{}"
	}
	return service + " " + method + " " + uuidElement.ReplaceAllString(path, "/{}")
}

// heatPath replaces the stack's name and id and the resource's name.
func heatPath(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) == 2 && parts[0] == "resource_types" {
		return "/resource_types/{}"
	}
	for i := range parts {
		named := i == 1 && parts[0] == "stacks" && parts[1] != "preview"
		id := i == 2 && uuidElement.MatchString("/"+parts[2])
		if named || id || i == 4 && parts[3] == "resources" {
			parts[i] = "{}"
		}
	}
	return "/" + strings.Join(parts, "/")
}
