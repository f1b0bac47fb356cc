package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/bench/plot"
	"github.com/stackhook/stackhook/scripts/bench/report"
)

func row(name string, figures ...report.Figure) report.Row {
	return report.Row{Name: name, Figures: figures}
}

func figure(name string, milliseconds float64) report.Figure {
	return report.Figure{Name: name, Unit: "ns", Value: milliseconds * 1e6}
}

func example() report.Report {
	return report.Report{Machine: report.Machine{CPU: "<a processor> & more"}, Sections: []report.Section{
		{Key: "cold", Rows: []report.Row{
			row("launch-lab/http", figure("median", 10).AtMost(25e6), figure("p95", 12)), row("launch-lab/lambda", figure("median", 9), figure("p95", 900)),
			row("refused launch, warm/http", figure("median", 1), figure("p95", 2)),
		}},
		{Key: "growth", Rows: []report.Row{
			row("10 labs", figure("pass", 5), figure("launch", 4)), row("100 labs", figure("pass", 7), figure("launch", 4)),
			row("125 labs, 25 of them ended", figure("pass", 300), figure("launch", 4)),
		}},
		{Key: "latency", Rows: []report.Row{row("status call/5ms", figure("p99", 6)), row("status call/200ms", figure("p99", 210).AtMost(1e9))}},
	}}
}

func drawn(t *testing.T, r report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := plot.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, b.String())
		}
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	text := drawn(t, example())
	for _, want := range []string{
		"prefers-color-scheme: dark", "&lt;a processor&gt; &amp; more", ">launch-lab<", ">lambda<", ">limit 25.0 ms<", ">Growth with the number of labs<", ">100<",
		">limit 1000 ms<", ">status call<", "launch-lab/lambda: 9.0 ms",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, not := range []string{"refused launch", "125", "NaN", "Inf"} {
		if strings.Contains(text, not) {
			t.Errorf("%s in\n%s", not, text)
		}
	}
}

// A part of the sections is drawn as well as all of them, and rows without figures as nothing.
func TestPicturesOfLess(t *testing.T) {
	t.Parallel()
	drawn(t, report.Report{})
	for i, key := range []string{"cold", "growth", "latency"} {
		drawn(t, report.Report{Sections: example().Sections[i : i+1]})
		if text := drawn(t, report.Report{Sections: []report.Section{{Key: key}}}); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s without rows:\n%s", key, text)
		}
	}
}
