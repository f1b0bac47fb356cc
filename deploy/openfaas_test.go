package deploy_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
)

// openfaas is all that faas-cli knows in a stack.yaml and that we use (github.com/openfaas/faas-cli, stack/schema.go); other keys it drops
// without a word.
type openfaas struct {
	Version   string
	Provider  struct{ Name, Gateway string }
	Functions map[string]struct {
		Image                  string
		SkipBuild              bool `yaml:"skip_build"`
		ReadOnlyRootFilesystem bool `yaml:"readonly_root_filesystem"`
		Secrets                []string
		Environment            map[string]string
		Annotations            map[string]string
		Labels                 map[string]string
		Limits                 struct{ Memory, CPU string }
	}
}

func TestOpenFaaS(t *testing.T) {
	t.Parallel()
	var stack openfaas
	strictly(t, "openfaas/stack.yaml", &stack)
	names := functions(t)
	if len(stack.Functions) != len(names) || stack.Provider.Name != "openfaas" {
		t.Errorf("%d functions for %d, provider %q", len(stack.Functions), len(names), stack.Provider.Name)
	}
	for _, name := range names {
		f, there := stack.Functions[name]
		if !there || f.Image != "registry.example.org/stackhook/openfaas-"+name+":latest" || !f.SkipBuild || !f.ReadOnlyRootFilesystem {
			t.Errorf("%s: %+v", name, f)
		}
		if !reflect.DeepEqual(f.Environment, stack.Functions["launch-lab"].Environment) {
			t.Errorf("%s has another environment than launch-lab", name)
		}
		if (f.Labels["com.openfaas.scale.max"] == "1") != (name == "launch-lab") {
			t.Errorf("%s has at most %q processes", name, f.Labels["com.openfaas.scale.max"])
		}
		for _, variable := range []string{config.Variable, "OS_CLIENT_CONFIG_FILE"} {
			secret, ok := strings.CutPrefix(f.Environment[variable], "/var/openfaas/secrets/")
			if !ok || !strings.Contains(strings.Join(f.Secrets, " "), secret) {
				t.Errorf("%s: %s is %q, which is none of the secrets %v", name, variable, f.Environment[variable], f.Secrets)
			}
		}
	}
	checkWatchdog(t, stack.Functions["launch-lab"].Environment)
}

// checkWatchdog: the watchdog sends requests for ten seconds after it has told the function to stop, and must not be less
// patient than the function is.
func checkWatchdog(t *testing.T, env map[string]string) {
	t.Helper()
	for variable, least := range map[string]time.Duration{
		"STACKHOOK_DRAIN_DELAY": 10 * time.Second, "exec_timeout": function.MaxTime, "read_timeout": function.MaxTime, "write_timeout": function.MaxTime,
	} {
		if got, err := time.ParseDuration(env[variable]); err != nil || got <= least {
			t.Errorf("%s is %q, want more than %s", variable, env[variable], least)
		}
	}
}

// TestWatchdogReachesTheFunction: its own default would start a process for each request.
func TestWatchdogReachesTheFunction(t *testing.T) {
	t.Parallel()
	text := read(t, "openfaas/Containerfile")
	env := map[string]string{}
	for _, found := range regexp.MustCompile(`(\w+)=(\S+)`).FindAllStringSubmatch(text, -1) {
		env[found[1]] = found[2]
	}
	if env["mode"] != "http" || env["upstream_url"] != "http://127.0.0.1:"+env["PORT"] || env["PORT"] == "8080" || env["ready_path"] != function.HealthPath {
		t.Errorf("the watchdog is told %v", env)
	}
	if entry := `ENTRYPOINT ["` + env["fprocess"] + `"]`; !strings.Contains(read(t, "container/Containerfile"), entry) {
		t.Errorf("the image does not start with %s", entry)
	}
}
