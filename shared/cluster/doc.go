// Package cluster decides what a request to scale does to a cluster. It does no I/O: Decide is a function of what is
// known of the cluster, what is asked, and the time, and its result says what to write and why.
//
//	             ┌ seen already ──────────────── duplicate
//	             ├ suspended, being deleted ──── not_scalable
//	request ─────┼ Heat at work ──────────────── busy
//	             ├ at the bound already ──────── at_max, at_min, unchanged
//	             ├ the last step too recent ──── cooldown
//	             └ else ──────────────────────── scaled, capped (fewer than asked) ── Patch
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
//     or damaged memory is therefore normal, and a new one is begun.
package cluster
