package tendlabs

import (
	"time"

	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/metrics"
)

// counts are what this process did. Whose labs they were is nobody's business who scrapes.
type counts struct {
	passes, calls, changes, failures, orders, clouds *metrics.Counter
	took                                             *metrics.Histogram
	labs, last, waiting, parked, oldest              *metrics.Gauge
}

func newCounts(r *metrics.Registry) counts {
	return counts{
		passes:   r.Counter("stackhook_tend_passes_total", "Passes over all labs, dry runs left out."),
		calls:    r.Counter("stackhook_tend_calls_total", "Requests to OpenStack that passes made."),
		took:     r.Histogram("stackhook_tend_seconds", "Time that passes took.", metrics.Bounds()),
		changes:  r.Counter("stackhook_tend_changes_total", "Changes that passes made, by kind.", "do"),
		failures: r.Counter("stackhook_tend_failures_total", "Changes that failed, by kind.", "do"),
		orders:   r.Counter("stackhook_tend_orders_total", "Orders of operators, by act.", "act"),
		clouds:   r.Counter("stackhook_tend_cloud_failures_total", "Passes that did not see all of a cloud, by cloud.", "cloud"),
		labs:     r.Gauge("stackhook_labs", "Learners' labs by state, by the lists that the last pass read.", "lab", "state"),
		last:     r.Gauge("stackhook_tend_last_pass_timestamp_seconds", "When the last pass was over, in Unix seconds; 0 before the first one."),
		waiting:  r.Gauge("stackhook_grades_waiting", "Grades of labs that sleep or are gone, which their course sites have yet to take."),
		parked:   r.Gauge("stackhook_grades_given_up", "Such grades that were refused for good, kept for a while for whoever wants to know."),
		oldest:   r.Gauge("stackhook_grades_oldest_seconds", "How long the oldest of the waiting grades has waited; 0 if none does."),
	}
}

// pass counts one pass.
func (c counts) pass(r tender.Report) {
	if r.DryRun {
		return
	}
	c.passes.Add(1)
	c.calls.Add(int64(r.Calls))
	c.took.Observe(time.Duration(r.TookMS) * time.Millisecond)
	for do, n := range r.Counts {
		c.changes.Add(int64(n), do)
	}
	for _, change := range r.Changes {
		if change.Error != "" {
			c.failures.Add(1, change.Do)
		}
	}
	for _, cloud := range r.Clouds {
		if cloud.Error != "" {
			c.clouds.Add(1, cloud.Name)
		}
	}
	c.last.Set(r.At.Add(time.Duration(r.TookMS) * time.Millisecond).Unix())
	if r.Whole() { // half a list would look as if labs were gone
		c.seen(r)
	}
}

// seen shows what the lists of a pass told.
func (c counts) seen(r tender.Report) {
	numbers := make([]metrics.Number, 0, len(r.States))
	for of, n := range r.States {
		numbers = append(numbers, metrics.Number{Values: []string{of.Lab, string(of.State)}, N: int64(n)})
	}
	c.labs.Replace(numbers)
	c.waiting.Set(int64(r.Waiting.Grades))
	c.parked.Set(int64(r.Waiting.GivenUp))
	age := time.Duration(0)
	if !r.Waiting.Oldest.IsZero() {
		age = r.At.Sub(r.Waiting.Oldest)
	}
	c.oldest.Set(int64(age.Seconds()))
}
