package ags_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/ags"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

const (
	ada  = "4cbd6cf5-3c9b-4b0f-8a64-0d9c5f2f7a11"
	link = "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c"
)

// clock is a time that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func ownKey(t *testing.T) (*rsa.PublicKey, *keyset.Own) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := keyset.ParseOwn(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey, own
}

type house struct {
	lms    *outcometest.LMS
	sender *ags.Sender
	clock  *clock
	place  ags.Place
}

func start(t *testing.T) *house {
	t.Helper()
	public, own := ownKey(t)
	h := &house{lms: outcometest.Start(t, public), clock: &clock{now: time.Now()}}
	h.lms.Now = h.clock.Now
	h.sender = ags.New(ags.Options{Client: h.lms.Client(20 * time.Second), Signer: own, Now: h.clock.Now})
	h.place = ags.Place{
		Registration: ags.Registration{Issuer: h.lms.URL, ClientID: outcometest.ClientID, TokenURL: h.lms.URL + "/token"},
		User:         ada, Link: link,
		Scores: lti.Scores{LineItem: h.lms.LineItem(), Scopes: []string{lti.ScopeScore, lti.ScopeLineItemReadOnly}},
	}
	return h
}

func (h *house) send(t *testing.T, given float64, at time.Time) error {
	t.Helper()
	return h.sender.Send(t.Context(), h.place, ags.Score{Given: given, At: at})
}

func TestS05TokenIsKeptUntilItsLastMinute(t *testing.T) {
	t.Parallel()
	h := start(t)
	tokens := func() int {
		n := 0
		for _, asked := range h.lms.Asked() {
			if asked == "POST /token" {
				n++
			}
		}
		return n
	}
	for i := range 3 {
		if err := h.send(t, float64(i)/4, h.clock.Now().Add(time.Duration(i-10)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if got := tokens(); got != 1 {
		t.Errorf("%d tokens for three scores", got)
	}
	h.clock.pass(59 * time.Minute)
	if err := h.send(t, 0.9, h.clock.Now()); err != nil || tokens() != 2 {
		t.Errorf("a minute before its end: %v, %d tokens", err, tokens())
	}
	// A token that is not taken is fetched anew, once.
	h.lms.Revoke()
	if err := h.send(t, 1, h.clock.Now().Add(time.Millisecond)); err != nil || tokens() != 3 {
		t.Errorf("after 401: %v, %d tokens", err, tokens())
	}
	if got := h.lms.Changes("7/" + ada); !slices.Equal(got, []float64{0, 0.25, 0.5, 0.9, 1}) {
		t.Errorf("the grade was %v", got)
	}
}

func TestS05TokensAreNotShared(t *testing.T) {
	t.Parallel()
	h := start(t)
	if err := h.send(t, 0.1, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	h.place.ClientID = "another client"
	if err := h.send(t, 0.2, h.clock.Now()); err == nil || verdict.RefusedFor(err) != "" {
		t.Errorf("%v", err)
	}
	h.lms.Forgive() // that the assertion was of another client
	if got := h.lms.Changes("7/" + ada); !slices.Equal(got, []float64{0.1}) {
		t.Errorf("the grade was %v", got)
	}
}

// platform answers token requests with text.
func platform(t *testing.T, status int, text string) (*httptest.Server, *http.Client) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			t.Errorf("%s was called", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server, server.Client()
}

func TestS05TokenAnswers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status  int
		text    string
		refused verdict.Reason
		says    string
	}{
		"fewer scopes":     {200, `{"access_token":"hunter2","token_type":"Bearer","expires_in":1,"scope":"x"}`, verdict.NoScope, "no_scope"},
		"no scope at all":  {200, `{"access_token":"hunter2","token_type":"Bearer","expires_in":1,"scope":""}`, verdict.NoScope, "no_scope"},
		"another type":     {200, `{"access_token":"hunter2","token_type":"mac"}`, "", "no bearer token"},
		"no token":         {200, `{"token_type":"bearer"}`, "", "no bearer token"},
		"a header in it":   {200, `{"access_token":"hunter2\r\nX: y","token_type":"bearer"}`, "", "no bearer token"},
		"a page":           {200, `<html>hunter2`, "", "not JSON"},
		"wrong types":      {200, `{"access_token":["hunter2"]}`, "", "not JSON"},
		"invalid client":   {400, `{"error":"invalid_client"}`, "", "invalid_client"},
		"a strange error":  {400, `{"error":"hunter2"}`, "", "token (400): no token"},
		"expired, as edX":  {400, `{"error":"unidentified_error"}`, "", "no token"},
		"server error":     {503, ``, "", "token (503)"},
		"redirect":         {302, ``, "", "token (302)"},
		"a very long text": {200, strings.Repeat("x", 70<<10), "", "unanswered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, own := ownKey(t)
			server, client := platform(t, row.status, row.text)
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			sender := ags.New(ags.Options{Client: client, Signer: own, Now: time.Now})
			err := sender.Send(t.Context(), ags.Place{
				Registration: ags.Registration{Issuer: "i", ClientID: "c", TokenURL: server.URL + "/token"}, User: "u",
				Scores: lti.Scores{LineItem: server.URL + "/item", Scopes: []string{lti.ScopeScore}},
			}, ags.Score{Given: 1, At: time.Now()})
			if err == nil || verdict.RefusedFor(err) != row.refused || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestS06EqualTimeIsDelivered(t *testing.T) {
	t.Parallel()
	for _, conflicts := range []bool{false, true} {
		h := start(t)
		h.lms.Conflicts = conflicts
		at := h.clock.Now()
		for range 3 {
			if err := h.send(t, 0.5, at); err != nil {
				t.Fatalf("409 %v: %v", conflicts, err)
			}
		}
		if err := h.send(t, 0.25, at.Add(-time.Second)); err != nil { // somebody else was faster, with something later
			t.Fatalf("409 %v: %v", conflicts, err)
		}
		if got := h.lms.Changes("7/" + ada); !slices.Equal(got, []float64{0.5}) {
			t.Errorf("409 %v: the grade was %v", conflicts, got)
		}
	}
}

func TestS06Verdicts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		mood    outcometest.Mood
		refused verdict.Reason
		why     string
		after   time.Duration
	}{
		{outcometest.Broken, "", "busy", 0},
		{outcometest.Busy, "", "busy", 2 * time.Minute},
		{outcometest.Hanging, "", "timeout", 0},
		{outcometest.DiesBefore, "", "unanswered", 0},
		{outcometest.LosesReply, "", "unanswered", 0},
		{outcometest.PastDue, verdict.Rejected, "", 0},
		{outcometest.Redirecting, verdict.Redirected, "", 0},
	} {
		t.Run(string(row.mood), func(t *testing.T) {
			t.Parallel()
			h := start(t)
			at := h.clock.Now()
			if err := h.send(t, 0, at.Add(-time.Minute)); err != nil { // with a token, so that the mood is for the score
				t.Fatal(err)
			}
			h.lms.Feel(row.mood)
			ctx := t.Context()
			if row.mood == outcometest.Hanging {
				hasty, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				ctx = hasty
			}
			err := h.sender.Send(ctx, h.place, ags.Score{Given: 0.5, At: at})
			later, _ := errors.AsType[*verdict.LaterError](err)
			if err == nil || verdict.RefusedFor(err) != row.refused || row.why != "" && (later == nil || later.Why != row.why) || verdict.Wait(err) != row.after {
				t.Errorf("%v", err)
			}
			if err := h.send(t, 0.5, at); err != nil {
				t.Errorf("again: %v", err)
			}
			if got := h.lms.Changes("7/" + ada); !slices.Equal(got, []float64{0, 0.5}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// A 400 about anything but the time is a refusal.
func TestS06OtherRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"userId": ["unknown"]}`, `{"timestamp": [], "userId": []}`, `timestamp`, ``, `[]`} {
		_, own := ownKey(t)
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				_, _ = io.WriteString(w, `{"access_token":"hunter2","token_type":"BEARER","expires_in":"60"}`)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(server.Close)
		sender := ags.New(ags.Options{Client: server.Client(), Signer: own, Now: time.Now})
		err := sender.Send(t.Context(), ags.Place{
			Registration: ags.Registration{TokenURL: server.URL + "/token"}, User: "u",
			Scores: lti.Scores{LineItem: server.URL + "/item", Scopes: []string{lti.ScopeScore}},
		}, ags.Score{Given: 1, At: time.Now()})
		if verdict.RefusedFor(err) != verdict.Rejected {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestS08LineItemSearch(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.place.Scores.LineItem, h.place.Scores.LineItems = "", h.lms.URL+"/items?type=tool"
	if err := h.send(t, 0.5, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if got := h.lms.Changes("7/" + ada); !slices.Equal(got, []float64{0.5}) {
		t.Errorf("the grade was %v", got)
	}
	h.place.Link = "nowhere"
	if err := h.send(t, 0.5, h.clock.Now()); verdict.RefusedFor(err) != verdict.NoLineItem {
		t.Errorf("%v", err)
	}
	h.place.Scores.Scopes = []string{lti.ScopeScore}
	if err := h.send(t, 0.5, h.clock.Now()); verdict.RefusedFor(err) != verdict.NoScope {
		t.Errorf("without the scope to search: %v", err)
	}
}

// Neither a page nor a line item on another host is followed.
func TestS08SameHostOnly(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ link, item string }{
		"next page":         {"https://evil.example.org/items", "https://evil.example.org/7"},
		"line item":         {"", "https://evil.example.org/7"},
		"line item by http": {"", "http://HOST/7"},
	} {
		_, own := ownKey(t)
		var server *httptest.Server
		server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				_, _ = fmt.Fprintf(w, `{"access_token":"hunter2","token_type":"bearer","expires_in":60}`)
				return
			}
			if row.link != "" {
				w.Header().Set("Link", "<"+row.link+">; rel=next")
				_, _ = io.WriteString(w, "[]")
				return
			}
			_, _ = fmt.Fprintf(w, `[{"id": %q, "resourceLinkId": "l"}]`, strings.Replace(row.item, "HOST", strings.TrimPrefix(server.URL, "https://"), 1))
		}))
		t.Cleanup(server.Close)
		sender := ags.New(ags.Options{Client: server.Client(), Signer: own, Now: time.Now})
		err := sender.Send(t.Context(), ags.Place{
			Registration: ags.Registration{TokenURL: server.URL + "/token"}, User: "u", Link: "l",
			Scores: lti.Scores{LineItems: server.URL + "/items", Scopes: []string{lti.ScopeScore, lti.ScopeLineItem}},
		}, ags.Score{Given: 1, At: time.Now()})
		if verdict.RefusedFor(err) != verdict.NoLineItem {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScoreAddress(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]string{
		"/items/7":                  "POST /items/7/scores",
		"/items/7/":                 "POST /items/7/scores",
		"/items/7?type=Tool&a=%2B":  "POST /items/7/scores",
		"/items/block-v1%3AA%2FB+C": "POST /items/block-v1%3AA%2FB+C/scores",
		"/items/7#x":                "POST /items/7/scores",
	} {
		h := start(t)
		h.place.Scores.LineItem = h.lms.URL + item
		if err := h.send(t, 1, h.clock.Now()); err != nil {
			t.Errorf("%s: %v", item, err)
		}
		if got := h.lms.Asked(); got[len(got)-1] != want {
			t.Errorf("%s: %q", item, got)
		}
	}
}

func TestS04ForbiddenAddresses(t *testing.T) {
	t.Parallel()
	_, own := ownKey(t)
	sender := ags.New(ags.Options{Client: dial.Client(false, time.Second), Signer: own, Now: time.Now})
	for _, host := range []string{"127.0.0.1:1", "169.254.169.254", "localhost:1", "[::1]:1"} {
		err := sender.Send(t.Context(), ags.Place{
			Registration: ags.Registration{TokenURL: "https://" + host + "/token"}, User: "u",
			Scores: lti.Scores{LineItem: "https://" + host + "/7", Scopes: []string{lti.ScopeScore}},
		}, ags.Score{Given: 1, At: time.Now()})
		if verdict.RefusedFor(err) != verdict.Unsafe {
			t.Errorf("%s: %v", host, err)
		}
	}
}
