//go:build galera

package heattemplates_test

import (
	"maps"
	"strings"
	"testing"
)

// logsIn says whether a node's MariaDB lets a user in from outside.
func (n *host) logsIn(user, password string) bool {
	out, err := n.run("env", "MYSQL_PWD="+password, "mariadb", "--no-defaults", "-h", siteNetwork+"10", "-u", user, "-BNe", "SELECT 42")
	return err == nil && strings.TrimSpace(out) == "42"
}

// 7.1 no. 15: one data node after the other is made anew, first with the second users beside the first ones, then without those. At
// every step the application nodes' user of that step gets in, and the data stays; after the first node of the second pass the
// earlier users are gone from the whole cluster.
func TestRow7115RotatedUsersOfMariaDB(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	s.nodes[0].must("CREATE TABLE openedx.kept (id INT PRIMARY KEY)")
	secrets := map[string]string{
		"MYSQL_SLOT": "_b", "MYSQL_EARLIER": "yes", "MYSQL_PASSWORD": "hunter2-openedx-b", "MYSQL_ROOT_PASSWORD": "hunter2-root-b", "MYSQL_SST_PASSWORD": "hunter2-sst-b",
	}
	pass := func(name string, old bool) {
		for _, i := range []int{2, 1, 0} {
			n, writer := s.nodes[i], s.nodes[(i+1)%3]
			n.stop()
			maps.Copy(n.set, secrets)
			n.newDisk()
			writer.must("INSERT INTO openedx.kept VALUES (" + name + string(rune('0'+i)) + ")")
			s.boots(n)
			for _, row := range []struct {
				user, password string
				want           bool
			}{
				{"openedx_b", "hunter2-openedx-b", true},
				{"root_b", "hunter2-root-b", true},
				{"openedx", "hunter2-openedx", old},
				{"root", rootPassword, old},
				{"openedx", "hunter2-openedx-b", false},
			} {
				if i != 0 && n.logsIn(row.user, row.password) != row.want { // node 0 is who is asked
					t.Errorf("pass %s, after node %d: %s gets in: %v", name, i, row.user, !row.want)
				}
			}
			if got := s.whole(3, s.nodes...); got != uuid {
				t.Errorf("cluster %s after %s", got, uuid)
			}
			if conf := n.read("/etc/stackhook/galera.cnf"); !strings.Contains(conf, "wsrep-sst-auth = sst_b:") {
				t.Errorf("node %d gives copies as the earlier user", i)
			}
		}
	}
	pass("1", true)
	secrets["MYSQL_EARLIER"] = ""
	pass("2", false)
	if got, want := s.nodes[0].must("SELECT GROUP_CONCAT(user, '@', host ORDER BY 1) FROM mysql.global_priv"),
		"mariadb.sys@localhost,mysql@localhost,nobody@localhost,openedx_b@%,root@localhost,root_b@%,sst_b@localhost"; got != want {
		t.Errorf("users are %s, not %s", got, want)
	}
	if got := s.nodes[1].must("SELECT COUNT(*) FROM openedx.kept"); got != "6" {
		t.Errorf("%s rows of 6", got)
	}
	// A blank volume is filled by a full copy, which the second user gives.
	n := s.nodes[1]
	n.crash()
	n.volumeDo("rm -rf $at/data")
	n.newDisk()
	s.boots(n)
	if got := n.must("SELECT COUNT(*) FROM openedx.kept"); got != "6" {
		t.Errorf("%s rows of 6 in the copy", got)
	}
	for _, n := range s.nodes {
		if _, err := n.run("grep", "-rq", "hunter2", n.root+"/var/log"); err == nil {
			t.Error("a secret is in the logs")
		}
	}
}
