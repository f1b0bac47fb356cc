package peers

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Launch is an LTI 1.1 launch to be signed. The signers add what the protocol needs to Fields.
type Launch struct {
	URL    string            `json:"url"`
	Key    string            `json:"key"`
	Secret string            `json:"secret"`
	Fields map[string]string `json:"fields"`
}

// Signers are the programs that sign a Launch, by the name of the library.
func Signers() map[string]string {
	return map[string]string{
		"python3-lti":     "launch-python-lti.py",
		"ims-lti":         "launch-ims-lti.js",
		"oauth-signature": "launch-oauth-signature.js",
	}
}

// Sign is the body of the launch's form, signed by the program.
func Sign(tb testing.TB, program string, l Launch) string {
	tb.Helper()
	in, err := json.Marshal(l)
	if err != nil {
		tb.Fatalf("write the launch: %v", err)
	}
	return Run(tb, string(in), program)
}

// Run runs a program of this folder and is what it prints.
func Run(tb testing.TB, stdin, program string, args ...string) string {
	tb.Helper()
	c := command(tb, program, args...)
	var out, said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &said
	if err := c.Run(); err != nil {
		tb.Fatalf("run %s: %v\n%s", program, err, &said)
	}
	return out.String()
}

// command is a program of this folder, not yet started. Debian's Python has python3-lti; another may come first in PATH.
func command(tb testing.TB, program string, args ...string) *exec.Cmd {
	tb.Helper()
	folder := folder(tb)
	interpreter := "/usr/bin/python3"
	if strings.HasSuffix(program, ".js") {
		interpreter = "node"
		if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err != nil {
			tb.Fatal("scripts/peers has no node_modules: run scripts/test-deps, which installs them.")
		}
	}
	if _, err := exec.LookPath(interpreter); err != nil {
		tb.Fatalf("there is no %s: run scripts/test-deps, which installs it.", interpreter)
	}
	c := exec.CommandContext(tb.Context(), interpreter, append([]string{filepath.Join(folder, program)}, args...)...) //nolint:gosec // a program of ours with a test's arguments
	c.Dir = folder
	return c
}

// folder is this package's folder: tests run in their own.
func folder(tb testing.TB) string {
	tb.Helper()
	at, err := os.Getwd()
	if err != nil {
		tb.Fatalf("find the working folder: %v", err)
	}
	for at != filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, "scripts", "peers")
		}
		at = filepath.Dir(at)
	}
	tb.Fatal("no go.mod above the working folder")
	return ""
}
