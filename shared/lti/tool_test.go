package lti_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/seal"
)

const (
	issuer     = "https://lms.example.org"
	clientID   = "3f2c-client"
	deployment = "1"
	loginURL   = "https://hooks.example.org/launch-lab/login"
	jwksURL    = issuer + "/jwks.json"
)

// lms is the platform of most tests, otherLMS another one; making a key takes a while.
var (
	lms      = sync.OnceValue(func() *ltitest.Platform { return newPlatform(issuer) })
	otherLMS = sync.OnceValue(func() *ltitest.Platform { return newPlatform("https://school.example.org") })
)

func newPlatform(issuer string) *ltitest.Platform {
	p := ltitest.NewPlatform(issuer)
	p.Now = func() time.Time { return now }
	return p
}

// keys is a Keys that knows one platform's key, or fails, and counts.
type keys struct {
	mu    sync.Mutex
	err   error
	asked int
}

func (k *keys) Key(_ context.Context, url, kid, _ string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.err != nil {
		return nil, k.err
	}
	known, key := lms().Key()
	if url != jwksURL || kid != known {
		return nil, keyset.ErrUnknownKey
	}
	return key, nil
}

func box(tb testing.TB, id string) *seal.Box {
	tb.Helper()
	b, err := seal.New(seal.Key{ID: id, Secret: []byte("hunter2, a key to seal with, " + strings.Repeat(id, 8))})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func registration() lti.Registration {
	return lti.Registration{
		Issuer: issuer, ClientID: clientID, Deployments: []string{deployment, "2"}, AuthURL: issuer + "/auth", JWKSURL: jwksURL,
		Origins: []string{"https://studio.example.org"}, Instructors: true,
	}
}

// tool knows two platforms; the second has two clients.
func tool(tb testing.TB, store *seen, k *keys) lti.Tool {
	tb.Helper()
	const school = "https://school.example.org"
	return lti.Tool{
		Registrations: []lti.Registration{
			registration(),
			{Issuer: school, ClientID: "a", Deployments: []string{"A"}, AuthURL: school + "/auth?site=1", JWKSURL: school + "/jwks.json"},
			{Issuer: school, ClientID: "b", Deployments: []string{"B"}, AuthURL: school + "/auth?site=1", JWKSURL: school + "/jwks.json"},
		},
		LaunchURL: publicURL, Targets: []string{"/launch-lab/labs/web"}, Box: box(tb, "2026-11"), Keys: k, Seen: store,
		Now: func() time.Time { return now },
	}
}

func link() ltitest.Link {
	return ltitest.Link{
		ClientID: clientID, Deployment: deployment, Target: publicURL, User: "6a8f-ada", Name: "Ada Lovelace",
		Context: "course-v1:Academy+Web101+2026", ContextTitle: "Web servers 101", ResourceLink: "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c",
		Custom: map[string]string{"lab": "web"},
	}
}

// initiation is a click on l as it arrives.
func initiation(p *ltitest.Platform, l ltitest.Link) lti.Request {
	_, query, _ := strings.Cut(p.LoginURL(loginURL, l), "?")
	return lti.Request{Method: "GET", RawQuery: query, PublicURL: loginURL}
}

// visit is one browser's way through a launch.
type visit struct {
	tool  lti.Tool
	link  ltitest.Link
	store *seen
	keys  *keys
	login lti.Login
	nonce string
}

func begin(tb testing.TB, l ltitest.Link) *visit {
	tb.Helper()
	v := &visit{link: l, store: &seen{}, keys: &keys{}}
	v.tool = tool(tb, v.store, v.keys)
	v.again(tb)
	return v
}

func (v *visit) again(tb testing.TB) {
	tb.Helper()
	login, err := v.tool.Login(initiation(lms(), v.link))
	if err != nil {
		tb.Fatalf("begin login: %v", err)
	}
	v.login, v.nonce = login, query(tb, login.AuthURL).Get("nonce")
}

func query(tb testing.TB, address string) url.Values {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Query()
}

func (v *visit) claims() map[string]any { return lms().Claims(v.link, v.nonce, now) }

func (v *visit) form() url.Values {
	return url.Values{"state": {v.login.State}, "id_token": {lms().Sign(v.claims())}}
}

func posted(form url.Values) lti.Request {
	return lti.Request{Method: "POST", MediaType: "application/x-www-form-urlencoded", Body: form.Encode(), PublicURL: publicURL}
}

// finish is what launch-lab does with a platform's answer.
func (v *visit) finish(ctx context.Context, r lti.Request, secret string) (lti.Launch, error) {
	answer, err := v.tool.Answer(r)
	if err != nil {
		return lti.Launch{}, err
	}
	return v.tool.Verify(ctx, answer, secret)
}

func (v *visit) good(tb testing.TB) lti.Launch {
	tb.Helper()
	launch, err := v.finish(tb.Context(), posted(v.form()), v.login.Secret)
	if err != nil {
		tb.Fatalf("a good launch is refused: %v", err)
	}
	return launch
}

// isRefusal checks that err is a refusal with code and, in every other respect, like any refusal.
func isRefusal(t *testing.T, err error, code lti.Code) *lti.Error {
	t.Helper()
	fault, ok := errors.AsType[*lti.Error](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, code)
	}
	if fault.Code != code || fault.Status != lti.Codes()[code] {
		t.Fatalf("got %s, status %d (%s), want %s", fault.Code, fault.Status, fault.Detail, code)
	}
	if fault.Status != 503 && (fault.Status < 400 || fault.Status > 499) {
		t.Errorf("status %d, want 4xx", fault.Status)
	}
	for _, sentence := range []string{fault.Public, fault.Fix} {
		if len(sentence) < 20 || strings.ContainsAny(sentence, "<>\"") {
			t.Errorf("%s has no plain sentence: %q", code, sentence)
		}
	}
	if fault.Detail == "" {
		t.Errorf("%s does not say which check failed", code)
	}
	for _, sent := range []string{"evil", "hunter2", "6a8f-ada", "script", "Lovelace"} {
		if strings.Contains(fault.Public+fault.Detail+fault.Fix, sent) {
			t.Errorf("what was sent is repeated: %+v", fault)
		}
	}
	return fault
}
