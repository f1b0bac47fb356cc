// Package outcometest is a course site's grade book for tests: LTI 1.1 Basic Outcomes and LTI 1.3 scores, with Open edX's
// manners and, on demand, its bad days. It shares no code with the senders.
package outcometest

import (
	"crypto/rsa"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
)

// Mood is how the course site takes one request that carries a grade.
type Mood string

// The moods of a course site.
const (
	Well         Mood = ""             // it does what it is asked
	Broken       Mood = "500"          // 500, and the grade is not taken
	Busy         Mood = "429"          // 429 with Retry-After: 120
	Hanging      Mood = "hangs"        // no answer until the sender gives up
	Redirecting  Mood = "redirects"    // 302 to another host
	LosesReply   Mood = "loses reply"  // the grade is taken, and the connection dies
	DiesBefore   Mood = "dies"         // the connection dies, and the grade is not taken
	PastDue      Mood = "past due"     // refused for good, as Open edX does: 200 in LTI 1.1
	Unsupporting Mood = "unsupporting" // cannot do that
	Mumbling     Mood = "mumbles"      // an answer that cannot be read; the grade is not taken
)

// The credentials that the grade book knows.
const (
	Key      = "academy"
	Secret   = "hunter2-consumer-secret-0123456789abcdef"
	ClientID = "stackhook-client"
)

// LMS is a course site.
type LMS struct {
	*httptest.Server

	PublicKey *rsa.PublicKey // the tool's; scores need it
	// DecodesURL makes it verify signatures against the percent-decoded address, as Open edX does.
	DecodesURL bool
	// Conflicts makes it answer 409 to a time that is not later, as the standard says; Open edX answers 400.
	Conflicts bool
	Now       func() time.Time

	release chan struct{}

	mu      sync.Mutex
	moods   []Mood
	tokens  map[string][]string // scopes by token
	grades  map[string]cell
	changes map[string][]float64
	nonces  map[string]bool
	faults  []string
	asked   []string
}

// cell is one learner's grade and when it came about.
type cell struct {
	value float64
	at    time.Time
	taken bool
}

// Start starts a course site; the test's end ends it.
func Start(tb testing.TB, key *rsa.PublicKey) *LMS {
	tb.Helper()
	l := &LMS{
		PublicKey: key, Now: time.Now, tokens: map[string][]string{}, grades: map[string]cell{}, changes: map[string][]float64{},
		nonces: map[string]bool{}, release: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /outcome/{block}", l.outcome)
	mux.HandleFunc("POST /token", l.token)
	mux.HandleFunc("POST /items/{item}/scores", l.score)
	mux.HandleFunc("GET /items", l.items)
	l.Server = httptest.NewTLSServer(mux)
	l.Config.ErrorLog = nil
	tb.Cleanup(func() { close(l.release); l.Close() })
	tb.Cleanup(func() {
		for _, fault := range l.Faults() {
			tb.Errorf("the course site was sent what is wrong: %s", fault)
		}
	})
	return l
}

// Client is the guarded client that trusts this course site and may call this machine.
func (l *LMS) Client(timeout time.Duration) *http.Client {
	client := dial.Client(true, timeout)
	if transport, ok := client.Transport.(*http.Transport); ok {
		roots := x509.NewCertPool()
		roots.AddCert(l.Certificate())
		transport.TLSClientConfig = l.TLS.Clone()
		transport.TLSClientConfig.RootCAs = roots
		transport.TLSClientConfig.Certificates = nil
	}
	return client
}

// Host is its host and port, as lists of hosts have it.
func (l *LMS) Host() string { return strings.TrimPrefix(l.URL, "https://") }

// OutcomeURL is where LTI 1.1 sends grades.
func (l *LMS) OutcomeURL() string { return l.URL + "/outcome/unit" }

// LineItem is a column of the grade book.
func (l *LMS) LineItem() string { return l.URL + "/items/7" }

// Feel sets its moods, one for each grade from now on; then it is well again.
func (l *LMS) Feel(moods ...Mood) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moods = slices.Clone(moods)
}

func (l *LMS) mood() Mood {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.moods) == 0 {
		return Well
	}
	mood := l.moods[0]
	l.moods = l.moods[1:]
	return mood
}

// Changes are the values that a learner's grade took, in order; the same value again is none. who is a sourced id, or item
// and user with a slash between.
func (l *LMS) Changes(who string) []float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changes[who])
}

// Asked are the requests so far, such as "POST /token".
func (l *LMS) Asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

// Revoke makes all tokens worthless.
func (l *LMS) Revoke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.tokens)
}

// Faults are what senders did wrong.
func (l *LMS) Faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.faults)
}

// Forgive forgets the faults, for tests that make some.
func (l *LMS) Forgive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = nil
}

func (l *LMS) fault(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, what)
}

func (l *LMS) note(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, r.Method+" "+r.URL.EscapedPath())
}

// set changes a grade.
func (l *LMS) set(who string, value float64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if had := l.grades[who]; !had.taken || had.value != value {
		l.changes[who] = append(l.changes[who], value)
	}
	l.grades[who] = cell{value, at, true}
}

func (l *LMS) at(who string) cell {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grades[who]
}

// unwell answers as the mood is, if that needs nothing of the protocol.
func (l *LMS) unwell(w http.ResponseWriter, r *http.Request, mood Mood) bool {
	switch mood {
	case Broken:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case Busy:
		w.Header().Set("Retry-After", "120")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case Hanging:
		select {
		case <-r.Context().Done():
		case <-l.release:
		}
	case Redirecting:
		w.Header().Set("Location", "https://169.254.169.254/latest/meta-data")
		w.WriteHeader(http.StatusFound)
	case DiesBefore:
		panic(http.ErrAbortHandler)
	case Mumbling:
		_, _ = io.WriteString(w, "<html>Welcome back")
	default:
		return false
	}
	return true
}

func readBody(r *http.Request) []byte {
	text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil
	}
	return text
}

// rawURL is the address as it was asked for.
func (l *LMS) rawURL(r *http.Request) string { return l.URL + r.URL.EscapedPath() }

func unquote(s string) string {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return plain
}
