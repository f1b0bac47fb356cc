// Command program is servetest's probe, for the tests that run a real binary.
package main

import (
	"github.com/stackhook/stackhook/shared/serve"
	"github.com/stackhook/stackhook/shared/serve/servetest"
)

func main() { serve.Main("probe", servetest.Probe, "shows requests") }
