package deploysite_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/deploy-site/deploysite"
	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Build needs a configuration and a login, and asks the cloud nothing.
func TestBuild(t *testing.T) {
	t.Parallel()
	cloud := openstacktest.Start(t)
	env := maps.Clone(cloud.Env())
	env["STACKHOOK_CONFIG"] = configText
	h, err := deploysite.Build(t.Context(), config.Map(env))
	if err != nil || h == nil {
		t.Fatalf("Build: %v", err)
	}
	if calls := cloud.Calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
	for _, broken := range []map[string]string{{}, {"STACKHOOK_CONFIG": "public_url: x\n"}, {"STACKHOOK_CONFIG": configText}} {
		if _, err := deploysite.Build(t.Context(), config.Map(broken)); err == nil {
			t.Errorf("Build with %d variables succeeded", len(broken))
		}
	}
}

// An operator's own template goes before ours, and an existing site gets it with the next put.
func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	ours, err := heattemplates.Load("site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	own := strings.Replace(ours.Text, "Nodes are too busy, add one.", "Too busy.", 1)
	if err := os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	h.yaml = "templates_dir: " + dir + "\n" + h.yaml
	h.restart()
	r := h.put(academy, spec())
	r.want(t, http.StatusAccepted, "changed")
	if got, _ := r.body["changed"].([]any); !slices.Equal(got, []any{"template"}) {
		t.Errorf("changed %v", got)
	}
	h.cloud.Settle()
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
	if p := h.parameters(); p["app_count"] != "2" || p["app_max"] != "5" || h.get(academy).str("state") != "ready" {
		t.Errorf("%v", p)
	}
}
