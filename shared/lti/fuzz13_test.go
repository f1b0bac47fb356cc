package lti_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/lti"
)

// believable checks what every accepted launch must be, whatever was sent.
func believable(t *testing.T, l lti.Launch) {
	t.Helper()
	kind := l.DeepLink == nil && l.ResourceLink != "" || l.DeepLink != nil && l.ResourceLink == ""
	if l.User == "" || len(l.User) > 255 || !utf8.ValidString(l.User) || l.Issuer != issuer || l.ClientID != clientID || !kind || l.Custom == nil ||
		!strings.HasPrefix(strings.ToLower(l.Target), "https://hooks.example.org/launch-lab/") {
		t.Fatalf("accepted %+v", l)
	}
	if back := l.ReturnURL; back != "" && !strings.HasPrefix(strings.ToLower(back), "https://lms.example.org") && !strings.HasPrefix(strings.ToLower(back), "https://studio.example.org") {
		t.Fatalf("the way back is %q", back)
	}
}

// FuzzIDToken posts any text as token, and any header and any claims under the platform's own signature. Nonce and kid are
// others in every process that fuzzes, so seeds name them by these words.
func FuzzIDToken(f *testing.F) {
	const nonceWord, kidWord = "NONCE", "KID"
	v := begin(f, link())
	kid, _ := lms().Key()
	for _, c := range append([]faultyLaunch{{}}, faultyLaunches...) {
		if c.form != nil || c.post != nil {
			continue
		}
		form, err := url.ParseQuery(c.answered(v).Body)
		if err != nil {
			f.Fatal(err)
		}
		token := form.Get("id_token")
		header, claims := decoded(token, 0), decoded(token, 1)
		f.Add(token, strings.ReplaceAll(header, kid, kidWord), strings.ReplaceAll(claims, v.nonce, nonceWord))
	}
	f.Fuzz(func(t *testing.T, token, header, claims string) {
		v := *v
		v.store = &seen{}
		v.tool.Seen = v.store
		tokens := []string{token}
		var members map[string]any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(header, kidWord, kid)), &members); err == nil {
			tokens = append(tokens, lms().SignText(members, strings.ReplaceAll(claims, nonceWord, v.nonce)))
		}
		for _, token := range tokens {
			r := posted(url.Values{"state": {v.login.State}, "id_token": {token}})
			lti.ClaimsStaff(r)
			if launch, err := v.finish(t.Context(), r, v.login.Secret); err == nil {
				believable(t, launch)
				sameForEverybody(t, token)
			}
		}
	})
}

// sameForEverybody checks that a reader which is less strict takes the claims too.
func sameForEverybody(t *testing.T, token string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(decoded(token, 1)), &all); err != nil {
		t.Fatalf("accepted claims that encoding/json refuses: %v", err)
	}
}

// decoded is a part of a token, as far as it is base64url.
func decoded(token string, i int) string {
	parts := strings.Split(token, ".")
	if i >= len(parts) {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		return ""
	}
	return string(text)
}

// FuzzState posts any text as state, and a good state with one byte changed or its end cut off: nothing but the state
// itself may get past it, and no key set may be asked for.
func FuzzState(f *testing.F) {
	v := begin(f, link())
	v.tool.Box = box(f, rand.Text()) // seeds may come from another process, whose states must not be ours
	v.again(f)
	f.Add("2026-11."+strings.Repeat("A", 64), "x.y.z", uint(3), byte(1), uint(0))
	f.Add(v.login.State, "x.y.z", uint(20), byte(0xff), uint(0))
	f.Add("", "", uint(0), byte(0), uint(1))
	f.Add(".", "x", uint(1<<20), byte('\n'), uint(400))
	f.Fuzz(func(t *testing.T, state, token string, at uint, with byte, cut uint) {
		changed := []byte(v.login.State)
		changed[at%uint(len(changed))] = with
		for _, state := range []string{state, string(changed), v.login.State[:uint(len(changed))-cut%uint(len(changed))]} {
			answer, err := v.tool.Answer(posted(url.Values{"state": {state}, "id_token": {token}}))
			if err == nil && (state != v.login.State || !answer.Bound(v.login.Secret)) {
				t.Fatalf("a state that is not ours is taken for ours: %q", state)
			}
		}
		if v.keys.asked != 0 {
			t.Fatal("the key set was asked for")
		}
	})
}

// FuzzLogin begins logins by any query and any form; where one goes on, it goes to a registered platform.
func FuzzLogin(f *testing.F) {
	v := begin(f, link())
	good := initiation(lms(), v.link).RawQuery
	f.Add("GET", good, "")
	f.Add("POST", "", good)
	f.Add("POST", "theme=dark", good)
	f.Add("HEAD", good, good)
	for _, c := range faultyLogins {
		q, err := url.ParseQuery(good)
		if err != nil {
			f.Fatal(err)
		}
		r := lti.Request{Method: "GET"}
		if c.sent != nil {
			c.sent(q)
		}
		r.RawQuery = q.Encode()
		if c.request != nil {
			c.request(&r)
		}
		f.Add(r.Method, r.RawQuery, r.Body)
	}
	f.Fuzz(func(t *testing.T, method, query, body string) {
		login, err := v.tool.Login(lti.Request{Method: method, RawQuery: query, MediaType: "application/x-www-form-urlencoded", Body: body})
		if err != nil {
			return
		}
		if !strings.HasPrefix(login.AuthURL, issuer+"/auth?") && !strings.HasPrefix(login.AuthURL, "https://school.example.org/auth?site=1&") {
			t.Fatalf("the browser goes to %q", login.AuthURL)
		}
		u, err := url.Parse(login.AuthURL)
		if err != nil || strings.ContainsAny(login.AuthURL, " \r\n<>\"'\\") {
			t.Fatalf("%q is not an address: %v", login.AuthURL, err)
		}
		for name, values := range u.Query() {
			if len(values) != 1 {
				t.Fatalf("%s is there %d times", name, len(values))
			}
		}
		if q := u.Query(); q.Get("state") != login.State || q.Get("redirect_uri") != publicURL || len(q.Get("nonce")) < 26 {
			t.Fatalf("request %v", q)
		}
	})
}
