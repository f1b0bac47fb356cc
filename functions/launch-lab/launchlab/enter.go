package launchlab

import (
	"net/http"
	"path/filepath"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging"
)

// enter puts a platform into the configuration, or gives the entry for a person to put there: without a folder for
// platforms, without a deployment yet, or if writing fails. The platform has registered us by now, so that nothing of what
// it said may get lost.
func (t *tool) enter(r *http.Request, p config.Platform) (entry, written string) {
	if len(p.Deployments) == 0 {
		return p.YAML() + "  deployments: [] # the deployment id, which the platform shows once the tool is in place\n", ""
	}
	if t.config.LTI.PlatformsDir == "" {
		return p.YAML(), ""
	}
	file, err := t.config.AddPlatform(p)
	if err != nil {
		logging.Note(r.Context(), "cause", err.Error())
		return p.YAML(), ""
	}
	return "", filepath.Base(file)
}
