package main

import (
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is a part of a program that others wrote.
type module struct {
	path, version string
	sum           string // as in go.sum; empty for the standard library
	licence       string // an SPDX identifier
	text          string // of the licence, with whatever notice comes with it
}

const standard = "std"

// linked are the modules that a program was linked from, by what the linker wrote into it.
func linked(program string) ([]module, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("no Go program: %w", err)
	}
	modules := []module{{path: standard, version: strings.TrimPrefix(info.GoVersion, "go")}}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		modules = append(modules, module{path: dep.Path, version: dep.Version, sum: dep.Sum})
	}
	for i := range modules {
		licence, text, err := modules[i].readLicence()
		if err != nil {
			return nil, err
		}
		modules[i].licence, modules[i].text = licence, text
	}
	return modules, nil
}

// readLicence finds the licence in the module's sources, where the program was built from them.
func (m module) readLicence() (expression, text string, err error) {
	folder, err := m.folder()
	if err != nil {
		return "", "", err
	}
	files, err := licenceFiles(folder)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", m.path, err)
	}
	expression, text, err = read(files)
	if err != nil {
		return "", "", fmt.Errorf("%s in %s: %w", m.path, filepath.Base(folder), err)
	}
	return expression, text, nil
}

func (m module) folder() (string, error) {
	args := []string{"list", "-m", "-f", "{{.Dir}}", m.path}
	if m.path == standard {
		args = []string{"env", "GOROOT"}
	}
	out, err := exec.Command("go", args...).Output() //nolint:gosec,noctx // a module's path, as the linker wrote it; a tool
	folder := strings.TrimSpace(string(out))
	if err != nil || folder == "" {
		return "", fmt.Errorf("sources of %s are not here, run this where it was built: %w", m.path, err)
	}
	return folder, nil
}
