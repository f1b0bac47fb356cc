package launchlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// attempt is a login with the platform's good answer to it, ready to be spoilt.
type attempt struct {
	t    *testing.T
	site *site13
	link ltitest.Link
	begun
	form   url.Values
	header map[string]any
	claims map[string]any
}

func (s *site13) attempt(t *testing.T) *attempt {
	t.Helper()
	link := s.lms.link("u1")
	b := s.begin(t, link)
	return &attempt{
		t: t, site: s, link: link, begun: b, form: s.lms.answer(t, b), header: map[string]any{}, claims: s.lms.Claims(link, nonceOf(t, b), time.Now()),
	}
}

// sign puts the token with the claims and header as they are now.
func (a *attempt) sign() *http.Request {
	a.form.Set("id_token", a.site.lms.SignWith(a.header, a.claims))
	return post(a.form, a.cookie)
}

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// forgery is a launch of LTI 1.3 with one fault.
type forgery struct {
	name    string
	make    func(*attempt) *http.Request
	status  int
	code    string
	fetches int // of the platform's keys, at most
}

// refused checks that each is refused with its code, that the cloud never hears of it, and that it costs the platform at most
// so many fetches of its keys; those that C02 stops, none.
func refused(t *testing.T, forgeries []forgery) {
	t.Helper()
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := start13(t)
			a := s.attempt(t)
			r := f.make(a)
			before := s.lms.Fetches()
			problemPage(t, s.serve(r), f.status, f.code)
			s.nothingDone(t)
			if n := s.lms.Fetches() - before; n > f.fetches {
				t.Errorf("%d fetches of the platform's keys", n)
			}
		})
	}
}

// claim makes a forgery of a claim's value; nil takes the claim out.
func claim(name string, value any) func(*attempt) *http.Request {
	return func(a *attempt) *http.Request {
		if value == nil {
			delete(a.claims, name)
		} else {
			a.claims[name] = value
		}
		return a.sign()
	}
}

func header(name string, value any) func(*attempt) *http.Request {
	return func(a *attempt) *http.Request {
		a.header[name] = value
		return a.sign()
	}
}

func form(change func(*attempt)) func(*attempt) *http.Request {
	return func(a *attempt) *http.Request {
		change(a)
		return post(a.form, a.cookie)
	}
}

// text makes a forgery of the claims' JSON.
func text(change func(claims string) string) func(*attempt) *http.Request {
	return func(a *attempt) *http.Request {
		good, err := json.Marshal(a.claims)
		if err != nil {
			a.t.Fatal(err)
		}
		a.form.Set("id_token", a.site.lms.SignText(nil, change(string(good))))
		return post(a.form, a.cookie)
	}
}

func in(seconds int64) int64 { return time.Now().Unix() + seconds }

func object(pairs ...any) map[string]any {
	o := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		o[pairs[i].(string)] = pairs[i+1]
	}
	return o
}

func TestC01MalformedAnswers(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"by GET", func(a *attempt) *http.Request {
			r := post(a.form, a.cookie)
			r.Method = http.MethodGet
			return r
		}, 405, "lti_method", 0},
		{"as JSON", func(a *attempt) *http.Request {
			r := post(a.form, a.cookie)
			r.Header.Set("Content-Type", "application/json")
			return r
		}, 415, "lti_media_type", 0},
		{"two tokens", form(func(a *attempt) { a.form.Add("id_token", a.form.Get("id_token")) }), 400, "lti_duplicate", 0},
		{"two states", form(func(a *attempt) { a.form.Add("state", a.form.Get("state")) }), 400, "lti_duplicate", 0},
		{"no token", form(func(a *attempt) { a.form.Del("id_token") }), 400, "lti_missing", 0},
		{"no state", form(func(a *attempt) { a.form.Del("state") }), 400, "lti_missing", 0},
		{"more than 128 KiB", form(func(a *attempt) { a.form.Set("x", strings.Repeat("x", 128<<10)) }), 413, "lti_too_large", 0},
		{"token in the query", func(a *attempt) *http.Request {
			token := a.form.Get("id_token")
			a.form.Del("id_token")
			r := post(a.form, a.cookie)
			r.URL.RawQuery = "id_token=" + token
			return r
		}, 400, "lti_query", 0},
	})
}

func TestC02ForgedStates(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"forged state", form(func(a *attempt) { a.form.Set("state", a.form.Get("state")[:40]+"AAAA") }), 403, "lti_state", 0},
		{"cut state", form(func(a *attempt) { a.form.Set("state", a.form.Get("state")[:40]) }), 403, "lti_state", 0},
		{"something sealed for another purpose", form(func(a *attempt) {
			a.form.Set("state", hidden(a.site.launch13(a.t, staff(a.link)).Body.String()).Get("ticket"))
			a.site.ResetCalls()
		}), 403, "lti_state", 1},
	})
}

func TestC04ForgedTokens(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"no algorithm", func(a *attempt) *http.Request {
			a.form.Set("id_token", segment(object("alg", "none", "typ", "JWT"))+"."+segment(a.claims)+".")
			return post(a.form, a.cookie)
		}, 403, "lti_algorithm", 0},
		{"HMAC with the public key", func(a *attempt) *http.Request {
			kid, key := a.site.lms.Key()
			public, err := x509.MarshalPKIXPublicKey(key)
			if err != nil {
				a.t.Fatal(err)
			}
			signed := segment(object("alg", "HS256", "typ", "JWT", "kid", kid)) + "." + segment(a.claims)
			mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
			mac.Write([]byte(signed))
			a.form.Set("id_token", signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
			return post(a.form, a.cookie)
		}, 403, "lti_algorithm", 0},
		{"RS512 where RS256 is configured", header("alg", "RS512"), 403, "lti_algorithm", 0},
		{"crit", header("crit", []string{"exp"}), 400, "lti_token", 0},
		{"a key of its own", func(a *attempt) *http.Request {
			other := ltitest.NewPlatform(a.site.lms.Issuer)
			kid, key := other.Key()
			a.header["jwk"] = object("kty", "RSA", "kid", kid, "n", number(key.N), "e", "AQAB")
			mine, _ := a.site.lms.Key()
			a.header["kid"] = mine
			a.form.Set("id_token", other.SignWith(a.header, a.claims))
			return post(a.form, a.cookie)
		}, 403, "lti_token_signature", 1},
		{"five parts", form(func(a *attempt) { a.form.Set("id_token", "eyJhbGciOiJSU0EtT0FFUCJ9.AA.AA.AA.AA") }), 400, "lti_token", 0},
		{"not a token", form(func(a *attempt) { a.form.Set("id_token", "hello") }), 400, "lti_token", 0},
		{"signature cut off", form(func(a *attempt) {
			token := a.form.Get("id_token")
			a.form.Set("id_token", token[:strings.LastIndex(token, ".")+1])
		}), 403, "lti_token_signature", 1},
		{"another payload", form(func(a *attempt) {
			parts := strings.Split(a.form.Get("id_token"), ".")
			a.claims["sub"] = "somebody-else"
			a.form.Set("id_token", parts[0]+"."+segment(a.claims)+"."+parts[2])
		}), 403, "lti_token_signature", 1},
	})
}

func TestC05UnknownKeys(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"no kid", header("kid", nil), 403, "lti_key", 0},
		{"unknown kid", header("kid", "nobody's"), 403, "lti_key", 2},
	})
}

// A key of the platform's that is not fit to verify with, under the id that the token names.
func TestC05UnfitKeys(t *testing.T) {
	t.Parallel()
	published := func(change map[string]any) func(*attempt) *http.Request {
		return func(a *attempt) *http.Request {
			kid, key := a.site.lms.Key()
			entry := object("kty", "RSA", "kid", kid, "n", number(key.N), "e", "AQAB")
			maps.Copy(entry, change)
			a.site.lms.publish(object("keys", []any{entry}))
			return a.sign()
		}
	}
	short := new(big.Int).SetBit(big.NewInt(1), 1023, 1) // the first and the last bit of an RSA modulus are set
	refused(t, []forgery{
		{"1024 bits", published(object("n", number(short))), 403, "lti_key_unfit", 1},
		{"for encryption", published(object("use", "enc")), 403, "lti_key_unfit", 1},
		{"for signing alone", published(object("key_ops", []string{"sign"})), 403, "lti_key_unfit", 1},
		{"for another algorithm", published(object("alg", "RS512")), 403, "lti_key_unfit", 1},
		{"symmetric", published(object("kty", "oct", "k", "AAAA")), 403, "lti_key_unfit", 1},
		{"private", published(object("d", "AQAB")), 403, "lti_key_unfit", 1},
		{"even exponent", published(object("e", "AQAC")), 403, "lti_key_unfit", 1},
		{"without an id", published(object("kid", nil)), 403, "lti_key", 2},
	})
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func TestC08ForeignTokens(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"another issuer", claim("iss", "https://evil.example.org"), 403, "lti_issuer", 1},
		{"issuer with a slash", func(a *attempt) *http.Request { a.claims["iss"] = a.site.lms.Issuer + "/"; return a.sign() }, 403, "lti_issuer", 1},
		{"another audience", claim("aud", "client-2"), 403, "lti_audience", 1},
		{"one audience more", claim("aud", []string{"client-1", "client-2"}), 403, "lti_audience", 1},
		{"no audience", claim("aud", []string{}), 403, "lti_audience", 1},
		{"another azp", claim("azp", "client-2"), 403, "lti_audience", 1},
	})
}

func TestC09Times(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"expired", claim("exp", in(-61)), 403, "lti_stale", 1},
		{"no exp", claim("exp", nil), 400, "lti_missing", 1},
		{"exp as text", claim("exp", "tomorrow"), 400, "lti_claims", 1},
		{"issued in the future", claim("iat", in(3600)), 403, "lti_future", 1},
		{"issued long ago", claim("iat", in(-601)), 403, "lti_stale", 1},
		{"not yet", claim("nbf", in(3600)), 403, "lti_future", 1},
	})
}

func TestC10ForeignNonces(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"another nonce", claim("nonce", "x"), 403, "lti_nonce", 1},
		{"no nonce", claim("nonce", nil), 400, "lti_missing", 1},
	})
}

func TestC12UnknownDeployment(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"unknown deployment", claim(ltiClaim+"deployment_id", "3"), 403, "lti_deployment", 1},
	})
}

func TestC13VersionsAndMessages(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"another version", claim(ltiClaim+"version", "1.3.1"), 400, "lti_version", 1},
		{"another message", claim(ltiClaim+"message_type", "LtiSubmissionReviewRequest"), 400, "lti_message_type", 1},
	})
}

func TestC14ForeignTargets(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"target elsewhere", claim(ltiClaim+"target_link_uri", "https://evil.example.org/"), 403, "lti_target", 1},
		{"target is another route", claim(ltiClaim+"target_link_uri", toolURL+"/register"), 403, "lti_target", 1},
	})
}

func TestC15WrongClaims(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"no sub", claim("sub", nil), 400, "lti_missing", 1},
		{"sub is a number", claim("sub", 7), 400, "lti_claims", 1},
		{"sub is too long", claim("sub", strings.Repeat("x", 256)), 400, "lti_claims", 1},
		{"no resource link", claim(ltiClaim+"resource_link", nil), 400, "lti_missing", 1},
		{"roles are text", claim(ltiClaim+"roles", instructor), 400, "lti_claims", 1},
		{"context is a list", claim(ltiClaim+"context", []int{1}), 400, "lti_claims", 1},
	})
}

func TestC17AmbiguousClaims(t *testing.T) {
	t.Parallel()
	refused(t, []forgery{
		{"a member twice", text(func(claims string) string { return strings.Replace(claims, "{", `{"sub":"other",`, 1) }), 400, "lti_claims", 1},
		{"something behind", text(func(claims string) string { return claims + "{}" }), 400, "lti_claims", 1},
		{"too deep", text(func(claims string) string {
			return strings.Replace(claims, "{", `{"deep":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+",", 1)
		}), 400, "lti_claims", 1},
		{"exp beyond all time", text(func(claims string) string { return strings.Replace(claims, `"exp":`, `"exp":1e300,"x":`, 1) }), 400, "lti_claims", 1},
		{"no JSON", text(func(string) string { return "hello" }), 400, "lti_claims", 1},
	})
}

// C11: an answer of one platform for a login at another, and for another client of the same.
func TestC11AnotherPlatformsToken(t *testing.T) {
	t.Parallel()
	s := start13(t)
	stranger := newLMS(t)
	a := s.attempt(t)
	a.form.Set("id_token", stranger.Sign(a.claims))
	problemPage(t, s.serve(post(a.form, a.cookie)), http.StatusForbidden, "lti_key")

	a = s.attempt(t)
	other := s.lms.link("u1")
	other.ClientID = "client-2"
	b := s.begin(t, other)
	a.form.Set("id_token", s.lms.answer(t, b).Get("id_token"))
	w := s.serve(post(a.form, a.cookie, b.cookie))
	if w.Code != http.StatusForbidden {
		t.Errorf("got %d", w.Code)
	}
	s.nothingDone(t)
}

func TestC10LaunchWorksOnce(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	form := s.lms.answer(t, b)
	labPage(t, s.serve(post(form, b.cookie)))
	s.ResetCalls()
	w := s.serve(post(form, b.cookie))
	problemPage(t, w, http.StatusConflict, "lti_replayed")
	s.nothingDone(t)
	s.oneStack(t)
}

// A00 for LTI 1.3: the good launch, with what decides about its lab.
func TestGoodLaunch13(t *testing.T) {
	t.Parallel()
	s := start13(t)
	got := labPage(t, s.launch13(t, s.lms.link("u1")))
	if got.Status.State != "building" {
		t.Errorf("status %+v", got.Status)
	}
	link := s.lms.link("u1")
	link.Custom = map[string]string{"lab": "small"}
	labPage(t, s.launch13(t, link))
	if n := len(s.Stacks()); n != 2 {
		t.Errorf("%d stacks, want 2", n)
	}
	link.Custom = map[string]string{"lab": "secret"}
	problemPage(t, s.launch13(t, link), http.StatusForbidden, "lab_not_offered") // A14
	link = s.lms.link("u1")
	link.ClientID = "client-2"
	labPage(t, s.launch13(t, link)) // another client id is another tenant
	if n := len(s.Stacks()); n != 3 {
		t.Errorf("%d stacks, want 3", n)
	}
}

// C12 the other way round: every registered deployment launches, into the same labs.
func TestC12RegisteredDeployments(t *testing.T) {
	t.Parallel()
	s := start13(t)
	for _, deployment := range []string{"1", "two"} {
		link := s.lms.link("u1")
		link.Deployment = deployment
		labPage(t, s.launch13(t, link))
	}
	s.oneStack(t)
}

// C14: Open edX names the block at the login and the chosen item in the token.
func TestC14SignedTargetDecides(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.link("u1")
	link.LoginTarget = toolURL + "/launch?block=1"
	labPage(t, s.launch13(t, link))
	if !strings.Contains(s.log.String(), `"target":"differs from the login's"`) {
		t.Errorf("the log does not say so: %s", s.log)
	}
}

// C16: who counts as an instructor, and only where instructors count.
func TestC16Roles(t *testing.T) {
	t.Parallel()
	const vocabulary = "http://purl.imsglobal.org/vocab/lis/v2/"
	s := start13(t)
	for _, c := range []struct {
		client string
		roles  []string
		class  bool
	}{
		{"client-1", []string{instructor}, true},
		{"client-1", ltitest.InstructorRoles, true},
		{"client-1", ltitest.LearnerRoles, false},
		{"client-1", ltitest.AssistantRoles, false},
		{"client-1", []string{vocabulary + "system/person#None"}, false},
		{"client-1", []string{vocabulary + "membership/Instructor#TeachingAssistant"}, false},
		{"client-1", []string{"Instructor" + "#x", instructor + "s"}, false},
		{"client-2", []string{instructor}, false},
	} {
		link := s.lms.link("u1")
		link.ClientID, link.Roles = c.client, c.roles
		w := s.launch13(t, link)
		labPage(t, w)
		if got := strings.Contains(w.Body.String(), `/view-lab/class"`); got != c.class {
			t.Errorf("%s %q: class %v", c.client, c.roles, got)
		}
	}
}

// C18: what came with the launch is in no address and no log.
func TestC18TokenAndTicketAreNowhere(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	form := s.lms.answer(t, b)
	w := s.serve(post(form, b.cookie))
	got := labPage(t, w)
	for _, secret := range []string{form.Get("id_token"), form.Get("state"), got.Ticket, b.secret, nonceOf(t, b)} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %.12s…", secret)
		}
		if strings.Contains(w.Header().Get("Location"), secret) || strings.Contains(w.Body.String(), "="+secret+"&") {
			t.Errorf("an address holds %.12s…", secret)
		}
	}
	if strings.Contains(w.Body.String(), form.Get("id_token")) {
		t.Error("the lab page holds the token")
	}
}

// R6: a login that began before the sealing keys were changed ends after it.
func TestR6KeysMayChangeDuringALogin(t *testing.T) {
	t.Parallel()
	s := start13(t)
	newer := start13On(t, s.Cloud, s.lms, func(text string) string {
		return strings.Replace(text, `seal_keys: [`, `seal_keys: [{id: "2", secret: newer-test-secret-hunter2-12-abcdefghi}, `, 1)
	})
	replaced := start13On(t, s.Cloud, s.lms, func(text string) string {
		return strings.Replace(text, `{id: "1", secret: `+sealing+`}`, `{id: "2", secret: newer-test-secret-hunter2-12-abcdefghi}`, 1)
	})
	b := s.begin(t, s.lms.link("u1"))
	form := s.lms.answer(t, b)
	problemPage(t, replaced.serve(post(form, b.cookie)), http.StatusForbidden, "lti_state")
	labPage(t, newer.serve(post(form, b.cookie)))
}

// R1: two instances that share nothing but keys and the store complete one launch.
func TestR1LoginHereLaunchThere(t *testing.T) {
	t.Parallel()
	here := start13(t)
	there := start13On(t, here.Cloud, here.lms)
	b := here.begin(t, here.lms.link("u1"))
	form := here.lms.answer(t, b)
	labPage(t, there.serve(post(form, b.cookie)))
	problemPage(t, here.serve(post(form, b.cookie)), http.StatusConflict, "lti_replayed")
	here.oneStack(t)
}

// W01: what a proxy or a browser says of us changes nothing, in LTI 1.3 either.
func TestW01ForwardedHeadersChangeNothing13(t *testing.T) {
	t.Parallel()
	s := start13(t)
	forwarded := func(r *http.Request) *http.Request {
		r.Host = "evil.example.org"
		for _, header := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Scheme", "Forwarded"} {
			r.Header.Set(header, "evil.example.org")
		}
		return r
	}
	w := s.serve(forwarded(s.loginRequest(func(url.Values) {})))
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "evil") {
		t.Errorf("login: %d, %s", w.Code, said(w))
	}
	b := s.begin(t, s.lms.link("u1"))
	w = s.serve(forwarded(post(s.lms.answer(t, b), b.cookie)))
	labPage(t, w)
	if strings.Contains(w.Body.String(), "evil") {
		t.Error("the host of the request is in the page")
	}
}

// W02: each registration's pages may be framed by its own origins, by all of them and by nobody else.
func TestW02PolicyOfEachRegistration(t *testing.T) {
	t.Parallel()
	s := start13(t)
	for client, want := range map[string]string{
		"client-1": "https://lms13.example.org https://apps13.example.org", "client-2": "https://other13.example.org",
	} {
		link := s.lms.link("u1")
		link.ClientID = client
		b := s.begin(t, link)
		form := s.lms.answer(t, b)
		for kind, header := range map[string]http.Header{
			"login": b.page.Header(), "bind": s.serve(post(form)).Header(), "lab": s.serve(post(form, b.cookie)).Header(),
		} {
			policy := header.Get("Content-Security-Policy")
			if !strings.HasSuffix(policy, "; frame-ancestors "+want) || !strings.HasPrefix(policy, "default-src 'none'") ||
				len(header.Values("X-Frame-Options")) > 0 {
				t.Errorf("%s, %s: %q", client, kind, policy)
			}
		}
	}
	problem := s.serve(post(url.Values{"state": {"x"}, "id_token": {"x"}})).Header().Get("Content-Security-Policy")
	for _, origin := range []string{
		"https://lms13.example.org", "https://other13.example.org", "https://registered.example.org", "https://school.example.org",
	} {
		if !strings.Contains(problem, origin) {
			t.Errorf("a page that belongs to nobody may not be framed by %s: %q", origin, problem)
		}
	}
}

func TestW03TextsOfALaunch13AreText(t *testing.T) {
	t.Parallel()
	s := start13(t)
	const hostile = `"><script>alert('x')</script></script><!-- {{.}}`
	link := staff(s.lms.link("u1"))
	link.Name, link.ContextTitle, link.Locale, link.Context = hostile, hostile, hostile, hostile
	w := s.launch13(t, link)
	labPage(t, w)
	body := w.Body.String()
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "</script><!--") || !strings.Contains(body, "&lt;script&gt;alert(") {
		t.Errorf("the text is markup, or not there:\n%s", said(w))
	}
}

func TestW05StaffSeeTheCheck13(t *testing.T) {
	t.Parallel()
	s := start13(t)
	for _, c := range []struct {
		roles []string
		told  bool
	}{{ltitest.LearnerRoles, false}, {ltitest.InstructorRoles, true}} {
		link := s.lms.link("u1")
		link.Roles = c.roles
		form, b := s.forge(t, link, func(claims map[string]any) { claims["aud"] = "client-2" })
		w := s.serve(post(form, b.cookie))
		problemPage(t, w, http.StatusForbidden, "lti_audience")
		if got := strings.Contains(w.Body.String(), `<details class="staff">`); got != c.told {
			t.Errorf("%q: told %v", c.roles, got)
		}
		for _, secret := range []string{form.Get("id_token"), form.Get("state"), b.secret, nonceOf(t, b)} {
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("the page holds %.12s…", secret)
			}
		}
	}
}

// R7: twenty launches at once are one lab, in LTI 1.3 as well.
func TestR7ParallelLaunches13AreOneLab(t *testing.T) {
	t.Parallel()
	s := start13(t)
	const n = 20
	requests := make([]*http.Request, n)
	for i := range requests {
		b := s.begin(t, s.lms.link("u1"))
		requests[i] = post(s.lms.answer(t, b), b.cookie)
	}
	for _, w := range s.atOnce(requests) {
		labPage(t, w)
	}
	s.oneStack(t)
	if n := s.lms.Fetches(); n != 1 {
		t.Errorf("%d fetches of the key set", n)
	}
}

// R11: with everything that a platform may tell of a learner, the log holds none of it.
func TestR11LogHoldsNobody(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.link("sub-of-a-learner")
	link.Name = "Ada Lovelace"
	address := s.lms.LoginURL(toolURL+"/login", link)
	hints, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b := s.beginAt(t, address)
	claims := s.lms.Claims(link, nonceOf(t, b), time.Now())
	maps.Copy(claims, map[string]any{"email": "ada@example.org", "preferred_username": "lovelace", "given_name": "Ada"})
	form := s.lms.answer(t, b)
	form.Set("id_token", s.lms.Sign(claims))
	got := labPage(t, s.serve(post(form, b.cookie)))
	s.serve(post(form, b.cookie)) // and refused
	s.serve(post(form))           // and bound
	log := s.log.String()
	for _, secret := range []string{
		"sub-of-a-learner", "Ada", "Lovelace", "ada@", hints.Query().Get("login_hint"), hints.Query().Get("lti_message_hint"),
		form.Get("id_token"), form.Get("state"), got.Ticket, b.secret, b.id,
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(log, `"lti":"1.3"`) || !strings.Contains(log, `"issuer":"`) {
		t.Errorf("the log does not say which platform: %s", log)
	}
}
