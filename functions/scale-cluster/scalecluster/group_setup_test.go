package scalecluster_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// scalingTemplate is cluster.yaml with an AutoScalingGroup, as the README beside it says.
func scalingTemplate(tb testing.TB) heattemplates.Template {
	tb.Helper()
	readme, err := os.ReadFile("../../../heat-templates/README.md")
	if err != nil {
		tb.Fatal(err)
	}
	group := regexp.MustCompile("(?s)```yaml\n(  nodes:.*?)```").FindSubmatch(readme)
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil || group == nil {
		tb.Fatalf("%v, %q", err, group)
	}
	text := template.Text
	for old, now := range map[string]string{
		`(?s)  nodes:\n    type: OS::Heat::ResourceGroup.*?\n\n`: string(group[1]) + "\n",
		`(?s)  app_removal:.*?default: \[\]\n`:                   "",
	} {
		text = regexp.MustCompile(old).ReplaceAllLiteralString(text, now)
	}
	template.Text = strings.Replace(text, "[nodes, attributes, node]", "[nodes, outputs, node]", 1)
	if strings.Contains(template.Text, "ResourceGroup") || strings.Contains(template.Text, "app_removal") {
		tb.Fatal("the README and cluster.yaml do not fit together")
	}
	return template
}
