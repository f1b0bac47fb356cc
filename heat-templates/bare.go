package heattemplates

import (
	"path"
	"regexp"
	"strings"
)

// comment is a line that says something to readers only; the first line says which program runs a file, also of one that is
// written from within another.
var comment = regexp.MustCompile(`(?m)^[ \t]*#([^!\n].*)?\n`)

// bare is a boot file of a site without its comments. All that a machine is given has to fit into the 48 KiB that Nova takes,
// and comments are for those who read the files here.
func bare(name, text string) string {
	if !strings.HasPrefix(name, "site/boot/") || path.Ext(name) != ".sh" && path.Ext(name) != ".py" {
		return text
	}
	return comment.ReplaceAllString(text, "")
}
