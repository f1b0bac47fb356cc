//go:build integration

package shim_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const engineEntry = `{min: 1, max: 6, cooldown_out: 0s, cooldown_in: 0s, stuck_timeout: 15s, drain: {timeout: 1s}}`

// pidFile is as scripts/openstack/lib.sh writes it. That of a cloud in a chroot is elsewhere, as scripts/openstack-run says.
func pidFile(daemon string) string {
	folder := os.Getenv("OPENSTACK_RUN")
	if folder == "" {
		folder = "/run/devcloud"
	}
	return filepath.Join(folder, daemon+".pid")
}

// engineKilled kills Heat's engine in the middle of a growth, and of a removal. Heat never ends such an update; the alarm's
// calls see that it takes too long, and have it made again.
func engineKilled(t *testing.T, l *loop) {
	t.Helper()
	if os.Getenv("OS_CLOUD") != "devcloud" {
		t.Logf("the engine of cloud %q is not ours to kill", os.Getenv("OS_CLOUD"))
		return
	}
	l.t, l.life, l.gate.t = t, t, t
	l.processes(1, 1, engineEntry)
	out := strings.TrimPrefix(l.s.ScaleURL(l.name, "out"), l.gate.url)
	in := strings.TrimPrefix(l.s.ScaleURL(l.name, "in"), l.gate.url)

	t.Cleanup(l.sweepPorts)
	var kept string // the node that is not the oldest
	l.part("the engine is killed while nodes are made", func() {
		l.begins(out, "growth", 2)
		l.killEngine()
		v := l.mended(out, 2)
		l.sweepServers(v)
		kept = v.names()[1]
	})
	l.part("the engine is killed before it removes the drained node", func() {
		until(l.t, "the oldest node gets no more connections", time.Minute, func() (string, bool) {
			got := l.gate.deliver(aodhSays(in, "shrink", "alarm", 5))[0].code
			return got, got == "draining" || got == "duplicate"
		})
		until(l.t, "Heat is told to remove it", time.Minute, func() (string, bool) {
			got := l.gate.deliver(aodhSays(in, "tick", "ok", 50))[0].pass
			return got, got == "removed"
		})
		l.killEngine()
		if v := l.mended(out, 1); !slices.Equal(v.names(), []string{kept}) {
			l.t.Errorf("left is %v, and %s was to stay", v.names(), kept)
		}
	})
}

// sweepServers removes a server that an engine had Nova make and then died before it wrote down: no stack knows it.
func (l *loop) sweepServers(v fleetView) {
	l.t.Helper()
	cloud := newGnocchi(l.t)
	var all struct{ Servers []struct{ ID, Name string } }
	cloud.send(http.MethodGet, cloud.servers+"/servers?name="+l.name+"-", nil, &all)
	for _, s := range all.Servers {
		if !slices.ContainsFunc(v.List, func(n fleetNode) bool { return n.Server == s.ID }) {
			l.t.Logf("the dead engine left server %s", s.Name)
			cloud.send(http.MethodDelete, cloud.servers+"/servers/"+s.ID, nil, nil)
		}
	}
}

// sweepPorts removes the ports that an engine had Neutron make and then died before it wrote down: no stack knows them, and the
// network cannot go while they are there.
func (l *loop) sweepPorts() {
	l.t.Helper()
	cloud := newGnocchi(l.t)
	var all struct {
		Ports []struct {
			ID, Name string
			Device   string `json:"device_id"`
		}
	}
	cloud.send(http.MethodGet, cloud.network+"/v2.0/ports", nil, &all)
	for _, p := range all.Ports {
		if strings.HasPrefix(p.Name, l.name+"-") && p.Device == "" {
			l.t.Logf("the dead engine left port %s", p.Name)
			cloud.send(http.MethodDelete, cloud.network+"/v2.0/ports/"+p.ID, nil, nil)
		}
	}
}

// mended lets the alarm call, that all is well, until the update was sent again, and waits for its end. A server that Nova made
// for the dead engine may have the node's port; then the node cannot be made, and an operator has others made in its place.
func (l *loop) mended(path string, size int) fleetView {
	l.t.Helper()
	tick := func() (string, bool) {
		got := l.gate.deliver(aodhSays(path, "tick", "ok", 50))[0].pass
		return got, got == "repaired"
	}
	until(l.t, "the update is sent again", 2*time.Minute, tick)
	v := l.recovers(size, func() { l.order("reconcile?force=1", "") })
	if first := v.Decisions[0]; first.Code != "repaired" {
		l.t.Errorf("history: %v", v.ring())
	}
	return v
}

// killEngine kills it the hard way, and has it started again as it was.
func (l *loop) killEngine() {
	l.t.Helper()
	text, err := os.ReadFile(pidFile("heat-engine"))
	if err != nil {
		l.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		l.t.Fatalf("kill heat-engine %s: %v", text, err)
	}
	begun := time.Now()
	up := exec.Command(filepath.Join("..", "..", "..", "scripts", "openstack-up"), os.Getenv("OS_CLIENT_CONFIG_FILE"))
	if os.Getenv("OPENSTACK_RELEASE") != "" { // it knows where that one's clouds.yaml is
		up.Args = up.Args[:1]
	}
	if said, err := up.CombinedOutput(); err != nil {
		l.t.Fatalf("start heat-engine again: %v\n%s", err, said)
	}
	l.t.Logf("the engine is back after %s", time.Since(begun).Round(100*time.Millisecond))
	s, err := l.cloud.StackParameters(l.t.Context(), l.ref)
	if err != nil || s.Status != "IN_PROGRESS" {
		l.t.Errorf("the stack is %s, %v: the engine had done its work before", s.State(), err)
	}
}
