package heattemplates_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mariadb is the single writer that all app nodes reach: a real MariaDB, on a port of its own.
func mariadb(t *testing.T) (port string) {
	t.Helper()
	dir := t.TempDir()
	run := func(name string, argv ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, argv...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
	user := []string{}
	if os.Geteuid() == 0 {
		user = []string{"--user=root"}
	}
	install := run("mariadb-install-db", append([]string{"--no-defaults", "--datadir=" + dir + "/data", "--auth-root-authentication-method=normal", "--skip-test-db"}, user...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %.1500s", err, out)
	}
	port = freePort(t)
	init := dir + "/init.sql"
	text := "SET PASSWORD FOR root@'127.0.0.1' = PASSWORD('hunter2root');\n"
	if err := os.WriteFile(init, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := run("/usr/sbin/mariadbd", append([]string{
		"--no-defaults", "--datadir=" + dir + "/data", "--socket=s", "--port=" + port, "--bind-address=127.0.0.1",
		"--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--init-file=" + init, "--pid-file=" + dir + "/pid", "--skip-name-resolve",
	}, user...)...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	return port
}

// query asks the database in place of a script.
func query(t *testing.T, port, text string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "mysql", "--no-defaults", "--protocol=tcp", "-h", "127.0.0.1", "-P", port, "-u", "root", "-N", "-B", "-e", text)
	cmd.Env = append(os.Environ(), "MYSQL_PWD=hunter2root")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

// migrators are app nodes before one database, whose init writes down when it began and ended, and that it was alone.
func migrators(t *testing.T, port, shared string, count int) []*siteNode {
	t.Helper()
	var nodes []*siteNode
	for i := range count {
		n := newSiteNode(t, map[string]string{"ROLE": "app", "NAME": "app-" + strconv.Itoa(i)})
		n.env = append(n.env, "DB_PORT="+port, "MIGRATE_PAUSE=0.2", "MIGRATE_LIFE=6", "MIGRATE_BEAT=1", "SHARED="+shared)
		n.program("init", `mkdir "$SHARED/alone" 2>/dev/null || echo "two at once" >>"$SHARED/log"
echo "begin $SITE_ROOT" >>"$SHARED/log"; trap 'echo term >>"$SHARED/log"; rmdir "$SHARED/alone"; exit 1' TERM
sleep "${INIT_TAKES:-1}" & wait $!; echo end >>"$SHARED/log"; rmdir "$SHARED/alone"`)
		nodes = append(nodes, n)
	}
	return nodes
}

func sharedLog(t *testing.T, dir string) string {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(dir, "log"))
	return string(text)
}

func count(text, word string) int { return strings.Count(text, word) }

// 7 "migrations run once": of nodes that boot at once one migrates, the others wait and skip; the next version is migrated to once
// more, and an old node that starts again does not take it back.
func TestRow7016MigrationsRunOnce(t *testing.T) {
	t.Parallel()
	port, shared := mariadb(t), t.TempDir()
	nodes := migrators(t, port, shared, 3)
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() { n.must("app-migrate", "ulmo 21.0.8", "init") })
	}
	all.Wait()
	if log := sharedLog(t, shared); count(log, "begin") != 1 || count(log, "end") != 1 || count(log, "two at once") != 0 {
		t.Errorf("three nodes at once: %s", log)
	}
	waited := 0
	for _, n := range nodes {
		if strings.Contains(n.output(), "databases are at ulmo 21.0.8") {
			waited++
		}
	}
	if waited != 2 {
		t.Errorf("%d nodes skipped", waited)
	}
	nodes[0].must("app-migrate", "ulmo 21.0.8", "init") // a later boot
	nodes[1].must("app-migrate", "verawood 22.0.1", "init")
	if out := nodes[2].must("app-migrate", "ulmo 21.0.8", "init"); !strings.Contains(out, "databases are at verawood 22.0.1") {
		t.Errorf("an old node: %s", out)
	}
	if log := sharedLog(t, shared); count(log, "begin") != 2 {
		t.Errorf("then: %s", log)
	}
	if got := query(t, port, "SELECT version, owner FROM stackhook.migration"); got != "verawood 22.0.1" {
		t.Errorf("the row is %q", got)
	}
}

// The same row: a runner that dies with its node is followed by the next one, when its lock has run out and not before.
func TestRow7016MigrationsOfADeadRunnerAreTakenOver(t *testing.T) {
	t.Parallel()
	port, shared := mariadb(t), t.TempDir()
	nodes := migrators(t, port, shared, 2)
	dying := nodes[0]
	dying.env = append(dying.env, "INIT_TAKES=60")
	dying.program("boot", `. "$SITE_ROOT/opt/stackhook/lib.sh"; service runner app-migrate "ulmo 21.0.8" init`)
	dying.must(filepath.Join(dying.path, "boot"))
	until(t, 60*time.Second, "it migrates", func() bool { return count(sharedLog(t, shared), "begin") == 1 })
	var killed time.Time
	var all sync.WaitGroup
	all.Go(func() { nodes[1].must("app-migrate", "ulmo 21.0.8", "init") })
	until(t, 60*time.Second, "the other waits", func() bool {
		logs, _ := filepath.Glob(filepath.Join(nodes[1].root, "output*"))
		return len(logs) == 1 && strings.Contains(nodes[1].read("/"+filepath.Base(logs[0])), "waiting for another")
	})
	// As when its machine is gone: all its processes at once, init's too, which leads a session of its own.
	out, err := exec.CommandContext(t.Context(), "bash", "-c", `for p in /proc/[0-9]*; do tr '\0' '\n' <$p/environ 2>/dev/null | grep -qx "SITE_ROOT=$1" && echo ${p#/proc/}; done; true`, "-", dying.root).Output()
	if err != nil {
		t.Fatal(err)
	}
	killed = time.Now()
	for pid := range strings.FieldsSeq(string(out)) {
		number, _ := strconv.Atoi(pid)
		_ = syscall.Kill(number, syscall.SIGKILL)
	}
	if err := os.Remove(filepath.Join(shared, "alone")); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	t.Logf("taken over %.1f s after the runner's end; a lock lives 6 s here, 60 s on a node", time.Since(killed).Seconds())
	if log := sharedLog(t, shared); count(log, "begin") != 2 || count(log, "end") != 1 || count(log, "two at once") != 0 {
		t.Errorf("init ran so: %s", log)
	}
}

// The same row: a runner whose lock another has taken, or that cannot reach the database, stops its own init first.
func TestRow7016MigrationsWithoutTheirLockEnd(t *testing.T) {
	t.Parallel()
	port, shared := mariadb(t), t.TempDir()
	n := migrators(t, port, shared, 1)[0]
	n.env = append(n.env, "INIT_TAKES=60")
	var out string
	var code int
	var all sync.WaitGroup
	all.Go(func() { out, code = n.run("app-migrate", "ulmo 21.0.8", "init") })
	until(t, 60*time.Second, "it migrates", func() bool { return count(sharedLog(t, shared), "begin") == 1 })
	query(t, port, "UPDATE stackhook.migration SET owner = 'another', expires = UTC_TIMESTAMP() + INTERVAL 1 HOUR")
	all.Wait()
	if code == 0 || !strings.Contains(out, "the lock of the migrations was lost") {
		t.Errorf("code %d: %s", code, out)
	}
	if log := sharedLog(t, shared); count(log, "term") != 1 || count(log, "end") != 0 {
		t.Errorf("init went on: %s", log)
	}
	if got := query(t, port, "SELECT version, owner FROM stackhook.migration"); got != "another" {
		t.Errorf("the row is %q", got)
	}
}

// The same row: a failure is told, nothing is written down as done, and the next boot tries again.
func TestRow7016MigrationsThatFailMayRunAgain(t *testing.T) {
	t.Parallel()
	port, shared := mariadb(t), t.TempDir()
	n := migrators(t, port, shared, 1)[0]
	n.program("init", "exit 7")
	if out, code := n.run("app-migrate", "ulmo 21.0.8", "init"); code == 0 || !strings.Contains(out, "migrations to ulmo 21.0.8 ended with code 7") {
		t.Errorf("code %d: %s", code, out)
	}
	n.program("init", "exit 0")
	if out := n.must("app-migrate", "ulmo 21.0.8", "init"); !strings.Contains(out, "migrated to ulmo 21.0.8") {
		t.Errorf("then: %s", out)
	}
}
