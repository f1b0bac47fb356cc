package chaos_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// verdict is what becomes of a request.
type verdict int

const (
	pass verdict = iota
	dropReply
	refuse503
	refuse409
	refuse401
	refuseQuota // creates alone
	kill        // its host dies
)

func (v verdict) String() string {
	return [...]string{"passes", "answer lost", "503", "409", "401", "no quota", "host killed"}[v]
}

// wish is a request that waits to be let through.
type wish struct {
	host    *host
	request string
	turn    chan verdict
}

// gates hold back every request until the run says that it is next.
type gates struct {
	mu      sync.Mutex
	waiting []*wish
}

func (g *gates) add(w *wish) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, w)
}

func (g *gates) remove(w *wish) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(have *wish) bool { return have == w })
}

// next takes one of those that wait. They came in whatever order the machine ran them, so they are put in one first.
func (g *gates) next(random *rand.Rand) *wish {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return nil
	}
	slices.SortFunc(g.waiting, func(a, b *wish) int {
		return cmp.Or(cmp.Compare(a.host.number, b.host.number), cmp.Compare(a.request, b.request))
	})
	i := random.IntN(len(g.waiting))
	w := g.waiting[i]
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return w
}

// drawn are the names of ready-made labs, which are drawn anew in each run.
var drawn = regexp.MustCompile(`warm-web-[0-9a-f]{8}`)

// plain is a text without what is drawn by the machine.
func plain(text string) string { return drawn.ReplaceAllString(text, "warm-web") }

// door is a host's way to one cloud, or to the platform.
type door struct {
	host  *host
	to    string
	cloud http.Handler
	gates *gates
}

var (
	errKilled = errors.New("the host was killed")
	errCut    = errors.New("the answer got lost")
)

func (d door) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &wish{host: d.host, request: d.to + " " + plain(r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery), turn: make(chan verdict)}
	d.gates.add(w)
	var v verdict
	select {
	case v = <-w.turn:
	case <-r.Context().Done():
		d.gates.remove(w)
		return nil, context.Cause(r.Context())
	}
	if d.host.dead() {
		return nil, errKilled
	}
	if d.to == "lms" && (v == refuse409 || v == refuse401) {
		v = refuse503 // a platform's no is one for good, and a grade is parked for it: another story
	}
	switch v {
	case kill:
		d.host.die()
		return nil, errKilled
	case refuse503:
		return answer(r, http.StatusServiceUnavailable), nil
	case refuse409:
		return answer(r, http.StatusConflict), nil
	case refuse401:
		return answer(r, http.StatusUnauthorized), nil
	case refuseQuota:
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/stacks") {
			return answer(r, http.StatusForbidden), nil // as Heat's own, by its text
		}
	case pass, dropReply:
	}
	d.host.watch(r)
	recorder := httptest.NewRecorder()
	arrived := r.Clone(r.Context())
	if arrived.Body == nil {
		arrived.Body = http.NoBody
	}
	arrived.Header.Set(hostHeader, strconv.Itoa(d.host.number))
	d.cloud.ServeHTTP(recorder, arrived)
	if v == dropReply {
		return nil, errCut
	}
	response := recorder.Result()
	response.Request = r
	return response, nil
}

// answer is a refusal that comes from something in front of the cloud and did nothing.
func answer(r *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"error": {"type": "RequestLimitExceeded", "message": "You have reached the maximum stacks per tenant"}}`)),
	}
}
