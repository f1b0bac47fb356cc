package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// folders are the runtimes: every folder here has a page of its own, and the first page leads to it.
func folders(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("*/README.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("pages: %v, %v", pages, err)
	}
	return pages
}

func TestEveryFolderIsInTheReadme(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "testdata" && !strings.Contains(readme, "("+entry.Name()) {
			t.Errorf("README.md does not lead to %s/", entry.Name())
		}
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range append(folders(t), "README.md") {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
}

// Every page says how far it was followed, and the test that follows it is named there.
func TestEveryPageSaysHowFarItWasFollowed(t *testing.T) {
	t.Parallel()
	for _, page := range folders(t) {
		if !strings.Contains(read(t, page), "`make test-deploy` follows this page") || !strings.Contains(read(t, "README.md"), "\n| [`"+filepath.Dir(page)+"/`]("+page+") | ") {
			t.Errorf("%s does not say how far it was followed, or the first page's table does not", page)
		}
	}
}

var shellBlock = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```")

// blocks are the commands of a page as somebody would paste them.
func blocks(t *testing.T, page string) []string {
	t.Helper()
	var found []string
	for _, match := range shellBlock.FindAllStringSubmatch(read(t, page), -1) {
		found = append(found, strings.ReplaceAll("\n"+match[2], "\n"+match[1], "\n")[1:])
	}
	return found
}

// A page that names functions one by one names all of them.
func TestPagesNameEveryFunction(t *testing.T) {
	t.Parallel()
	names := functions(t)
	for _, page := range append(folders(t), "README.md") {
		for _, block := range blocks(t, page) {
			for line := range strings.Lines(block) {
				named := 0
				for _, name := range names {
					if regexp.MustCompile(`\b` + name + `\b`).MatchString(line) {
						named++
					}
				}
				if named > 1 && named < len(names) {
					t.Errorf("%s: %d of %d functions in %s", page, named, len(names), line)
				}
			}
		}
	}
}

func TestEveryFunctionIsBuilt(t *testing.T) {
	t.Parallel()
	for _, name := range functions(t) {
		if !strings.Contains(read(t, "README.md"), "bin/"+name) || !strings.Contains(read(t, "systemd/README.md"), "bin/"+name) {
			t.Errorf("the pages do not build and install %s", name)
		}
	}
}
