package openstack

import "errors"

// Code is our word for what went wrong at OpenStack.
type Code string

// The closed set of codes. Functions decide by them alone; OpenStack's own words stay in the log.
const (
	Busy        Code = "busy"        // something is at work there now (409 of an action, PENDING load balancer): try later
	Conflict    Code = "conflict"    // the name is taken (409 StackExists): adopt it
	Gone        Code = "gone"        // 404, or a deleted stack
	Forbidden   Code = "forbidden"   // 403, or 401 after one new token
	Quota       Code = "quota"       // 413, or a quota message in a 403 or 409
	Refused     Code = "refused"     // any other 400: our request is wrong for the state it met
	Unavailable Code = "unavailable" // no answer, 429, 5xx: unknown whether it took effect
	Broken      Code = "broken"      // an answer that makes no sense
)

// Error is a failed OpenStack call. Its text is for logs only.
type Error struct {
	Code Code
	// Op says what was tried, e.g. "create stack lab-1f".
	Op string
	// Status is the HTTP status, 0 without an answer.
	Status int
	Err    error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op + ": " + string(e.Code)
	}
	return e.Op + ": " + string(e.Code) + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of err, or Broken for an error that is not ours; empty for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Broken
}
