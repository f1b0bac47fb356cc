// Package site knows what a site is made of: what an operator may ask for, what is wrong with it, which parameters of
// the cluster template it comes to, what a second request changes, and how far Heat has got. It does no I/O.
//
// A site is one stack of heat-templates/cluster.yaml with the tags "stackhook" and "site", known by its own name. What
// was asked for is in the stack's parameters, so the same request again finds nothing to change, on any machine.
//
// Who owns the number of nodes: scaling does, between min and max. A site's "nodes" is where it starts. The same
// "nodes" sent again leaves the present number alone, however often the site is deployed; another "nodes" is a decision
// and sets it; and new bounds move it only as far as they must.
package site
