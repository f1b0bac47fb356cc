package shim_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The README's curl commands work as they are pasted, in their order, on what `make run` starts.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	s := start(t)
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var tried int
	for _, found := range shellBlock.FindAllStringSubmatch(string(readme), -1) {
		if !strings.HasPrefix(found[1], "curl ") {
			continue
		}
		tried++
		command := strings.ReplaceAll(found[1], "http://127.0.0.1:8080", s.URL())
		pasted(t, command, s.Keys().APIToken)
	}
	if tried < 3 {
		t.Errorf("found %d commands in the README, want 3 or more", tried)
	}
}

// pasted runs a command until it works: Heat needs a moment between two of them, and the answer to the impatient is 409.
func pasted(t *testing.T, command, token string) {
	t.Helper()
	var out []byte
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(200 * time.Millisecond) {
		shell := exec.CommandContext(t.Context(), "bash", "-c", `curl() { command curl --no-progress-meter --fail-with-body "$@"; }; `+command)
		shell.Env = []string{"PATH=" + os.Getenv("PATH"), "TOKEN=" + token}
		var err error
		if out, err = shell.CombinedOutput(); err == nil {
			return
		}
	}
	t.Errorf("%s\nanswers %s", command, out)
}
