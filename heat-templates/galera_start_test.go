//go:build galera

package heattemplates_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Three nodes from nothing are one cluster, begun by the first; a second run of the boot leaves it as it is.
func TestRow7005FirstBootOfBlankVolumes(t *testing.T) {
	s := newTrio(t)
	s.boots(s.nodes...)
	uuid := s.whole(3, s.nodes...)
	for i, mode := range []string{"bootstrap", "join", "join"} {
		if got := s.nodes[i].mode(); got != mode {
			t.Errorf("node %d: mode %s, not %s", i, got, mode)
		}
	}
	if words := s.ready(); len(words) != 3 || words[0].Status != "SUCCESS" || words[1].Status != "SUCCESS" || words[2].Status != "SUCCESS" {
		t.Errorf("the cloud heard %+v", words)
	}
	sizes, ids := map[any]bool{}, map[string]bool{}
	for _, said := range s.cloud.heard() {
		ids[said.ID] = true
		if data, _ := said.Data.(map[string]any); data["step"] == "mysql" && data["mode"] != "wait" {
			sizes[data["size"]] = true
			if data["role"] != "backend" || data["uuid"] != uuid || data["seqno"] == nil || data["index"] == nil {
				t.Errorf("progress %+v", said)
			}
		}
	}
	if !sizes[3.0] || len(ids) < 7 {
		t.Errorf("progress tells sizes %v, by ids %v", sizes, ids)
	}

	n := s.nodes[1]
	want := "utf8mb4 utf8mb4_unicode_ci ROW 2 256901120"
	if got := n.must("SELECT CONCAT_WS(' ', @@character_set_server, @@collation_server, @@binlog_format, @@innodb_autoinc_lock_mode, @@innodb_buffer_pool_size)"); got != want {
		t.Errorf("settings are %s, not %s", got, want)
	}
	if got, want := n.must("SELECT GROUP_CONCAT(user, '@', host ORDER BY 1) FROM mysql.global_priv"), "mariadb.sys@localhost,mysql@localhost,nobody@localhost,openedx@%,root@localhost,root@%,sst@localhost"; got != want {
		t.Errorf("users are %s, not %s", got, want)
	}
	if info, err := os.Stat(n.root + "/etc/stackhook/galera.cnf"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the settings may be read by all: %v %v", info, err)
	}

	pid := n.read("/run/stackhook/mysql/mariadbd.pid")
	s.boots(n)
	if again := n.read("/run/stackhook/mysql/mariadbd.pid"); again != pid || len(s.ready()) != 3 || s.whole(3, s.nodes...) != uuid {
		t.Errorf("the second run was not idle: pid %s, then %s, %+v", pid, again, s.ready())
	}
	for _, n := range s.nodes {
		if out, err := n.run("grep", "-r", "hunter2", n.root+"/var/log"); err == nil {
			t.Errorf("a secret is in the logs: %s", regexp.MustCompile("hunter2[a-z-]*").ReplaceAllString(out, "***"))
		}
	}
}

// A rebuilt machine, whose own disk is new, takes its volume up again, each in turn.
func TestRow7004RebuildKeepsData(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	s.nodes[0].must("CREATE TABLE openedx.kept (id INT PRIMARY KEY AUTO_INCREMENT, v INT) ; INSERT INTO openedx.kept (v) SELECT seq FROM openedx.seq_1_to_500")
	for _, n := range s.nodes {
		n.stop()
		n.newDisk()
		s.boots(n)
		if got := s.whole(3, s.nodes...); got != uuid || n.mode() != "join" {
			t.Errorf("node %d: cluster %s after %s, mode %s", n.index, got, uuid, n.mode())
		}
		if got := n.must("SELECT COUNT(*) FROM openedx.kept"); got != "500" {
			t.Errorf("node %d has %s rows of 500", n.index, got)
		}
	}
}

// 7.1 no. 6: a new site that takes the volumes up has passwords of its own, and the databases take them.
func TestRow7106TakenUpVolumesGetTheNewPasswords(t *testing.T) {
	s := runningTrio(t)
	s.stopAll()
	for _, n := range s.nodes {
		n.newDisk()
		bash(t, `sed -i "s/^\(MYSQL_[A-Z_]*PASSWORD\)='\(.*\)'/\1='\2-new'/" `+n.root+"/etc/stackhook/site.env")
	}
	s.boots(s.nodes...)
	settings := s.nodes[1].read("/etc/stackhook/site.env")
	password := regexp.MustCompile(`MYSQL_PASSWORD='(.*)'`).FindStringSubmatch(settings)
	if password == nil || !strings.HasSuffix(password[1], "-new") {
		t.Fatal("the settings have no new password")
	}
	for _, n := range s.nodes {
		out, err := n.run("env", "MYSQL_PWD="+password[1], "mariadb", "--no-defaults", "-h", "127.0.0.1", "-u", "openedx", "-BNe", "SELECT 42")
		if err != nil || strings.TrimSpace(out) != "42" {
			t.Errorf("node %d: %v %s", n.index, err, out)
		}
		if _, err := n.run("env", "MYSQL_PWD="+strings.TrimSuffix(password[1], "-new"), "mariadb", "--no-defaults", "-h", "127.0.0.1", "-u", "openedx", "-e", "DO 0"); err == nil {
			t.Errorf("node %d still takes the old password", n.index)
		}
	}
	s.whole(3, s.nodes...)
}

// Research 4.5: the first node with a blank volume must not begin a second cluster, whether the others are up or down.
func TestRow7005SplitBlankFirstNode(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	n := s.nodes[0]
	n.crash()
	bash(t, "losetup -d "+n.loop)
	n.volume("other0")
	n.newDisk()
	s.boots(n)
	if got := s.whole(3, s.nodes...); got != uuid || n.mode() != "join" {
		t.Errorf("cluster %s after %s, mode %s", got, uuid, n.mode())
	}

	// Once it was in the cluster, not even an emptied volume begins one; nor does a blank one whose peers do not answer.
	s.nodes[1].crash()
	s.nodes[2].crash()
	bash(t, "rm -rf "+n.root+"/keep; cp "+n.root+"/srv/mysql/cluster "+n.root+"/keep")
	n.crash()
	n.newDisk()
	n.volumeDo("rm -rf $at/data")
	n.env = append(n.env, "START_WAIT=2")
	before := len(s.ready())
	if b := n.boot(); b.err == nil {
		t.Fatal("a node without data began a cluster")
	}
	s.failure(n, before)
	n.crash()
	n.newDisk()
	n.volumeDo("rm -rf $at/data $at/cluster")
	before = len(s.ready())
	if b := n.boot(); b.err == nil {
		t.Fatal("a node whose peers do not answer began a cluster")
	}
	if reason := s.failure(n, before).Reason; !strings.Contains(reason, "0: no data; 1: no answer; 2: no answer") {
		t.Errorf("the reason is %q", reason)
	}
}

// Power is cut everywhere at once, and machines come back with their data.
func TestRule44KillOfAllThree(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	s.nodes[0].must("CREATE TABLE openedx.kept (id INT PRIMARY KEY AUTO_INCREMENT, v INT) ; INSERT INTO openedx.kept (v) SELECT seq FROM openedx.seq_1_to_500")
	for _, n := range s.nodes {
		n.crash()
		n.newDisk()
	}
	s.boots(s.nodes...)
	for _, n := range s.nodes {
		if got := n.must("SELECT COUNT(*) FROM openedx.kept"); got != "500" || n.mode() != "recover" {
			t.Errorf("node %d has %s rows of 500, mode %s", n.index, got, n.mode())
		}
	}
	if got := s.whole(3, s.nodes...); got != uuid {
		t.Errorf("cluster %s after %s", got, uuid)
	}
}

// Research 4.6: after an orderly stop of all, the one that stopped last begins, whichever that is.
func TestRule46OrderlyStopOfAllThree(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	for _, i := range []int{0, 2, 1} {
		s.nodes[i].stop()
		s.nodes[i].newDisk()
	}
	s.boots(s.nodes...)
	if got := s.whole(3, s.nodes...); got != uuid {
		t.Errorf("cluster %s after %s", got, uuid)
	}
	for i, mode := range []string{"join", "recover", "join"} {
		if got := s.nodes[i].mode(); got != mode {
			t.Errorf("node %d: mode %s, not %s", i, got, mode)
		}
	}
}

// The one that is left is no majority, and writes nothing; it needs no restart when the others come back.
func TestRule44TwoOfThreeKilled(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	s.nodes[1].crash()
	s.nodes[2].crash()
	took := s.until(60, "the survivor steps back", func() bool { return s.nodes[0].status("cluster_status") == "non-Primary" })
	t.Logf("the survivor is non-Primary after %.1f s", took.Seconds())
	if out, err := s.nodes[0].sql("CREATE TABLE openedx.split (id INT PRIMARY KEY)"); err == nil {
		t.Errorf("the survivor took a write: %s", out)
	}
	if out, _ := s.nodes[1].run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://"+siteNetwork+"10:9200/"); out != "503" {
		t.Errorf("the survivor's check is %s", out)
	}
	s.nodes[1].newDisk()
	s.nodes[2].newDisk()
	s.boots(s.nodes[1], s.nodes[2])
	if got := s.whole(3, s.nodes...); got != uuid {
		t.Errorf("cluster %s after %s", got, uuid)
	}
}

// Rule 4.4's end: whoever cannot know waits and says where each stands; an operator's word then counts once, at one node.
func TestRow7112WithoutTheLastNodeAnOperatorDecides(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	s.nodes[0].must("CREATE TABLE openedx.kept (id INT PRIMARY KEY)")
	for row, i := range []int{2, 1, 0} {
		s.nodes[0].must("INSERT INTO openedx.kept VALUES (" + string(rune('1'+row)) + ")")
		s.nodes[i].stop()
		s.nodes[i].newDisk()
	}
	first, second := s.nodes[1], s.nodes[2]
	first.env, second.env = append(first.env, "START_WAIT=6"), append(second.env, "START_WAIT=6")
	for _, b := range s.boot(first, second) {
		if b.err == nil {
			t.Fatalf("node %d began without the last one: mode %s", b.node.index, b.node.mode())
		}
	}
	reasons := s.ready()[len(s.ready())-2:]
	pattern := regexp.MustCompile(`^galera-start:\d+: no cluster to join, none to begin\. Last transactions of ` + uuid[:8] + `: 0: no answer; 1: (\d+); 2: (\d+)$`)
	for _, word := range reasons {
		found := pattern.FindStringSubmatch(word.Reason)
		if word.Status != "FAILURE" || found == nil || found[1] <= found[2] {
			t.Errorf("the word is %+v", word)
		}
	}
	t.Log("FAILURE:", reasons[0].Reason)

	// The word comes while both wait.
	for _, n := range []*host{first, second} {
		n.crash()
		n.newDisk()
		n.env = append(n.env, "START_WAIT=120")
	}
	s.meta.Store(`{"uuid": "x", "meta": {"stackhook_bootstrap": "1:once-1"}}`)
	s.boots(first, second)
	if got := s.whole(2, first, second); got != uuid || first.mode() != "recover" || second.mode() != "join" {
		t.Errorf("cluster %s after %s, modes %s and %s", got, uuid, first.mode(), second.mode())
	}
	if got := second.must("SELECT GROUP_CONCAT(id) FROM openedx.kept"); got != "1,2" {
		t.Errorf("the rows are %s", got)
	}

	// Another word: after a crash of both one is lost, and with it the view to come back to.
	first.crash()
	second.crash()
	first.newDisk()
	s.meta.Store(`{"uuid": "x", "meta": {"stackhook_bootstrap": "1:once-2"}}`)
	s.boots(first)
	if got := s.whole(1, first); got != uuid || first.mode() != "recover" {
		t.Errorf("cluster %s after %s, mode %s", got, uuid, first.mode())
	}
	second.newDisk()
	s.boots(second)
	s.whole(2, first, second)

	first.stop()
	second.stop()
	first.newDisk()
	first.env = append(first.env, "START_WAIT=3")
	before := len(s.ready())
	if b := first.boot(); b.err == nil {
		t.Fatal("the same word was obeyed twice")
	}
	s.failure(first, before)
}

// Joining replaces the data: a volume of one cluster must not be given to another.
func TestRow7106VolumeOfAnotherCluster(t *testing.T) {
	s := goldenTrio(t)
	n := s.nodes[2]
	n.volumeDo("sed -i 's/^uuid:.*/uuid: 11111111-2222-11f1-b993-576fdad9d802/' $at/data/grastate.dat")
	s.boots(s.nodes[0], s.nodes[1])
	before := len(s.ready())
	if b := n.boot(); b.err == nil {
		t.Fatal("joined")
	}
	if reason := s.failure(n, before).Reason; !strings.Contains(reason, "this volume has cluster 11111111-2222-11f1-b993-576fdad9d802, a peer has ") {
		t.Errorf("the reason is %q", reason)
	}
	n.crash()
	n.volumeDo("grep -q 11111111 $at/data/grastate.dat")
}

// Adopted volumes have to be of the cluster that the site's function expects.
func TestRow7106ExpectedClusterIsCheckedBeforeTheWord(t *testing.T) {
	s := goldenTrio(t)
	s.boots(s.nodes[0], s.nodes[1])
	n := s.nodes[2]
	n.set["CLUSTER_UUID"] = "33333333-2222-11f1-b993-576fdad9d802"
	n.newDisk()
	before := len(s.ready())
	if b := n.boot(); b.err == nil {
		t.Fatal("said SUCCESS")
	}
	if reason := s.failure(n, before).Reason; !strings.HasSuffix(reason, "while 33333333-2222-11f1-b993-576fdad9d802 was expected") {
		t.Errorf("the reason is %q", reason)
	}
}

// A node whose transfer broke falls out of the cluster, and says "node restart required": it gets one.
func TestRowNodeThatFellOutStartsAgain(t *testing.T) {
	s := runningTrio(t)
	uuid := s.whole(3, s.nodes...)
	n := s.nodes[1]
	pid := strings.TrimSpace(n.read("/run/stackhook/mysql/mariadbd.pid"))
	n.must("SET GLOBAL wsrep_cluster_address = ''")
	took := s.until(60, "its MariaDB ends", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return err != nil
	})
	t.Logf("ended after %.1f s", took.Seconds())
	s.boots(n)
	if got := s.whole(3, s.nodes...); got != uuid {
		t.Errorf("cluster %s after %s", got, uuid)
	}
}
