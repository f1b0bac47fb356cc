package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	metric  = regexp.MustCompile(`\bstackhook_[a-z_]+\b`)
	counted = regexp.MustCompile(`"(stackhook_[a-z_]+)"`)
)

// exposed are the metrics that the functions show.
func exposed(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../functions/*/*/metrics.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no functions that count: %v", err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range counted.FindAllStringSubmatch(string(text), -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// TestDashboardAndAlertsAskForMetricsThatAre: a renamed metric must not leave a panel empty or an alert silent.
func TestDashboardAndAlertsAskForMetricsThatAre(t *testing.T) {
	t.Parallel()
	have := exposed(t)
	for file, least := range map[string]int{"prometheus/grafana.json": 10, "prometheus/alerts.yaml": 5} {
		asked := metric.FindAllString(read(t, file), -1)
		if len(asked) < least {
			t.Errorf("%s asks for %d metrics", file, len(asked))
		}
		for _, name := range asked {
			if !slices.Contains(have, name) {
				t.Errorf("%s asks for %s, which no function shows", file, name)
			}
		}
	}
}

// TestDashboard: every panel says what it shows, and every metric of a cluster is on one.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text := read(t, "prometheus/grafana.json")
	var board struct {
		Panels []struct {
			ID                       int
			Type, Title, Description string
			GridPos                  struct{ X, Y, W, H int }
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d: twice, or wider than the board", p.ID)
		}
		seen[p.ID] = true
		if p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d: %q shows nothing, or does not say what", p.ID, p.Title)
		}
	}
	for _, name := range exposed(t) {
		if strings.HasPrefix(name, "stackhook_cluster_") && !strings.Contains(text, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}
