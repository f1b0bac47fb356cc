//go:build deploy

package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// machine is a copy of this one that is thrown away (scripts/test-deploy makes it): its root, and in it a clone of this repository.
type machine struct {
	t           *testing.T
	root, tools string
	clone       string // inside of root
	cloud       *openstacktest.Cloud
}

// TestEveryReadmeLiterally pastes what each page says, in the order of the first page's table, and counts how far it gets.
func TestEveryReadmeLiterally(t *testing.T) {
	m := newMachine(t)
	m.prepare()
	m.paste("README.md") // up to where the files are edited
	m.edit()
	var rows []string
	for _, page := range pages(t) {
		name := filepath.Dir(page)
		t.Run(name, func(t *testing.T) {
			m := m.with(t)
			if before := m.before()[name]; before != nil {
				before()
			}
			ran, played := m.paste(page)
			if after := m.after()[name]; after != nil {
				after()
			}
			row := fmt.Sprintf("| [`%s/`](%s/README.md) | %d | %s |", name, name, ran, played)
			if rows = append(rows, row); !strings.Contains(read(t, "README.md"), row+"\n") {
				t.Errorf("README.md says otherwise how far it goes; it went:\n%s", row)
			}
		})
	}
	t.Logf("how far it went:\n%s", strings.Join(rows, "\n"))
}

// with is the machine for the time of a test: what is started then ends with it.
func (m *machine) with(t *testing.T) *machine {
	t.Helper()
	of := *m
	of.t = t
	return &of
}

// pages are the folders' pages, as the first page's second table has them.
func pages(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, found := range regexp.MustCompile(`(?m)^\| \[.([a-z]+)/.\]\(`).FindAllStringSubmatch(read(t, "README.md"), -1) {
		list = append(list, found[1]+"/README.md")
	}
	for _, page := range folders(t) {
		if !strings.Contains(strings.Join(list, " "), page) {
			t.Errorf("the table of README.md does not have %s", page)
		}
	}
	return list
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	work := os.Getenv("STACKHOOK_DEPLOY")
	if work == "" {
		t.Fatal("run by scripts/test-deploy")
	}
	cloud := openstacktest.Start(t)
	return &machine{t: t, root: work + "/root/merged", tools: work + "/tools", clone: work + "/clone", cloud: cloud}
}

// in is a command inside of the machine, in the clone.
func (m *machine) in(script string) *exec.Cmd {
	c := exec.CommandContext(m.t.Context(), "/bin/bash", "-c", script)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root}
	c.Dir = m.clone
	c.Env = []string{
		"PATH=/stand-ins:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=dumb", "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot", "LANG=C.UTF-8",
		"TOOLS=" + m.tools, "GOCACHE=" + goenv(m.t, "GOCACHE"), "GOMODCACHE=" + goenv(m.t, "GOMODCACHE"), "GOFLAGS=-mod=readonly", "GOPROXY=off",
		"TEND_TOKEN=" + hunter, "RECONCILE_TOKEN=" + hunter, "TOKEN=" + hunter, "APPLICATION_CREDENTIAL_SECRET=" + hunter, "OPENWHISK_AUTH=user:" + hunter,
	}
	return c
}

func goenv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("/usr/local/go/bin/go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// do is for what a page takes for granted.
func (m *machine) do(script string) string {
	m.t.Helper()
	out, err := m.in("set -euo pipefail\n" + script).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s\n%v: %s", hide([]byte(script)), err, hide(out))
	}
	return string(out)
}

// start runs something beside, until the test ends.
func (m *machine) start(script string) {
	m.t.Helper()
	c := m.in("exec " + script)
	log, err := os.CreateTemp(m.t.TempDir(), "log")
	if err != nil {
		m.t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if text, _ := os.ReadFile(log.Name()); m.t.Failed() {
			m.t.Logf("%s: ...%s", script, hide(text[max(0, len(text)-2000):]))
		}
	})
}

func (m *machine) until(script string) {
	m.t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := m.in(script).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s\n%v: %s", script, err, hide(out))
		}
	}
}

func (m *machine) write(name, text string, mode os.FileMode) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

// hide takes the secrets out of what is printed.
func hide(out []byte) string { return strings.ReplaceAll(string(out), "hunter2", "***") }

// builtins are what Bash traces and is no command of a page.
var builtins = map[string]bool{"for": true, "cd": true, "printf": true, "read": true, "mapfile": true, "function": true}

// paste runs the blocks of a page one by one, as somebody would who stops at the first fault, and gives the number of commands
// that ran and which were played, by how many calls.
func (m *machine) paste(page string) (ran int, played string) {
	m.t.Helper()
	begun := time.Now()
	m.do(": >/stand-ins/log; : >/stand-ins/trace")
	for i, block := range blocks(m.t, page) {
		if page == "README.md" && !strings.HasPrefix(block, "cp ") {
			continue // the others are said again in the folders, or need a domain of one's own
		}
		script := "set -eu\nexec 9>>/stand-ins/trace\nBASH_XTRACEFD=9\nPS4=+\nset -x\n" + block
		if out, err := m.in(script).CombinedOutput(); err != nil {
			m.t.Fatalf("%s, block %d:\n%s\n%v: %s", page, i+1, block, err, hide(out))
		} else if text := string(out); strings.Contains(text, "Warning:") || strings.Contains(text, "WARN") {
			m.t.Errorf("%s, block %d:\n%s\nwarns: %s", page, i+1, block, hide(out))
		}
	}
	for line := range strings.Lines(m.do("cat /stand-ins/trace")) {
		word := strings.Fields(strings.TrimLeft(line, "+") + " ")
		if strings.HasPrefix(line, "+") && len(word) > 0 && !builtins[word[0]] && !strings.Contains(word[0], "=") {
			ran++
		}
	}
	calls := map[string]int{}
	var order []string
	for line := range strings.Lines(m.do("cat /stand-ins/log")) {
		name := strings.TrimSpace(line)
		if calls[name]++; calls[name] == 1 {
			order = append(order, name)
		}
	}
	var words []string
	sum := 0
	for _, name := range order {
		words = append(words, fmt.Sprintf("%d %s", calls[name], name))
		sum += calls[name]
	}
	m.t.Logf("%s took %s", page, time.Since(begun).Round(time.Second/10))
	if len(words) == 0 {
		return ran, "none"
	}
	return ran - sum, strings.Join(words, ", ")
}
