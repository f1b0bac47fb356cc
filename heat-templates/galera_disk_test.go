//go:build galera

package heattemplates_test

import (
	"strings"
	"testing"
)

// volumeDo does something with the files of a volume of which the machine is off.
func (n *host) volumeDo(script string) {
	n.site.t.Helper()
	bash(n.site.t, "at="+trioFolder+"/mnt; mkdir -p $at; mount "+n.loop+" $at; trap 'umount $at' EXIT; "+script)
}

// What a disk holds that is not this node's own stays as it is, and the word to Heat says what it is.
func TestRow7003DiskThatIsNotOursIsRefused(t *testing.T) {
	s := newTrio(t)
	n := s.nodes[0]
	for _, c := range []struct{ name, prepare, reason string }{
		{"filesystem without label", "mkfs.ext4 -q " + n.loop, "is not blank and not sh-mysql-0"},
		{"volume of mongodb", "mkfs.ext4 -q -L sh-mongodb-0 " + n.loop, "LABEL=sh-mongodb-0"},
		{"partition table", "echo 'label: gpt' | sfdisk -q " + n.loop, "PTTYPE=gpt"},
		{"swap", "mkswap " + n.loop, "TYPE=swap"},
		{"our label, no marker", "mkfs.ext4 -q -L sh-mysql-0 " + n.loop + "; at=" + trioFolder + "/mnt; mkdir -p $at; mount " + n.loop + " $at; echo course >$at/course; umount $at", "not our marker beside its data"},
		{"another site's", "mkfs.ext4 -q -L sh-mysql-0 " + n.loop + "; at=" + trioFolder + "/mnt; mkdir -p $at; mount " + n.loop + " $at; echo 'site other, mysql 0' >$at/stackhook; umount $at", "belongs to site other, mysql 0, not to site academy, mysql 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bash(t, "wipefs -q -a "+n.loop+"; "+c.prepare)
			look := "wipefs -n " + n.loop + " | sort; e2ls 2>/dev/null || true"
			was := bash(t, look)
			before := len(s.ready())
			b := n.boot()
			if b.err == nil {
				t.Fatal("taken")
			}
			if reason := s.failure(n, before).Reason; !strings.Contains(reason, c.reason) || !strings.HasPrefix(reason, "disk:") {
				t.Errorf("the reason is %q", reason)
			}
			if is := bash(t, look); is != was {
				t.Errorf("the disk was %s, and is %s", was, is)
			}
			if _, err := n.run("mountpoint", "-q", n.root+"/srv/mysql"); err == nil {
				t.Error("it is mounted")
			}
			n.crash()
			n.newDisk()
		})
	}
}

// Two volumes are attached in the wrong order: each at the other's node.
func TestRow7003DisksInWrongOrder(t *testing.T) {
	s := goldenTrio(t)
	s.nodes[0].loop, s.nodes[1].loop = s.nodes[1].loop, s.nodes[0].loop
	for _, n := range s.nodes[:2] {
		n.newDisk()
		before := len(s.ready())
		if b := n.boot(); b.err == nil {
			t.Fatal("taken")
		}
		if reason := s.failure(n, before).Reason; !strings.Contains(reason, "LABEL=sh-mysql-") {
			t.Errorf("the reason is %q", reason)
		}
	}
}

func TestRow7003DiskThatIsNotAttached(t *testing.T) {
	s := newTrio(t)
	n := s.nodes[0]
	bash(t, "rm "+n.root+"/dev/disk/by-id/*")
	if b := n.boot(); b.err == nil {
		t.Fatal("booted")
	}
	if got, want := s.failure(n, 0).Reason, "volume "+volumeIDs[0]+" (mysql) is not attached: no disk of that id"; !strings.HasSuffix(got, want) {
		t.Errorf("the reason is %q", got)
	}
}

// A failure that nobody foresaw is told by its line, with the last lines of the log, and without secrets.
func TestRow7113FailureIsToldWithItsReason(t *testing.T) {
	s := goldenTrio(t)
	s.boots(s.nodes[1], s.nodes[0])
	n := s.nodes[2]
	bash(t, `printf '#!/bin/bash\n. "$SITE_ROOT/opt/stackhook/lib.sh"\necho "the password is $MYSQL_ROOT_PASSWORD"\nls /nowhere "$MYSQL_PASSWORD"\n' >`+n.root+"/opt/stackhook/redis; chmod 755 "+n.root+"/opt/stackhook/redis")
	before := len(s.ready())
	if b := n.boot(); b.err == nil {
		t.Fatal("booted")
	}
	word := s.failure(n, before)
	if want := `redis:4: ls /nowhere "$MYSQL_PASSWORD" exit 2`; word.Reason != want {
		t.Errorf("the reason is %q, not %q", word.Reason, want)
	}
	data, _ := word.Data.(map[string]any)
	last, _ := data["last"].(string)
	if lines := strings.Count(last, "\n"); lines < 5 || lines > 20 || !strings.Contains(last, "the password is ***\n") || !strings.Contains(last, "cannot access '***'") || strings.Contains(last, "hunter2") {
		t.Errorf("the last lines are %d: %s", lines, strings.ReplaceAll(last, "hunter2", "h-u-n-t-e-r"))
	}
}
