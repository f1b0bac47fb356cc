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
	// asked is the request's body, if the handler has had all of it and is done.
	asked *bytes.Buffer
}

// bodies of requests and answers are used again: a flood of launches that are refused would be the collector's work.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept is more than most pages have. What is larger is not kept, or one answer would hold its memory for ever.
const largestKept = 64 << 10

func newBody() *bytes.Buffer {
	body, _ := bodies.Get().(*bytes.Buffer)
	return body
}

func newRecorder() *recorder {
	return &recorder{header: http.Header{}, status: http.StatusOK, body: newBody()}
}

// done gives the bodies back. Only who was handed the recorder may say so: a handler that is late still reads and writes its own.
func (a *recorder) done() {
	for _, body := range []*bytes.Buffer{a.body, a.asked} {
		if body != nil && body.Cap() <= largestKept {
			body.Reset()
			bodies.Put(body)
		}
	}
	a.body, a.asked = nil, nil
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

// WriteString implements io.StringWriter.
func (a *recorder) WriteString(text string) (int, error) {
	a.wrote = true
	return a.body.WriteString(text)
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
	_, _ = w.Write(a.body.Bytes()) // the caller may have gone
}
