package plot

import (
	"math"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// axis maps values to places. A logarithmic one goes over whole powers of ten.
type axis struct {
	from, to   float64 // places
	low, high  float64 // values
	logarithms bool
}

// over is an axis that has room for all values.
func over(values []float64, from, to float64, logarithms bool) axis {
	a := axis{from: from, to: to, high: 1, logarithms: logarithms}
	low := math.Inf(1)
	for _, v := range values {
		a.high = max(a.high, v)
		low = min(low, v)
	}
	if logarithms {
		a.low = math.Pow(10, math.Floor(math.Log10(max(low, 1))))
		a.high = math.Pow(10, math.Ceil(math.Log10(a.high)))
		if a.high == a.low {
			a.high *= 10
		}
	}
	return a
}

func (a axis) at(value float64) float64 {
	share := (value - a.low) / (a.high - a.low)
	if a.logarithms {
		share = math.Log10(max(value, a.low)/a.low) / math.Log10(a.high/a.low)
	}
	return a.from + share*(a.to-a.from)
}

// marks are the values that get a line: powers of ten, or four or five round ones.
func (a axis) marks() []float64 {
	var list []float64
	if a.logarithms {
		for v := a.low; v <= a.high*1.01; v *= 10 {
			list = append(list, v)
		}
		return list
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high/2)))
	for a.high/step > 5 {
		step *= 2
	}
	for v := a.low; v <= a.high*1.001; v += step {
		list = append(list, v)
	}
	return list
}

func milliseconds(ns float64) string { return report.Figure{Unit: "ns", Value: ns}.Text() }
