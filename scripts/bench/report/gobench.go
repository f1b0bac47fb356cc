package report

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// GoBench writes the report in the Go benchmark format (https://go.dev/design/14313-benchmark-format), a line for each
// sample, so that benchstat compares two runs.
func (r Report) GoBench(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/stackhook/stackhook/scripts/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, r.Machine.CPU)
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			row.goBench(&b, "Benchmark"+strings.ToUpper(s.Key[:1])+s.Key[1:]+"/"+word(row.Name))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err //nolint:wrapcheck // the writer's own
}

func (r Row) goBench(b *strings.Builder, name string) {
	figures := r.Figures
	for _, sample := range r.Samples {
		fmt.Fprintf(b, "%s 1 %g %s\n", name, sample, perOp(figures[0].Unit))
	}
	if len(r.Samples) > 0 {
		figures = figures[1:] // the samples are better than what was made of them
	}
	if len(figures) == 0 {
		return
	}
	fmt.Fprintf(b, "%s %d", name, max(r.Runs, 1))
	for _, f := range figures {
		fmt.Fprintf(b, " %g %s", f.Value, perOp(f.Unit))
	}
	b.WriteString("\n")
}

// perOp is benchstat's own name for the units it knows, so that it can say which direction is better.
func perOp(unit string) string {
	switch unit {
	case "ns", "allocs":
		return unit + "/op"
	}
	return unit
}

// word is a name without blanks and what would end a benchmark's name.
func word(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c == ' ' || c == ',' || c == ':' }), "-")
}
