// Package verdict is what a course site says to a grade: it takes it, refuses it for good, or is to be asked later. LTI 1.1
// and LTI 1.3 put it differently; who sends grades need not know how.
package verdict

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
)

// Reason is our word for a refusal, fit for a log, a stack and course staff. A course site's own words are none of these:
// they may name a learner.
type Reason string

// Every reason to refuse a grade for good.
const (
	PastDue     Reason = "past_due"          // the course takes no more grades
	Unsupported Reason = "unsupported"       // it cannot take grades this way
	Rejected    Reason = "rejected"          // it says no and nothing that we understand
	Missing     Reason = "missing"           // the learner's place in the grade book is gone
	Redirected  Reason = "redirected"        // it points elsewhere, and grades are not carried after it
	Unsafe      Reason = "forbidden_address" // its name leads into a private network
	NoLineItem  Reason = "no_line_item"      // it has no column for this link
	NoScope     Reason = "no_scope"          // it does not let us write scores
	Unlisted    Reason = "unlisted_host"     // the address is not on the configured list
	Unfit       Reason = "unfit"             // the grade or its address cannot be sent as the standard asks
)

// RefusedError is a no that a repeat does not change. Every other error of a delivery means: later.
type RefusedError struct {
	Reason Reason
	Status int // HTTP's, 0 without one
}

func (e *RefusedError) Error() string {
	text := "the course site refuses the grade: " + string(e.Reason)
	if e.Status != 0 {
		text += " (" + strconv.Itoa(e.Status) + ")"
	}
	return text
}

// LaterError is a failure that may pass, or that the operator can mend.
type LaterError struct {
	Why    string        // one word for the log
	After  time.Duration // what the course site asked for; 0 if nothing
	Status int
	Err    error
}

func (e *LaterError) Error() string {
	text := "the course site did not take the grade: " + e.Why
	if e.Status != 0 {
		text += " (" + strconv.Itoa(e.Status) + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *LaterError) Unwrap() error { return e.Err }

// RefusedFor is the reason of a refusal for good; "" for every other error.
func RefusedFor(err error) Reason {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused.Reason
	}
	return ""
}

// Wait is how long the course site asked to be left alone.
func Wait(err error) time.Duration {
	if later, ok := errors.AsType[*LaterError](err); ok {
		return later.After
	}
	return 0
}

// Unanswered is a request that got no answer, or no whole one: nobody knows whether it was acted upon. One that was never
// sent, because the address is not one to call, is refused.
func Unanswered(err error) error {
	switch {
	case errors.Is(err, dial.ErrForbidden):
		return &RefusedError{Reason: Unsafe}
	case errors.Is(err, context.DeadlineExceeded):
		return &LaterError{Why: "timeout"} // the error's text holds the address, which is the learner's
	}
	return &LaterError{Why: "unanswered"}
}

// OfStatus is what an answer's status says; nil for 2xx. 401 and 403 are left to the caller: LTI 1.1 and 1.3 mean different
// things by them.
func OfStatus(answer *http.Response, now time.Time) error {
	status := answer.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return &RefusedError{Reason: Redirected, Status: status}
	case status == http.StatusNotFound, status == http.StatusGone:
		return &RefusedError{Reason: Missing, Status: status}
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return &LaterError{Why: "busy", Status: status, After: retryAfter(answer.Header.Get("Retry-After"), now)}
	case status == http.StatusNotImplemented, status == http.StatusMethodNotAllowed, status == http.StatusUnsupportedMediaType:
		return &RefusedError{Reason: Unsupported, Status: status}
	}
	return &RefusedError{Reason: Rejected, Status: status}
}

// longest bounds what a course site may ask for: a grade is not put off for weeks by one header.
const longest = 24 * time.Hour

// retryAfter reads RFC 9110 section 10.2.3: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longest)
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(date.Sub(now), 0), longest)
	}
	return 0
}
