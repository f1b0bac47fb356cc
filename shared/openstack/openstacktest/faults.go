package openstacktest

import (
	"net/http"
	"strings"
	"time"
)

// Fault spoils requests. Empty fields match everything; several effects may be combined.
type Fault struct {
	// Service is the first path element: identity, heat, nova, octavia, neutron, cinder, aodh.
	Service string
	Method  string
	// PathPattern is matched against Call.Path; * stands for any text, slashes included.
	PathPattern string
	// Status is answered instead of serving the request.
	Status int
	// Message is said with Status, in the service's own shape; empty is the status's text.
	Message string
	// Latency is waited (real time) before anything else.
	Latency time.Duration
	// DropRequest cuts the connection without serving the request.
	DropRequest bool
	// DropReply serves the request, then cuts the connection without an answer.
	DropReply bool
	// Held is waited (real time) by DropReply before it cuts: what took effect is not answered in time.
	Held time.Duration
	// LostUpdate answers a stack's PATCH or PUT with 202 and forgets it, as Heat does with the loser of two.
	LostUpdate bool
	// DoubleCreate lets a stack be created although its name is taken. A real Heat does so when two creates come at
	// once: of eight, two or three made a stack in 5 of 6 rounds on Zed (heat/db/api.py stack_create has no index).
	DoubleCreate bool
	// Times is how many requests are spoilt; 0 means all until ClearFaults.
	Times int
	used  int
}

// ResourceFault makes resources fail while they are created.
type ResourceFault struct {
	// Stack and Resource match names (* stands for any text; the stack is the root stack); Type is a resource type.
	Stack, Resource, Type string
	// Reason is Heat's text after "resources.name: "; empty means no valid host.
	Reason string
	// Times is how many creates fail; 0 means all until ClearFaults.
	Times int
	used  int
}

// Inject adds a fault. Faults are tried in the order they were injected; the first that matches applies.
func (c *Cloud) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// Chaos has every request that no injected fault spoils go by choose first, which may spoil it: the zero Fault does
// nothing, and what a Fault matches and its Times do not matter. Choose is called outside the cloud's lock, so that it may
// use the cloud, and by several requests at once if there are. Nil ends it.
func (c *Cloud) Chaos(choose func(Call) Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chaos = choose
}

// FailResource makes matching resources end in CREATE_FAILED.
func (c *Cloud) FailResource(f ResourceFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seeds = append(c.seeds, &f)
}

// FailServer makes the next server resource of this name (a pattern) go to ERROR with "No valid host was found".
func (c *Cloud) FailServer(resource string, times int) {
	c.FailResource(ResourceFault{Type: "OS::Nova::Server", Resource: resource, Times: times})
}

// ClearFaults removes all faults, not the Chaos.
func (c *Cloud) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.seeds = nil, nil
}

func (c *Cloud) matchFault(service, method, path string) Fault {
	for _, f := range c.faults {
		if f.Times > 0 && f.used >= f.Times || f.Service != "" && f.Service != service ||
			f.Method != "" && f.Method != method || f.PathPattern != "" && !glob(f.PathPattern, path) {
			continue
		}
		f.used++
		return *f
	}
	return Fault{}
}

const noValidHost = `Went to status ERROR due to "Message: No valid host was found. , Code: 500"`

// failure is the reason with which r's create must fail, or empty.
func (c *Cloud) failure(r *resource) string {
	for _, f := range c.seeds {
		if f.Times > 0 && f.used >= f.Times || f.Type != "" && f.Type != r.typ ||
			f.Resource != "" && !glob(f.Resource, r.name) || f.Stack != "" && !glob(f.Stack, r.stack.root().name) {
			continue
		}
		f.used++
		return "ResourceInError: " + where(r) + ": " + or(f.Reason, noValidHost)
	}
	return ""
}

// glob matches text against a pattern in which * stands for any text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// faultReply is an error in the shape of the service that would send it.
func faultReply(service string, f Fault) reply {
	status, text := f.Status, or(f.Message, http.StatusText(f.Status))
	switch service {
	case "heat":
		return heatError(status, "InternalError", text)
	case "identity":
		return keystoneError(status, text)
	case "octavia":
		return octaviaError(status, text)
	case "neutron":
		return neutronError(status, "Fault", text)
	default:
		return novaError(status, text)
	}
}
