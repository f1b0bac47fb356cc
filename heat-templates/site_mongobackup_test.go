package heattemplates_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// backupNode is a backend with a bucket of its own: a folder, by the rules of s3.sh. mongodump and mongorestore write down what they
// are told, as there is no real mongod here.
func backupNode(t *testing.T, s *mongoSet, index int, bucket string, set map[string]string) *siteNode {
	t.Helper()
	n := mongoNode(t, s, index, set)
	if err := os.Remove(filepath.Join(n.root, "/opt/stackhook/s3")); err != nil {
		t.Fatal(err)
	}
	n.env = append(n.env, "BUCKET="+bucket)
	n.program("s3", `cd "$BUCKET" || exit 1
case $1 in
  save) mkdir -p "$2"; cat >"$2/piece-0" ;;
  seal) touch "$2/done" ;;
  load) [ -e "$2/done" ] || { echo "there is no whole backup $2" >&2; exit 1; }; cat "$2/piece-0" ;;
  list) find . -type f | sed 's|^./||' | grep "^$2" | sort || true ;;
  remove) rm -r "$2" ;;
esac`)
	const told = `echo "$(basename "$0") $*" | sed "s|$SITE_ROOT||" >>"$SITE_ROOT/told"; stat -c %a "$SITE_ROOT/run/stackhook/mongodump.yml" >>"$SITE_ROOT/told"
cat "$SITE_ROOT/run/stackhook/mongodump.yml" >>"$SITE_ROOT/config"; `
	n.program("mongodump", told+`echo "all courses"; exit ${DUMP_CODE:-0}`)
	n.program("mongorestore", told+`cat >"$SITE_ROOT/restored"; exit ${RESTORE_CODE:-0}`)
	return n
}

func runningSet(t *testing.T, states ...memberState) *mongoSet {
	t.Helper()
	s := newMongoSet(t)
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "hunter2admin", "openedx": "hunter2mongo"}
	for i, state := range states {
		s.become(i, state)
	}
	return s
}

// 7 "backup / restore": one node dumps, as of one moment, a secondary; a dump that broke off is not a backup; old ones go.
func TestRow7021MongodbBackupByOneSecondary(t *testing.T) {
	t.Parallel()
	s, bucket := runningSet(t, memberSecondary, memberPrimary, memberSecondary), t.TempDir()
	nodes := []*siteNode{backupNode(t, s, 0, bucket, nil), backupNode(t, s, 1, bucket, nil), backupNode(t, s, 2, bucket, nil)}
	for _, name := range []string{"2026-11-01T02/done", "2026-11-02T02/done", "2026-11-03T02/piece-0", "2026-11-04T02/done"} {
		file := filepath.Join(bucket, "school/mongodb", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range nodes {
		n.env = append(n.env, "BACKUP_KEEP=2")
		out := n.must("mongodb-backup", "run", "2026-11-23T02")
		if other := strings.Contains(out, "another node's turn"); other != (i != 2) {
			t.Errorf("node %d: %s", i, out)
		}
	}
	told := nodes[2].read("/told")
	if told != "mongodump --quiet --config /run/stackhook/mongodump.yml --oplog --archive\n600\n" || nodes[0].read("/told")+nodes[1].read("/told") != "" {
		t.Errorf("mongodump was told %q", told)
	}
	if config := nodes[2].read("/config"); !strings.Contains(config, "replicaSet=openedx&authSource=admin&readPreference=secondary") || !strings.Contains(config, "hunter2admin") {
		t.Error("mongodump's settings are others")
	}
	if _, err := os.Stat(filepath.Join(nodes[2].root, "run/stackhook/mongodump.yml")); !os.IsNotExist(err) {
		t.Error("the password stays on the disk")
	}
	left, _ := filepath.Glob(filepath.Join(bucket, "school/mongodb/*"))
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if !slices.Equal(left, []string{"2026-11-04T02", "2026-11-23T02"}) {
		t.Errorf("kept are %v", left)
	}
	nodes[2].env = append(nodes[2].env, "DUMP_CODE=1")
	if out, code := nodes[2].run("mongodb-backup", "run", "2026-11-24T02"); code == 0 {
		t.Errorf("a dump that broke off: %s", out)
	}
	if _, err := os.Stat(filepath.Join(bucket, "school/mongodb/2026-11-24T02/done")); !os.IsNotExist(err) {
		t.Error("a dump that broke off counts as whole")
	}
}

// The same row: a new set is filled from a backup of another site by the node that made it; one that was cut off begins anew; and a
// set that has courses is never overwritten.
func TestRow7021MongodbRestoreIntoANewSet(t *testing.T) {
	t.Parallel()
	s, bucket := newMongoSet(t), t.TempDir()
	var nodes []*siteNode
	for i := range 3 {
		nodes = append(nodes, backupNode(t, s, i, bucket, map[string]string{"RESTORE": "old/2026-11-23T02"}))
	}
	nodes[0].must("bash", "-c", `echo "all courses" | gzip | s3 save old/mongodb/2026-11-23T02; s3 seal old/mongodb/2026-11-23T02`)
	nodes[0].env = append(nodes[0].env, "RESTORE_CODE=1")
	said, codes := together(nodes...)
	if !slices.Equal(codes, []int{1, 0, 0}) {
		t.Fatalf("codes %v: %q", codes, said)
	}
	s.mu.Lock()
	s.data = []string{"admin", "config", "local", "openedx"} // half of it
	s.mu.Unlock()
	nodes[0].env = append(nodes[0].env, "RESTORE_CODE=0")
	nodes[0].must("mongodb", "up")
	nodes[0].must("mongodb", "up")
	const command = "mongorestore --quiet --config /run/stackhook/mongodump.yml --archive --drop --oplogReplay --nsExclude admin.* --nsExclude config.*\n600\n"
	if told := nodes[0].read("/told"); told != command+command || nodes[1].read("/told")+nodes[2].read("/told") != "" {
		t.Errorf("mongorestore was told %q", told)
	}
	if nodes[0].read("/restored") != "all courses\n" {
		t.Errorf("restored %q", nodes[0].read("/restored"))
	}
	if got := s.changes(); !slices.Equal(got[len(got)-3:], []string{"0 createRole", "0 grantRolesToUser", "0 dropRole"}) {
		t.Errorf("admin's rights: %q", got)
	}
	if out, code := nodes[0].run("mongodb-backup", "restore", "old/2026-11-23T02"); code == 0 || !strings.Contains(out, "the set has courses") {
		t.Errorf("over courses: code %d: %s", code, out)
	}
}
