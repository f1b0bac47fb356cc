// Package scalecluster is the function that scales clusters. README.md beside this package has its routes, codes and what
// each of them costs.
//
// Who calls is settled before anything is read. Then the cluster's stack is read, package cluster decides, and the
// decision is made true: an update of the stack with absolute values, read back, as a 202 of Heat is no promise; or a
// change of pool members, where the last writer wins and an answer is as good as a look. Nothing but POST ever changes
// anything: Aodh follows a redirect with a GET, and a GET must be harmless.
//
// A cluster is an entry of the configuration's clusters, or a stack that carries our tag and has the parameters of
// heat-templates/README.md, its bounds among them. The second kind is reached by signed addresses, API tokens and
// Keystone tokens; the credentials of an entry open that entry alone.
//
// Requests for one cluster take turns in a process, and one that waited uses what the one before it read, so a burst of
// equal alarms costs one update and no more. Between processes a lease may keep writers apart; without one they write
// the same, and whoever lost learns so by reading back.
//
// Nothing waits here for Heat. What takes time, such as a drain, is written down where the next request finds it: on the
// pool's members, and in the stack's parameters. Alarms repeat themselves, so their own requests carry it on, and POST
// /{cluster}/reconcile does the same for a timer, and POST /reconcile for all clusters.
package scalecluster
