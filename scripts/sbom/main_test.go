package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The test's own program is as good as any: it has the modules that it was linked from.
func self(t *testing.T) []module {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := linked(program)
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func TestBillOfThisProgram(t *testing.T) {
	t.Parallel()
	modules := self(t)
	i := slices.IndexFunc(modules, func(m module) bool { return m.path == "github.com/CycloneDX/cyclonedx-go" })
	if i < 1 || modules[i].licence != "Apache-2.0" || !strings.HasPrefix(modules[i].sum, "h1:") || modules[0].licence != "BSD-3-Clause" {
		t.Fatalf("%+v", modules)
	}
	var bills [2]bytes.Buffer
	for n := range bills {
		if err := write(&bills[n], "launch-lab", "v1.2.3", modules); err != nil {
			t.Fatal(err)
		}
	}
	if bills[0].String() != bills[1].String() {
		t.Error("the same program gave two bills")
	}
	var bill struct {
		Components []struct{ Purl string }
		Metadata   struct {
			Component struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(bills[0].Bytes(), &bill); err != nil || len(bill.Components) != len(modules) ||
		bill.Components[i].Purl != "pkg:golang/github.com/CycloneDX/cyclonedx-go@"+modules[i].version || bill.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("%+v, %v", bill, err)
	}
}

func TestLicencesAreReadAndOthersRefused(t *testing.T) {
	t.Parallel()
	const mit = "Permission is hereby granted, free of charge, to any person\nobtaining a copy. The above copyright notice and this permission notice"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"one":          {map[string]string{"LICENSE": mit}, "MIT"},
		"two in one":   {map[string]string{"LICENSE": mit + "\nLicensed under the Apache License,\nVersion 2.0"}, "Apache-2.0 AND MIT"},
		"with notice":  {map[string]string{"COPYING.md": mit, "NOTICE": "Copyright by somebody"}, "MIT"},
		"longer BSD":   {map[string]string{"LICENCE.txt": "Redistributions in binary form must reproduce the above.\nNeither the name"}, "BSD-3-Clause"},
		"an unknown":   {map[string]string{"LICENSE": "GNU AFFERO GENERAL PUBLIC LICENSE"}, ""},
		"none":         {map[string]string{"README": mit}, ""},
		"a mere name":  {map[string]string{"LICENSE": "MIT"}, ""},
		"an empty one": {map[string]string{"LICENSE": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			files, err := licenceFiles(folder)
			if err != nil {
				t.Fatal(err)
			}
			got, text, err := read(files)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
			for file, content := range c.files {
				if err == nil && !strings.Contains(text, content) {
					t.Errorf("what %s says is not passed on", file)
				}
			}
		})
	}
}

func TestTextsStandOnce(t *testing.T) {
	t.Parallel()
	all := texts{}
	one := module{path: "example.org/a", version: "v1.0.0", licence: "MIT", text: "text of a"}
	two := module{path: "example.org/b", version: "v1.0.0", licence: "MIT", text: "text of b"}
	for _, modules := range [][]module{{two, one}, {one}} {
		if err := all.add(modules); err != nil {
			t.Fatal(err)
		}
	}
	text := string(all.join())
	if strings.Count(text, "text of a") != 1 || strings.Index(text, "text of a") > strings.Index(text, "text of b") {
		t.Error(text)
	}
	one.text = "another"
	if err := all.add([]module{one}); err == nil {
		t.Error("two texts of one module were taken")
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "text"), []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, programs := range map[string][]string{"nothing": {}, "no program": {"text"}, "no file": {"missing"}} {
		if err := run(folder, t.TempDir(), "v1.2.3", programs, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
