package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Variable names the configuration in the environment.
const Variable = "STACKHOOK_CONFIG"

// Source is where a configuration comes from.
type Source struct {
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
	ReadDir  func(string) ([]os.DirEntry, error) // nil means os.ReadDir
}

// OS is the process's environment and files.
func OS() Source { return Source{Getenv: os.Getenv, ReadFile: os.ReadFile} }

// Map is an environment of its own, for tests and the shim. Files are the real ones.
func Map(env map[string]string) Source {
	return Source{Getenv: func(name string) string { return env[name] }, ReadFile: os.ReadFile}
}

// Faults is everything wrong with a configuration.
type Faults []Fault //nolint:errname // it is the list of them

// Fault is one thing to change.
type Fault struct {
	Path    string // e.g. lti.consumers[0].key
	Message string // a sentence that follows the path
	Line    int    // in the file; 0 if it is not about a line
}

func (f Fault) String() string {
	if f.Line > 0 {
		return fmt.Sprintf("line %d: %s %s", f.Line, f.Path, f.Message)
	}
	return f.Path + " " + f.Message
}

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return "configuration: " + strings.Join(lines, "; ")
}

// Load reads, fills in defaults and checks. Its error is a Faults.
func (s Source) Load() (*Config, error) {
	value := s.Getenv(Variable)
	text, folder := value, ""
	switch {
	case strings.TrimSpace(value) == "":
		return nil, Faults{{Path: Variable, Message: "is not set; set it to the path of the configuration file, or to the YAML text itself."}}
	case !strings.Contains(value, "\n"):
		content, err := s.ReadFile(value)
		if err != nil {
			return nil, Faults{{Path: Variable, Message: fmt.Sprintf("names a file that cannot be read (%v); correct the path or its permissions.", err)}}
		}
		text, folder = string(content), filepath.Dir(value)
	}
	config := &Config{}
	d := &decoder{lines: map[string]int{}, readFile: func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return s.ReadFile(name)
	}}
	d.document(text, config)
	config.normalise(folder)
	origins := d.platformsDir(config, s)
	// What could not be read was left empty; its fault says why, so that checking must not add that it is missing.
	for _, fault := range config.check() {
		if !d.spoilt(fault.Path) {
			fault.Line = d.line(fault.Path)
			d.faults = append(d.faults, fault)
		}
	}
	if len(d.faults) > 0 {
		return nil, origins.rename(d.faults)
	}
	return config, nil
}
