package grades

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome"
	"github.com/stackhook/stackhook/shared/seal"
)

// Destination is where one learner's grade goes: over LTI 1.1 if Outcome is set, over LTI 1.3 if LineItem or LineItems is.
type Destination struct {
	// Owner is the base name of the labs whose grades may go there. It is set by Seal and held against the stack's by Open.
	Owner string `json:"owner"`

	Key       string `json:"key,omitempty"` // of the consumer
	Outcome   string `json:"outcome,omitempty"`
	SourcedID string `json:"sourcedid,omitempty"`

	Issuer    string   `json:"iss,omitempty"`
	ClientID  string   `json:"client,omitempty"`
	User      string   `json:"sub,omitempty"`
	Link      string   `json:"link,omitempty"` // the resource link's id
	LineItem  string   `json:"lineitem,omitempty"`
	LineItems string   `json:"lineitems,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
}

// mostText bounds what a launch may make us carry: a sealed destination is a parameter of a stack.
const mostText = 2 << 10

// DestinationOf is where the grade of a launch goes; zero if the launch names no place that may be written to.
func DestinationOf(l lti.Launch) Destination {
	switch {
	case l.Version == "1.1" && l.Outcome.URL != "":
		if len(l.Outcome.URL) > mostText || len(l.Outcome.SourcedID) > mostText || !outcome.Sendable(l.Outcome.SourcedID) {
			return Destination{}
		}
		return Destination{Key: l.Tenant, Outcome: l.Outcome.URL, SourcedID: l.Outcome.SourcedID}
	case l.Version == "1.3" && l.Scores.Writable():
		return Destination{
			Issuer: l.Issuer, ClientID: l.ClientID, User: l.User, Link: l.ResourceLink,
			LineItem: l.Scores.LineItem, LineItems: l.Scores.LineItems, Scopes: l.Scores.Scopes,
		}
	}
	return Destination{}
}

// Graded says that there is a place to send a grade to.
func (d Destination) Graded() bool { return d.Outcome != "" || d.LineItem != "" || d.LineItems != "" }

// host is that of the address that is written to, for the log: addresses are the learner's own.
func (d Destination) host() string {
	for _, raw := range []string{d.Outcome, d.LineItem, d.LineItems} {
		if u, err := url.Parse(raw); raw != "" && err == nil {
			return u.Host
		}
	}
	return ""
}

const (
	gradingPurpose = "grading"
	reportPurpose  = "report"
	// life is how long sealed values of a lab are good. What bounds it is the lab: a value opens the way to nothing but one
	// stack, and that must be there.
	life = 400 * 24 * time.Hour
)

// GradingParameter and ReportParameter are the parameters of a lab's template for what Seal and ReportURL give.
const (
	GradingParameter = "grading"
	ReportParameter  = "report_url"
)

// Seal makes a destination fit for the parameter grading of owner's lab: "" for one that is zero. Sealed for one owner it is
// worth nothing in another's lab (S10).
func Seal(box *seal.Box, owner string, d Destination, now time.Time) (string, error) {
	if !d.Graded() {
		return "", nil
	}
	d.Owner = owner
	sealed, err := box.Seal(gradingPurpose, d, now.Add(life))
	if err != nil {
		return "", fmt.Errorf("seal destination of grades: %w", err)
	}
	return sealed, nil
}

// errForeign is a destination that was sealed for another owner.
var errForeign = errors.New("the destination of grades was sealed for another owner's lab")

// Open is the destination in sealed, if it was sealed for owner; zero for "".
func Open(box *seal.Box, owner, sealed string, now time.Time) (Destination, error) {
	var d Destination
	if sealed == "" {
		return d, nil
	}
	if err := box.Open(gradingPurpose, sealed, &d, now); err != nil {
		return Destination{}, fmt.Errorf("open destination of grades: %w", err)
	}
	if owner == "" || d.Owner != owner {
		return Destination{}, errForeign
	}
	return d, nil
}

// report is what the address to which a lab reports holds.
type report struct {
	Stack string `json:"stack"`
}

// ReportURL is the address to which the lab in the stack of that name reports its results, for its parameter report_url.
func ReportURL(box *seal.Box, publicURL, stack string, now time.Time) (string, error) {
	sealed, err := box.Seal(reportPurpose, report{stack}, now.Add(life))
	if err != nil {
		return "", fmt.Errorf("seal address for results: %w", err)
	}
	return publicURL + "/grade-lab/" + sealed, nil
}

// OpenReport is the name of the stack whose address ticket is a part of. Its errors are seal.ErrInvalid and seal.ErrExpired.
func OpenReport(box *seal.Box, ticket string, now time.Time) (string, error) {
	var r report
	if err := box.Open(reportPurpose, ticket, &r, now); err != nil {
		return "", fmt.Errorf("open address for results: %w", err)
	}
	if r.Stack == "" {
		return "", seal.ErrInvalid
	}
	return r.Stack, nil
}
