// Package site knows what a site is made of: what an operator may ask for (Spec), what is wrong with it (Check), which
// parameters of the site template it comes to (Want), what a second request changes and how much that disturbs (Plan,
// Verdict), what it costs (Sizes), which volumes hold its data (Complete), and how far it is (Follow). It does no I/O.
//
// A site is one stack of heat-templates/site.yaml with the tags "stackhook" and "site", known by its own name. What was
// asked for is in the stack's parameters, so the same request again finds nothing to change, on any machine.
//
// Who owns the number of application nodes: scaling does, between min and max. A site's "app.nodes" is where it starts.
// The same number sent again leaves the present one alone, however often the site is deployed; another is a decision and
// sets it; and new bounds move it only as far as they must. The data nodes are three, always.
package site
