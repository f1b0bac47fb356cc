package shim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The chart's size, and the room for its labels, in its own units.
const (
	chartWidth, chartHeight = 720, 200
	chartLeft, chartBottom  = 34, 22
	chartTop, chartRight    = 8, 8
)

// chart is a cluster's size over time, ready to be drawn as SVG.
type chart struct {
	Width, Height int
	// Line is the size, as the points of a step line; Least and Most are where its bounds are.
	Line        string
	Least, Most int
	Marks       []chartMark
	From, Until time.Time
	// Text says the same to whoever cannot see it.
	Text string
}

// chartMark is a size on the left side.
type chartMark struct{ At, Nodes int }

// drawn is the chart of decisions, which are newest first, up to now.
func drawn(o clusterView, now time.Time) (chart, bool) {
	if len(o.Decisions) == 0 {
		return chart{}, false
	}
	first := o.Decisions[len(o.Decisions)-1]
	top := max(o.Max, o.Nodes, 1)
	for _, d := range o.Decisions {
		top = max(top, d.From, d.To)
	}
	start := first.At.Add(-now.Sub(first.At) / 20) // so that the first step can be seen
	x := func(t time.Time) int {
		share := 1.0
		if now.After(start) {
			share = min(max(float64(t.Sub(start))/float64(now.Sub(start)), 0), 1)
		}
		return chartLeft + int(share*float64(chartWidth-chartLeft-chartRight))
	}
	y := func(nodes int) int {
		return chartHeight - chartBottom - nodes*(chartHeight-chartBottom-chartTop)/top
	}
	points := []string{point(x(start), y(first.From))}
	for _, d := range slices.Backward(o.Decisions) {
		points = append(points, point(x(d.At), y(d.From)), point(x(d.At), y(d.To)))
	}
	points = append(points, point(x(now), y(o.Nodes)))
	c := chart{
		Width: chartWidth, Height: chartHeight, Line: strings.Join(points, " "), Least: y(o.Min), Most: y(o.Max), From: start, Until: now,
		Text: fmt.Sprintf("Size since %s: from %d to %d nodes, between %d and %d.", moment(start), first.From, o.Nodes, o.Min, o.Max),
	}
	for nodes := 0; nodes <= top; nodes += (top + 3) / 4 {
		c.Marks = append(c.Marks, chartMark{y(nodes), nodes})
	}
	return c, true
}

func point(x, y int) string { return fmt.Sprintf("%d,%d", x, y) }
