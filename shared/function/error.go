package function

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Clock tells the time. Functions take one so that tests can turn it.
type Clock func() time.Time

// Error is a failure as a function wants its caller to know it.
type Error struct {
	// Code is stable and machine-readable, e.g. "busy".
	Code string
	// Status is the HTTP status.
	Status int
	// Public is a sentence for the caller that says what to do. It holds nothing of Err.
	Public string
	// Faults names fields of the request that are wrong.
	Faults []Fault
	// RetryAfter, if set, says when to try again.
	RetryAfter time.Duration
	// Err is the cause. Only the log shows it.
	Err error
}

// Fault is one field of a request that is wrong.
type Fault struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code + ": " + e.Public
	}
	return e.Code + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

const internalText = "Something went wrong on our side. Try again; if it stays, give the reference to the operator."

// asError finds the *Error in err, or makes one of whatever else it is.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return late(err)
	}
	return &Error{Code: "internal", Status: http.StatusInternalServerError, Public: internalText, Err: err}
}

func tooLarge() *Error {
	return &Error{Code: "too_large", Status: http.StatusRequestEntityTooLarge, Public: "The request is larger than 1 MB; send less."}
}

func late(err error) *Error {
	return &Error{
		Code: "deadline", Status: http.StatusGatewayTimeout, RetryAfter: 5 * time.Second,
		Public: "The cloud did not answer in time. Try again; what was begun goes on and will not be done twice.", Err: err,
	}
}
