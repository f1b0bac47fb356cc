package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Table writes the report as Markdown, which is text enough for a terminal.
func (r Report) Table(w io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %d cores, load %s, %s, version %s, %s\n", m.CPU, m.Cores, m.Load, m.Go, m.Version, m.When)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n### %s\n%s\n\n", s.Title, s.Note)
		for _, line := range aligned(s.lines()) {
			b.WriteString(line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err //nolint:wrapcheck // the writer's own
}

// columns are the names of all figures, in the order in which they first come.
func (s Section) columns() []string {
	var names []string
	for _, row := range s.Rows {
		for _, f := range row.Figures {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

func (s Section) lines() [][]string {
	columns := s.columns()
	lines := [][]string{append([]string{""}, columns...), slices.Repeat([]string{"---"}, len(columns)+1)}
	for _, row := range s.Rows {
		cells := []string{row.Name}
		for _, column := range columns {
			f, _ := row.Figure(column)
			cells = append(cells, f.cell())
		}
		lines = append(lines, cells)
	}
	return lines
}

// aligned pads cells so that the table can be read as it is.
func aligned(lines [][]string) []string {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	texts := make([]string, len(lines))
	for n, cells := range lines {
		for i, cell := range cells {
			texts[n] += "| " + cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+1)
		}
		texts[n] += "|"
	}
	return texts
}

func (f Figure) cell() string {
	switch {
	case f.Name == "":
		return ""
	case f.Limit == nil:
		return f.Text()
	}
	sign, verdict := "≤", "held"
	if f.Limit.Least {
		sign = "≥"
	}
	if !f.Limit.Held {
		verdict = "**missed**"
	}
	return fmt.Sprintf("%s (%s %s: %s)", f.Text(), sign, text(f.Limit.Bound, f.Unit), verdict)
}

// Text is the figure as people write it.
func (f Figure) Text() string { return text(f.Value, f.Unit) }

func text(value float64, unit string) string {
	switch {
	case strings.HasSuffix(unit, "ns"):
		return duration(value)
	case strings.HasSuffix(unit, "bytes"):
		return strconv.FormatFloat(value/1e6, 'f', 1, 64) + " MB"
	case strings.HasSuffix(unit, "percent"):
		return strconv.FormatFloat(value, 'f', 0, 64) + " %"
	case value == float64(int64(value)) || value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'f', 2, 64)
}

func duration(ns float64) string {
	switch d := time.Duration(ns); {
	case d < time.Millisecond:
		return strconv.FormatFloat(ns/1e3, 'f', 0, 64) + " µs"
	case d < 100*time.Millisecond:
		return strconv.FormatFloat(ns/1e6, 'f', 1, 64) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(ns/1e6, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ns/1e9, 'f', 1, 64) + " s"
}
