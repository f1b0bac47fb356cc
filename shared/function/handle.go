package function

import (
	"context"
	"net/http"

	"github.com/stackhook/stackhook/shared/valid"
)

// Option changes how Handle reads requests.
type Option func(*options)

type options struct{ allowUnknown, allowEmpty bool }

// AllowUnknown accepts JSON fields that In does not have, for senders whose format is not ours to fix.
func AllowUnknown() Option { return func(o *options) { o.allowUnknown = true } }

// AllowEmpty accepts a request without a body; In then is its zero value.
func AllowEmpty() Option { return func(o *options) { o.allowEmpty = true } }

// requestReader is an In that takes more from the request than its body, such as path values. It runs after decoding
// and before checking.
type requestReader interface{ ReadRequest(r *http.Request) error }

// An Out may say its own status and headers; otherwise it is 200.
type (
	withStatus  interface{ Status() int }
	withHeaders interface{ Headers(http.Header) }
)

// Handle is the typed JSON edge. The body is decoded into In (GET, HEAD and DELETE have none), In's validate tags are
// checked, fn is called and Out is encoded. In may be struct{}, and then the body is not looked at; a *In with
// ReadRequest(*http.Request) error takes path values and the query. fn's errors go to Fail.
func Handle[In, Out any](fn func(context.Context, In) (Out, error), opts ...Option) http.Handler {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := read(r, &in, o); err != nil {
			Fail(w, r, err)
			return
		}
		out, err := fn(r.Context(), in)
		if err != nil {
			Fail(w, r, err)
			return
		}
		if h, ok := any(out).(withHeaders); ok {
			h.Headers(w.Header())
		}
		status := http.StatusOK
		if s, ok := any(out).(withStatus); ok {
			status = s.Status()
		}
		JSON(w, r, status, out)
	})
}

// Decode is Handle's way from a request to In, for handlers that answer by themselves: the body's JSON, with validate tags checked.
func Decode(r *http.Request, in any) error { return read(r, in, options{}) }

func read(r *http.Request, in any, o options) error {
	if _, nothing := in.(*struct{}); nothing {
		return nil
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete {
		if err := decode(r, in, o); err != nil {
			return err
		}
	}
	if reader, ok := in.(requestReader); ok {
		if err := reader.ReadRequest(r); err != nil {
			return err
		}
	}
	return check(in)
}

// check gives every rule of validate tags that in breaks, in one error.
func check(in any) error {
	broken := valid.JSON().Struct(in)
	if len(broken) == 0 {
		return nil
	}
	faults := make([]Fault, len(broken))
	for i, b := range broken {
		faults[i] = Fault{Field: b.Path, Message: b.Message}
	}
	return Invalid(faults...)
}

// Invalid is the answer to a request that was understood and whose fields are wrong: correct all of them, send it again.
func Invalid(faults ...Fault) *Error {
	return &Error{
		Code: "invalid", Status: http.StatusUnprocessableEntity,
		Public: "Some fields are wrong; correct each field listed in errors and send the request again.", Faults: faults,
	}
}
