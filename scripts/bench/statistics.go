package main

import (
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// percentile of durations that need not be sorted: the smallest that p per cent of them do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// took is a figure of a time.
func took(name, unit string, d time.Duration) report.Figure {
	return report.Figure{Name: name, Unit: unit, Value: float64(d.Nanoseconds())}
}

// count is a figure of whole things, such as calls.
func count(name string, n int) report.Figure {
	return report.Figure{Name: name, Unit: word(name), Value: float64(n)}
}

func size(name string, bytes float64) report.Figure {
	return report.Figure{Name: name, Unit: word(name) + "-bytes", Value: bytes}
}

func samples(times []time.Duration) []float64 {
	list := make([]float64, len(times))
	for i, t := range times {
		list[i] = float64(t.Nanoseconds())
	}
	return list
}

// word is a column's name as a unit.
func word(name string) string { return strings.ReplaceAll(name, " ", "-") }
