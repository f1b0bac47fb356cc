// Package scalecluster is the function that scales clusters.
//
//	POST /{cluster}/out    one node more, or as many as the body says
//	POST /{cluster}/in     one node less
//	POST /{cluster}/auto   as the body says: {"direction": "out"}, {"to": 3}, or the labels scale and scale_by of an alert
//	POST /{cluster}/set    {"to": 3}
//	GET  /{cluster}        size, bounds, and the last decisions
//
// Options in the query: dry_run=1 decides and writes nothing; strict=1 makes a refusal 422; force=1 lets a person pass
// the cooldown. A person's header Idempotency-Key makes a repeated request the same one. Nothing but POST ever scales: Aodh follows a redirect with a GET, and a GET must be harmless.
//
// A cluster is an entry of the configuration's clusters, or a stack that carries our tag and has the parameters of
// heat-templates/README.md, its bounds among them. The second kind is reached by signed addresses, API tokens and
// Keystone tokens; the credentials of an entry open that entry alone.
//
// What a request costs: who calls is settled before anything is read. Then the stack is found by name (1 request, once
// in a process's life), read with its parameters (1), written by one absolute update (1) and read again (1), as a 202 of
// Heat is no promise; package cluster says why. Requests for one cluster take turns in a process, and one that waited
// uses what the one before it read, so a burst of equal alarms costs one update and no more.
//
// Each sender is answered in the way it understands:
//
//	sender                       made   busy, cloud down   refused (bounds, cooldown, seen)
//	Aodh (ignores all answers)   202    202                200
//	Alertmanager (repeats 5xx)   202    503                200
//	person, program              202    409, 503           200, or 422 with strict=1
package scalecluster
