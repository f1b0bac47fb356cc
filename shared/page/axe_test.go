package page_test

import (
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/browsertest"
)

// Nothing that is said of a lab's life breaks a rule of WCAG 2 A or AA, or what axe calls best practice, in light or dark, on a
// desk or a telephone. What is folded away has to be right as well.
func TestAxeOnALabsLife(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(exhibition(t))
	t.Cleanup(server.Close)
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.Allowed})
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(gallery())), func(name string) bool {
		return !strings.HasPrefix(name, "lab-") && name != "class"
	})
	for _, look := range []struct {
		scheme, language string
		width            int
	}{{"light", "en", 1000}, {"dark", "de", 320}} {
		b.Scheme(look.scheme)
		b.Viewport(look.width, 800)
		for _, name := range names {
			b.Open(server.URL + "/page/" + look.language + "/" + name)
			b.Page(0).Eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
			for _, v := range b.Page(0).Axe("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice") {
				t.Errorf("%s, %s: %s (%s): %s\n%s", name, look.scheme, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
			}
		}
	}
}
