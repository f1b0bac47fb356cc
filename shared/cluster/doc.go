// Package cluster decides what a request to scale does to a cluster, and what a cluster needs without one. It does no I/O:
// Decide and Reconcile are functions of what is known of the cluster, what is asked, and the time, and their result says
// what to write and why.
//
//	             ┌ seen already ──────────────────────── duplicate
//	             ├ suspended, being deleted ──────────── not_scalable
//	             ├ Heat at work ──────────────────────── busy
//	             ├ names no node that may go ─────────── unknown_node, protected
//	request ─────┼ at the bound already ──────────────── at_max, at_min, unchanged, no_quota
//	             ├ an alarm has to wait ──────────────── paused, halted, cooldown, rate_limited, not_ready,
//	             │                                       back_off, stabilizing, unhealthy
//	             ├ nodes are on their way out already ── undrained ──────── Members
//	             ├ nodes leave by a drain ────────────── draining ───────── Members
//	             └ else ──────────────────────────────── scaled, capped ─── Patch
//
// Why it is built so, from heat/engine and from measurements on a real Heat:
//
//   - Heat has no compare-and-set. Of two updates at one time it answers 202 to both and drops one, always; never does
//     it mix two. So a Patch carries count, removal list and memory together, all absolute: whichever update wins is a
//     whole decision, and two racers who saw the same cluster write the same count.
//   - 202 is not "applied". A Patch therefore carries a fresh token in the memory, and the parameters are read back
//     (they show the new values at once, long before UPDATE_COMPLETE): Verify says whose decision stands.
//   - An update that only writes a parameter keeps the whole stack IN_PROGRESS for seconds, so refusals are never
//     written down. They are the caller's to log.
//   - An operator's `openstack stack update` without --existing resets every parameter, the memory included. An empty
//     or damaged memory is therefore normal: Restored begins a new one from what is known.
//   - Heat takes the newest nodes, and any node in the place of one that it cannot find. So a Patch names its victims,
//     they are chosen from the nodes alone, and Reconcile looks afterwards whether the others are all there.
//   - Heat does not drain. A drain is weight 0 and tags on the pool member, and no update: whoever reads the members knows
//     of it. It ends by a Patch when its time is over, or nobody is left and a hook agrees; or by the weight that the tags
//     remember. They also say which requests had a part in it, so that a repeat goes on with what is left, and no further.
package cluster
