package shim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// viewOfSteps is a cluster that went from 1 to 3 and back to 2, an hour and half an hour ago.
func viewOfSteps(now time.Time) clusterView {
	v := clusterView{Nodes: 2, Min: 1, Max: 4}
	type decision = struct {
		At       time.Time
		From, To int
		Code, By string
		Op       string `json:"direction"`
	}
	v.Decisions = []decision{
		{At: now.Add(-30 * time.Minute), From: 3, To: 2, Code: "removed", Op: "reconcile"},
		{At: now.Add(-time.Hour), From: 1, To: 3, Code: "scaled", Op: "out"},
	}
	return v
}

func TestChart(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c, ok := drawn(viewOfSteps(now), now)
	if !ok {
		t.Fatal("nothing is drawn")
	}
	if n := len(strings.Fields(c.Line)); n != 6 {
		t.Fatalf("%d points: %s", n, c.Line)
	}
	inside(t, c)
	// 4 nodes are at the top, 1 is a quarter of the way up.
	if c.Most != chartTop || c.Least <= c.Most || c.Marks[0] != (chartMark{chartHeight - chartBottom, 0}) {
		t.Errorf("bounds at %d and %d, marks %v", c.Least, c.Most, c.Marks)
	}
	if want := "from 1 to 2 nodes, between 1 and 4"; !strings.Contains(c.Text, want) {
		t.Errorf("%q does not say %q", c.Text, want)
	}
}

// inside looks at every point: none is outside, none goes back in time, and the last one is now.
func inside(t *testing.T, c chart) {
	t.Helper()
	last, edge := chartLeft, chartWidth-chartRight
	for p := range strings.FieldsSeq(c.Line) {
		var x, y int
		if _, err := fmt.Sscanf(p, "%d,%d", &x, &y); err != nil {
			t.Fatal(err)
		}
		if x < last || x > edge || y < chartTop || y > chartHeight-chartBottom {
			t.Errorf("%s is outside, or goes back in time: %s", p, c.Line)
		}
		last = x
	}
	if last != edge {
		t.Errorf("now is at %d, not at the edge %d", last, edge)
	}
}

func TestChartOfNothing(t *testing.T) {
	t.Parallel()
	if _, ok := drawn(clusterView{Nodes: 1, Min: 1, Max: 4}, time.Now()); ok {
		t.Error("a cluster that was never scaled has a chart")
	}
	// A decision of this very second, and those of a clock ahead of ours, are drawn as now.
	now := time.Now()
	for _, ahead := range []time.Duration{30 * time.Minute, 31 * time.Minute, 2 * time.Hour} {
		c, _ := drawn(viewOfSteps(now.Add(ahead)), now)
		inside(t, c)
	}
}
