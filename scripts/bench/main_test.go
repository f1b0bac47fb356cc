package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// The tool starts itself to say hello and to count allocations; here it is the test that is started.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && (os.Args[1] == hello || os.Args[1] == allocations) {
		if err := start(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// programs builds all that is measured.
func programs(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-ldflags", "-s -w", "-o", bin, "../../functions/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// A quick run of everything: each section has its rows, and each form of the results can be read.
func TestQuickRun(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	var told, complaints bytes.Buffer
	if err := start(t.Context(), []string{"-quick", "-bin", programs(t), "-out", out}, &told, &complaints); err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var r report.Report
	if err := json.Unmarshal([]byte(read(t, out, "results.json")), &r); err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{"size": 6, "cold": 6*7 + 6, "cost": 8, "throughput": 6, "memory": 6, "latency": 12, "growth": 3, "clusters": 2}
	for _, key := range keys() {
		s, ok := r.Section(key)
		if !ok || len(s.Rows) != rows[key] {
			t.Errorf("%s has %d rows, want %d", key, len(s.Rows), rows[key])
		}
		if !strings.Contains(told.String(), "### "+s.Title+"\n") {
			t.Errorf("the table has no %s", s.Title)
		}
	}
	line := regexp.MustCompile(`^(goos|goarch|pkg|cpu): .+$|^Benchmark\S+ \d+( [0-9.e+]+ \S+)+$`)
	for text := range strings.Lines(read(t, out, "bench.txt")) {
		if !line.MatchString(strings.TrimSuffix(text, "\n")) {
			t.Errorf("benchstat could not read %q", text)
		}
	}
	if read(t, out, "table.md") != told.String() || !strings.Contains(read(t, out, "plot.svg"), "launch-lab") {
		t.Error("the table or the picture is not what was measured")
	}
	if all := told.String() + complaints.String() + read(t, out, "results.json"); strings.Contains(all, secret) {
		t.Error("a secret is in the results")
	}
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-only", "cold,nonsense"}, {"-nonsense"}, {"-bin", t.TempDir(), "-only", "size"}} {
		if err := start(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	r := report.Report{Sections: []report.Section{{Key: "size", Rows: []report.Row{{Name: "launch-lab", Figures: []report.Figure{size("size", 13e6).AtMost(12e6)}}}}}}
	if err := verdict(r, false); err != nil {
		t.Errorf("without -hold: %v", err)
	}
	if err := verdict(r, true); err == nil || err.Error() != "missed: size: launch-lab, size" {
		t.Errorf("with -hold: %v", err)
	}
	r.Sections[0].Rows[0].Figures[0] = size("size", 12e6).AtMost(12e6)
	if err := verdict(r, true); err != nil {
		t.Errorf("held: %v", err)
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	times := []time.Duration{40, 10, 30, 20}
	for p, want := range map[int]time.Duration{0: 10, 25: 10, 50: 20, 75: 30, 99: 40, 100: 40} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if percentile(nil, 50) != 0 {
		t.Error("there is a median of nothing")
	}
}
