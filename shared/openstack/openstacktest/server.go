package openstacktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options shape a fake cloud. The zero value is a cloud with a test clock, Octavia and guests that boot.
type Options struct {
	// Wall makes real time drive the cloud: state is brought up to date at each request, so a person sees progress.
	// Without it time stands still between Advance calls.
	Wall bool
	// Start is the first instant of the test clock; zero means 2026-01-05 09:00 UTC.
	Start time.Time
	// Seed starts the ids of a test cloud. Wall clouds draw random ids.
	Seed uint64
	// Listen is the address of the HTTP server; empty means a free port on loopback.
	Listen string
	// Release is what Heat knows; empty is Zed.
	Release Release
	// NoOctavia leaves load-balancer out of the catalog: what remains is LBaaSv2 under the network endpoint.
	NoOctavia bool
	// TokenLife is how long a token is good; zero means one hour.
	TokenLife time.Duration
	// Build says how long a resource of this type takes to make; a negative answer means the built-in time.
	Build func(resourceType string) time.Duration
	// SilentGuests keeps servers from sending the wait-condition signals found in their user data.
	SilentGuests bool
	// GuestBoot is the time from a server's ACTIVE to its guest's signal; zero means 4 s.
	GuestBoot time.Duration
	// PatchWindow is the real time between Heat's reading of a stack and its write of an update. Two PATCHes within
	// it are both answered with 202 and one is lost. Zero means 30 ms (a real Heat: about 200).
	PatchWindow time.Duration
	// CreateWindow is the real time between Heat's look at the name and its insert of a stack. Creates of one name within
	// it are all answered with 201. Zero means none, so that of several one wins; a real Heat has such a window, though a
	// narrow one: of eight creates at once two or three won in 5 of 6 rounds.
	CreateWindow time.Duration
}

// The one user and project every fake cloud starts with.
const (
	userName    = "demo"
	password    = "hunter2-of-the-fake-cloud"
	projectName = "demo"
	region      = "RegionOne"
	domainName  = "Default"
	credID      = "ac-demo"
	credSecret  = "hunter2-of-the-application-credential"
)

// Cloud is a fake OpenStack. All methods are safe for concurrent use.
type Cloud struct {
	opts   Options
	mux    *http.ServeMux
	server *http.Server
	base   string
	kinds  map[string]*kind

	mu        sync.Mutex // guards everything below
	clock     clock
	ids       idSource
	projectID string
	userID    string
	domainID  string
	tokens    map[string]*token
	stacks    stackIndex
	waiting   map[*resource]bool // wait conditions
	last      *stack             // the one that was unsettled when Settle looked last
	quota     Quota
	chaos     func(Call) Fault
	calls     []Call
	faults    []*Fault
	seeds     []*ResourceFault
	nova      novaState
	neutron   map[string]*object // networks, ports, floating IPs … by id
	lb        lbState

	catalogued catalogueState
}

// New starts a fake cloud on loopback. Close it when done.
func New(o Options) (*Cloud, error) {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	}
	o.TokenLife = or(o.TokenLife, time.Hour)
	o.GuestBoot = or(o.GuestBoot, 4*time.Second)
	o.PatchWindow = or(o.PatchWindow, 30*time.Millisecond)
	c := &Cloud{
		opts: o, mux: http.NewServeMux(), kinds: kindsOf(o.Release),
		clock:  clock{now: o.Start},
		ids:    idSource{seed: o.Seed, random: o.Wall},
		tokens: map[string]*token{}, stacks: newStackIndex(), waiting: map[*resource]bool{}, quota: defaultQuota(), neutron: map[string]*object{},
		nova: newNova(), lb: newLB(),
	}
	if o.Wall {
		c.clock.now = time.Now().UTC()
	}
	c.projectID, c.userID, c.domainID = c.ids.hex(), c.ids.hex(), "default"
	c.seedNetworks()
	c.seedCatalogue()
	c.routes()
	listen := o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	c.base = "http://" + ln.Addr().String()
	c.server = &http.Server{Handler: http.HandlerFunc(c.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(ln) }()
	return c, nil
}

// Close ends the HTTP server and its connections.
func (c *Cloud) Close() { _ = c.server.Close() }

// URL is the base under which all services answer.
func (c *Cloud) URL() string { return c.base }

// Env is what a client needs to log in with the password, in the words of the OS_* variables.
func (c *Cloud) Env() map[string]string {
	return map[string]string{
		"OS_AUTH_URL": c.base + "/identity/v3", "OS_USERNAME": userName, "OS_PASSWORD": password,
		"OS_PROJECT_NAME": projectName, "OS_USER_DOMAIN_NAME": domainName, "OS_PROJECT_DOMAIN_NAME": domainName,
		"OS_REGION_NAME": region, "OS_IDENTITY_API_VERSION": "3",
	}
}

// EnvCredential is Env with an application credential in the password's place.
func (c *Cloud) EnvCredential() map[string]string {
	return map[string]string{
		"OS_AUTH_URL": c.base + "/identity/v3", "OS_AUTH_TYPE": "v3applicationcredential",
		"OS_APPLICATION_CREDENTIAL_ID": credID, "OS_APPLICATION_CREDENTIAL_SECRET": credSecret, "OS_REGION_NAME": region,
	}
}

// request is one HTTP request on its way through a handler that holds c.mu.
type request struct {
	*http.Request
	c      *Cloud
	body   []byte
	token  *token
	lost   bool // a LostUpdate fault applies
	double bool // a DoubleCreate fault applies
}

// reply is what a handler answers; a nil body sends none.
type reply struct {
	status int
	body   any
	header map[string]string
}

type handler func(q *request) reply

// decode reads the JSON body into v.
func (q *request) decode(v any) bool { return json.Unmarshal(q.body, v) == nil }

// pause lets other requests in for d of real time: the gap between a service's read and its write.
func (q *request) pause(d time.Duration) {
	q.c.mu.Unlock()
	wait(q.Context().Done(), d)
	q.c.mu.Lock()
	q.c.tick()
}

func wait(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	}
}

// route serves a pattern such as "GET /heat/v1/{project}/stacks"; the first path element names the service.
func (c *Cloud) route(pattern string, h handler) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q, ok := r.Context().Value(requestKey{}).(*request)
		if !ok {
			http.Error(w, "no request", http.StatusInternalServerError)
			return
		}
		q.Request = r
		c.mu.Lock()
		c.tick()
		rep, ok := c.authorize(q)
		if ok {
			rep = h(q)
		}
		c.mu.Unlock()
		rep.write(w)
	})
}

func (rep reply) write(w http.ResponseWriter) {
	for k, v := range rep.header {
		w.Header().Set(k, v)
	}
	if rep.body == nil {
		w.WriteHeader(rep.status)
		return
	}
	if rep.body == jsonNull {
		rep.body = nil
	}
	b, err := json.Marshal(rep.body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rep.status)
	_, _ = w.Write(b)
}

// jsonNull as a reply's body sends the JSON text null, as Heat does for a signal.
var jsonNull any = &struct{ null bool }{}

type requestKey struct{}

// maxCalls bounds the call log.
const maxCalls = 100_000

// maxBody is Heat's max_json_body_size, 1 MiB.
const maxBody = 1 << 20

// serve is the way in: log, faults, then the service's own handler.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); !tooLarge {
			status = http.StatusInternalServerError
		}
		heatError(status, "RequestLimitExceeded", "Request limit exceeded: JSON body size exceeds maximum allowed size (1048576 bytes).").write(w)
		return
	}
	q := &request{c: c, body: body}
	service, path := splitService(r.URL.Path)
	c.mu.Lock()
	c.tick()
	path = c.relative(path)
	f, chaos := c.matchFault(service, r.Method, path), c.chaos
	if len(c.calls) > maxCalls { // the shim runs for days
		c.calls = append([]Call(nil), c.calls[maxCalls/2:]...)
	}
	call := Call{Time: c.clock.now, Service: service, Method: r.Method, Path: path, Query: r.URL.RawQuery, Name: callName(service, r.Method, path)}
	c.calls = append(c.calls, call)
	c.mu.Unlock()
	if f == (Fault{}) && chaos != nil {
		f = chaos(call)
	}
	if f.Latency > 0 {
		wait(r.Context().Done(), f.Latency)
	}
	if f.DropRequest {
		cut(w)
		return
	}
	if f.Status != 0 {
		faultReply(service, f).write(w)
		return
	}
	q.lost, q.double = f.LostUpdate, f.DoubleCreate
	r = r.WithContext(contextWith(r.Context(), q))
	if !f.DropReply {
		c.mux.ServeHTTP(w, r)
		return
	}
	c.mux.ServeHTTP(&discard{header: http.Header{}}, r)
	wait(r.Context().Done(), f.Held)
	cut(w)
}

// discard swallows an answer whose write took effect.
type discard struct {
	header http.Header
	bytes.Buffer
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := h.Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func splitService(path string) (service, rest string) {
	service, rest, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return service, "/" + rest
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
