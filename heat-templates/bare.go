package heattemplates

import (
	"path"
	"regexp"
	"strings"
)

// comments are lines that say something to readers only, by the kind of file; the first line of a script says which program
// runs it, also of one that is written from within another.
var comments = map[string]*regexp.Regexp{
	".sh": regexp.MustCompile(`(?m)^[ \t]*#([^!\n].*)?\n`),
	".py": regexp.MustCompile(`(?m)^[ \t]*#([^!\n].*)?\n`),
	".js": regexp.MustCompile(`(?m)^[ \t]*//.*\n`),
}

// indents begin lines where they mean nothing to the program that reads them, nor to a text that goes over lines.
var indents = map[string]*regexp.Regexp{".js": regexp.MustCompile(`(?m)^[ \t]+`)}

// bare is a boot file of a site without its comments. All that a machine is given has to fit into the 48 KiB that Nova takes,
// and comments are for those who read the files here.
func bare(name, text string) string {
	comment := comments[path.Ext(name)]
	if comment == nil || !strings.HasPrefix(name, "site/boot/") {
		return text
	}
	text = comment.ReplaceAllString(text, "")
	if indent := indents[path.Ext(name)]; indent != nil {
		text = indent.ReplaceAllString(text, "")
	}
	return text
}
