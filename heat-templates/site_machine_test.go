package heattemplates_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	putSignal = "put 755 \"$root/opt/stackhook/lab-signal\" <<'SITE_END'\n#!/bin/sh\necho \"$LAB_HANDLE $*\" >\"$SITE_ROOT/said\"\nSITE_END\n"
	putBoot   = "put 755 \"$root/opt/stackhook/boot-app\" <<'SITE_END'\n#!/bin/sh\ntouch \"$SITE_ROOT/booted\"\nSITE_END\n"
)

// runMachine runs what a server is given below a folder of the test's, with these files put on the machine.
func runMachine(t *testing.T, files string) (root string, err error) {
	t.Helper()
	root = t.TempDir()
	script := strings.NewReplacer("@role@", "app", "@settings@", "KEY='hunter2'", "@signal@", `{"alarm_url": "x"}`, "@progress@", `{"alarm_url": "y"}`, "@files@", files).
		Replace(readFile(t, "site/boot/machine.sh"))
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SITE_ROOT=" + root}
	return root, cmd.Run()
}

// What the machine is given is there, is its owner's only where it has to be, and runs.
func TestRow14MachineIsSetUp(t *testing.T) {
	t.Parallel()
	root, err := runMachine(t, putSignal+putBoot)
	if err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]os.FileMode{
		"etc/stackhook/site.env": 0o600, "etc/stackhook/signal": 0o600, "etc/stackhook/progress": 0o600, "opt/stackhook/boot-app": 0o755,
	} {
		if info, err := os.Stat(filepath.Join(root, file)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if text := readFile(t, filepath.Join(root, "etc/stackhook/site.env")); text != "KEY='hunter2'\n" {
		t.Errorf("site.env has %d characters", len(text))
	}
	if _, err := os.Stat(filepath.Join(root, "booted")); err != nil {
		t.Error("boot-app was not run")
	}
	if _, err := os.Stat(filepath.Join(root, "said")); err == nil {
		t.Error("told of a failure")
	}
}

// TestFault4MachineSaysThatItFailed: also of what goes wrong before the boot files are there.
func TestFault4MachineSaysThatItFailed(t *testing.T) {
	t.Parallel()
	root, err := runMachine(t, putSignal+"put 755 \"$root/opt/stackhook/lab-signal/below\" <<'SITE_END'\nSITE_END\n"+putBoot)
	if err == nil {
		t.Error("ended well")
	}
	said := readFile(t, filepath.Join(root, "said"))
	if !strings.HasPrefix(said, root+"/etc/stackhook/signal machine FAILURE machine.sh: put ") || !strings.Contains(said, "lab-signal/below exit ") {
		t.Errorf("said %q", said)
	}
	if _, err := os.Stat(filepath.Join(root, "booted")); err == nil {
		t.Error("went on")
	}
}
