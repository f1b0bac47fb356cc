package deploy_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// rendered plays Tutor: it loads the plugin against a stand-in for tutor.hooks, lays the settings given over its defaults, and renders
// each patch as Tutor does, with Jinja. What comes out is compiled where it is Python.
const rendered = `
import json, sys, types
import jinja2
class Filter:
    def __init__(self): self.items = []
    def add_item(self, item): self.items.append(item)
    def add_items(self, items): self.items.extend(items)
class Filters:
    CONFIG_DEFAULTS = Filter()
    ENV_PATCHES = Filter()
    CLI_DO_INIT_TASKS = Filter()
hooks = types.ModuleType("tutor.hooks"); hooks.Filters = Filters
tutor = types.ModuleType("tutor"); tutor.hooks = hooks
sys.modules.update({"tutor": tutor, "tutor.hooks": hooks})
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {})
config = dict(Filters.CONFIG_DEFAULTS.items, **json.loads(sys.argv[2]))
render = lambda text: jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(**config) + "\n"
out = {name: render(text) for name, text in Filters.ENV_PATCHES.items + Filters.CLI_DO_INIT_TASKS.items}
settings = {"OPEN_EDX_FILTERS_CONFIG": {"of.others": 1}}
exec(compile(out["openedx-common-settings"], "settings", "exec"), settings)
del settings["__builtins__"]
print(json.dumps({"defaults": dict(Filters.CONFIG_DEFAULTS.items), "patches": out, "settings": settings}))
`

type tutor struct {
	Defaults map[string]bool
	Patches  map[string]string
	Settings struct {
		DisallowPII bool           `json:"LTI_NRPS_DISALLOW_PII"`
		Filters     map[string]any `json:"OPEN_EDX_FILTERS_CONFIG"`
	}
}

func plugin(t *testing.T, settings string) tutor {
	t.Helper()
	// Debian's own Python, which has its own Jinja.
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", rendered, "tutor/stackhook.py", settings).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec gives it as it is
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var got tutor
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestR11TutorKeepsNames: as it comes, the plugin keeps names to the platform, and changes nothing else.
func TestR11TutorKeepsNames(t *testing.T) {
	t.Parallel()
	got := plugin(t, `{}`)
	if !got.Settings.DisallowPII || len(got.Settings.Filters) != 1 {
		t.Errorf("settings: %+v", got.Settings)
	}
	for _, name := range []string{"openedx-dockerfile-post-python-requirements", "lms"} {
		if strings.TrimSpace(got.Patches[name]) != "" {
			t.Errorf("%s does %s", name, got.Patches[name])
		}
	}
	readme := read(t, "tutor/README.md")
	for setting, standard := range got.Defaults {
		if standard || !strings.Contains(readme, "| `"+setting+"` | `False` |") {
			t.Errorf("%s is %v by default; README.md has something else", setting, standard)
		}
	}
}

func TestTutorWithEverything(t *testing.T) {
	t.Parallel()
	got := plugin(t, `{"STACKHOOK_SHARE_NAMES": true, "STACKHOOK_LTI_STORE": true, "STACKHOOK_ONE_NAME_PER_LEARNER": true}`)
	if got.Settings.DisallowPII {
		t.Error("names are kept")
	}
	if _, others := got.Settings.Filters["of.others"]; !others || len(got.Settings.Filters) != 2 {
		t.Errorf("filters of others are lost: %v", got.Settings.Filters)
	}
	if !strings.Contains(got.Patches["openedx-dockerfile-post-python-requirements"], "\nRUN pip install openedx-ltistore\n") {
		t.Errorf("the image gets %q", got.Patches["openedx-dockerfile-post-python-requirements"])
	}
	for _, line := range []string{
		"./manage.py lms migrate lti_store",
		"./manage.py lms waffle_flag --create --everyone lti_consumer.enable_external_config_filter",
		"./manage.py lms waffle_flag --create --everyone lti_consumer.enable_external_user_id_1p1_launches",
	} {
		if !strings.Contains(got.Patches["lms"], "\n"+line+"\n") {
			t.Errorf("the LMS is not told %s: %q", line, got.Patches["lms"])
		}
	}
}
