//go:build galera

package heattemplates_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// store is a real S3 server beside the site, with a bucket.
func (s *trio) store() string {
	s.t.Helper()
	dir := trioFolder + "/store"
	program := trioFolder + "/versitygw"
	if _, err := os.Stat(program); err != nil {
		build := exec.CommandContext(s.t.Context(), "go", "build", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
		build.Dir = "../scripts/objectstore"
		if out, err := build.CombinedOutput(); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
	}
	bash(s.t, "mkdir -p "+dir+"/{data/backups,side}")
	s.start("sg-cloud", "env", "ROOT_ACCESS_KEY="+storeKey, "ROOT_SECRET_KEY="+storeSecret, program, "--quiet", "--port", storeAddress, "posix", "--sidecar", dir+"/side", dir+"/data")
	s.until(20, "the store answers", func() bool {
		out, _ := s.nodes[0].run("curl", "-s", "http://"+storeAddress+"/")
		return strings.Contains(out, "AccessDenied")
	})
	return dir + "/data/backups"
}

func folders(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if files, _ := os.ReadDir(dir + "/" + entry.Name()); len(files) > 0 {
			list = append(list, entry.Name())
		}
	}
	return list
}

const checksums = "SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM openedx.courses), (SELECT COUNT(*) FROM openedx.grades), (SELECT SUM(CRC32(CONCAT(id, v))) FROM openedx.courses), (SELECT SUM(CRC32(CONCAT(id, v))) FROM openedx.grades))"

// Acceptance 6: a backup is taken while the site is in use, everything is destroyed, and a new site with secrets of its own has it
// all again.
func TestRow7021BackupAndRestoreIntoANewCluster(t *testing.T) {
	s := runningTrio(t)
	old := s.whole(3, s.nodes...)
	bucket := s.store()
	s.nodes[0].must(`CREATE TABLE openedx.courses (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200)) ; INSERT INTO openedx.courses (v) SELECT REPEAT(MD5(seq), 6) FROM openedx.seq_1_to_20000 ;
CREATE TABLE openedx.grades (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60)) ; INSERT INTO openedx.grades (v) SELECT CONCAT('Zoë ', seq) FROM openedx.seq_1_to_50000`)
	want := s.nodes[0].must(checksums)
	for _, day := range []string{"2020-01-01T03", "2020-01-02T03", "2020-01-03T03", "2020-01-04T03"} {
		bash(t, "mkdir -p "+bucket+"/academy/mysql/"+day+"; echo 0 >"+bucket+"/academy/mysql/"+day+"/piece-000000")
		if day != "2020-01-04T03" { // one that was cut off
			bash(t, "echo 1 >"+bucket+"/academy/mysql/"+day+"/done")
		}
	}
	start := time.Now()
	for _, n := range s.nodes {
		n.env = append(n.env, "BACKUP_KEEP=2", "S3_PIECE=1M")
		if out, err := n.run(n.root+"/opt/stackhook/backup", "run", "2026-11-23T03"); err != nil || strings.Contains(out, "a higher node does it") != (n.index != 2) {
			t.Fatalf("node %d: %v: %s", n.index, err, out)
		}
	}
	t.Logf("backup took %.1f s, %s", time.Since(start).Seconds(), bash(t, "du -sh "+bucket+"/academy/mysql/2026-11-23T03 | cut -f1"))
	if got, want := folders(t, bucket+"/academy/mysql"), []string{"2020-01-03T03", "2026-11-23T03"}; !slices.Equal(got, want) {
		t.Errorf("kept are %v, not %v", got, want)
	}
	if pieces, _ := os.ReadDir(bucket + "/academy/mysql/2026-11-23T03"); len(pieces) < 4 {
		t.Errorf("%d objects are no stream in pieces", len(pieces))
	}
	s.whole(3, s.nodes...) // none is desynced any more
	s.nodes[0].must("INSERT INTO openedx.grades (v) VALUES ('after the backup')")

	s = newTrio(t) // which destroys the other one, volumes and all
	s.store()
	for _, n := range s.nodes {
		n.set["SITE"], n.set["RESTORE"] = "college", "academy/2026-11-23T03"
		n.set["MYSQL_PASSWORD"], n.set["MYSQL_SST_PASSWORD"] = "hunter2-new", "hunter2-newer"
		n.newDisk()
	}
	start = time.Now()
	s.boots(s.nodes...)
	t.Logf("restore into a new cluster of three took %.1f s", time.Since(start).Seconds())
	if got := s.whole(3, s.nodes...); got == old || s.nodes[0].mode() != "restore" {
		t.Errorf("cluster %s after %s, mode %s", got, old, s.nodes[0].mode())
	}
	for _, n := range s.nodes {
		if got := n.must(checksums); got != want {
			t.Errorf("node %d has %s, not %s", n.index, got, want)
		}
	}
	t.Log("rows and checksums on each of the three:", want)
	client := s.nodes[1].client(siteNetwork+"10", "-e", "SELECT COUNT(*) FROM openedx.courses")
	client.Env = append(client.Env, "MYSQL_PWD=hunter2-new")
	if out, err := client.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "20000" {
		t.Errorf("with the new site's password: %v: %s", err, out)
	}

	// The order to restore stays in the settings, and is none for a cluster that lives.
	s.nodes[0].must("INSERT INTO openedx.grades (v) VALUES ('after the restore')")
	s.stopAll()
	for _, n := range s.nodes {
		n.newDisk()
	}
	s.boots(s.nodes...)
	if got := s.nodes[2].must("SELECT COUNT(*) FROM openedx.grades"); got != "50001" {
		t.Errorf("after another boot there are %s rows of 50001", got)
	}
}

// A backup that cannot be stored, or was cut off, is none, and says so.
func TestRow7021BackupThatFailsIsTold(t *testing.T) {
	s := goldenTrio(t)
	s.boots(s.nodes[0])
	bucket := s.store()
	n := s.nodes[0]
	bash(t, "sed -i \"s|^S3_SECRET_KEY=.*|S3_SECRET_KEY='wrong-hunter2'|\" "+n.root+"/etc/stackhook/site.env")
	if out, err := n.run(n.root+"/opt/stackhook/backup", "run", "2026-11-24T03"); err == nil {
		t.Fatalf("it is said to be done: %s", out)
	}
	heard := s.cloud.heard()
	last := heard[len(heard)-1]
	if data, _ := last.Data.(map[string]any); data["step"] != "backup" || data["failed"] != true || !strings.Contains(last.Reason, "galera backup 2026-11-24T03 failed: ") {
		t.Errorf("told is %+v", last)
	}
	if got := s.whole(1, n); got == "" {
		t.Error("it is still desynced")
	}
	if out, err := n.run("ls", "-R", bucket); err != nil || strings.Contains(out, "2026-11-24T03") {
		t.Errorf("stored is %v %s", err, out)
	}

	fresh := newTrio(t)
	fresh.store()
	n = fresh.nodes[0]
	n.set["RESTORE"] = "2026-11-24T03"
	n.newDisk()
	n.env = append(n.env, "START_WAIT=5")
	for _, peer := range fresh.nodes[1:] {
		peer.env = append(peer.env, "START_WAIT=5")
	}
	for _, b := range fresh.boot(fresh.nodes...) {
		if b.err == nil {
			t.Fatal("booted without the backup that was asked for")
		}
	}
	words := fresh.ready()
	if !slices.ContainsFunc(words, func(w signal) bool {
		return w.Status == "FAILURE" && strings.HasSuffix(w.Reason, "there is no whole backup academy/mysql/2026-11-24T03")
	}) {
		t.Errorf("the words are %+v", words)
	}
}
