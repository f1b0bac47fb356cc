package function

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
	"sync"
)

// recorder holds a whole answer. It is neither a Flusher nor a Hijacker: an exchange is buffered on every runtime.
type recorder struct {
	header http.Header
	status int
	body   *bytes.Buffer
	wrote  bool
	// pattern is the one of http.ServeMux that the request's path matched, e.g. "POST /{cluster}/{verb}".
	pattern string
}

// bodies are used again: the page that refuses a launch has 11 KB, and a flood of them would be the collector's work.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept is more than most pages have. What is larger is not kept, or one answer would hold its memory for ever.
const largestKept = 64 << 10

func newRecorder() *recorder {
	body, _ := bodies.Get().(*bytes.Buffer)
	return &recorder{header: http.Header{}, status: http.StatusOK, body: body}
}

// done gives the body back. Only who was handed the recorder may say so: a handler that is late still writes to its own.
func (a *recorder) done() {
	if a.body.Cap() > largestKept {
		return
	}
	a.body.Reset()
	bodies.Put(a.body)
	a.body = nil
}

// Header implements http.ResponseWriter.
func (a *recorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Informational answers (1xx) are dropped: few runtimes carry them.
func (a *recorder) WriteHeader(status int) {
	if a.wrote || status < 200 {
		return
	}
	a.wrote, a.status = true, status
}

// Write implements http.ResponseWriter.
func (a *recorder) Write(text []byte) (int, error) {
	a.wrote = true
	return a.body.Write(text)
}

// explained makes a problem document of the two answers that http.ServeMux gives by itself, as plain text: no such path
// (net/http/server.go NotFound) and no such method on it (ServeMux.findHandler). Allow stays.
func (a *recorder) explained(r *http.Request) *recorder {
	var e *Error
	switch {
	case a.status == http.StatusNotFound && a.body.String() == "404 page not found\n":
		e = &Error{Code: "not_found", Status: a.status, Public: "Nothing is at this address; check the path."}
	case a.status == http.StatusMethodNotAllowed && a.body.String() == http.StatusText(a.status)+"\n":
		e = &Error{Code: "method", Status: a.status, Public: "This address does not take " + r.Method + "; use " + a.header.Get("Allow") + "."}
	default:
		return a
	}
	a.body.Reset()
	a.wrote = false
	Fail(a, r, e)
	return a
}

func (a *recorder) sendTo(w http.ResponseWriter) {
	if a.header.Get("Content-Type") == "" && a.body.Len() > 0 {
		a.header.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) //nolint:gosec // the function escaped what it wrote; the caller may have gone
}
