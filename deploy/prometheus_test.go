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
	files = append(files, "../shared/observe/observe.go", "../shared/lab/keeper/builds.go", "../shared/lab/grades/deliver.go")
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
	for file, least := range map[string]int{"prometheus/grafana.json": 30, "prometheus/alerts.yaml": 15, "prometheus/alerts_test.yaml": 15} {
		asked := metric.FindAllString(read(t, file), -1)
		if len(asked) < least {
			t.Errorf("%s asks for %d metrics", file, len(asked))
		}
		for _, name := range asked {
			for _, line := range []string{"_bucket", "_sum", "_count"} { // a histogram's
				if base := strings.TrimSuffix(name, line); slices.Contains(have, base) {
					name = base
				}
			}
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
	rarely := []string{"stackhook_tend_orders_total", "stackhook_key_set_fetches_total"} // for whoever looks for them
	for _, name := range exposed(t) {
		if !strings.Contains(text, name) && !slices.Contains(rarely, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// TestEveryFunctionIsScraped: a function that counts and is not scraped is watched by nobody.
func TestEveryFunctionIsScraped(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../functions/*/README.md")
	if err != nil || len(folders) < 6 {
		t.Fatalf("%d functions: %v", len(folders), err)
	}
	text := read(t, "prometheus/prometheus.yaml")
	for _, folder := range folders {
		if name := filepath.Base(filepath.Dir(folder)); !strings.Contains(text, "metrics_path: /"+name+"/metrics\n") {
			t.Errorf("%s is not scraped", name)
		}
	}
}

// TestEveryAlertIsTried: promtool's test names each alert that it can; those of a cluster are older than it.
func TestEveryAlertIsTried(t *testing.T) {
	t.Parallel()
	tried := read(t, "prometheus/alerts_test.yaml")
	older := []string{"ClusterStopped", "ClusterAtItsBound", "WrongNodesRemoved", "LoadBalancerBroken", "OpenStackFails", "TendingFails"}
	for _, found := range regexp.MustCompile(`alert: Stackhook(\w+)`).FindAllStringSubmatch(read(t, "prometheus/alerts.yaml"), -1) {
		if !strings.Contains(tried, `"Stackhook`+found[1]+`"`) && !slices.Contains(older, found[1]) {
			t.Errorf("%s is tried by no test", found[1])
		}
	}
}
