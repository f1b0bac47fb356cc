package heattemplates_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// siteSecrets are a site's, as Heat hands them on. None of them may be seen in what a script prints.
var siteSecrets = map[string]string{
	"MYSQL_ROOT_PASSWORD": "hunter2root", "MYSQL_PASSWORD": "hunter2mysql", "MONGODB_KEY": "hunter2keyhunter2keyhunter2key",
	"MONGODB_ADMIN_PASSWORD": "hunter2admin", "MONGODB_PASSWORD": "hunter2mongo", "REDIS_PASSWORD": "hunter2redis",
	"SEARCH_KEY": "hunter2search", "OPENEDX_SECRET_KEY": "hunter2secret", "CMS_OAUTH2_SECRET": "hunter2oauth",
	"S3_ACCESS_KEY": "hunter2access", "S3_SECRET_KEY": "hunter2s3",
}

// siteNode is a folder that the boot scripts of a site take for the root of a node's disk.
type siteNode struct {
	t    *testing.T
	root string
	path string // programs that are not the machine's real ones
	env  []string
	mu   sync.Mutex
	said []string // all output
}

// newSiteNode has the scripts where user data puts them, and the site's settings.
func newSiteNode(t *testing.T, settings map[string]string) *siteNode {
	t.Helper()
	n := &siteNode{t: t, root: t.TempDir(), path: t.TempDir()}
	scripts, err := filepath.Glob("site/boot/*")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, from := range append(scripts, "labs/boot/lab-signal.sh", "labs/boot/lab-post.sh") {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(from)
		if name != "lib.sh" {
			name = strings.TrimSuffix(name, ".sh")
		}
		n.write("/opt/stackhook/"+name, "")
		writeProgram(t, filepath.Join(n.root, "/opt/stackhook", name), string(text))
	}
	for _, name := range []string{"chown", "chgrp", "systemctl"} {
		n.program(name, "exit 0")
	}
	n.program("setpriv", `while [ "${1#-}" != "$1" ]; do case $1 in --reuid|--regid) shift;; esac; shift; done; exec "$@"`)
	n.write("/proc/meminfo", "MemTotal:        8388608 kB\n")
	n.write("/etc/hosts", "127.0.0.1 localhost\n")
	n.settings(settings)
	n.env = []string{"SITE_ROOT=" + n.root, "PATH=" + n.path + ":" + n.root + "/opt/stackhook:/usr/sbin:/usr/bin:/sbin:/bin", "LAB_PAUSES=0 0", "HOME=" + n.root}
	t.Cleanup(n.end)
	return n
}

// end kills what the node's services are, and looks at all that the node has printed or kept in a log.
func (n *siteNode) end() {
	pids, _ := filepath.Glob(filepath.Join(n.root, "run/stackhook/*.pid"))
	for _, file := range pids {
		n.kill(strings.TrimSuffix(filepath.Base(file), ".pid"), syscall.SIGKILL)
	}
	logs, _ := filepath.Glob(filepath.Join(n.root, "var/log/stackhook/*"))
	words := []string{n.output()}
	for _, file := range logs {
		log, _ := os.ReadFile(file)
		words = append(words, string(log))
	}
	text := strings.Join(words, "\n")
	for name, secret := range siteSecrets {
		if strings.Contains(text, secret) {
			n.t.Errorf("the value of %s was printed", name)
		}
	}
}

func (n *siteNode) output() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.said, "")
}

// kill sends a signal to one of the node's services, which is the head of its own session, and says whether there was one.
func (n *siteNode) kill(service string, signal syscall.Signal) bool {
	var pid int
	text := n.read("/run/stackhook/" + service + ".pid")
	if _, err := fmt.Sscan(text, &pid); err != nil {
		return false
	}
	return syscall.Kill(-pid, signal) == nil || syscall.Kill(pid, signal) == nil
}

// settings writes the site's settings, over those it has had.
func (n *siteNode) settings(set map[string]string) {
	n.t.Helper()
	all := map[string]string{"SITE": "school", "NAME": "node", "PEERS": "127.0.0.1 127.0.0.2 127.0.0.3"}
	for _, more := range []map[string]string{siteSecrets, set} {
		maps.Copy(all, more)
	}
	var text bytes.Buffer
	for name, value := range all {
		fmt.Fprintf(&text, "%s='%s'\n", name, value)
	}
	n.write("/etc/stackhook/site.env", text.String())
}

func (n *siteNode) program(name, script string) {
	n.t.Helper()
	writeProgram(n.t, filepath.Join(n.path, name), "#!/bin/bash\n"+script+"\n")
}

func (n *siteNode) write(name, text string) {
	n.t.Helper()
	file := filepath.Join(n.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *siteNode) read(name string) string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
	return string(text)
}

func (n *siteNode) mode(name string) os.FileMode {
	n.t.Helper()
	info, err := os.Stat(filepath.Join(n.root, name))
	if err != nil {
		n.t.Fatal(err)
	}
	return info.Mode().Perm()
}

// run runs one of the node's programs to its end.
func (n *siteNode) run(argv ...string) (output string, code int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 4*time.Minute)
	defer cancel()
	name := filepath.Join(n.root, "opt/stackhook", argv[0])
	if _, err := os.Stat(name); err != nil {
		name = argv[0]
	}
	cmd := exec.CommandContext(ctx, name, argv[1:]...)
	file, err := os.CreateTemp(n.root, "output") // no pipe: a service left behind would hold it
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	cmd.Env, cmd.Stdout, cmd.Stderr = n.env, file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatal(argv, err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, string(text))
	return string(text), cmd.ProcessState.ExitCode()
}

// must is run, for what has to end well.
func (n *siteNode) must(argv ...string) string {
	n.t.Helper()
	out, code := n.run(argv...)
	if code != 0 {
		n.t.Fatalf("%v ended with code %d: %s", argv, code, out)
	}
	return out
}

// until waits for something that other programs bring about.
func until(t *testing.T, most time.Duration, what string, done func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !done() {
		if time.Since(start) > most {
			t.Fatalf("%s: not within %s", what, most)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(start)
}
