package heattemplates_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// labs are the lab templates of this folder, by name, and the one that README.md shows course authors.
func labs(t *testing.T) map[string]heattemplates.Template {
	t.Helper()
	out := map[string]heattemplates.Template{}
	for _, name := range tree(t) {
		if strings.HasPrefix(name, "labs/") {
			out[name] = load(t, nil, name)
		}
	}
	if len(out) != 3 {
		t.Fatalf("%d lab templates", len(out))
	}
	out["labs/notes.yaml"] = load(t, example(t), "labs/notes.yaml")
	return out
}

func load(t *testing.T, dir fstest.MapFS, name string) heattemplates.Template {
	t.Helper()
	template, err := heattemplates.LoadFrom(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// exampleFile is a file in README.md: a line that names it, and a block of code.
var exampleFile = regexp.MustCompile("(?s)`(labs/[a-z.]+)`:\n\n```[a-z]+\n(.*?)```")

// example are the files that README.md tells an author to write.
func example(t *testing.T) fstest.MapFS {
	t.Helper()
	readme, err := os.ReadFile("labs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{}
	for _, m := range exampleFile.FindAllSubmatch(readme, -1) {
		dir[string(m[1])] = &fstest.MapFile{Data: m[2]}
	}
	if len(dir) != 2 {
		t.Fatalf("README.md has %d example files", len(dir))
	}
	return dir
}

func TestLabContract(t *testing.T) {
	t.Parallel()
	for name, template := range labs(t) {
		for _, p := range template.Parameters {
			if p.Required {
				t.Errorf("%s: parameter %s has no default", name, p.Name)
			}
		}
		for _, p := range []string{"report_url", "grading", "public_key", "signalling"} {
			if !template.Has(p) {
				t.Errorf("%s has no parameter %s", name, p)
			}
		}
		for _, o := range []string{"signals", "host_key"} {
			if !slices.Contains(template.Outputs, o) {
				t.Errorf("%s has no output %s", name, o)
			}
		}
		if strings.Contains(template.Text, "{get_param: grading}") {
			t.Errorf("%s: a resource uses grading, so that a claim would change it", name)
		}
		for file, text := range template.Files {
			for line := range strings.SplitSeq(text, "\n") {
				if strings.TrimSpace(line) == "LAB_END" && file != "boot/machine.sh" {
					t.Errorf("%s: %s would end the document it is put into", name, file)
				}
			}
		}
	}
}

// A lab that is here has a picture of its own.
func TestLabsHavePictures(t *testing.T) {
	t.Parallel()
	for name := range labs(t) {
		if name == "labs/notes.yaml" {
			continue
		}
		if picture, err := heattemplates.Picture(nil, strings.TrimSuffix(name, "yaml")+"svg"); err != nil || len(picture) > 3<<10 {
			t.Errorf("%s: %d characters, %v", name, len(picture), err)
		}
	}
}

// What README.md says of parameters and outputs is what the templates have.
func TestLabsAreDescribed(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("labs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, template := range labs(t) {
		for _, p := range template.Parameters {
			if !strings.Contains(string(readme), "`"+p.Name+"`") {
				t.Errorf("README.md does not tell of parameter %s of %s", p.Name, name)
			}
		}
		for _, o := range template.Outputs {
			if !strings.Contains(string(readme), "`"+o+"`") {
				t.Errorf("README.md does not tell of output %s of %s", o, name)
			}
		}
	}
}

// onFake makes the lab on a fake cloud and gives it all the time it needs.
func onFake(t *testing.T, template heattemplates.Template, parameters map[string]any, opts ...openstacktest.Option) openstack.Stack {
	t.Helper()
	fake := openstacktest.Start(t, opts...)
	env := fake.Env()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.ValidateTemplate(t.Context(), template.Text, template.Files); err != nil {
		t.Fatal(err)
	}
	ref, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "lab", Template: template.Text, Files: template.Files, Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	s, err := cloud.Stack(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLabsComeUp(t *testing.T) {
	t.Parallel()
	for name, template := range labs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onFake(t, template, nil)
			if s.State() != "CREATE_COMPLETE" {
				t.Fatalf("%s: %s", s.State(), s.Reason)
			}
			if signals, _ := s.Outputs["signals"].(string); !strings.Contains(signals, `"ready": {"at": `) {
				t.Errorf("signals are %q", s.Outputs["signals"])
			}
			if key, _ := s.Outputs["host_key"].(string); !strings.HasPrefix(key, "ssh-ed25519 AAAA") || strings.Contains(key, `"`) {
				t.Errorf("the host key is %q", s.Outputs["host_key"])
			}
			for output, value := range s.Outputs {
				if value == nil || value == "" {
					t.Errorf("output %s is empty", output)
				}
			}
		})
	}
}

// Where machines cannot reach Heat, a lab is up when its machine is.
func TestLabsWithoutSignals(t *testing.T) {
	t.Parallel()
	for name, template := range labs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onFake(t, template, map[string]any{"signalling": "false"}, openstacktest.SilentGuests())
			if s.State() != "CREATE_COMPLETE" {
				t.Fatalf("%s: %s", s.State(), s.Reason)
			}
			if s.Outputs["signals"] != "{}" || s.Outputs["host_key"] != "" {
				t.Errorf("signals %q, host key %q", s.Outputs["signals"], s.Outputs["host_key"])
			}
		})
	}
}

// A machine that says nothing fails the lab in the time that the template gives it, not at Heat's own hour.
func TestLabsWaitForTheirMachines(t *testing.T) {
	t.Parallel()
	for name, template := range labs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onFake(t, template, nil, openstacktest.SilentGuests())
			if s.State() != "CREATE_FAILED" || !strings.Contains(s.Reason, "WaitConditionTimeout") {
				t.Errorf("%s: %s", s.State(), s.Reason)
			}
		})
	}
}
