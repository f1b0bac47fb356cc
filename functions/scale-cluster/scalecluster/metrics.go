package scalecluster

import (
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
)

// counts are what this process decided, and the clusters as it last saw them. Dry runs are not in them.
type counts struct {
	decisions, changes, faults  *metrics.Counter
	nodes, least, most, stopped *metrics.Gauge
	last                        *metrics.Gauge
}

func newCounts(r *metrics.Registry) counts {
	return counts{
		decisions: r.Counter("stackhook_scale_decisions_total", "Decisions on clusters, those that changed nothing among them, by direction and code.", "direction", "code"),
		changes:   r.Counter("stackhook_scale_nodes_total", "Nodes that decisions added, removed, drained or took back, by the decision's code.", "direction", "code"),
		faults:    r.Counter("stackhook_scale_faults_total", "Requests that OpenStack failed, by the code of the fault.", "code"),
		nodes:     r.Gauge("stackhook_cluster_nodes", "Nodes that the cluster is to have, by what was last seen of it.", "cluster"),
		least:     r.Gauge("stackhook_cluster_min", "The cluster's lower bound, a schedule's if one holds.", "cluster"),
		most:      r.Gauge("stackhook_cluster_max", "The cluster's upper bound, a schedule's if one holds.", "cluster"),
		stopped:   r.Gauge("stackhook_cluster_stopped", "1 while alarms are not obeyed: scaling is paused, or halted after a removal that took the wrong nodes.", "cluster"),
		last:      r.Gauge("stackhook_scale_last_round_timestamp_seconds", "When the last reconcile pass over all clusters was over, in Unix seconds; 0 before the first one."),
	}
}

// decided counts a decision, and how many nodes it is about.
func (c counts) decided(d cluster.Decision) {
	if d.DryRun {
		return
	}
	c.decisions.Add(1, string(d.Op), string(d.Code))
	if d.Applied {
		c.changes.Add(int64(max(d.To-d.From, d.From-d.To, len(d.Victims))), string(d.Op), string(d.Code))
	}
}

// failed counts a request that OpenStack failed; what else may go wrong is the caller's.
func (c counts) failed(err error) {
	if code := openstack.CodeOf(err); code != "" {
		c.faults.Add(1, string(code))
	}
}

// seen keeps what a cluster looked like.
func (c counts) seen(name string, s cluster.State, now time.Time) {
	least, most, _ := s.Bounds(now)
	c.nodes.Set(int64(s.Count), name)
	c.least.Set(int64(least), name)
	c.most.Set(int64(most), name)
	stopped := int64(0)
	if s.Pause.All || s.Pause.In || s.Pause.Out || s.Memory.Halt != "" {
		stopped = 1
	}
	c.stopped.Set(stopped, name)
}
