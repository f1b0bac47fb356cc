package lti_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/seal"
)

// A faulty login initiation: a good one with one fault.
type faultyLogin struct {
	name    string
	code    lti.Code
	sent    func(q url.Values)
	request func(r *lti.Request)
}

func set(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
func del(name string) func(url.Values)        { return func(q url.Values) { q.Del(name) } }

func asPost(r *lti.Request) {
	r.Method, r.MediaType, r.Body, r.RawQuery = "POST", "application/x-www-form-urlencoded", r.RawQuery, ""
}

var faultyLogins = []faultyLogin{
	{"B01 method PUT", lti.CodeMethod, nil, func(r *lti.Request) { r.Method = "PUT" }},
	{"B01 method HEAD", lti.CodeMethod, nil, func(r *lti.Request) { r.Method = "HEAD" }},
	{"B01 no method", lti.CodeMethod, nil, func(r *lti.Request) { r.Method = "" }},
	{"B01 POST of JSON", lti.CodeMediaType, nil, func(r *lti.Request) { asPost(r); r.MediaType = "application/json" }},
	{"B01 POST with the parameters in the query", lti.CodeQuery, nil, func(r *lti.Request) {
		query := r.RawQuery
		asPost(r)
		r.RawQuery = query
	}},
	{"B01 login_hint twice", lti.CodeDuplicate, func(q url.Values) { q.Add("login_hint", "evil") }, nil},
	{"B01 iss twice, the same", lti.CodeDuplicate, func(q url.Values) { q.Add("iss", issuer) }, nil},
	{"B01 an unknown parameter twice", lti.CodeDuplicate, func(q url.Values) { q["x"] = []string{"1", "2"} }, nil},
	{"B01 twice under two spellings", lti.CodeDuplicate, nil, func(r *lti.Request) { r.RawQuery += "&login%5Fhint=evil" }},
	{"B01 parameter of more than 8 KiB", lti.CodeTooLarge, set("lti_message_hint", strings.Repeat("x", 8<<10+1)), nil},
	{"B01 POST parameter of more than 8 KiB", lti.CodeTooLarge, set("login_hint", strings.Repeat("x", 8<<10+1)), asPost},
	{"B01 query of more than 16 KiB", lti.CodeTooLarge, nil, func(r *lti.Request) { r.RawQuery += strings.Repeat("&", 16<<10) }},
	{"B01 form of more than 128 KiB", lti.CodeTooLarge, nil, func(r *lti.Request) { asPost(r); r.Body += strings.Repeat("&", 128<<10) }},
	{"B01 more than 300 parameters", lti.CodeTooLarge, nil, func(r *lti.Request) { r.RawQuery += strings.Repeat("&x", 301) }},
	{"B01 broken escape", lti.CodeEncoding, nil, func(r *lti.Request) { r.RawQuery += "&x=%zz" }},
	{"B01 not UTF-8", lti.CodeEncoding, nil, func(r *lti.Request) { r.RawQuery += "&x=%ff" }},

	{"B02 no issuer", lti.CodeMissing, del("iss"), nil},
	{"B02 empty issuer", lti.CodeMissing, set("iss", ""), nil},
	{"B02 unknown issuer", lti.CodePlatform, set("iss", "https://evil.example.org"), nil},
	{"B02 issuer with a slash", lti.CodePlatform, set("iss", issuer+"/"), nil},
	{"B02 issuer in capitals", lti.CodePlatform, set("iss", "https://LMS.example.org"), nil},
	{"B02 issuer with a default port", lti.CodePlatform, set("iss", issuer+":443"), nil},
	{"B02 unknown client", lti.CodePlatform, set("client_id", "evil"), nil},
	{"B02 client of another issuer", lti.CodePlatform, set("client_id", "a"), nil},
	{"B02 no client where the issuer has two", lti.CodeClient, func(q url.Values) { q.Set("iss", "https://school.example.org"); q.Del("client_id") }, nil},
	{"B02 empty client where the issuer has two", lti.CodeClient, func(q url.Values) { q.Set("iss", "https://school.example.org"); q.Set("client_id", "") }, nil},

	{"B03 no login_hint", lti.CodeMissing, del("login_hint"), nil},
	{"B03 empty login_hint", lti.CodeMissing, set("login_hint", ""), nil},
	{"B03 unknown deployment", lti.CodeDeployment, set("lti_deployment_id", "evil"), nil},
	{"B03 empty deployment", lti.CodeDeployment, set("lti_deployment_id", ""), nil},
	{"B03 deployment of another platform", lti.CodeDeployment, set("lti_deployment_id", "A"), nil},

	{"B04 no target", lti.CodeMissing, del("target_link_uri"), nil},
	{"B04 target without TLS", lti.CodeTarget, set("target_link_uri", "http://hooks.example.org/launch-lab/launch"), nil},
	{"B04 target on another host", lti.CodeTarget, set("target_link_uri", "https://evil.example.org/launch-lab/launch"), nil},
	{"B04 target on a longer host", lti.CodeTarget, set("target_link_uri", "https://hooks.example.org.evil.example.org/launch-lab/launch"), nil},
	{"B04 target on another port", lti.CodeTarget, set("target_link_uri", "https://hooks.example.org:8443/launch-lab/launch"), nil},
	{"B04 target with a name", lti.CodeTarget, set("target_link_uri", "https://evil@hooks.example.org/launch-lab/launch"), nil},
	{"B04 our host as a name", lti.CodeTarget, set("target_link_uri", "https://hooks.example.org@evil.example.org/launch-lab/launch"), nil},
	{"B04 target at another path", lti.CodeTarget, set("target_link_uri", "https://hooks.example.org/view-lab"), nil},
	{"B04 target with a longer path", lti.CodeTarget, set("target_link_uri", publicURL+"/evil"), nil},
	{"B04 target with dots", lti.CodeTarget, set("target_link_uri", publicURL+"/../launch"), nil},
	{"B04 target with an escaped path", lti.CodeTarget, set("target_link_uri", "https://hooks.example.org/launch-lab%2flaunch"), nil},
	{"B04 target with a fragment", lti.CodeTarget, set("target_link_uri", publicURL+"#evil"), nil},
	{"B04 target with an empty fragment", lti.CodeTarget, set("target_link_uri", publicURL+"#"), nil},
	{"B04 target with a backslash", lti.CodeTarget, set("target_link_uri", `https://hooks.example.org\@evil.example.org/launch-lab/launch`), nil},
	{"B04 target with a line end", lti.CodeTarget, set("target_link_uri", publicURL+"\n"), nil},
	{"B04 target is script", lti.CodeTarget, set("target_link_uri", "javascript:alert(1)//hooks.example.org/launch-lab/launch"), nil},
	{"B04 target without a scheme", lti.CodeTarget, set("target_link_uri", "//hooks.example.org/launch-lab/launch"), nil},
	{"B04 target is a path", lti.CodeTarget, set("target_link_uri", "/launch-lab/launch"), nil},
	{"B04 target longer than 1 KiB", lti.CodeTarget, set("target_link_uri", publicURL+"?x="+strings.Repeat("x", 1<<10)), nil},
}

func TestFaultyLogins(t *testing.T) {
	t.Parallel()
	for _, c := range faultyLogins {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, k := &seen{}, &keys{}
			r := initiation(lms(), link())
			if c.sent != nil {
				q, err := url.ParseQuery(r.RawQuery)
				if err != nil {
					t.Fatal(err)
				}
				c.sent(q)
				r.RawQuery = q.Encode()
			}
			if c.request != nil {
				c.request(&r)
			}
			login, err := tool(t, store, k).Login(r)
			isRefusal(t, err, c.code)
			if login.State != "" || login.AuthURL != "" {
				t.Errorf("a refused login goes on: %+v", login)
			}
			if store.asked+k.asked != 0 {
				t.Error("a login asked somebody")
			}
		})
	}
}

func TestB01GetAndPost(t *testing.T) {
	t.Parallel()
	get := initiation(lms(), link())
	post := get
	asPost(&post)
	post.RawQuery = "norefresh&theme=dark"
	for _, r := range []lti.Request{get, post} {
		login, err := tool(t, &seen{}, &keys{}).Login(r)
		if err != nil || login.Registration.ClientID != clientID {
			t.Errorf("%s: %+v, %v", r.Method, login, err)
		}
	}
}

func TestB02IssuerAloneIfItHasOneClient(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"", "client_id="} {
		q := url.Values{"iss": {issuer}, "login_hint": {"x"}, "target_link_uri": {publicURL}}
		login, err := tool(t, &seen{}, &keys{}).Login(lti.Request{Method: "GET", RawQuery: q.Encode() + "&" + client})
		if err != nil || query(t, login.AuthURL).Get("client_id") != clientID {
			t.Errorf("%q: %+v, %v", client, login, err)
		}
	}
}

func TestB03HintsGoBackByteForByte(t *testing.T) {
	t.Parallel()
	for _, hint := range []string{"", "a b", "a+b", "a%20b", "=&;/?#", "ü 例 🎓", "\r\n\t", strings.Repeat("x", 8<<10), `{"a":"<script>"}`} {
		q := url.Values{"iss": {issuer}, "client_id": {clientID}, "login_hint": {"l" + hint}, "lti_message_hint": {hint}, "target_link_uri": {publicURL}}
		if len(hint) > 1000 {
			q.Set("login_hint", "l")
		}
		login, err := tool(t, &seen{}, &keys{}).Login(lti.Request{Method: "GET", RawQuery: q.Encode()})
		if err != nil {
			t.Errorf("hint %.20q: %v", hint, err)
			continue
		}
		got := query(t, login.AuthURL)
		if !got.Has("lti_message_hint") || got.Get("lti_message_hint") != hint || got.Get("login_hint") != q.Get("login_hint") {
			t.Errorf("hint %.20q came back as %.40q and %.40q", hint, got.Get("lti_message_hint"), got.Get("login_hint"))
		}
		if raw := login.AuthURL; strings.Contains(raw, "+") || strings.ContainsAny(raw, " \r\n<>\"") {
			t.Errorf("hint %.20q is not escaped: %.200s", hint, raw)
		}
	}
	q := url.Values{"iss": {issuer}, "login_hint": {"l"}, "target_link_uri": {publicURL}}
	login, err := tool(t, &seen{}, &keys{}).Login(lti.Request{Method: "GET", RawQuery: q.Encode()})
	if err != nil || query(t, login.AuthURL).Has("lti_message_hint") {
		t.Errorf("a hint that was not sent is in %s, %v", login.AuthURL, err)
	}
}

func TestB04TargetsThatAreOurs(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		publicURL, publicURL + "?lab=web&x=a%20b", "https://HOOKS.example.org:443/launch-lab/launch", "https://hooks.example.org/launch-lab/labs/web",
	} {
		l := link()
		l.Target = target
		if _, err := tool(t, &seen{}, &keys{}).Login(initiation(lms(), l)); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	for launchURL, want := range map[string]bool{
		"http://127.0.0.1:8080/launch-lab/launch": true, "http://localhost:8080/launch-lab/launch": true,
		"http://[::1]:8080/launch-lab/launch": true, "http://192.0.2.7:8080/launch-lab/launch": false,
	} {
		l := link()
		l.Target = launchURL
		local := tool(t, &seen{}, &keys{})
		local.LaunchURL = launchURL
		if _, err := local.Login(initiation(lms(), l)); (err == nil) != want {
			t.Errorf("%s: %v, want accepted=%v", launchURL, err, want)
		}
	}
}

// An IPv6 address that ends like ours with its port.
func TestB04AddressesInBrackets(t *testing.T) {
	t.Parallel()
	l, bracketed := link(), tool(t, &seen{}, &keys{})
	bracketed.LaunchURL, l.Target = "https://[2001:db8::1]:8080/launch", "https://[2001:db8::1:8080]/launch"
	_, err := bracketed.Login(initiation(lms(), l))
	isRefusal(t, err, lti.CodeTarget)
	l.Target = bracketed.LaunchURL
	if _, err := bracketed.Login(initiation(lms(), l)); err != nil {
		t.Error(err)
	}
}

func TestB05AuthenticationRequest(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	address, _, _ := strings.Cut(v.login.AuthURL, "?")
	if address != issuer+"/auth" {
		t.Errorf("the browser goes to %s", address)
	}
	got := query(t, v.login.AuthURL)
	want := map[string]string{
		"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none", "client_id": clientID,
		"redirect_uri": publicURL, "state": v.login.State,
	}
	for name, value := range want {
		if len(got[name]) != 1 || got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want)+3 { // login_hint, lti_message_hint, nonce
		t.Errorf("the request has other parameters: %v", got)
	}
}

func TestB05AuthorizationAddressWithAQuery(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		issuer + "/auth?site=a%20b&x":                issuer + "/auth?site=a%20b&x&",
		issuer + "/auth?":                            issuer + "/auth?",
		issuer + "/auth?state=evil&scope=all&site=1": issuer + "/auth?site=1&",
		issuer + "/auth?a=1;b=2#top":                 issuer + "/auth?a=1;b=2&",
	} {
		one := tool(t, &seen{}, &keys{})
		one.Registrations[0].AuthURL = address
		login, err := one.Login(initiation(lms(), link()))
		if err != nil || !strings.HasPrefix(login.AuthURL, want+"client_id=") || strings.Count(login.AuthURL, "state=") != 1 || strings.Contains(login.AuthURL, "#") {
			t.Errorf("%s: %s, %v", address, login.AuthURL, err)
		}
	}
}

// What a login hands out is random, and the state says nothing to those who cannot open it.
func TestB06State(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	first := v.login
	firstNonce := v.nonce
	v.again(t)
	for what, pair := range map[string][2]string{
		"id": {first.ID, v.login.ID}, "secret": {first.Secret, v.login.Secret}, "nonce": {firstNonce, v.nonce}, "state": {first.State, v.login.State},
	} {
		if pair[0] == pair[1] || len(pair[0]) < 26 {
			t.Errorf("%s: %q and %q", what, pair[0], pair[1])
		}
	}
	var inside map[string]any
	if err := v.tool.Box.Open("lti-state", v.login.State, &inside, now.Add(599*time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(inside)
	if err != nil || strings.Contains(string(text), v.login.Secret) || strings.Contains(string(text), v.nonce) {
		t.Errorf("the state holds more than hashes, %v", err)
	}
	if err := v.tool.Box.Open("lti-state", v.login.State, &inside, now.Add(600*time.Second)); !errors.Is(err, seal.ErrExpired) {
		t.Errorf("after ten minutes: %v", err)
	}
	if len(v.login.AuthURL) > 2<<10 {
		t.Errorf("an ordinary request has %d bytes; web servers take no more than 4 KiB", len(v.login.AuthURL))
	}
}

// Two frames of one page begin at once, and end in any order.
func TestB07TwoLoginsInOneBrowser(t *testing.T) {
	t.Parallel()
	first := begin(t, link())
	second := *first
	second.again(t)
	if lti.CookieName(first.login.ID) == lti.CookieName(second.login.ID) || !strings.HasPrefix(lti.CookieName("x"), "__Host-") {
		t.Error("two logins share a cookie")
	}
	second.good(t)
	first.good(t)
}

func TestStorageTarget(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"_parent": "_parent", "lti_storage-1.x": "lti_storage-1.x", "": "", `"><script>`: "", "a b": "", strings.Repeat("x", 65): "", "x\n": "",
	} {
		l := link()
		l.StorageTarget = sent
		login, err := tool(t, &seen{}, &keys{}).Login(initiation(lms(), l))
		if err != nil || login.StorageTarget != want {
			t.Errorf("%q: %q, %v, want %q", sent, login.StorageTarget, err, want)
		}
	}
}
