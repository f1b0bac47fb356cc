package launchlab_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

// C06: fifty tokens with keys that do not exist, from fifty connections, cost the platform four fetches at most, and the
// launches of everybody else go on.
func TestC06FiftyBadKeys(t *testing.T) {
	t.Parallel()
	s := start13(t)
	labPage(t, s.launch13(t, s.lms.link("u1")))
	s.ResetCalls()
	requests := make([]*http.Request, 50)
	for i := range requests {
		a := s.attempt(t)
		a.header["kid"] = fmt.Sprint("nobody-", i)
		requests[i] = a.sign()
	}
	for _, w := range s.atOnce(requests) {
		problemPage(t, w, http.StatusForbidden, "lti_key")
	}
	s.nothingDone(t)
	if n := s.lms.Fetches(); n > 4 {
		t.Errorf("%d fetches, want 4 at most", n)
	}
	labPage(t, s.launch13(t, s.lms.link("u1")))
}

// C06, C07: a platform that changes its key from one moment to the next, as Open edX does, launches at once.
func TestC06RotationWithoutOverlap(t *testing.T) {
	t.Parallel()
	s := start13(t)
	labPage(t, s.launch13(t, s.lms.link("u1")))
	b := s.begin(t, s.lms.link("u1"))
	old := s.lms.answer(t, b)
	s.lms.Rotate()
	requests := make([]*http.Request, 20)
	for i := range requests {
		b := s.begin(t, s.lms.link("u1"))
		requests[i] = post(s.lms.answer(t, b), b.cookie)
	}
	for _, w := range s.atOnce(requests) {
		labPage(t, w)
	}
	if n := s.lms.Fetches(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	problemPage(t, s.serve(post(old, b.cookie)), http.StatusForbidden, "lti_key") // the old key is gone
}

// W07: ten thousand bad launches leave nothing behind. Not parallel: it looks at the heap.
func TestW07BadLaunchesLeaveNothingBehind(t *testing.T) {
	s := start13(t)
	handler, err := launchlab.Build(t.Context(), config.Map(environment(s.Cloud, configuration13(s.lms))))
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(io.Discard, "launch-lab"), handler)

	login := s.loginRequest(func(q url.Values) { q.Del("lti_message_hint") }).URL.String()
	const all, first = 10_000, 2_000
	bad := []func(i int) *http.Request{
		func(i int) *http.Request { // a signature that does not hold, with a nonce of its own
			l := launch(fmt.Sprint("u", i))
			l.Secret = "wrong"
			return request(l)
		},
		func(i int) *http.Request { // a state of nobody's
			return post(url.Values{"state": {fmt.Sprint("1.", i)}, "id_token": {strings.Repeat("x", 4000)}})
		},
		func(int) *http.Request { // as large as may be
			r := httptest.NewRequest(http.MethodPost, "/launch", strings.NewReader(strings.Repeat("x=y&", 32<<10)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		},
		func(i int) *http.Request { // a platform of nobody's
			return httptest.NewRequest(http.MethodGet, fmt.Sprint("/login?iss=https://", i, ".example.org&login_hint=x&target_link_uri=", toolURL, "/launch"), nil)
		},
		func(i int) *http.Request { // a good login that goes no further
			return httptest.NewRequest(http.MethodGet, fmt.Sprint(login, "&lti_message_hint=", i), nil)
		},
	}
	var before uint64
	for i := range all {
		if i == first {
			before = heap()
		}
		w := s.serve(bad[i%len(bad)](i))
		if i%len(bad) != 4 && (w.Code < 400 || w.Code > 499) {
			t.Fatalf("request %d: %d", i, w.Code)
		}
		if i%100 == 50 { // a token with a key that does not exist: the dearest of all
			a := s.attempt(t)
			a.header["kid"] = fmt.Sprint("nobody-", i)
			problemPage(t, s.serve(a.sign()), http.StatusForbidden, "lti_key")
		}
		if i%1000 == 999 { // and everybody else launches meanwhile
			labPage(t, s.serve(request(launch("u1"))))
			labPage(t, s.launch13(t, s.lms.link("u1")))
		}
	}
	after := heap()
	t.Logf("heap after %d requests: %d KiB, after %d: %d KiB; %d fetches of keys", first, before>>10, all, after>>10, s.lms.Fetches())
	if after > before+2<<20 {
		t.Errorf("the heap grew by %d KiB", (after-before)>>10)
	}
	if n := s.lms.Fetches(); n > 6 {
		t.Errorf("%d fetches of the platform's keys", n)
	}
	s.stacks(t, 2)
}

func (s *site) stacks(t *testing.T, want int) {
	t.Helper()
	if got := len(s.Stacks()); got != want {
		t.Errorf("%d stacks, want %d", got, want)
	}
	s.noDelete(t)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first found to be free, pools and finalizers kept
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
