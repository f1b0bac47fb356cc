// Command deploy-site makes and changes sites: clusters of nodes behind a load balancer that scale by themselves.
package main

import (
	"github.com/stackhook/stackhook/functions/deploy-site/deploysite"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.Main("deploy-site", deploysite.Build, "builds and changes sites, and says how far they are")
}
