// Package plot draws the results as one SVG that reads on light and dark pages: three panels side by side, cold starts,
// growth and answers from slow clouds. It is as small as these three need.
package plot

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// Sizes in the picture's own units.
const (
	width, height = 980, 386
	panelWidth    = 300
	top, bottom   = 66, 290
	between       = 28
)

// style follows the reader's colours; a picture in a README knows no other way to do so.
const style = `
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 13px; } .small { font-size: 10.5px; fill: #57606a; }
.end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: #d0d7de; stroke-width: 1; } .limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 4; } .wrong { fill: #cf222e; }
.c0 { --c: #0969da; } .c1 { --c: #bc4c00; } .c2 { --c: #1a7f37; } .c3 { --c: #8250df; } .c4 { --c: #bf3989; } .c5 { --c: #9a6700; }
.dot { fill: var(--c); } .line { stroke: var(--c); stroke-width: 2; fill: none; } .range { stroke: var(--c); stroke-width: 3; opacity: .45; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small { fill: #9198a1; } .grid { stroke: #3d444d; } .limit { stroke: #f85149; } .wrong { fill: #f85149; }
.c0 { --c: #4493f8; } .c1 { --c: #f0883e; } .c2 { --c: #3fb950; } .c3 { --c: #ab7df8; } .c4 { --c: #db61a2; } .c5 { --c: #d29922; }
}`

// Write draws what the report has of the three sections.
func Write(w io.Writer, r report.Report) error {
	c := &canvas{}
	c.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height,
		"Cold starts by function and runtime, growth with the number of labs, and answers from slow clouds")
	c.put("<style>%s\n</style>", style)
	draw := []struct {
		key   string
		panel func(*canvas, report.Section)
	}{{"cold", coldStarts}, {"growth", growth}, {"latency", answers}}
	for i, d := range draw {
		if s, ok := r.Section(d.key); ok {
			c.left = i*(panelWidth+between) + between/2
			d.panel(c, s)
		}
	}
	c.put(`<text class="small" x="%d" y="%d">%s</text>`, between/2, height-6,
		html.EscapeString(fmt.Sprintf("%s, %d cores, load %s, %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.Load, r.Machine.Go, r.Machine.When)))
	c.put("</svg>")
	_, err := io.WriteString(w, c.text.String())
	return err //nolint:wrapcheck // the writer's own
}

// canvas is the picture, and where the present panel begins.
type canvas struct {
	text strings.Builder
	left int
}

func (c *canvas) put(format string, args ...any) { fmt.Fprintf(&c.text, format+"\n", args...) }

func (c *canvas) title(title, small string) {
	c.put(`<text class="title" x="%d" y="24">%s</text><text class="small" x="%d" y="42">%s</text>`, c.left, title, c.left, small)
}

// label is text at a place; class says how it is set.
func (c *canvas) label(class string, x, y float64, text string) {
	c.put(`<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, x, y, html.EscapeString(text))
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	c.put(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

func (c *canvas) dot(color int, x, y float64, says string) {
	c.put(`<circle class="dot c%d" cx="%.1f" cy="%.1f" r="3.5"><title>%s</title></circle>`, color, x, y, html.EscapeString(says))
}
