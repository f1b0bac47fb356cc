package function

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
)

// problem is RFC 9457's document. Its type stays about:blank (§4.2.1): code says which problem it is.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	Reference string  `json:"reference,omitempty"`
	Errors    []Fault `json:"errors,omitempty"`
}

// Fail answers err as a problem document and notes its code and cause for the log.
// An error that is not an *Error has the code "internal" and says nothing of itself to the caller.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	status := e.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	logging.Note(r.Context(), noteProblem, e.Code)
	if e.Err != nil {
		logging.Note(r.Context(), "cause", err.Error())
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	write(w, r, status, "application/problem+json", problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Public, Code: e.Code, Reference: logging.RequestID(r.Context()), Errors: e.Faults,
	})
}

// JSON answers v.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	write(w, r, status, "application/json", v)
}

func write(w http.ResponseWriter, r *http.Request, status int, contentType string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		// A problem document always encodes, so this does not come round again.
		Fail(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller may have gone
	_, _ = w.Write([]byte{'\n'})
}
