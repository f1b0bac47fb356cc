package heattemplates_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// machine is a folder that the boot scripts take for the root of a machine's disk.
type machine struct {
	t     *testing.T
	root  string
	path  string
	env   []string
	group []int // of what runs on it
}

// basics is what every image has.
var basics = strings.Fields("sh sed tr cut grep awk date stat cat tail sleep mkdir chmod touch cksum wc ln env timeout")

// newMachine has the programs named besides the basic ones; what changes the real machine is replaced by nothing.
func newMachine(t *testing.T, programs ...string) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), path: t.TempDir()}
	for _, name := range append(programs, basics...) {
		m.link(name)
	}
	for _, name := range []string{"chown", "adduser"} {
		m.program(name, "exit 0")
	}
	m.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nlearner:x:1000:1000::/home/learner:/bin/sh\n")
	m.write("/etc/ssh/ssh_host_ed25519_key.pub", machineKey+" root@host\n")
	m.write("/proc/loadavg", "0.00 0.00 0.00 1/100 1\n")
	m.env = []string{"LAB_ROOT=" + m.root, "PATH=" + m.root + "/usr/local/bin:" + m.path, "LAB_PAUSES=0 0 0"}
	t.Cleanup(func() {
		for _, group := range m.group {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	})
	return m
}

func (m *machine) link(name string) {
	m.t.Helper()
	for _, dir := range []string{"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"} { // python3 in PATH may be a shim
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			if err := os.Symlink(filepath.Join(dir, name), filepath.Join(m.path, name)); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	}
	m.t.Fatalf("no %s here: scripts/test-deps installs what the tests need", name)
}

// program writes a program of the machine's own, in place of what is linked.
func (m *machine) program(name, script string) {
	m.t.Helper()
	_ = os.Remove(filepath.Join(m.path, name))
	writeProgram(m.t, filepath.Join(m.path, name), "#!/bin/sh\n"+script+"\n")
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(text)
}

// run runs a program to its end, with what it wrote. What it leaves behind is killed with the test.
func (m *machine) run(input string, argv ...string) (output string, code int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(m.root, "/usr/local/bin", argv[0]), argv[1:]...)
	if argv[0] == "sh" {
		cmd = exec.CommandContext(ctx, filepath.Join(m.path, "sh"), argv[1:]...)
	}
	var out strings.Builder
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = m.env, strings.NewReader(input), &out, &out
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, time.Second
	err := cmd.Run()
	m.group = append(m.group, cmd.Process.Pid)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		m.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// settings are what a template gives a machine, with a lab's own set-up.
func settings(o *outside, setup string) map[string]string {
	return map[string]string{
		"signal": o.details(), "report_url": o.URL + "/report", "public_key": learnerKey, "ready": "ready", "ready_timeout": "600", "ports": "3389", "setup": setup,
	}
}

// userData is what Heat makes of the template's str_replace.
func userData(t *testing.T, set map[string]string) string {
	t.Helper()
	template, err := heattemplates.Load("labs/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for name, text := range template.Files {
		pairs = append(pairs, "@"+strings.TrimSuffix(strings.TrimPrefix(name, "boot/"), ".sh")+"@", text)
	}
	for name, value := range set {
		pairs = append(pairs, "@"+name+"@", value)
	}
	return strings.NewReplacer(pairs...).Replace(template.Files["boot/machine.sh"])
}

// install puts the commands into their places, and leaves it to the test to start them.
func (m *machine) install(set map[string]string) {
	m.t.Helper()
	text := userData(m.t, set)
	first, _, ok := strings.Cut(text, "if [ -d \"$root/run/systemd/system\" ]")
	if !ok {
		m.t.Fatal("machine.sh does not look for systemd")
	}
	if out, code := m.run(first, "sh"); code != 0 {
		m.t.Fatalf("code %d: %s", code, out)
	}
}

func webSetup(t *testing.T) string {
	t.Helper()
	template, err := heattemplates.Load("labs/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(template.Files["boot/web.sh"], "@greeting@", "Good morning")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func page(t *testing.T, port string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func eventually[T any](t *testing.T, look func() []T) []T {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got := look(); len(got) > 0 {
			return got
		}
	}
	t.Fatal("nothing came")
	return nil
}
