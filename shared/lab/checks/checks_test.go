package checks_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/lab/checks"
)

// host is an SSH server on loopback that lets the test's own user in.
type host struct {
	checks.Target
	keys []string // its public host keys
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// public is a key's public half as a line of authorized_keys.
func public(t *testing.T, key any) string {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func keyFile(t *testing.T, file string, key any) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, file, string(pem.EncodeToMemory(block)))
}

// start runs OpenSSH's server where there is one (Debian: openssh-server), and one of our own elsewhere.
func start(t *testing.T) *host {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	hostKeys := []any{newKey(t), rsaKey}
	h := &host{keys: []string{public(t, hostKeys[0]), public(t, hostKeys[1])}}
	h.Target = checks.Target{Check: "web", User: me.Username, HostKey: h.keys[0], Key: newKey(t), Time: 20 * time.Second}
	if sshd, err := exec.LookPath("/usr/sbin/sshd"); err == nil {
		h.openSSH(t, sshd, hostKeys)
	} else {
		h.own(t, hostKeys)
	}
	return h
}

// openSSH runs sshd, which reads nothing of the machine's own configuration.
func (h *host) openSSH(t *testing.T, sshd string, hostKeys []any) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // as its service does
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	var config strings.Builder
	for i, key := range hostKeys {
		fmt.Fprintf(&config, "HostKey %s\n", keyFile(t, filepath.Join(dir, fmt.Sprint("host", i)), key))
	}
	h.Address = freeAddress(t)
	_, port, _ := net.SplitHostPort(h.Address)
	fmt.Fprintf(&config, "ListenAddress 127.0.0.1\nPort %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n",
		port, write(t, filepath.Join(dir, "authorized_keys"), public(t, h.Key)))
	log := filepath.Join(dir, "log")
	cmd := exec.CommandContext(t.Context(), sshd, "-D", "-E", log, "-f", write(t, filepath.Join(dir, "sshd_config"), config.String()))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", h.Address); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log)
			t.Fatalf("sshd does not come up: %s", text)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestCheckEndsAsItsScriptDoes(t *testing.T) {
	t.Parallel()
	h := start(t)
	for name, row := range map[string]struct {
		script, hint string
		passed       bool
	}{
		"passed":              {"#!/bin/sh\nexit 0\n", "", true},
		"passed with a word":  {"#!/bin/sh\necho well done >&2\n", "well done", true},
		"failed":              {"#!/bin/sh\necho first >&2; echo 'The page has no heading yet.' >&2; echo >&2; exit 1\n", "The page has no heading yet.", false},
		"another code":        {"#!/bin/sh\nexit 42\n", "", false},
		"standard output":     {"#!/bin/sh\necho not a hint; exit 1\n", "", false},
		"killed":              {"#!/bin/sh\nkill -9 $$\n", "Killed", false},
		"no such program":     {"#!/nowhere/python9\n", "", false},
		"another interpreter": {"#!/bin/cat\n'quoted' $HOME \\ !\n", "", true},
		"no text":             {"#!/bin/sh\nprintf 'a\\033[31mb\\377c <b>\\n' >&2; exit 1\n", "a[31mbc <b>", false},
		"long":                {"#!/bin/sh\nprintf '%02000d' 7 >&2; exit 1\n", strings.Repeat("0", 499) + "…", false},
		"reads its input":     {"#!/bin/sh\nread x; test -z \"$x\"\n", "", true},
		"in its own folder":   {"#!/bin/sh\ntest \"$(ls)\" = check && touch more\n", "", true},
		"not quite too much":  {"#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo end >&2\n", "end", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := checks.Run(t.Context(), h.Target, row.script)
			score := map[bool]float64{true: 1}[row.passed]
			if err != nil || result.Check != "web" || result.Passed != row.passed || result.Score != score {
				t.Errorf("%+v, %v", result, err)
			}
			if result.Message != row.hint && name != "no such program" { // timeout(1) has its own words for it
				t.Errorf("the hint is %q, want %q", result.Message, row.hint)
			}
		})
	}
}

// W16: a host that nobody has vouched for is sent nothing: no script, no user, no key.
func TestW16NothingRunsWithoutThePinnedHostKey(t *testing.T) {
	t.Parallel()
	h := start(t)
	mark := filepath.Join(t.TempDir(), "mark")
	for name, row := range map[string]struct {
		key  string
		want error
	}{
		"another key":                {public(t, newKey(t)), checks.ErrHostKey},
		"a kind that it has not":     {"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=", checks.ErrHostKey},
		"none":                       {"", checks.ErrNoHostKey},
		"none, as an output":         {" \n", checks.ErrNoHostKey},
		"no key":                     {"ssh-ed25519 hello", checks.ErrNoHostKey},
		"a machine that says itself": {`<script>`, checks.ErrNoHostKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := h.Target
			target.HostKey = row.key
			if result, err := checks.Run(t.Context(), target, "#!/bin/sh\ntouch "+mark+"\n"); !errors.Is(err, row.want) || result.Passed {
				t.Errorf("%+v, %v", result, err)
			}
			if _, err := os.Stat(mark); err == nil {
				t.Error("the script ran")
			}
		})
	}
	for _, key := range h.keys {
		target := h.Target
		target.HostKey = key + " a comment"
		if result, err := checks.Run(t.Context(), target, "#!/bin/sh\n"); err != nil || !result.Passed {
			t.Errorf("with %.20s: %+v, %v", key, result, err)
		}
	}
}

func TestCheckThatCannotBeRun(t *testing.T) {
	t.Parallel()
	h := start(t)
	dead, mute := freeAddress(t), silent(t)
	for name, row := range map[string]struct {
		change func(*checks.Target)
		script string
		want   error
	}{
		"wrong user":            {func(t *checks.Target) { t.User = "nobody-of-that-name" }, "#!/bin/sh\n", checks.ErrLogin},
		"wrong key":             {func(x *checks.Target) { x.Key = newKey(t) }, "#!/bin/sh\n", checks.ErrLogin},
		"nobody there":          {func(t *checks.Target) { t.Address = dead }, "#!/bin/sh\n", checks.ErrUnreachable},
		"no such host":          {func(t *checks.Target) { t.Address = "host.invalid" }, "#!/bin/sh\n", checks.ErrUnreachable},
		"answers, says nothing": {func(t *checks.Target) { t.Address, t.Time = mute, time.Second }, "#!/bin/sh\n", checks.ErrUnreachable},
		"hangs":                 {func(t *checks.Target) { t.Time = 2 * time.Second }, "#!/bin/sh\nsleep 59\n", checks.ErrTime},
		"megabytes of errors":   {func(*checks.Target) {}, "#!/bin/sh\nyes hunter2 >&2\n", checks.ErrOutput},
		"megabytes of output":   {func(*checks.Target) {}, "#!/bin/sh\nyes hunter2\n", checks.ErrOutput},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := h.Target
			row.change(&target)
			began := time.Now()
			result, err := checks.Run(t.Context(), target, row.script)
			if !errors.Is(err, row.want) || result.Passed || result.Message != "" {
				t.Errorf("%+v, %v", result, err)
			}
			if took := time.Since(began); took > target.Time+5*time.Second {
				t.Errorf("took %s", took)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("what the script wrote is in the error: %v", err)
			}
		})
	}
}

// A machine that reboots in the middle has neither passed nor failed.
func TestCheckOfAMachineThatGoesAway(t *testing.T) {
	t.Parallel()
	h := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began, server := filepath.Join(t.TempDir(), "began"), h.Address
	go func() {
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer near.Close()
		far, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer far.Close()
		go io.Copy(near, far)
		go io.Copy(far, near)
		for { // until the script is at work
			if _, err := os.Stat(began); err == nil || t.Context().Err() != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	h.Address = l.Addr().String()
	if result, err := checks.Run(t.Context(), h.Target, "#!/bin/sh\ntouch "+began+"\nsleep 5\n"); !errors.Is(err, checks.ErrLost) || result.Passed {
		t.Errorf("%+v, %v", result, err)
	}
}

// silent accepts connections and never says anything.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// The pass of tend-labs that is cut off does not wait for a script, and leaves none at work.
func TestCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := start(t)
	pid := filepath.Join(t.TempDir(), "pid")
	h.Time = 3 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := checks.Run(ctx, h.Target, "#!/bin/sh\necho $$ >"+pid+".new && mv "+pid+".new "+pid+"\nsleep 58\n")
		ended <- err
	}()
	number := eventually(t, "the script begins", func() string { text, _ := os.ReadFile(pid); return strings.TrimSpace(string(text)) })
	cancel()
	if err := <-ended; !errors.Is(err, checks.ErrTime) {
		t.Errorf("%v", err)
	}
	eventually(t, "the script is gone", func() string {
		if _, err := os.Stat("/proc/" + number); errors.Is(err, os.ErrNotExist) {
			return "gone"
		}
		return ""
	})
}

func eventually(t *testing.T, what string, look func() string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got := look(); got != "" {
			return got
		}
	}
	t.Fatalf("never: %s", what)
	return ""
}

// Twice and at once, checks do not get into each other's way.
func TestChecksAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	const many = 6
	hints := make(chan string, many)
	for i := range many {
		go func() {
			result, err := checks.Run(t.Context(), h.Target, fmt.Sprintf("#!/bin/sh\necho %d >own; sleep 0.2; cat own >&2; exit 1\n", i))
			hints <- fmt.Sprint(result.Message, err)
		}()
	}
	var got []string
	for range many {
		got = append(got, <-hints)
	}
	slices.Sort(got)
	if want := []string{"0<nil>", "1<nil>", "2<nil>", "3<nil>", "4<nil>", "5<nil>"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
