// Package tendlabs is the function that a timer calls to look after all labs, and by which operators see and order them. What
// is done is decided and done in shared/lab/tender; this is its edge.
//
// Only POST changes anything, and everything but the probe needs an API token: may [labs], or may [metrics] for /metrics.
package tendlabs
