package cluster

import (
	"fmt"
	"time"
)

// day is what node-hours are counted over: the last 24 hours, at any time.
const day = 24 * time.Hour

// Hours are the node-hours of the last day, and what the largest size would have used besides.
type Hours struct {
	Used  float64 `json:"used"`
	Saved float64 `json:"saved"`
	Limit float64 `json:"limit,omitempty"`
}

// Hours counts from the ring (N20). It holds 16 decisions: what lies before the first is taken to be the size that the
// first one found.
func (s State) Hours(now time.Time) Hours {
	used := s.used(now)
	_, most, _ := s.Bounds(now)
	return Hours{Used: used, Saved: max(0, float64(most)*day.Hours()-used), Limit: float64(s.Policy.NodeHours)}
}

// used is the area under the size, backwards from now.
func (s State) used(now time.Time) float64 {
	begin, end, size := now.Add(-day), now, s.Count
	var used float64
	for i := len(s.Memory.Ring) - 1; i >= 0 && end.After(begin); i-- {
		e := s.Memory.Ring[i]
		since := latest(begin, at(e.At))
		if since.Before(end) {
			used += float64(size) * end.Sub(since).Hours()
			end = since
		}
		size = e.From
	}
	return used + float64(size)*max(0, end.Sub(begin).Hours())
}

// spent holds a growth back while the day's node-hours are used up. The oldest of them leave the day as time goes by, so
// that asking again later helps.
func (d Decision) spent(s State, now time.Time) (Decision, bool) {
	limit := float64(s.Policy.NodeHours)
	if limit == 0 || s.used(now) < limit {
		return d, false
	}
	return d.wait(OverBudget, time.Hour, fmt.Sprintf("The cluster used %.0f node-hours within a day, and its limit is %.0f; nothing was changed.", s.used(now), limit))
}
