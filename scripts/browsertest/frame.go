package browsertest

import (
	"maps"
	"slices"
)

// Frame is a page, or a frame within it, of whatever site.
type Frame struct {
	browser *Browser
	page    int
	path    []string
}

// Frame is the frame that the selector's iframe shows.
func (f Frame) Frame(selector string) Frame {
	f.path = append(slices.Clip(f.path), selector)
	return f
}

func (f Frame) must(what, command string, given map[string]any, out any) {
	f.browser.tb.Helper()
	all := map[string]any{"page": f.page, "frames": f.path}
	maps.Copy(all, given)
	f.browser.must(what, command, all, out)
}

// Eval reads what an expression is in the frame, a promise when it is kept, into out, unless that is nil.
func (f Frame) Eval(expression string, out any) {
	f.browser.tb.Helper()
	f.must("evaluate "+expression, "eval", map[string]any{"expression": expression}, out)
}

// String is a text that an expression is in the frame.
func (f Frame) String(expression string) string {
	f.browser.tb.Helper()
	var text string
	f.Eval("String("+expression+")", &text)
	return text
}

// Until waits for an expression to be true, over whatever the frame shows one after the other.
func (f Frame) Until(what, expression string) {
	f.browser.tb.Helper()
	f.must("wait for "+what, "until", map[string]any{"expression": expression}, nil)
}

// Click presses the mouse on what the selector finds, once it is there.
func (f Frame) Click(selector string) {
	f.browser.tb.Helper()
	f.must("click "+selector, "click", map[string]any{"selector": selector}, nil)
}

// Text is what the frame shows.
func (f Frame) Text() string {
	f.browser.tb.Helper()
	var text string
	f.must("read the text", "text", nil, &text)
	return text
}

// URL is the address of the frame's document.
func (f Frame) URL() string {
	f.browser.tb.Helper()
	var address string
	f.must("read the address", "url", nil, &address)
	return address
}

// Violation is a rule of axe that a page breaks, and where.
type Violation struct {
	ID, Impact, Help string
	Nodes            []string
}

// Axe holds the frame against axe-core's rules with these tags, such as "wcag2aa".
func (f Frame) Axe(tags ...string) []Violation {
	f.browser.tb.Helper()
	var list []Violation
	f.must("run axe", "axe", map[string]any{"tags": tags}, &list)
	return list
}
