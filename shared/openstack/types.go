package openstack

import (
	"net/http"
	"time"
)

// Options say which cloud to use and how to reach it.
type Options struct {
	// Cloud names an entry of clouds.yaml; empty means OS_CLOUD, and without that the OS_* variables alone.
	Cloud string
	// Getenv reads the OS_* variables, HOME and XDG_CONFIG_HOME. Required: this package never reads the environment itself.
	Getenv func(string) string
	// Transport replaces the pooled transport (tests, proxies). Nil means our own.
	Transport http.RoundTripper
	// Timeout bounds a single HTTP request; zero means 15 s. The context's deadline applies besides.
	Timeout time.Duration
}

// StackRef is a stack's full identity. A request with both parts costs one round trip; with the name alone, two
// (heat/api/openstack/v1/stacks.py redirects a name to name/id).
type StackRef struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Stack is Heat's view of a stack. Lists fill neither Parameters nor Outputs.
type Stack struct {
	StackRef
	// Action and Status are the two halves of Heat's stack_status, e.g. "CREATE" and "IN_PROGRESS".
	Action, Status string
	// Reason is Heat's stack_status_reason: for logs and operators, never for learners.
	Reason     string
	Created    time.Time
	Updated    time.Time // zero until the first update
	Tags       []string
	Parameters map[string]string // as Heat prints them: everything is a string
	Outputs    map[string]any    // nil values while a resource is not there yet
}

// State is Heat's stack_status, e.g. "CREATE_COMPLETE".
func (s Stack) State() string { return s.Action + "_" + s.Status }

// Busy says that Heat is at work on the stack: nothing may be written to it now (research: two writers lose one).
func (s Stack) Busy() bool { return s.Status == "IN_PROGRESS" }

// NewStack is what is needed to create a stack.
type NewStack struct {
	Name       string
	Template   string
	Files      map[string]string // get_file name → content; nested templates by the name the template uses
	Parameters map[string]any
	Tags       []string
	Timeout    time.Duration // rounded up to minutes; zero means Heat's default (60 min)
}

// StackChange is an update by PATCH: what is not set stays as it is.
type StackChange struct {
	Parameters map[string]any
	Tags       []string // nil keeps them
	Template   string   // with Files, replaces the template but keeps the parameters
	Files      map[string]string
	// Converge makes Heat compare with what really exists instead of what it remembers.
	Converge bool
}

// Preview is what an update would do, by resource name.
type Preview struct {
	Unchanged, Updated, Replaced, Added, Deleted []string
}

// Resource is one resource of a stack or, with depth, of its nested stacks.
type Resource struct {
	Name       string
	Type       string
	PhysicalID string
	Action     string
	Status     string
	Reason     string
	// Parent is the name of the resource whose nested stack holds this one; empty on the top level.
	Parent string
	// Stack is the stack that holds it, where the service tells: in lists of resources.
	Stack   StackRef
	Created time.Time
	// Properties are there in a preview alone, as far as they are known before anything is made: what refers to another
	// resource is an empty text there, and a property that is not set may be nil.
	Properties map[string]any
}

// Event is one step of a stack's life. The stack's own steps carry its name as Resource.
type Event struct {
	ID       string
	Time     time.Time
	Resource string
	Action   string
	Status   string
	Reason   string
	// PhysicalID is the stack's id when the event is about the stack itself.
	PhysicalID string
}

// Signal is the body of a wait-condition signal. Use a fresh ID each time: Heat does not keep the last of several
// signals that share one (measured).
type Signal struct {
	ID     string `json:"id"`
	Status string `json:"status"` // SUCCESS or FAILURE
	Reason string `json:"reason,omitempty"`
	Data   any    `json:"data,omitempty"`
}

// Action is a verb of Heat's stack actions.
type Action string

// The actions of POST /stacks/{name}/{id}/actions.
const (
	Suspend      Action = "suspend"
	Resume       Action = "resume"
	Check        Action = "check"
	CancelUpdate Action = "cancel_update"
)

// LoadBalancer is the state of a load balancer and of everything under it.
type LoadBalancer struct {
	ID, Name           string
	VIPAddress         string
	ProvisioningStatus string // ACTIVE, PENDING_*, ERROR
	OperatingStatus    string // ONLINE, DRAINING, OFFLINE, DEGRADED, ERROR, NO_MONITOR
	Pools              []Pool
}

// Pool is a load balancer's pool with its members as the status tree shows them.
type Pool struct {
	ID, Name           string
	ProvisioningStatus string
	OperatingStatus    string
	Members            []Member
}

// Member is one back end of a pool.
type Member struct {
	ID, Name           string
	Address            string
	Port               int
	Weight             int
	AdminUp            bool
	Tags               []string // empty with LBaaSv2, which has none
	ProvisioningStatus string
	OperatingStatus    string
}

// MemberChange sets a member's absolute values; nil fields stay.
type MemberChange struct {
	Weight  *int
	AdminUp *bool
	Tags    *[]string
}

// Server is one Nova server.
type Server struct {
	ID, Name string
	Status   string // ACTIVE, BUILD, ERROR, SHUTOFF, SUSPENDED …
	// Addresses are all its IP addresses, fixed first, then floating.
	Addresses []string
	// ImageID is empty for a server that boots from a volume.
	ImageID, FlavorID string
}
