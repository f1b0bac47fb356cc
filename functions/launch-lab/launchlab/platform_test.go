package launchlab_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	toolURL    = "https://hooks.example.org/launch-lab"
	toolOrigin = "https://hooks.example.org"
	instructor = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
	ltiClaim   = "https://purl.imsglobal.org/spec/lti/claim/"
)

// toolKey is our own key as PEM, with the word that no log may hold.
var toolKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Comment": "hunter2"}, Bytes: text}))
})

// lms is an LTI 1.3 platform that answers on loopback.
type lms struct {
	*ltitest.Platform
	server *httptest.Server
}

func newLMS(t *testing.T) *lms {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	platform := ltitest.NewPlatform("http://" + server.Listener.Addr().String())
	server.Config.Handler = platform.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return &lms{platform, server}
}

// publish has the platform show another key set from now on.
func (l *lms) publish(set any) {
	inner := l.server.Config.Handler
	l.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks.json" {
			inner.ServeHTTP(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(set)
	})
}

// link is a link of this platform as a learner clicks it.
func (l *lms) link(user string) ltitest.Link {
	return ltitest.Link{
		ClientID: "client-1", Deployment: "1", Target: toolURL + "/launch", User: user, Context: "course-v1:Academy+Web101+2026",
		ContextTitle: "Web servers 101", ResourceLink: "block-8f2c",
	}
}

// staff is l clicked by an instructor.
func staff(l ltitest.Link) ltitest.Link {
	l.Roles = []string{instructor}
	return l
}

// choosing is l as a deep linking request of an instructor.
func (l *lms) choosing() ltitest.Link {
	link := staff(l.link("teacher"))
	link.ResourceLink, link.DeepLinkReturn = "", l.Issuer+"/deep-link?return=1"
	return link
}

// site13 is a site with an LTI 1.3 platform besides its LTI 1.1 consumers.
type site13 struct {
	*site
	lms *lms
}

// entry is the platform as the configuration has it, under a client id.
func entry(l *lms, client, rest string) string {
	return "    - {issuer: " + strconv.Quote(l.Issuer) + ", client_id: " + client + ", deployments: [\"1\", \"two\"], auth_url: " + l.AuthURL() +
		", token_url: " + l.Issuer + "/token, jwks_url: " + l.JWKSURL() + ", " + rest + "}\n"
}

func platforms(l *lms) string {
	return "  platforms:\n" +
		entry(l, "client-1", `labs: [web, small], instructors: true, frame_ancestors: ["https://lms13.example.org", "https://apps13.example.org"]`) +
		entry(l, "client-2", `labs: [small], frame_ancestors: ["https://other13.example.org"]`) +
		"  registration:\n" +
		`    - {issuer: ` + strconv.Quote(l.Issuer) + `, labs: [web], instructors: true, frame_ancestors: ["https://registered.example.org"]}` + "\n" +
		"  tool_keys: {current: " + strconv.Quote(toolKey()) + "}\n"
}

// configuration13 is the configuration with a platform beside the consumers.
func configuration13(l *lms) string {
	return strings.Replace(configuration, "labs:\n  web:", platforms(l)+"labs:\n  web:", 1)
}

// start13 runs launch-lab with a platform.
func start13(t *testing.T, changes ...func(text string) string) *site13 {
	t.Helper()
	return start13On(t, openstacktest.Start(t, openstacktest.StartAt(time.Now())), newLMS(t), changes...)
}

// start13On is one more instance on the same cloud and for the same platform.
func start13On(t *testing.T, cloud *openstacktest.Cloud, l *lms, changes ...func(text string) string) *site13 {
	t.Helper()
	s := &site13{&site{Cloud: cloud, log: loggingtest.Catch(t, "oauth_signature=", "X-Auth-Token", "eyJ", "id_token=")}, l}
	env := environment(s.Cloud, configuration)
	env[config.Variable] = configuration13(l)
	for _, change := range changes {
		env[config.Variable] = change(env[config.Variable])
	}
	cfg, err := config.Map(env).Load()
	if err != nil {
		t.Fatal(err)
	}
	own := &observe.Function{Registry: metrics.NewRegistry()} // without what all functions count
	handler, err := launchlab.Build(observe.In(t.Context(), own), config.Map(env))
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(s.log, "launch-lab"), caller.Scraped(handler, cfg.API, own.Registry))
	return s
}

// begun is a login that has been begun: what the browser keeps, and where it goes.
type begun struct {
	page    *httptest.ResponseRecorder
	cookie  *http.Cookie
	id      string
	secret  string
	authURL string
}

// begin clicks a link.
func (s *site13) begin(t *testing.T, link ltitest.Link) begun {
	t.Helper()
	return s.beginAt(t, s.lms.LoginURL(toolURL+"/login", link))
}

func (s *site13) beginAt(t *testing.T, address string) begun {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := s.serve(httptest.NewRequest(http.MethodGet, "/login?"+u.RawQuery, nil))
	cookies := w.Result().Cookies()
	if w.Code != http.StatusOK || len(cookies) != 1 {
		t.Fatalf("login: %d, %d cookies\n%s", w.Code, len(cookies), w.Body)
	}
	var data struct{ ID, Secret, Address string }
	readIsland(t, w, &data)
	return begun{w, cookies[0], data.ID, data.Secret, data.Address}
}

func readIsland(t *testing.T, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	found := island.FindStringSubmatch(w.Body.String())
	if found == nil {
		t.Fatalf("no data in the page:\n%s", w.Body)
	}
	if err := json.Unmarshal([]byte(found[1]), into); err != nil {
		t.Fatalf("read data: %v\n%s", err, found[1])
	}
}

var (
	input  = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	name   = regexp.MustCompile(`name="([^"]*)"`)
	value  = regexp.MustCompile(`value="([^"]*)"`)
	action = regexp.MustCompile(`<form[^>]*action="([^"]*)"[^>]*>`)
)

// hidden are the hidden fields of a page.
func hidden(text string) url.Values {
	form := url.Values{}
	for _, tag := range input.FindAllString(text, -1) {
		n, v := name.FindStringSubmatch(tag), value.FindStringSubmatch(tag)
		if n != nil && v != nil {
			form.Add(html.UnescapeString(n[1]), html.UnescapeString(v[1]))
		}
	}
	return form
}

// answer is what the platform has the browser post back.
func (l *lms) answer(t *testing.T, b begun) url.Values {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.authURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("platform: %d %s %v", got.StatusCode, text, err)
	}
	return hidden(string(text))
}

// post is the browser's form post to the launch address, from the platform's page.
func post(form url.Values, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/launch", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, cookie := range cookies {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	return r
}

// launch13 is a whole launch with everything in place.
func (s *site13) launch13(t *testing.T, link ltitest.Link) *httptest.ResponseRecorder {
	t.Helper()
	b := s.begin(t, link)
	return s.serve(post(s.lms.answer(t, b), b.cookie))
}

// forge is an answer whose token has other claims, signed by the platform all the same.
func (s *site13) forge(t *testing.T, link ltitest.Link, change func(claims map[string]any)) (url.Values, begun) {
	t.Helper()
	b := s.begin(t, link)
	form := s.lms.answer(t, b)
	claims := s.lms.Claims(link, nonceOf(t, b), time.Now())
	change(claims)
	form.Set("id_token", s.lms.Sign(claims))
	return form, b
}

func nonceOf(t *testing.T, b begun) string {
	t.Helper()
	u, err := url.Parse(b.authURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("nonce")
}
