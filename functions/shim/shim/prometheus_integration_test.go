//go:build integration

package shim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealPrometheusFiles: Prometheus itself accepts what deploy/prometheus gives it, and every question of the dashboard.
func TestRealPrometheusFiles(t *testing.T) {
	t.Parallel()
	const folder = "../../../deploy/prometheus"
	rules := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(rules, []byte(asRules(t, filepath.Join(folder, "grafana.json"))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "config", "--syntax-only", filepath.Join(folder, "prometheus.yaml")},
		{"check", "rules", filepath.Join(folder, "alerts.yaml")},
		{"check", "rules", rules},
		{"test", "rules", filepath.Join(folder, "alerts_test.yaml")},
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// TestRealPrometheusReadsThePage: Prometheus's own reader takes what all functions show after a launch and a pass, and its
// linter finds nothing that it would name otherwise.
func TestRealPrometheusReadsThePage(t *testing.T) {
	t.Parallel()
	s, _, end := watched(t)
	defer end()
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	page := serve(s, http.MethodGet, "/metrics", bearer(s)).Body.String()
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 || strings.Count(page, "\n") < 100 {
		t.Errorf("promtool check metrics: %v\n%s\n%s", err, out, page)
	}
}

// asRules are the questions of a dashboard as recording rules, with Grafana's variables filled in.
func asRules(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$cluster", ".*").Replace(target.Expr)
			fmt.Fprintf(&out, "      - {record: panel_%d, expr: %q}\n", n, expr)
			n++
		}
	}
	if n < 10 {
		t.Fatalf("the dashboard asks %d questions", n)
	}
	return out.String()
}
