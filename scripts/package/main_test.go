package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackage(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	if err := os.WriteFile(filepath.Join(from, "launch-lab"), []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	var archives [2][]byte
	for i := range archives {
		if err := run(from, to, []string{"launch-lab"}, io.Discard); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(to, "launch-lab.zip"))
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = text
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same program gave two zips")
	}
	r, err := zip.NewReader(bytes.NewReader(archives[0]), int64(len(archives[0])))
	if err != nil || len(r.File) != 1 {
		t.Fatalf("want one file: %v, %v", r, err)
	}
	if f := r.File[0]; f.Name != "bootstrap" || f.Mode().Perm() != 0o755 || f.UncompressedSize64 != 7 {
		t.Errorf("holds %s, %v, %d bytes", f.Name, f.Mode(), f.UncompressedSize64)
	}
}

func TestNothingToPackage(t *testing.T) {
	t.Parallel()
	if run(t.TempDir(), t.TempDir(), nil, io.Discard) == nil {
		t.Error("no function named, no error")
	}
	if run(t.TempDir(), t.TempDir(), []string{"nowhere"}, io.Discard) == nil {
		t.Error("a program that is not there, no error")
	}
}

// A function that outgrows its limit fails the build, and nothing is there that could be shipped.
func TestTooLargeToPackage(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	for name, size := range map[string]int{"fits": mostBytes, "large": mostBytes + 1} {
		if err := os.WriteFile(filepath.Join(from, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(from, to, []string{"fits"}, io.Discard); err != nil {
		t.Errorf("a program of the most there may be: %v", err)
	}
	if err := run(from, to, []string{"large"}, io.Discard); err == nil || !strings.Contains(err.Error(), "large has 12000001 bytes") {
		t.Errorf("a program of a byte too many: %v", err)
	}
	if _, err := os.Stat(filepath.Join(to, "large.zip")); !os.IsNotExist(err) {
		t.Errorf("its zip: %v", err)
	}
}
