// Command scale-cluster changes the number of a cluster's nodes when an alarm or a person says so.
package main

import (
	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.Main("scale-cluster", scalecluster.Build, "decides what an alarm does to a cluster, and does it")
}
