package lab

import (
	"math"
	"strconv"
	"strings"
)

// Check is one thing that is graded: the share of checks that passed, by their weights, is the score.
type Check struct {
	Name, Title string
	Weight      int
	// Script is what is run over SSH; empty: the lab reports the check itself. Host and HostKey are the outputs that hold
	// the address and the machine's public key.
	Script              string
	Host, User, HostKey string
}

// Standing is how each check stands: its best score counts, its newest result gives the hint.
func Standing(results []Result, checks []Check) []Checked {
	standing := make([]Checked, len(checks))
	for i, check := range checks {
		c := Checked{Name: check.Name, Title: check.Title, Weight: check.weight()}
		for _, r := range results {
			if r.Check != check.Name {
				continue
			}
			score, valid := clamp(r.Score)
			if !valid {
				continue
			}
			if newer := !r.At.Before(c.At); newer || !c.Reported {
				c.Message, c.At = r.Message, r.At
			}
			c.Reported = true
			c.Score, c.Passed = max(c.Score, score), c.Passed || r.Passed
		}
		standing[i] = c
	}
	return standing
}

// Score is the share of checks that passed, 0 to 1, of each check its best result; known is false if there is no result yet.
func Score(results []Result, checks []Check) (score float64, known bool) {
	var reached, whole float64
	for _, c := range Standing(results, checks) {
		whole += float64(c.Weight)
		reached += float64(c.Weight) * c.Score
		known = known || c.Reported
	}
	if !known {
		return 0, false
	}
	return min(1, reached/whole), true
}

// weight is at least one, so that there is always something to divide by.
func (c Check) weight() int { return max(1, c.Weight) }

// clamp brings a reported score into 0 to 1; what is no number is no score.
func clamp(score float64) (float64, bool) {
	if math.IsNaN(score) {
		return 0, false
	}
	return min(1, max(0, score)), true
}

// FormatScore writes a score as LTI wants it: a plain decimal of 0.0 to 1.0 with no exponent and at most four digits; ok is
// false for what is no such score.
func FormatScore(score float64) (text string, ok bool) {
	const digits, rounding = 4, 1e-6
	if math.IsNaN(score) || score < -rounding || score > 1+rounding {
		return "", false
	}
	text = strings.TrimRight(strconv.FormatFloat(min(1, math.Abs(max(0, score))), 'f', digits, 64), "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text, true
}
