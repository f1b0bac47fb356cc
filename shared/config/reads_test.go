package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReads(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, path, dir string){
		"the file is edited":   func(t *testing.T, path, _ string) { t.Helper(); write(t, path, withLab+"# more\n") },
		"the file is replaced": func(t *testing.T, path, _ string) { t.Helper(); replace(t, path) },
		"the file goes":        func(t *testing.T, path, _ string) { t.Helper(); must(t, os.Remove(path)) },
		"only its time changes": func(t *testing.T, path, _ string) {
			t.Helper()
			must(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		},
		"a secret's file": func(t *testing.T, path, _ string) {
			t.Helper()
			write(t, filepath.Join(filepath.Dir(path), "secret"), key32+"2")
		},
		"a platform comes": func(t *testing.T, _, dir string) { t.Helper(); write(t, filepath.Join(dir, "b.yaml"), entry) },
		"a platform is edited": func(t *testing.T, _, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, "a.yaml"), entry+"# more\n")
		},
		"a platform goes":          func(t *testing.T, _, dir string) { t.Helper(); must(t, os.Remove(filepath.Join(dir, "a.yaml"))) },
		"the platforms' directory": func(t *testing.T, _, dir string) { t.Helper(); must(t, os.RemoveAll(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, dir := folder(t, "store: redis://h\nstore_password_file: secret\nlti:\n  platforms_dir: platforms\n", map[string]string{"a.yaml": entry})
			write(t, filepath.Join(filepath.Dir(path), "secret"), key32)
			src, reads := source(path).Record()
			if _, err := src.Load(); err != nil {
				t.Fatal(err)
			}
			if reads.Changed() {
				t.Fatal("nothing happened, and it is changed")
			}
			change(t, path, dir)
			if !reads.Changed() {
				t.Error("nobody noticed")
			}
		})
	}
}

// What could not be read is waited for.
func TestReadsOfAMissingFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	src, reads := source(path).Record()
	if _, err := src.Load(); err == nil {
		t.Fatal("there is no file")
	}
	if reads.Changed() {
		t.Error("nothing happened, and it is changed")
	}
	write(t, path, minimal)
	if !reads.Changed() {
		t.Error("nobody noticed that the file came")
	}
}

func TestNothingIsReadFromText(t *testing.T) {
	t.Parallel()
	src, reads := source(minimal).Record()
	if _, err := src.Load(); err != nil || reads.Changed() {
		t.Errorf("%v, %v", err, reads.Changed())
	}
}

// replace does what editors and Kubernetes do: another file under the same name, here of the same size and time.
func replace(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	text, err := os.ReadFile(path)
	must(t, err)
	write(t, path+".new", string(text))
	must(t, os.Chtimes(path+".new", time.Time{}, info.ModTime()))
	must(t, os.Rename(path+".new", path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
