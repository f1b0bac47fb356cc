package openstacktest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// lbState holds load balancers, listeners, pools, members and monitors by id. Fields are in Octavia's words; an
// object's "lb", "pool" and "listener" name its parents.
type lbState struct {
	objects map[string]*object
	order   []string
}

func newLB() lbState { return lbState{objects: map[string]*object{}} }

// pending is how long a change keeps a load balancer immutable (live-numbers.md: 1.4 s at the median).
const pending = 1400 * time.Millisecond

// memberWindow is the real time between Octavia's check and its write: two PUTs within it both get 200, and the last
// one wins (live.md 1, row 2).
const memberWindow = 5 * time.Millisecond

func (c *Cloud) lbRoutes() {
	for _, base := range []string{"/octavia/v2.0/lbaas", "/octavia/v2/lbaas", "/neutron/v2.0/lbaas"} {
		c.route("GET "+base+"/loadbalancers", c.listLB("loadbalancer", "loadbalancers"))
		c.route("GET "+base+"/loadbalancers/{id}", c.showLB("loadbalancer"))
		c.route("GET "+base+"/loadbalancers/{id}/statuses", c.statusTree)
		if strings.HasPrefix(base, "/octavia") { // LBaaSv2 knows /statuses alone
			c.route("GET "+base+"/loadbalancers/{id}/status", c.statusTree)
		}
		c.route("GET "+base+"/listeners", c.listLB("listener", "listeners"))
		c.route("GET "+base+"/listeners/{id}", c.showLB("listener"))
		c.route("GET "+base+"/pools", c.listLB("pool", "pools"))
		c.route("GET "+base+"/pools/{id}", c.showLB("pool"))
		c.route("GET "+base+"/healthmonitors/{id}", c.showLB("healthmonitor"))
		c.route("GET "+base+"/pools/{pool}/members", c.listMembers)
		c.route("GET "+base+"/pools/{pool}/members/{id}", c.showMember)
		c.route("PUT "+base+"/pools/{pool}/members/{id}", c.putMember)
		if strings.HasPrefix(base, "/octavia") {
			c.route("PUT "+base+"/pools/{pool}/members", c.putMembers)
		}
	}
}

func octaviaError(status int, message string) reply {
	return reply{status: status, body: map[string]any{"faultcode": "Client", "faultstring": message, "debuginfo": nil}}
}

func lbKind(q *request) bool { return strings.HasPrefix(q.URL.Path, "/octavia") }

func lbNotFound(q *request, kind string) reply {
	if lbKind(q) {
		kind = map[string]string{"loadbalancer": "Load Balancer", "listener": "Listener", "pool": "Pool", "member": "Member", "healthmonitor": "Health Monitor"}[kind]
		return octaviaError(http.StatusNotFound, kind+" "+q.PathValue("id")+" not found.")
	}
	return neutronError(http.StatusNotFound, "EntityNotFound", kind+" "+q.PathValue("id")+" could not be found")
}

func (c *Cloud) addLB(o *object) {
	c.lb.objects[o.id] = o
	c.lb.order = append(c.lb.order, o.id)
}

func (c *Cloud) dropLB(id string) {
	delete(c.lb.objects, id)
	c.lb.order = slices.DeleteFunc(c.lb.order, func(x string) bool { return x == id })
}

// under are the objects of a kind whose parent field is id, in order of creation.
func (c *Cloud) under(kind, parent, id string) []*object {
	var out []*object
	for _, key := range c.lb.order {
		if o := c.lb.objects[key]; o.kind == kind && (parent == "" || o.str(parent) == id) {
			out = append(out, o)
		}
	}
	return out
}

// view is an object as the API shows it. LBaaSv2 members have neither status nor tags.
func (c *Cloud) view(o *object, octavia bool) map[string]any {
	out := maps.Clone(o.fields)
	for _, internal := range []string{"lb", "pool", "listener", "forced_status", "lb_change"} {
		delete(out, internal)
	}
	refs := func(kind, parent string) []any {
		list := []any{}
		for _, child := range c.under(kind, parent, o.id) {
			list = append(list, map[string]any{"id": child.id})
		}
		return list
	}
	switch o.kind {
	case "loadbalancer":
		out["listeners"], out["pools"], out["provider"] = refs("listener", "lb"), refs("pool", "lb"), "amphora"
	case "listener":
		out["loadbalancers"] = []any{map[string]any{"id": o.str("lb")}}
	case "pool":
		out["members"], out["loadbalancers"] = refs("member", "pool"), []any{map[string]any{"id": o.str("lb")}}
		out["listeners"] = []any{}
		if o.str("listener") != "" {
			out["listeners"] = []any{map[string]any{"id": o.str("listener")}}
		}
	}
	if tags := texts(out["tags"]); octavia && tags != nil {
		slices.Sort(tags) // a set: not in the order they were given
		out["tags"] = tags
	}
	if !octavia {
		delete(out, "tags")
		if o.kind == "member" {
			delete(out, "provisioning_status")
			delete(out, "operating_status")
		}
	}
	return out
}

func (c *Cloud) listLB(kind, word string) handler {
	return func(q *request) reply {
		out := []any{}
		for _, o := range c.under(kind, "", "") {
			if matches(o, q) {
				out = append(out, c.view(o, lbKind(q)))
			}
		}
		return reply{status: http.StatusOK, body: map[string]any{word: out}}
	}
}

func (c *Cloud) showLB(kind string) handler {
	return func(q *request) reply {
		o := c.lb.objects[q.PathValue("id")]
		if o == nil || o.kind != kind {
			return lbNotFound(q, kind)
		}
		return reply{status: http.StatusOK, body: map[string]any{kind: c.view(o, lbKind(q))}}
	}
}

// statusTree is the status of a load balancer and of all under it.
func (c *Cloud) statusTree(q *request) reply {
	lb := c.lb.objects[q.PathValue("id")]
	if lb == nil || lb.kind != "loadbalancer" {
		return lbNotFound(q, "loadbalancer")
	}
	pool := func(p *object) map[string]any {
		members := []any{}
		for _, m := range c.under("member", "pool", p.id) {
			n := statusOf(m)
			n["address"], n["protocol_port"] = m.fields["address"], m.fields["protocol_port"]
			members = append(members, n)
		}
		n := statusOf(p)
		n["members"] = members
		for _, hm := range c.under("healthmonitor", "pool", p.id) {
			n["health_monitor"] = statusOf(hm)
		}
		return n
	}
	tree := statusOf(lb)
	listeners, pools := []any{}, []any{}
	for _, l := range c.under("listener", "lb", lb.id) {
		n, inside := statusOf(l), []any{}
		for _, p := range c.under("pool", "listener", l.id) {
			inside = append(inside, pool(p))
		}
		n["pools"] = inside
		listeners = append(listeners, n)
	}
	for _, p := range c.under("pool", "lb", lb.id) {
		pools = append(pools, pool(p))
	}
	tree["listeners"] = listeners
	if !lbKind(q) { // Octavia hangs pools on their listeners alone
		tree["pools"] = pools
	}
	return reply{status: http.StatusOK, body: map[string]any{"statuses": map[string]any{"loadbalancer": tree}}}
}

func statusOf(o *object) map[string]any {
	return map[string]any{"id": o.id, "name": o.str("name"), "provisioning_status": o.str("provisioning_status"), "operating_status": o.str("operating_status")}
}

func (c *Cloud) member(q *request) *object {
	m := c.lb.objects[q.PathValue("id")]
	if m == nil || m.kind != "member" || m.str("pool") != q.PathValue("pool") {
		return nil
	}
	return m
}

func (c *Cloud) listMembers(q *request) reply {
	p := c.lb.objects[q.PathValue("pool")]
	if p == nil || p.kind != "pool" {
		return octaviaError(http.StatusNotFound, "Pool "+q.PathValue("pool")+" not found.")
	}
	out := []any{}
	for _, m := range c.under("member", "pool", p.id) {
		out = append(out, c.view(m, lbKind(q)))
	}
	return reply{status: http.StatusOK, body: map[string]any{"members": out}}
}

func (c *Cloud) showMember(q *request) reply {
	m := c.member(q)
	if m == nil {
		return lbNotFound(q, "member")
	}
	return reply{status: http.StatusOK, body: map[string]any{"member": c.view(m, lbKind(q))}}
}

// immutable is the 409 of a load balancer that is not ACTIVE: PENDING_* and ERROR alike.
func (c *Cloud) immutable(q *request, pool *object) (reply, bool) {
	lb := c.lb.objects[pool.str("lb")]
	if lb != nil && lb.str("provisioning_status") == "ACTIVE" && pool.str("provisioning_status") == "ACTIVE" {
		return reply{}, false
	}
	if lbKind(q) {
		return octaviaError(http.StatusConflict, "Pool "+pool.id+" is immutable and cannot be updated."), true
	}
	return neutronError(http.StatusConflict, "StateInvalid", "Invalid state PENDING_UPDATE of loadbalancer resource "+pool.str("lb")), true
}

func (c *Cloud) putMember(q *request) reply {
	m := c.member(q)
	if m == nil {
		return lbNotFound(q, "member")
	}
	pool := c.lb.objects[m.str("pool")]
	if rep, busy := c.immutable(q, pool); busy {
		return rep
	}
	var in struct {
		Member map[string]any `json:"member"`
	}
	if !q.decode(&in) {
		return octaviaError(http.StatusBadRequest, "Invalid input for field/attribute member.")
	}
	for key, v := range in.Member {
		if bad := badMember(key, v, lbKind(q)); bad != "" {
			return octaviaError(http.StatusBadRequest, bad)
		}
	}
	q.pause(memberWindow)
	for key, v := range in.Member {
		if v != nil {
			m.fields[key] = normal(v)
		}
	}
	c.touchPool(pool, m)
	return reply{status: http.StatusOK, body: map[string]any{"member": c.view(m, lbKind(q))}}
}

func badMember(key string, v any, octavia bool) string {
	switch key {
	case "weight":
		if n, err := number(v); err == nil {
			if w, ok := n.(int); ok && w >= 0 && w <= 256 {
				return ""
			}
		}
		return "Invalid input for field/attribute weight. Value: '" + str(v) + "'. Value should be lower or equal to 256"
	case "admin_state_up", "name":
		return ""
	case "tags", "backup", "monitor_port", "monitor_address":
		if octavia {
			return ""
		}
	}
	return "Unknown attribute for argument member_.member: " + key
}

// putMembers is the batch: members are matched by address and port, the rest is deleted unless additive_only. What is
// not given falls back to the defaults of a new member, so an omitted weight un-drains (research: scaling §5).
func (c *Cloud) putMembers(q *request) reply {
	pool := c.lb.objects[q.PathValue("pool")]
	if pool == nil || pool.kind != "pool" {
		return octaviaError(http.StatusNotFound, "Pool "+q.PathValue("pool")+" not found.")
	}
	if rep, busy := c.immutable(q, pool); busy {
		return rep
	}
	var in struct {
		Members []map[string]any `json:"members"`
	}
	if !q.decode(&in) {
		return octaviaError(http.StatusBadRequest, "Invalid input for field/attribute members.")
	}
	keep := map[string]bool{}
	for _, want := range in.Members {
		var m *object
		for _, have := range c.under("member", "pool", pool.id) {
			if have.str("address") == str(want["address"]) && have.str("protocol_port") == str(normal(want["protocol_port"])) {
				m = have
			}
		}
		if m == nil {
			m = c.newMember(pool, c.ids.uuid(), nil)
		}
		maps.Copy(m.fields, map[string]any{"weight": 1, "backup": false, "admin_state_up": true})
		for k, v := range want {
			m.fields[k] = normal(v)
		}
		keep[m.id] = true
	}
	for _, have := range c.under("member", "pool", pool.id) {
		if !keep[have.id] && q.URL.Query().Get("additive_only") != "true" {
			c.dropLB(have.id)
		}
	}
	c.touchPool(pool, nil)
	return reply{status: http.StatusAccepted}
}

// touchPool makes pool, its load balancer and m PENDING_UPDATE for a moment.
func (c *Cloud) touchPool(pool, m *object) {
	lb := c.lb.objects[pool.str("lb")]
	changed := []*object{pool}
	if lb != nil {
		changed = append(changed, lb)
	}
	if m != nil {
		changed = append(changed, m)
	}
	token := c.ids.hex()
	for _, o := range changed {
		o.fields["provisioning_status"] = "PENDING_UPDATE"
		o.fields["lb_change"] = token
	}
	c.after(pending, func() {
		for _, o := range changed {
			if o.str("lb_change") == token {
				o.fields["provisioning_status"] = "ACTIVE"
			}
		}
		c.refreshMembers(pool)
	})
}
