package deploy_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// The README gives a reason for each module that go.mod asks for by itself.
func TestEveryModuleHasAReason(t *testing.T) {
	t.Parallel()
	readme := read(t, "../README.md")
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(read(t, "../go.mod"), -1)
	if len(direct) < 8 {
		t.Fatalf("modules: %v", direct)
	}
	for _, found := range direct {
		name := strings.TrimPrefix(found[1], "github.com/")
		if known := regexp.MustCompile("(?m)^\\| [^|]*`(?:[^`|]*/)?" + regexp.QuoteMeta(short(name)) + "`[^|]*\\| \\w"); !known.MatchString(readme) {
			t.Errorf("README.md gives no reason for %s", found[1])
		}
	}
}

// short is what a module is known by: its last element, with the one before if that is a version.
func short(module string) string {
	folder, last := path.Split(module)
	if regexp.MustCompile(`^v\d+$`).MatchString(last) {
		return path.Base(folder) + "/" + last
	}
	return last
}
