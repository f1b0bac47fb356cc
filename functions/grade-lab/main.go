// Command grade-lab takes the results that labs report and brings the grades to the course sites.
package main

import (
	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() {
	serve.Main("grade-lab", gradelab.Build, "takes the results that labs report, and grades them at the course site")
}
