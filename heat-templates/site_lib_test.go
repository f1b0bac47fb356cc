package heattemplates_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// siteMachine is a folder with the site's boot scripts, beside programs that stand in for those which change a real machine.
func siteMachine(t *testing.T, o *outside, standIns map[string]string) (root string, run func(argv ...string) (string, error)) {
	t.Helper()
	root, bin := t.TempDir(), t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		writeProgram(t, name, text)
	}
	for from, to := range map[string]string{
		"site/boot/lib.sh": "lib.sh", "site/boot/boot-backend.sh": "boot-backend", "site/boot/backup.sh": "backup", "site/boot/db-proxy.sh": "db-proxy",
		"labs/boot/lab-signal.sh": "lab-signal", "labs/boot/lab-post.sh": "lab-post",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		put(root+"/opt/stackhook/"+to, string(text))
	}
	for name, script := range standIns {
		put(bin+"/"+name, "#!/bin/bash\n"+script+"\n")
	}
	put(root+"/etc/stackhook/site.env", "SITE=academy ROLE=backend NAME=x INDEX=1 PEERS='10.0.0.1 10.0.0.2 10.0.0.3' MYSQL_VOLUME=v1 MYSQL_PASSWORD=hunter2-openedx\n")
	put(root+"/etc/stackhook/signal", o.details())
	put(root+"/etc/stackhook/progress", o.details())
	return root, func(argv ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "SITE_ROOT=" + root, "LAB_PAUSES=0"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// Research 7.1 row 13: a boot that fails says script, line, command and code, and its last lines, once, and no secret.
func TestRow7113SiteFailureHasItsReason(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	root, run := siteMachine(t, o, map[string]string{"disk": `. "$SITE_ROOT/opt/stackhook/lib.sh"
for i in {1..30}; do echo "line $i with $MYSQL_PASSWORD"; done
if true; then
  grep "$MYSQL_PASSWORD" /dev/null
fi`})
	for range 2 {
		if out, err := run(root + "/opt/stackhook/boot-backend"); err == nil {
			t.Fatalf("the boot went well: %s", out)
		}
	}
	heard := o.heard()
	if len(heard) != 1 || heard[0].ID != "ready" || heard[0].Status != "FAILURE" || heard[0].Reason != `disk:5: grep "$MYSQL_PASSWORD" /dev/null exit 1` {
		t.Fatalf("heard %+v", heard)
	}
	data, _ := heard[0].Data.(map[string]any)
	last, _ := data["last"].(string)
	if lines := strings.Split(strings.TrimSuffix(last, "\n"), "\n"); len(lines) != 20 || lines[19] != "line 30 with ***" {
		t.Errorf("the last lines are %q", strings.ReplaceAll(last, "hunter2", "h-u-n-t-e-r"))
	}
}

// After a failure nothing runs; without one, all that is installed does, and is said to be ready once.
func TestRow7113SiteBootRunsAllItsParts(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	root, run := siteMachine(t, o, map[string]string{"disk": `echo "disk $*" >>"$SITE_ROOT/ran"`})
	for _, part := range []string{"names", "galera", "redis", "mongodb", "search"} {
		text := "#!/bin/sh\necho \"" + part + " $*\" >>\"$SITE_ROOT/ran\"\n"
		writeProgram(t, root+"/opt/stackhook/"+part, text)
	}
	for range 2 {
		if out, err := run(root + "/opt/stackhook/boot-backend"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	ran, err := os.ReadFile(root + "/ran")
	if want := strings.Repeat("names \ndisk mysql v1 /srv/mysql\ngalera up\nredis up\nmongodb up\nsearch up\n", 2); err != nil || string(ran) != want {
		t.Errorf("ran %q, %v", ran, err)
	}
	ready, steps := 0, 0
	for _, said := range o.heard() {
		if said.ID == "ready" && said.Status == "SUCCESS" {
			ready++
		}
		if data, _ := said.Data.(map[string]any); strings.HasPrefix(said.ID, "backend-1-") && data["step"] == "disks" && data["index"] == 1.0 {
			steps++
		}
	}
	if ready != 1 || steps != 2 {
		t.Errorf("heard %+v", o.heard())
	}
}

// With systemd each service is a unit of its own that comes back by itself, and the backup a timer at its hour.
func TestSiteWithSystemd(t *testing.T) {
	t.Parallel()
	root, run := siteMachine(t, newOutside(t), map[string]string{"systemctl": `echo "$@" >>"$SITE_ROOT/systemctl"`, "haproxy": "exit 0", "timeout": "exit 0"})
	for _, dir := range []string{"/run/systemd/system", "/etc/systemd/system"} {
		if err := os.MkdirAll(root+dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if out, err := run("env", "DB_BIND=0.0.0.0:3306", root+"/opt/stackhook/db-proxy"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := run("env", "BACKUP_HOUR=08", root+"/opt/stackhook/backup", "schedule"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told, _ := os.ReadFile(root + "/systemctl")
	start := "daemon-reload\nstart stackhook-db-proxy\n"
	if want := "stop stackhook-db-proxy\n" + start + start + "daemon-reload\nenable --now stackhook-backup.timer\n"; string(told) != want {
		t.Errorf("systemctl was told %q, not %q", told, want)
	}
	for name, line := range map[string]string{
		"systemd/system/stackhook-db-proxy.service": "ExecStart=haproxy -W -db -f " + root + "/etc/haproxy/haproxy.cfg",
		"systemd/system/stackhook-backup.timer":     "OnCalendar=*-*-* 08:00:00 UTC",
		"systemd/system/stackhook-backup.service":   "ExecStart=" + root + "/opt/stackhook/backup run",
		"haproxy/haproxy.cfg":                       "  bind 0.0.0.0:3306",
	} {
		if text, _ := os.ReadFile(root + "/etc/" + name); !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("%s is %q", name, text)
		}
	}
}
