//go:build integration

package shim_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

const (
	drainTime = 10 * time.Second
	// slow is how long a node takes for one request, so that there is always one under way.
	slow = time.Second
	// lag is how long a request that HAProxy has sent to a node may take to get there.
	lag = slow
)

// node is a web server that stands for the node of a pool member.
type node struct {
	address string // in Octavia
	slot    string // in HAProxy
	server  *http.Server
	served  atomic.Int64
	late    atomic.Int64 // requests that came although the node was to get none
	// zero is when HAProxy was told of weight 0; 0 as long as it was not. Unix nanoseconds.
	zero atomic.Int64
	// The controller alone uses these.
	weight int
	up     bool
	// gone is when the member was gone from Octavia. balancer.mu guards it.
	gone time.Time
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if zero := n.zero.Load(); zero > 0 && time.Since(time.Unix(0, zero)) > lag {
		n.late.Add(1)
	}
	select {
	case <-time.After(slow):
	case <-r.Context().Done():
		return
	}
	n.served.Add(1)
	fmt.Fprintln(w, n.address)
}

// balancer is an HAProxy whose servers are the members that Octavia has, those that are being deleted among them. Of each
// member it makes the node, too, and ends it the moment that the member is gone: what it is at work on then is lost.
type balancer struct {
	t      *testing.T
	front  string
	socket string
	cloud  *openstack.Cloud
	pool   string

	mu    sync.Mutex
	nodes map[string]*node // by member, also those that are gone
	slots int
}

// Timeouts, retries and redispatching are those of Octavia's own HAProxy.
const haproxyText = `
global
  stats socket SOCKET level admin
defaults
  mode http
  retries 3
  option redispatch
  timeout connect 5s
  timeout client 50s
  timeout server 50s
frontend listener
  bind FRONT
  default_backend pool
backend pool
  balance roundrobin
  server-template node 1-9 127.0.0.1:9 disabled
`

// newBalancer runs one for the pool until the test is over.
func newBalancer(t *testing.T, f *fleet) *balancer {
	t.Helper()
	dir := t.TempDir()
	b := &balancer{t: t, front: port(t), socket: filepath.Join(dir, "socket"), cloud: f.cloud, pool: f.pool, nodes: map[string]*node{}}
	text := strings.NewReplacer("SOCKET", b.socket, "FRONT", b.front).Replace(haproxyText)
	daemon(t, "haproxy", "-db", "-f", write(t, filepath.Join(dir, "haproxy.cfg"), text))
	until(t, "HAProxy is up", time.Minute, func() (string, bool) {
		_, err := os.Stat(b.socket)
		return fmt.Sprint(err), err == nil
	})
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			b.look()
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return b
}

// look does what Octavia's members say.
func (b *balancer) look() {
	list, err := b.cloud.Members(b.t.Context(), b.pool)
	if err != nil {
		return // the next look will tell
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	here := map[string]bool{}
	for _, m := range list {
		here[m.ID] = true
		n, known := b.nodes[m.ID]
		if !known {
			if m.ProvisioningStatus != "ACTIVE" {
				continue
			}
			n = b.start(m.Address)
			b.nodes[m.ID] = n
		}
		b.set(n, m.Weight, m.AdminUp)
	}
	for id, n := range b.nodes {
		if !here[id] && n.gone.IsZero() {
			n.server.Close()
			n.gone = time.Now()
			b.set(n, n.weight, false)
		}
	}
}

// start is a new node, of which HAProxy knows where it is, but not yet that it is up.
func (b *balancer) start(address string) *node {
	b.slots++
	n := &node{address: address, slot: "pool/node" + strconv.Itoa(b.slots), weight: -1}
	var at string
	at, n.server = local(b.t, n.ServeHTTP)
	host, tcp, _ := net.SplitHostPort(at)
	b.say("set server " + n.slot + " addr " + host + " port " + tcp)
	return n
}

// set tells HAProxy what has changed.
func (b *balancer) set(n *node, weight int, up bool) {
	if weight != n.weight {
		b.say("set server " + n.slot + " weight " + strconv.Itoa(weight))
		n.weight = weight
		n.zero.Store(0)
		if weight == 0 {
			n.zero.Store(time.Now().UnixNano())
		}
	}
	if up != n.up {
		b.say("set server " + n.slot + " state " + map[bool]string{true: "ready", false: "maint"}[up])
		n.up = up
	}
}

// say is one command to HAProxy.
func (b *balancer) say(command string) string {
	c, err := net.Dial("unix", b.socket)
	if err != nil {
		b.t.Errorf("%s: %v", command, err)
		return ""
	}
	defer c.Close()
	fmt.Fprintln(c, command)
	answer, err := io.ReadAll(c)
	text := strings.TrimSpace(string(answer))
	if err != nil || strings.HasPrefix(command, "set ") && text != "" && !strings.Contains(text, "changed") {
		b.t.Errorf("%s: %q, %v", command, text, err)
	}
	return text
}

// here and gone are the nodes that are in the pool, and that were.
func (b *balancer) here() (list []*node) {
	return b.those(func(n *node) bool { return n.gone.IsZero() })
}

func (b *balancer) gone() (list []*node) {
	return b.those(func(n *node) bool { return !n.gone.IsZero() })
}

func (b *balancer) those(keep func(*node) bool) (list []*node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.nodes {
		if keep(n) {
			list = append(list, n)
		}
	}
	return list
}

// served waits until each node of the pool, of which there are so many, has answered some more requests.
func (b *balancer) served(size int) {
	b.t.Helper()
	before := map[*node]int64{}
	until(b.t, fmt.Sprint(size, " nodes get traffic"), patience, func() (string, bool) {
		nodes, least := b.here(), int64(-1)
		for _, n := range nodes {
			if _, known := before[n]; !known {
				before[n] = n.served.Load()
			}
			if more := n.served.Load() - before[n]; least < 0 || more < least {
				least = more
			}
		}
		return fmt.Sprint(len(nodes), " nodes, the least of them answered ", least), len(nodes) == size && least >= 10
	})
}

// errorsSeen are the answers 5xx that HAProxy gave.
func (b *balancer) errorsSeen() int {
	b.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.say("show stat"), "# "))).ReadAll()
	if err != nil {
		b.t.Fatalf("read HAProxy's counters: %v", err)
	}
	for _, row := range rows {
		if row[0] != "listener" {
			continue
		}
		for i, column := range rows[0] {
			if column == "hrsp_5xx" {
				n, err := strconv.Atoi(row[i])
				if err != nil {
					b.t.Fatal(err)
				}
				return n
			}
		}
	}
	b.t.Fatal("HAProxy does not count")
	return 0
}

// traffic is wrk: connections that are kept, each with one request after another.
type traffic struct {
	t    *testing.T
	cmd  *exec.Cmd
	said bytes.Buffer
}

func wrk(t *testing.T, front string) *traffic {
	t.Helper()
	tr := &traffic{t: t}
	path, err := exec.LookPath("wrk")
	if err != nil {
		t.Fatalf("%v (scripts/test-openstack installs it)", err)
	}
	tr.cmd = exec.Command(path, "--threads", "2", "--connections", "24", "--duration", "30m", "--timeout", "30s", "http://"+front+"/")
	tr.cmd.Stdout, tr.cmd.Stderr = &tr.said, &tr.said
	if err := tr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.cmd.Process.Kill() }) // if the test ends before
	return tr
}

// stop ends it and counts the requests, and those of them that failed.
func (tr *traffic) stop() (requests, failed int) {
	tr.t.Helper()
	if err := tr.cmd.Process.Signal(syscall.SIGINT); err != nil {
		tr.t.Fatal(err)
	}
	if err := tr.cmd.Wait(); err != nil {
		tr.t.Fatalf("wrk: %v\n%s", err, tr.said.String())
	}
	text := tr.said.String()
	number := func(pattern string) (sum int) {
		for _, found := range regexp.MustCompile(pattern).FindStringSubmatch(text)[1:] {
			n, err := strconv.Atoi(found)
			if err != nil {
				tr.t.Fatal(err)
			}
			sum += n
		}
		return sum
	}
	requests = number(`(\d+) requests in`)
	if strings.Contains(text, "Non-2xx") {
		failed += number(`Non-2xx or 3xx responses: (\d+)`)
	}
	if strings.Contains(text, "Socket errors") {
		failed += number(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	}
	return requests, failed
}

// order sends an operator's order, which may be sent again and again.
func (f *fleet) order(verb, body string) {
	f.t.Helper()
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	got := f.with(client, http.MethodPost, "http://"+f.s.Addr()+"/scale-cluster/"+f.name+"/"+verb, "application/json", body, "Authorization", "Bearer "+fleetToken)
	if got.code >= http.StatusBadRequest && got.code != http.StatusConflict && got.code != http.StatusServiceUnavailable {
		f.t.Fatalf("%s: %d %s", verb, got.code, got.body)
	}
}

// scaled orders a size until the cluster has it, with the passes that a timer would order.
func (f *fleet) scaled(size int, look func()) {
	f.t.Helper()
	until(f.t, fmt.Sprint("the cluster has ", size, " nodes"), patience, func() (string, bool) {
		f.order("set", fmt.Sprintf(`{"to": %d}`, size))
		f.order("reconcile", "")
		look()
		s, err := f.cloud.StackParameters(f.t.Context(), f.ref)
		if err != nil {
			return err.Error(), false
		}
		got := s.State() + " " + s.Parameters["app_count"]
		return got, got == "UPDATE_COMPLETE "+strconv.Itoa(size)
	})
}

// figures are of one shrinking under traffic.
type figures struct{ requests, failed, errors int }

// shrunk takes the cluster from three nodes to one under traffic.
func (f *fleet) shrunk(b *balancer, look func()) figures {
	f.t.Helper()
	before := b.errorsSeen()
	tr := wrk(f.t, b.front)
	b.served(3)
	f.scaled(1, look)
	b.served(1)
	var got figures
	got.requests, got.failed = tr.stop()
	got.errors = b.errorsSeen() - before
	return got
}

// TestRealHAProxyDrain takes two of three nodes away while wrk keeps all of them busy: with a drain no request fails, and
// without one those fail that the nodes were at work on.
func TestRealHAProxyDrain(t *testing.T) {
	f := newFleet(t, 3, `{min: 1, max: 3, cooldown_out: 0s, cooldown_in: 0s, drain: {timeout: `+drainTime.String()+`}}`)
	b := newBalancer(t, f)
	servers := map[string]string{}
	for _, n := range f.view().List {
		servers[n.Address] = n.Server
	}
	looked := map[string]bool{}
	gentle := f.shrunk(b, func() {
		for _, n := range b.here() {
			if n.zero.Load() == 0 || looked[n.address] {
				continue
			}
			looked[n.address] = true
			if list, err := f.cloud.Servers(t.Context(), servers[n.address]); err != nil || len(list) != 1 {
				t.Errorf("the server of %s, which has weight 0: %v, %v", n.address, list, err)
			}
		}
	})
	t.Logf("with a drain of %s: %d requests, %d failed (HAProxy answered %d with 5xx)", drainTime, gentle.requests, gentle.failed, gentle.errors)
	if gentle.failed != 0 || gentle.errors != 0 || gentle.requests == 0 {
		t.Errorf("with a drain: %+v", gentle)
	}
	left := b.gone()
	if len(left) != 2 || len(looked) != 2 {
		t.Errorf("%d nodes went, %d had weight 0", len(left), len(looked))
	}
	for _, n := range left {
		zero := time.Unix(0, n.zero.Load())
		t.Logf("%s had weight 0 for %s before it was gone, and answered %d requests", n.address, n.gone.Sub(zero).Round(100*time.Millisecond), n.served.Load())
		if early := drainTime - 2*time.Second; n.zero.Load() == 0 || n.gone.Sub(zero) < early { // tags have whole seconds
			t.Errorf("%s was gone at %s, weight 0 at %s", n.address, n.gone, zero)
		}
		if late := n.late.Load(); late > 0 {
			t.Errorf("%s got %d requests after weight 0", n.address, late)
		}
	}

	f.scaled(3, func() {})
	f.serve(`{min: 1, max: 3, cooldown_out: 0s, cooldown_in: 0s}`)
	hard := f.shrunk(b, func() {})
	t.Logf("without a drain: %d requests, %d failed (HAProxy answered %d with 5xx)", hard.requests, hard.failed, hard.errors)
	if hard.failed == 0 || len(b.gone()) != 4 {
		t.Errorf("without a drain: %+v, %d nodes are gone", hard, len(b.gone()))
	}
	t.Logf("what the cluster remembers: %s", strings.Join(f.view().ring(), "; "))
}
