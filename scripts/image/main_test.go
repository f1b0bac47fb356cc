package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made is a layout of two functions, of programs that are only words.
func made(t *testing.T, to string) string {
	t.Helper()
	from := t.TempDir()
	for _, architecture := range []string{"amd64", "arm64"} {
		for _, name := range []string{"launch-lab", "view-lab"} {
			write(t, filepath.Join(from, "linux-"+architecture, name), name+" for "+architecture)
		}
	}
	roots := filepath.Join(from, "roots")
	write(t, roots, "trusted")
	layout := filepath.Join(to, "images")
	err := run([]string{
		"-from", from, "-to", layout, "-roots", roots, "-version", "v1.2.3", "-revision", "abc", "-created", "2026-11-23T10:00:00+01:00", "launch-lab", "view-lab",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func document(t *testing.T, layout, name string, into any) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(layout, name))
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return text
}

// blob reads what a descriptor says, and holds it to its word.
func blob(t *testing.T, layout string, d descriptor, into any) []byte {
	t.Helper()
	text := document(t, layout, "blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:"), into)
	sum := sha256.Sum256(text)
	if "sha256:"+hex.EncodeToString(sum[:]) != d.Digest || int64(len(text)) != d.Size {
		t.Errorf("%s is not what its descriptor says", d.Digest)
	}
	return text
}

// files are what a layer unpacks to, with the digest of the archive.
func unpacked(t *testing.T, packed []byte) (files map[string]*tar.Header, contents map[string]string, digest string) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(plain)
	files, contents = map[string]*tar.Header{}, map[string]string{}
	for archive := tar.NewReader(bytes.NewReader(plain)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, contents, "sha256:" + hex.EncodeToString(sum[:])
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(archive)
		files[header.Name], contents[header.Name] = header, string(text)
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	layout := made(t, t.TempDir())
	if got := string(document(t, layout, "oci-layout", nil)); got != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout is %s", got)
	}
	var images index
	document(t, layout, "index.json", &images)
	if len(images.Manifests) != 2 {
		t.Fatalf("%d images, want 2", len(images.Manifests))
	}
	bases := map[string]bool{}
	for i, name := range []string{"launch-lab", "view-lab"} {
		if got := images.Manifests[i].Annotations["org.opencontainers.image.ref.name"]; got != name {
			t.Errorf("image %d is named %q, want %s", i, got, name)
		}
		var one index
		blob(t, layout, images.Manifests[i], &one)
		if len(one.Manifests) != 2 {
			t.Fatalf("%s has %d architectures, want 2", name, len(one.Manifests))
		}
		for _, d := range one.Manifests {
			var m manifest
			blob(t, layout, d, &m)
			bases[m.Layers[0].Digest] = true
			checkImage(t, layout, name, d.Platform.Architecture, m)
		}
	}
	if len(bases) != 1 {
		t.Errorf("%d layers of certificates, want one for all", len(bases))
	}
}

func checkImage(t *testing.T, layout, name, architecture string, m manifest) {
	t.Helper()
	var c imageConfig
	blob(t, layout, m.Config, &c)
	if c.Architecture != architecture || c.OS != "linux" || c.Created != "2026-11-23T09:00:00Z" {
		t.Errorf("%s: %s/%s of %s", name, c.OS, c.Architecture, c.Created)
	}
	if c.Config.User != "65532:65532" || c.Config.Entrypoint[0] != "/function" || c.Config.Env[0] != "PORT=8080" || c.Config.StopSignal != "SIGTERM" {
		t.Errorf("%s is run as %+v", name, c.Config)
	}
	if l := c.Config.Labels; l["org.opencontainers.image.version"] != "v1.2.3" || l["org.opencontainers.image.revision"] != "abc" || l["org.opencontainers.image.title"] != "stackhook/"+name {
		t.Errorf("%s says of itself %v", name, l)
	}
	if len(m.Layers) != 2 || len(c.RootFS.DiffIDs) != 2 || len(c.History) != 2 {
		t.Fatalf("%s has %d layers", name, len(m.Layers))
	}
	for i, want := range []map[string]string{
		{"etc/": "", "etc/group": "", "etc/passwd": "", "etc/ssl/": "", "etc/ssl/certs/": "", "etc/ssl/certs/ca-certificates.crt": "trusted", "etc/stackhook/": ""},
		{"function": name + " for " + architecture},
	} {
		files, contents, digest := unpacked(t, blob(t, layout, m.Layers[i], nil))
		if digest != c.RootFS.DiffIDs[i] {
			t.Errorf("%s: layer %d unpacks to %s, want %s", name, i, digest, c.RootFS.DiffIDs[i])
		}
		if len(files) != len(want) {
			t.Errorf("%s: layer %d has %d entries, want %d", name, i, len(files), len(want))
		}
		for entry, text := range want {
			h := files[entry]
			if h == nil || text != "" && contents[entry] != text || h.Uid != 0 || h.Mode&0o022 != 0 || h.FileInfo().IsDir() != strings.HasSuffix(entry, "/") {
				t.Errorf("%s: %s is %+v", name, entry, h)
			}
		}
	}
}

// The same programs give the same bytes, in whatever folder.
func TestTheSameTwice(t *testing.T) {
	t.Parallel()
	first, again := made(t, t.TempDir()), made(t, t.TempDir())
	one, two := os.DirFS(first), os.DirFS(again)
	seen := 0
	err := fs.WalkDir(one, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		seen++
		a, _ := fs.ReadFile(one, name)
		b, err := fs.ReadFile(two, name)
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
		return err
	})
	if err != nil || seen < 10 {
		t.Errorf("%d files compared: %v", seen, err)
	}
}

// A layout takes the place of the one before, and of what a run that was cut off has left.
func TestNothingIsLeftOfTheOneBefore(t *testing.T) {
	t.Parallel()
	to := t.TempDir()
	write(t, filepath.Join(to, "images", "blobs", "sha256", "old"), "old")
	write(t, filepath.Join(to, "images.new", "blobs", "sha256", "half"), "half")
	layout := made(t, to)
	for _, name := range []string{"old", "half"} {
		if _, err := os.Stat(filepath.Join(layout, "blobs", "sha256", name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	roots := filepath.Join(t.TempDir(), "roots")
	write(t, roots, "trusted")
	for want, args := range map[string][]string{
		"name the functions":      {},
		"must be a time":          {"-created", "yesterday", "launch-lab"},
		"make image builds it":    {"-roots", roots, "-from", t.TempDir(), "-to", filepath.Join(t.TempDir(), "x"), "launch-lab"},
		"install ca-certificates": {"-roots", "/nowhere", "-to", filepath.Join(t.TempDir(), "x"), "launch-lab"},
	} {
		if err := run(args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
