// Command view-lab serves the lab page's own requests: its status, its refresh, its ways in.
package main

import (
	"github.com/stackhook/stackhook/functions/view-lab/viewlab"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.Main("view-lab", viewlab.Build, "shows a learner how far the lab is, and the way in")
}
