// Command tend-labs puts idle labs to sleep, deletes those that have had their time, and puts right what went wrong.
package main

import (
	"github.com/stackhook/stackhook/functions/tend-labs/tendlabs"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.Main("tend-labs", tendlabs.Build, "looks after all labs: suspends, deletes, repairs and refills")
}
