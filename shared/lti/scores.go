package lti

import (
	"net/url"
	"slices"
)

// Scores is the claim of Assignment and Grade Services 2.0: where one link's scores may be sent, and what we may do there.
type Scores struct {
	LineItem  string   // the link's own column in the grade book; empty if it has none, or several
	LineItems string   // all columns of the course; empty if we may not look for ours
	Scopes    []string // what a token may be asked for
}

// The scopes of Assignment and Grade Services that we have a use for.
const (
	ScopeScore            = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
	ScopeLineItem         = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
	ScopeLineItemReadOnly = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
)

const scoresClaim = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"

// maxScores bounds the claim's texts in bytes: they are kept with the lab.
const maxScores = 2 << 10

// Writable says that a score can be sent: to the column itself, or to one that may be looked for.
func (s Scores) Writable() bool {
	if !slices.Contains(s.Scopes, ScopeScore) {
		return false
	}
	search := slices.Contains(s.Scopes, ScopeLineItem) || slices.Contains(s.Scopes, ScopeLineItemReadOnly)
	return s.LineItem != "" || s.LineItems != "" && search
}

// scores reads the claim. An address that is not on the platform's list is left out, and the launch goes on without grading,
// as one of LTI 1.1 does (A15).
func (c *claims) scores(reg Registration) Scores {
	endpoint := c.object(scoresClaim)
	if len(endpoint.members) == 0 {
		return Scores{}
	}
	var s Scores
	if item := c.text(endpoint, "lineitem"); reg.TakesScores(item) {
		s.LineItem = item
	}
	if items := c.text(endpoint, "lineitems"); reg.TakesScores(items) {
		s.LineItems = items
	}
	granted, _ := c.texts(endpoint, "scope")
	for _, scope := range []string{ScopeScore, ScopeLineItem, ScopeLineItemReadOnly} {
		if slices.Contains(granted, scope) {
			s.Scopes = append(s.Scopes, scope)
		}
	}
	return s
}

// TakesScores says whether scores may be sent to raw: https, and the host of the registered token address or one of the list.
func (r Registration) TakesScores(raw string) bool {
	if raw == "" || len(raw) > maxScores {
		return false
	}
	hosts := slices.Clone(r.GradeHosts)
	if token, err := url.Parse(r.TokenURL); err == nil && token.Host != "" {
		hosts = append(hosts, token.Host)
	}
	return AllowedHost(raw, hosts)
}
