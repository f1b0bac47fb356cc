package tendlabs

import (
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/metrics"
)

// counts are what this process did. Whose labs they were is nobody's business who scrapes.
type counts struct {
	registry                                                       *metrics.Registry
	passes, calls, milliseconds, changes, failures, orders, clouds *metrics.Counter
}

func newCounts() counts {
	r := metrics.NewRegistry()
	return counts{
		registry:     r,
		passes:       r.Counter("stackhook_tend_passes_total", "Passes over all labs, dry runs left out."),
		calls:        r.Counter("stackhook_tend_calls_total", "Requests to OpenStack that passes made."),
		milliseconds: r.Counter("stackhook_tend_milliseconds_total", "Time that passes took."),
		changes:      r.Counter("stackhook_tend_changes_total", "Changes that passes made, by kind.", "do"),
		failures:     r.Counter("stackhook_tend_failures_total", "Changes that failed, by kind.", "do"),
		orders:       r.Counter("stackhook_tend_orders_total", "Orders of operators, by act.", "act"),
		clouds:       r.Counter("stackhook_tend_cloud_failures_total", "Passes that did not see all of a cloud, by cloud.", "cloud"),
	}
}

// pass counts one pass.
func (c counts) pass(r tender.Report) {
	if r.DryRun {
		return
	}
	c.passes.Add(1)
	c.calls.Add(int64(r.Calls))
	c.milliseconds.Add(r.TookMS)
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
}
