// Command launch-lab is the LTI tool: it turns a click in a course into the learner's own lab.
package main

import (
	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/lti/doctor"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.MainDoctor("launch-lab", launchlab.Build, doctor.Run, "turns a click in a course into the learner's own lab")
}
