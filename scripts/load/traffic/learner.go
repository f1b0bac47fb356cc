package traffic

import (
	"net/http"
	"sync"
	"time"
)

// learner is one person with a page open.
type learner struct {
	id     string
	launch Act

	mu      sync.Mutex
	busy    bool // a request of this page is under way: a page has one at a time
	ticket  string
	page    page
	due     time.Time // of the page's next request
	address string    // of the lab, once it was ready: it never changes
	told    bool      // that there is, or will be, a lab
}

// take gives the page to one request, if none is under way.
func (l *learner) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return false
	}
	l.busy = true
	return true
}

// give takes the page back with what it was told, and finds another one's lab in it.
func (l *learner) give(v Verdict, owners *sync.Map) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
	if v.page.State == "" {
		l.due = time.Now().Add(3 * time.Second)
		return v
	}
	l.page = v.page
	if v.page.Ticket != "" {
		l.ticket = v.page.Ticket
	}
	if v.page.State != "starting" && v.page.State != "gone" {
		l.told = true
	}
	l.due = time.Now().Add(time.Minute)
	if n := v.page.Next; n != nil {
		l.due = time.Now().Add(max(time.Duration(n.AfterMS)*time.Millisecond, 500*time.Millisecond))
	}
	address := v.page.address()
	if address == "" {
		return v
	}
	if l.address != "" && l.address != address {
		return Verdict{Class: Wrong, Why: "another lab than before"}
	}
	l.address = address
	if other, known := owners.LoadOrStore(address, l.id); known && other != l.id {
		return Verdict{Class: Wrong, Why: "somebody else's lab"}
	}
	return v
}

// look is what the page asks next: what its last answer named, else how the lab is.
func (l *learner) look() (method, path, ticket string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.page.Next; n != nil && n.URL != "" {
		return n.Method, n.URL, l.ticket
	}
	return http.MethodGet, "/view-lab/status?look=stack", l.ticket
}

func (l *learner) known() (ticket string, ready, final bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ticket, l.address != "" && l.page.State == "ready", l.page.State == "ready" && l.address != "" || l.page.State == "failed"
}
