package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/once/oncetest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// instances are two processes of launch-lab that take turns. They share their configuration and a Redis, nothing else.
type instances struct {
	t        *testing.T
	cloud    *openstacktest.Cloud
	platform *ltitest.Platform
	redis    *oncetest.Redis
	bases    []string
	pids     []int
	turn     atomic.Uint32
	client   *http.Client
}

func twoInstances(t *testing.T) *instances {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	i := &instances{
		t: t, cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now())), platform: ltitest.NewPlatform("http://" + server.Listener.Addr().String()),
		redis: oncetest.Start(t, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always"),
		// A connection for each request, as from so many browsers.
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	server.Config.Handler = i.platform.Handler()
	server.Start()
	t.Cleanup(server.Close)
	program := unzipped(t)
	for range 2 {
		port := strconv.Itoa(oncetest.FreePort(t))
		i.pids = append(i.pids, start(t, program, i.cloud, "STACKHOOK_CONFIG="+i.settings(), "PORT="+port))
		i.bases = append(i.bases, "http://"+net.JoinHostPort("127.0.0.1", port))
	}
	for _, base := range i.bases {
		untilUp(t, i.client, base)
	}
	return i
}

func (i *instances) settings() string {
	platform := fmt.Sprintf("platforms: [{issuer: %q, client_id: client, deployments: ['1'], auth_url: %q, jwks_url: %q, labs: [web]}], consumers:",
		i.platform.Issuer, i.platform.AuthURL(), i.platform.JWKSURL())
	return "store: " + i.redis.Address() + "\nreplicas: 2\n" + strings.Replace(settings, "consumers:", platform, 1)
}

// post sends a form to the instance whose turn it is.
func (i *instances) post(form url.Values, cookies ...*http.Cookie) *http.Response {
	return i.postTo(int(i.turn.Add(1))%len(i.bases), form, cookies...)
}

func (i *instances) postTo(at int, form url.Values, cookies ...*http.Cookie) *http.Response {
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.bases[at]+"/launch", strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	response, err := i.client.Do(r)
	if err != nil {
		i.t.Error(err)
		return nil
	}
	_, _ = io.Copy(io.Discard, response.Body) // the status says it all
	response.Body.Close()
	return response
}

// atOnce posts n times at once and counts the answers by status.
func (i *instances) atOnce(n int, form func(number int) (url.Values, []*http.Cookie)) map[int]int {
	i.t.Helper()
	count := map[int]int{}
	var mu sync.Mutex
	i.burst(n, form, func(_, status int) {
		mu.Lock()
		defer mu.Unlock()
		count[status]++
	})
	return count
}

// burst posts n times at once; answered hears of each as it comes, from many goroutines.
func (i *instances) burst(n int, form func(number int) (url.Values, []*http.Cookie), answered func(number, status int)) {
	i.t.Helper()
	var wg sync.WaitGroup
	for number := range n {
		wg.Go(func() {
			fields, cookies := form(number)
			response := i.post(fields, cookies...)
			if response == nil {
				return
			}
			if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
				i.t.Error("503 without Retry-After")
			}
			answered(number, response.StatusCode)
		})
	}
	wg.Wait()
}

// begun is a login begun at one instance: what the platform will be asked, and the cookie.
func (i *instances) begun(at int) (request url.Values, cookies []*http.Cookie) {
	i.t.Helper()
	link := ltitest.Link{ClientID: "client", Deployment: "1", Target: public + "/launch-lab/launch", User: "u2", Context: "c", ResourceLink: "r"}
	address := i.platform.LoginURL(i.bases[at]+"/login", link)
	response, err := i.client.Get(address)
	if err != nil {
		i.t.Fatal(err)
	}
	defer response.Body.Close()
	page, _ := io.ReadAll(response.Body)
	auth, err := url.Parse(authAddress(string(page), i.platform.AuthURL()))
	if err != nil || response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		i.t.Fatalf("login: %d, %v", response.StatusCode, err)
	}
	return auth.Query(), response.Cookies()
}

// answer is the platform's answer to a login, with claims changed.
func (i *instances) answer(request url.Values, sign func(claims map[string]any) string) url.Values {
	link := ltitest.Link{ClientID: "client", Deployment: "1", Target: public + "/launch-lab/launch", User: "u2", Context: "c", ResourceLink: "r"}
	return url.Values{"state": {request.Get("state")}, "id_token": {sign(i.platform.Claims(link, request.Get("nonce"), time.Now()))}}
}

// authAddress finds the authorization request in the login page.
func authAddress(page, auth string) string {
	_, after, _ := strings.Cut(page, `href="`+auth)
	rest, _, _ := strings.Cut(after, `"`)
	return auth + strings.ReplaceAll(rest, "&amp;", "&")
}

// Two processes behind a round-robin: of two hundred posts of one launch exactly one is let in; without the Redis none is, and
// afterwards all that were refused are.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	i := twoInstances(t)
	legacy := newLaunch().Form()
	if got := i.atOnce(200, func(int) (url.Values, []*http.Cookie) { return legacy, nil }); got[200] != 1 || got[409] != 199 {
		t.Errorf("LTI 1.1: %v, want 1 of 200 let in and 199 replayed", got)
	}
	request, cookies := i.begun(0)
	form := i.answer(request, i.platform.Sign)
	if got := i.atOnce(200, func(int) (url.Values, []*http.Cookie) { return form, cookies }); got[200] != 1 || got[409] != 199 {
		t.Errorf("LTI 1.3: %v, want 1 of 200 let in and 199 replayed", got)
	}

	late := make([]url.Values, 20)
	for n := range late {
		late[n] = ltitest.New(public+"/launch-lab/launch", "academy", secret, fmt.Sprint("late", n), time.Now()).Form()
	}
	each := func(n int) (url.Values, []*http.Cookie) { return late[n], nil }
	i.redis.Kill()
	if got := i.atOnce(len(late), each); got[503] != len(late) {
		t.Errorf("without the store: %v, want %d × 503", got, len(late))
	}
	i.redis.Restart()
	if got := i.atOnce(len(late), each); got[200] != len(late) {
		t.Errorf("with the store again: %v, want %d × 200", got, len(late))
	}
	if got := i.atOnce(len(late), each); got[409] != len(late) {
		t.Errorf("once more: %v, want %d × 409", got, len(late))
	}
}

// R1: a launch that is begun at the one process is ended at the other, and counts at both.
func TestR1BegunHereEndedThere(t *testing.T) {
	t.Parallel()
	i := twoInstances(t)
	for here := range i.bases {
		there := 1 - here
		request, cookies := i.begun(here)
		form := i.answer(request, i.platform.Sign)
		for _, post := range []struct{ at, status int }{{there, http.StatusOK}, {here, http.StatusConflict}, {there, http.StatusConflict}} {
			if got := i.postTo(post.at, form, cookies...); got == nil || got.StatusCode != post.status {
				t.Errorf("begun at %d, posted to %d: %+v, want %d", here, post.at, got, post.status)
			}
		}
	}
}

// R3: the Redis dies while four hundred posts of twenty launches are on their way to both processes. No launch is let in twice,
// then or later; and who comes once the Redis is there again gets in.
func TestR3RedisKilledInABurst(t *testing.T) {
	t.Parallel()
	i := twoInstances(t)
	const launches, posts, before = 20, 400, 40
	forms, cookies := make([]url.Values, launches), make([][]*http.Cookie, launches)
	for n := range forms {
		forms[n] = ltitest.New(public+"/launch-lab/launch", "academy", secret, fmt.Sprint("burst", n), time.Now()).Form()
		if n%2 == 0 {
			var request url.Values
			request, cookies[n] = i.begun(n / 2 % 2)
			forms[n] = i.answer(request, i.platform.Sign)
		}
	}
	each := func(number int) (url.Values, []*http.Cookie) { return forms[number%launches], cookies[number%launches] }
	var in [launches]atomic.Int64
	var answers, refused atomic.Int64
	letIn := func(number, status int) {
		switch status {
		case http.StatusOK:
			in[number%launches].Add(1)
		case http.StatusServiceUnavailable:
			refused.Add(1)
		case http.StatusConflict:
		default:
			t.Errorf("%d", status)
		}
	}
	i.burst(posts, each, func(number, status int) {
		if answers.Add(1) == before {
			i.redis.Kill()
		}
		letIn(number, status)
	})
	if refused.Load() == 0 {
		t.Error("nothing was on its way when the Redis was killed")
	}
	t.Logf("of %d posts %d were told to come back", posts, refused.Load())
	if got := i.atOnce(launches, each); got[503] != launches {
		t.Errorf("without the store: %v, want %d × 503", got, launches)
	}
	i.redis.Restart()
	refused.Store(0)
	i.burst(posts, each, letIn)
	for n := range in {
		if got := in[n].Load(); got > 1 {
			t.Errorf("launch %d was let in %d times", n, got)
		}
	}
	late := newLaunch().Form()
	if got := i.post(late); refused.Load() > 0 || got == nil || got.StatusCode != http.StatusOK {
		t.Errorf("with the store again %d are told to come back, and a new launch gets %+v", refused.Load(), got)
	}
}

// C06: fifty tokens with kids that do not exist, each on a connection of its own.
func TestC06BadKidsOverTheNetwork(t *testing.T) {
	t.Parallel()
	i := twoInstances(t)
	i.bases = i.bases[:1] // each process has a key set of its own
	type login struct {
		request url.Values
		cookies []*http.Cookie
	}
	logins := make([]login, 50)
	for n := range logins {
		logins[n].request, logins[n].cookies = i.begun(0)
	}
	got := i.atOnce(len(logins), func(n int) (url.Values, []*http.Cookie) {
		bad := func(claims map[string]any) string {
			return i.platform.SignWith(map[string]any{"alg": "RS256", "typ": "JWT", "kid": fmt.Sprint("bad", n)}, claims)
		}
		return i.answer(logins[n].request, bad), logins[n].cookies
	})
	if fetches := i.platform.Fetches(); got[403] != len(logins) || fetches > 4 {
		t.Errorf("%v with %d fetches, want 50 × 403 with 4 at most", got, fetches)
	}
	t.Logf("50 bad kids: %d fetches", i.platform.Fetches())
}

// W07: ten thousand bad launches as fast as they go, from 32 connections at a time, over both processes: their memory stays
// where it was after the first two thousand, and good launches get in meanwhile.
func TestW07BadLaunchesAtFullSpeed(t *testing.T) {
	t.Parallel()
	i := twoInstances(t)
	bad := []url.Values{
		newLaunch().With("oauth_consumer_key", "nobody").Form(),
		{"state": {"one." + strings.Repeat("A", 400)}, "id_token": {strings.Repeat("x", 4000)}},
		{"x": {strings.Repeat("y", 100<<10)}},
	}
	var good, refused atomic.Int64
	flood := func(n int) {
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for k := range n / 32 {
					if r := i.post(bad[k%len(bad)]); r != nil && r.StatusCode >= 400 && r.StatusCode < 500 {
						refused.Add(1)
					}
					if k%50 == 49 {
						if r := i.post(newLaunch().Form()); r != nil && r.StatusCode == http.StatusOK {
							good.Add(1)
						}
					}
				}
			})
		}
		wg.Wait()
	}
	flood(2_000)
	before := i.resident()
	began := time.Now()
	flood(8_000)
	took := time.Since(began)
	after := i.resident()
	t.Logf("resident after 2,000: %d KiB, after 10,000: %d KiB; %.0f a second; %d good ones got in", before, after, 8000/took.Seconds(), good.Load())
	if want := int64(2_000/32*32 + 8_000/32*32); refused.Load() != want {
		t.Errorf("%d refused, want %d", refused.Load(), want)
	}
	if good.Load() != 32*(1+5) {
		t.Errorf("%d good launches got in, want %d", good.Load(), 32*(1+5))
	}
	if after > before+16<<10 {
		t.Errorf("resident memory grew from %d to %d KiB", before, after)
	}
}

// resident is the memory of both processes, in KiB.
func (i *instances) resident() int {
	i.t.Helper()
	sum := 0
	for _, pid := range i.pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			i.t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "VmRSS:")
		kib, err := strconv.Atoi(strings.Fields(after)[0])
		if err != nil {
			i.t.Fatal(err)
		}
		sum += kib
	}
	return sum
}
