package traffic

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Report is what a phase of the load came to.
type Report struct {
	Phase   string  `json:"phase,omitempty"`
	Seconds float64 `json:"seconds"`
	Rows    []Row   `json:"rows"` // one for each act that was sent, and the sum
	// Held are requests that were due and not sent, because as many as may be were under way.
	Held int `json:"held_back"`
	// Why counts all that was not right, by its reason.
	Why map[string]int `json:"why,omitempty"`
}

// Row is the requests of one act. Times are in milliseconds.
type Row struct {
	Act      string      `json:"act"`
	Requests int         `json:"requests"`
	Right    int         `json:"right"`
	Later    int         `json:"later"`
	Told     int         `json:"told_failed"`
	Wrong    int         `json:"wrong"`
	Codes    map[int]int `json:"codes"` // 0: no answer
	P50      int64       `json:"p50_ms"`
	P95      int64       `json:"p95_ms"`
	P99      int64       `json:"p99_ms"`
	Max      int64       `json:"max_ms"`
	took     []time.Duration
}

// tally counts the answers of one phase.
type tally struct {
	mu    sync.Mutex
	phase string
	begun time.Time
	rows  map[Act]*Row
	held  int
	why   map[string]int
	// amiss is when the last answer came that was not right.
	amiss time.Time
	// first is when the first right answer came to a request that was begun in this phase.
	first time.Time
}

func newTally(phase string) *tally {
	return &tally{phase: phase, begun: time.Now(), rows: map[Act]*Row{}, why: map[string]int{}}
}

func (t *tally) add(act Act, a Answer, v Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[act]
	if row == nil {
		row = &Row{Act: string(act), Codes: map[int]int{}}
		t.rows[act] = row
	}
	row.Requests++
	row.Codes[a.Code]++
	row.took = append(row.took, a.Took)
	switch v.Class {
	case Right:
		row.Right++
		if now := time.Now(); t.first.IsZero() && now.Add(-a.Took).After(t.begun) {
			t.first = now
		}
		return
	case Later:
		row.Later++
	case Told:
		row.Told++
	case Wrong:
		row.Wrong++
	}
	t.why[word(v.Class)+": "+string(act)+": "+v.Why]++
	t.amiss = time.Now()
}

func word(c Class) string {
	return [...]string{"right", "later", "told", "wrong"}[c]
}

func (t *tally) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held++
}

// report is what was counted until now.
func (t *tally) report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Report{Phase: t.phase, Seconds: time.Since(t.begun).Seconds(), Held: t.held, Why: maps.Clone(t.why)}
	sum := Row{Act: "all", Codes: map[int]int{}}
	for _, act := range Acts() {
		row := t.rows[act]
		if row == nil {
			continue
		}
		sum.add(*row)
		r.Rows = append(r.Rows, row.timed())
	}
	r.Rows = append(r.Rows, sum.timed())
	return r
}

func (r *Row) add(other Row) {
	r.Requests += other.Requests
	r.Right += other.Right
	r.Later += other.Later
	r.Told += other.Told
	r.Wrong += other.Wrong
	for code, n := range other.Codes {
		r.Codes[code] += n
	}
	r.took = append(r.took, other.took...)
}

// timed is the row with its percentiles.
func (r *Row) timed() Row {
	took := slices.Sorted(slices.Values(r.took))
	out := *r
	out.Codes, out.took = maps.Clone(r.Codes), nil
	if len(took) > 0 {
		out.P50, out.P95, out.P99, out.Max = at(took, 50), at(took, 95), at(took, 99), took[len(took)-1].Milliseconds()
	}
	return out
}

func at(sorted []time.Duration, percent int) int64 {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)].Milliseconds()
}

// All is the sum of the rows.
func (r Report) All() Row { return r.Rows[len(r.Rows)-1] }

// Table is the report for a person.
func (r Report) Table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "\trequests\tright\tlater\tfailed\twrong\tp50 ms\tp95\tp99\tlongest\tby code\t")
	for _, row := range r.Rows {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n",
			row.Act, row.Requests, row.Right, row.Later, row.Told, row.Wrong, row.P50, row.P95, row.P99, row.Max, codes(row.Codes))
	}
	_ = t.Flush()
	_, _ = fmt.Fprintf(w, "%.0f s", r.Seconds)
	if r.Held > 0 {
		_, _ = fmt.Fprintf(w, "; %d requests held back, as many as may be were under way", r.Held)
	}
	_, _ = fmt.Fprintln(w)
	for _, why := range slices.Sorted(maps.Keys(r.Why)) {
		_, _ = fmt.Fprintf(w, "  %5d  %s\n", r.Why[why], why)
	}
}

func codes(counts map[int]int) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		name := strconv.Itoa(code)
		if code == 0 {
			name = "none"
		}
		parts = append(parts, fmt.Sprintf("%s×%d", name, counts[code]))
	}
	return strings.Join(parts, " ")
}
