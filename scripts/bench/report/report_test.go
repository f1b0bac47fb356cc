package report_test

import (
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

func example() report.Report {
	return report.Report{
		Machine: report.Machine{CPU: "a processor", Cores: 2, Load: "0.1", Go: "go1.26", Version: "v1", When: "2026-11-23T06:00:00Z"},
		Sections: []report.Section{{
			Key: "cold", Title: "Cold start", Note: "of 2 starts", Rows: []report.Row{
				{Name: "launch-lab, first/http", Runs: 2, Samples: []float64{8e6, 12e6}, Figures: []report.Figure{
					report.Figure{Name: "median", Unit: "ns", Value: 12e6}.AtMost(25e6), {Name: "calls", Unit: "calls", Value: 2},
				}},
				{Name: "hello", Runs: 1, Figures: []report.Figure{report.Figure{Name: "share", Unit: "percent", Value: 39}.AtLeast(40)}},
			},
		}},
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := example().Table(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a processor, 2 cores, load 0.1, go1.26, version v1",
		"### Cold start\nof 2 starts\n\n|                        | median                    | calls | share                     |\n| ---",
		"| launch-lab, first/http | 12.0 ms (≤ 25.0 ms: held) | 2     |                           |",
		"| hello                  |                           |       | 39 % (≥ 40 %: **missed**) |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestGoBench(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := example().GoBench(&b); err != nil {
		t.Fatal(err)
	}
	want := "BenchmarkCold/launch-lab-first/http 1 8e+06 ns/op\nBenchmarkCold/launch-lab-first/http 1 1.2e+07 ns/op\n" +
		"BenchmarkCold/launch-lab-first/http 2 2 calls\nBenchmarkCold/hello 1 39 percent\n"
	if _, got, _ := strings.Cut(b.String(), "cpu: a processor\n"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMissed(t *testing.T) {
	t.Parallel()
	if got := strings.Join(example().Missed(), "; "); got != "cold: hello, share" {
		t.Errorf("missed: %s", got)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"ns", 900, "1 µs"},
		{"ns", 300e3, "300 µs"},
		{"p95-ns", 8.25e6, "8.2 ms"},
		{"ns", 220e6, "220 ms"},
		{"ns", 16.84e9, "16.8 s"},
		{"bytes", 11_514_018, "11.5 MB"},
		{"percent", 62.4, "62 %"},
		{"calls", 2, "2"},
		{"allocs", 1234.5, "1234"},
		{"calls", 2.016, "2.02"},
	} {
		if got := (report.Figure{Unit: row.unit, Value: row.value}).Text(); got != row.want {
			t.Errorf("%g %s is %q, want %q", row.value, row.unit, got, row.want)
		}
	}
}
