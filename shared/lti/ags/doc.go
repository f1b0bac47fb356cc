// Package ags sends scores to LTI 1.3 platforms: Assignment and Grade Services 2.0, of which it uses the score service and
// the search for a link's line item. The token for that is fetched with an assertion that our own key signs (RFC 7523).
package ags
