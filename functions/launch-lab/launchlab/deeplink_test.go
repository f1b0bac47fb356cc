package launchlab_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// pick posts a choice as the picker's form does.
func pick(form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/pick", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// verified are the claims of a token of ours, checked with our key set as a platform does.
func (s *site) verified(t *testing.T, token string) map[string]any {
	t.Helper()
	var set struct {
		Keys []struct{ Kid, N, E, Alg, Use, Kty string }
	}
	if err := json.Unmarshal(s.serve(httptest.NewRequest(http.MethodGet, "/jwks.json", nil)).Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(set.Keys) == 0 {
		t.Fatalf("%d parts, %d keys", len(parts), len(set.Keys))
	}
	decode := func(text string) []byte {
		out, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var header struct{ Alg, Kid string }
	if err := json.Unmarshal(decode(parts[0]), &header); err != nil || header.Alg != "RS256" || header.Kid != set.Keys[0].Kid {
		t.Fatalf("header %s, keys %+v", decode(parts[0]), set.Keys)
	}
	key := rsa.PublicKey{N: new(big.Int).SetBytes(decode(set.Keys[0].N)), E: int(new(big.Int).SetBytes(decode(set.Keys[0].E)).Int64())}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key, crypto.SHA256, sum[:], decode(parts[2])); err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(decode(parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestDeepLinking(t *testing.T) {
	t.Parallel()
	s := start13(t, func(text string) string {
		const more = "\n    description: '<b>Serve</b> pages.'\n    cost: 4 cents an hour\n    expected_time: 3m"
		return strings.Replace(text, "title: Web server basics", "title: Web server basics"+more, 1)
	})
	link := s.lms.choosing()
	w := s.launch13(t, link)
	if w.Code != http.StatusOK {
		t.Fatalf("%d\n%s", w.Code, said(w))
	}
	text := html.UnescapeString(said(w))
	for _, want := range []string{"Web server basics", "A smaller one", "<b>Serve</b> pages.", "4 cents an hour", `action="/launch-lab/pick"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "Not for this consumer") || strings.Contains(w.Body.String(), "<b>Serve") {
		t.Errorf("the page:\n%s", said(w))
	}
	s.nothingDone(t) // choosing starts nothing

	ticket := hidden(w.Body.String()).Get("ticket")
	w = s.serve(pick(url.Values{"ticket": {ticket}, "lab": {"small", "web", "web"}}))
	if w.Code != http.StatusOK {
		t.Fatalf("%d\n%s", w.Code, said(w))
	}
	form := action.FindStringSubmatch(w.Body.String())
	if form == nil || html.UnescapeString(form[1]) != link.DeepLinkReturn {
		t.Errorf("the form goes to %q", form)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action "+s.lms.Issuer+";") {
		t.Errorf("policy %q", policy)
	}
	claims := s.verified(t, hidden(w.Body.String()).Get("JWT"))
	for name, want := range map[string]string{
		"iss": "client-1", "aud": s.lms.Issuer, ltiClaim + "message_type": "LtiDeepLinkingResponse", ltiClaim + "deployment_id": "1",
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %s", name, claims[name], want)
		}
	}
	if exp, _ := claims["exp"].(float64); exp < float64(time.Now().Unix()) {
		t.Errorf("exp %v", claims["exp"])
	}
	items, _ := json.Marshal(claims["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"])
	want := `[{"custom":{"lab":"small"},"title":"A smaller one","type":"ltiResourceLink","url":"` + toolURL + `/launch"},` +
		`{"custom":{"lab":"web"},"text":"\u003cb\u003eServe\u003c/b\u003e pages.","title":"Web server basics",` +
		`"type":"ltiResourceLink","url":"` + toolURL + `/launch"}]`
	if string(items) != want {
		t.Errorf("items\n got %s\nwant %s", items, want)
	}

	chosen := s.lms.link("u1")
	chosen.Custom = map[string]string{"lab": "small"}
	labPage(t, s.launch13(t, chosen)) // what was chosen launches
}

func TestNothingChosenIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := start13(t)
	ticket := hidden(s.launch13(t, s.lms.choosing()).Body.String()).Get("ticket")
	claims := s.verified(t, hidden(s.serve(pick(url.Values{"ticket": {ticket}})).Body.String()).Get("JWT"))
	if items, ok := claims["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"].([]any); !ok || len(items) != 0 {
		t.Errorf("claims %v", claims)
	}
}

func TestDeepLinkingIsForInstructors(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.choosing()
	link.Roles = nil
	problemPage(t, s.launch13(t, link), http.StatusForbidden, "deep_link_role")
	link = s.lms.choosing()
	link.ClientID = "client-2" // where instructors do not count
	w := s.launch13(t, link)
	problemPage(t, w, http.StatusForbidden, "deep_link_role")
	if !strings.Contains(w.Body.String(), "instructors: true") {
		t.Errorf("staff are not told what to change:\n%s", said(w))
	}
	s.nothingDone(t)
}

func TestDeepLinkingNeedsAKey(t *testing.T) {
	t.Parallel()
	s := start13(t, withoutKeys)
	w := s.launch13(t, s.lms.choosing())
	problemPage(t, w, http.StatusNotImplemented, "deep_link_keys")
	if !strings.Contains(w.Body.String(), "lti.tool_keys.current") {
		t.Errorf("staff are not told what to change:\n%s", said(w))
	}
	labPage(t, s.launch13(t, s.lms.link("u1"))) // launches need none
}

func withoutKeys(text string) string {
	before, after, _ := strings.Cut(text, "  tool_keys:")
	_, after, _ = strings.Cut(after, "\n")
	return before + after
}

func TestDeepLinkReturnIsThePlatformsOwn(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.choosing()
	link.DeepLinkReturn = "https://evil.example.org/"
	problemPage(t, s.launch13(t, link), http.StatusBadRequest, "lti_deep_link")
}

// Choices that do not hold. W04: the ticket and a page of ours, both.
func TestChoicesThatDoNotHold(t *testing.T) {
	t.Parallel()
	s := start13(t)
	ticket := hidden(s.launch13(t, s.lms.choosing()).Body.String()).Get("ticket")
	form, b := s.forge(t, s.lms.choosing(), func(claims map[string]any) {
		claims["https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"].(map[string]any)["accept_multiple"] = false
	})
	single := hidden(s.serve(post(form, b.cookie)).Body.String()).Get("ticket")
	lab := hidden(s.launch13(t, s.lms.link("u1")).Body.String()).Get("ticket")
	for name, c := range map[string]struct {
		form   url.Values
		site   string
		status int
		code   string
	}{
		"no ticket":             {url.Values{"lab": {"web"}}, "same-origin", 403, "pick_ticket"},
		"forged ticket":         {url.Values{"ticket": {ticket[:50] + "AAAA"}, "lab": {"web"}}, "same-origin", 403, "pick_ticket"},
		"a lab's ticket":        {url.Values{"ticket": {lab}, "lab": {"web"}}, "same-origin", 403, "pick_ticket"},
		"lab of others":         {url.Values{"ticket": {ticket}, "lab": {"secret"}}, "same-origin", 403, "lab_not_offered"},
		"one good, one not":     {url.Values{"ticket": {ticket}, "lab": {"web", "nowhere"}}, "same-origin", 403, "lab_not_offered"},
		"two where one may be":  {url.Values{"ticket": {single}, "lab": {"web", "small"}}, "same-origin", 403, "lab_not_offered"},
		"from another site":     {url.Values{"ticket": {ticket}, "lab": {"web"}}, "cross-site", 403, "cross_site"},
		"from a sister site":    {url.Values{"ticket": {ticket}, "lab": {"web"}}, "same-site", 403, "cross_site"},
		"a ticket in the query": {url.Values{}, "same-origin", 403, "pick_ticket"},
	} {
		r := pick(c.form)
		r.Header.Set("Sec-Fetch-Site", c.site)
		if name == "a ticket in the query" {
			r.URL.RawQuery = url.Values{"ticket": {ticket}, "lab": {"web"}}.Encode()
		}
		w := s.serve(r)
		problemPage(t, w, c.status, c.code)
		if strings.Contains(w.Body.String(), `name="JWT"`) {
			t.Errorf("%s: signed", name)
		}
	}
	if w := s.serve(pick(url.Values{"ticket": {single}, "lab": {"web"}})); w.Code != http.StatusOK {
		t.Errorf("one where one may be: %d", w.Code)
	}
}
