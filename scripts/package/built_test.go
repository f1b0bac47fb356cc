package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// built is launch-lab, built as the Makefile does, packaged, and unpacked as Lambda does: once for all tests.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "package")
	if err != nil {
		return "", err
	}
	builtIn.Store(folder)
	bin, dist, task := filepath.Join(folder, "bin"), filepath.Join(folder, "dist"), filepath.Join(folder, "task")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-ldflags", "-s -w",
		"-o", filepath.Join(bin, "launch-lab"), "../../functions/launch-lab")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	if err := run(bin, dist, []string{"launch-lab"}, io.Discard); err != nil {
		return "", err
	}
	archive, err := zip.OpenReader(filepath.Join(dist, "launch-lab.zip"))
	if err != nil {
		return "", err
	}
	defer archive.Close()
	return filepath.Join(task, "bootstrap"), os.CopyFS(task, archive)
})

// builtIn is its folder, if a test needed it.
var builtIn atomic.Value

func TestMain(m *testing.M) {
	status := m.Run()
	if folder, ok := builtIn.Load().(string); ok {
		_ = os.RemoveAll(folder)
	}
	os.Exit(status)
}

// unzipped is the program in launch-lab's zip.
func unzipped(t *testing.T) string {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}
