//go:build vm

package heattemplates_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLadder3BackendsOnMachines is a site's backends under real cloud-init, from blank volumes on: a first boot, the end of one machine
// and its successor, and a power cut of all three.
func TestLadder3BackendsOnMachines(t *testing.T) {
	s := newVMSite(t)
	for _, act := range []struct {
		name string
		play func()
	}{
		{"first boot of all three on blank volumes", s.firstBoot},
		{"what user data has made of them", s.inspect},
		{"one dies and is made again on its volumes", s.rebuild},
		{"all three lose their power and start again", s.powerCut},
		{"one is made again from an image without the packages", s.rebuildPlain},
	} {
		s.say("ACT %s", act.name)
		start := time.Now()
		act.play()
		if t.Failed() {
			t.FailNow() // the next acts rest on this one
		}
		s.say("DONE in %d s: %s", int(time.Since(start).Seconds()), act.name)
	}
}

// firstBoot is from an image that has the packages.
func (s *vmSite) firstBoot() {
	for _, n := range s.nodes {
		n.newDisk("prepared")
		n.start()
	}
	s.wait(90*time.Minute, "three nodes are ready", func() bool { return s.state() == "CREATE_COMPLETE" })
	s.whole()
	s.nodes[0].sql("CREATE TABLE openedx.marks (id INT PRIMARY KEY); INSERT INTO openedx.marks VALUES (1)")
}

// whole waits until all three say that they are one cluster, which has to be the one that they were before.
func (s *vmSite) whole() {
	s.t.Helper()
	last := ""
	s.wait(60*time.Minute, "three nodes in one cluster", func() bool {
		first := s.nodes[0].standing()["uuid"]
		ok := first != ""
		var all []string
		for _, n := range s.nodes {
			at := n.standing()
			ok = ok && at["uuid"] == first && at["status"] == "Primary" && at["state"] == "Synced" && at["size"] == "3"
			all = append(all, fmt.Sprintf("%d: %s %s, size %s", n.index, at["status"], at["state"], at["size"]))
		}
		if now := strings.Join(all, "; "); now != last {
			s.say("mysql: %s", now)
			last = now
		}
		return ok
	})
	uuid := s.nodes[0].standing()["uuid"]
	if s.uuid != "" && uuid != s.uuid {
		s.t.Fatalf("the cluster was %s, and is %s", s.uuid, uuid)
	}
	s.uuid = uuid
	s.say("cluster %s", uuid)
}

// inspect looks at what user data has made of each machine.
func (s *vmSite) inspect() {
	for _, n := range s.nodes {
		out := n.must(`cloud-init status --wait >/dev/null || true
cloud-init status --long
for unit in mariadb redis-server mongod; do echo "$unit $(systemctl is-enabled $unit)"; done
systemctl is-active stackhook-boot stackhook-mysql stackhook-redis stackhook-sentinel stackhook-backup.timer
. /etc/stackhook/site.env
for role in mysql mongodb; do
  id=${role^^}_VOLUME
  [ "$(readlink -f "$(findmnt -n -o SOURCE /srv/$role)")" = "$(readlink -f /dev/disk/by-id/virtio-${!id:0:20})" ] && echo "$role is on its volume"
done
stat -c '%a %n' /etc/stackhook/site.env /etc/stackhook/signal /var/log/stackhook/boot.log
echo "$(pgrep -cx mariadbd) mariadbd, $(pgrep -cx redis-server) redis-server"
grep -rlF hunter2 /var/log && echo "secrets in a log"
true`)
		for _, want := range []string{
			"status: done", "DataSourceOpenStack", "mariadb masked", "redis-server masked", "mongod masked", strings.Repeat("active\n", 5),
			"mysql is on its volume", "mongodb is on its volume", "600 /etc/stackhook/site.env", "600 /etc/stackhook/signal", "600 /var/log/stackhook/boot.log",
			"1 mariadbd, 2 redis-server", // Redis and its Sentinel
		} {
			if !strings.Contains(out, want) {
				s.t.Errorf("node %d: no %q in:\n%s", n.index, want, out)
			}
		}
		if strings.Contains(out, "secrets in a log") {
			s.t.Errorf("node %d: %s", n.index, out)
		}
		if strings.Contains(n.console(), "hunter2") {
			s.t.Errorf("node %d: secrets on the console", n.index)
		}
	}
}

func (s *vmSite) rebuild() {
	s.again(s.nodes[2], "prepared", "INSERT INTO openedx.marks VALUES (2)")
	s.marks("1,2")
}

// rebuildPlain has cloud-init install all, as it does with an image of Debian's own, and beside databases that must not run.
func (s *vmSite) rebuildPlain() {
	s.again(s.nodes[1], "plain", "INSERT INTO openedx.marks VALUES (4)")
	s.marks("1,2,3,4")
	s.inspect()
}

// again is README.md's recipe for a machine that is gone: away, and back with its address and its volumes. Two of three go on meanwhile.
func (s *vmSite) again(n *vm, image, meanwhile string) {
	was := n.id()
	n.stop()
	s.nodes[0].sql(meanwhile)
	s.change(map[string]any{"backend_absent": strconv.Itoa(n.index)})
	s.wait(5*time.Minute, "the old machine is gone from Heat", func() bool { return s.state() == "UPDATE_COMPLETE" && n.id() == "" })
	s.change(map[string]any{"backend_absent": ""})
	n.userData = s.userData(n.index)
	if is := n.id(); is == "" || is == was {
		s.t.Fatalf("server %s was %s", is, was)
	}
	n.newDisk(image)
	n.start()
	s.wait(60*time.Minute, "the new machine is ready", func() bool { return s.state() == "UPDATE_COMPLETE" })
	s.whole()
}

// powerCut kills all machines at once; disks and volumes are as they were.
func (s *vmSite) powerCut() {
	s.nodes[2].sql("INSERT INTO openedx.marks VALUES (3)")
	for _, n := range s.nodes {
		n.stop()
	}
	for _, n := range s.nodes {
		n.start()
	}
	s.whole()
	s.marks("1,2,3")
	for _, n := range s.nodes {
		n.must("systemctl start stackhook-boot") // all its parts, and not MySQL alone
	}
}

// marks are rows that have to be on each node.
func (s *vmSite) marks(want string) {
	s.t.Helper()
	for _, n := range s.nodes {
		if got := n.sql("SELECT GROUP_CONCAT(id ORDER BY id) FROM openedx.marks"); got != want {
			s.t.Errorf("node %d has rows %s, not %s", n.index, got, want)
		}
	}
}
