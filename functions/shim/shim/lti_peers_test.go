package shim_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/peers"
)

const formType = "application/x-www-form-urlencoded"

// Launches that other people's libraries sign are taken, and refused when they were signed with another secret.
func TestPeersLaunch11(t *testing.T) {
	t.Parallel()
	for name, program := range peers.Signers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := caller{t, start(t)}
			launch := peers.Launch{
				URL: c.s.URL() + "/launch-lab/launch", Key: c.s.Keys().ConsumerKey, Secret: c.s.Keys().ConsumerSecret,
				Fields: map[string]string{
					"user_id": "8f1c0ffee", "roles": "Student,Learner", "custom_lab": "web", "context_title": "Söhne & <Töchter> 50 %",
					"context_id":       "course-v1:Academy+Web101+2026",
					"resource_link_id": "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c", "launch_presentation_return_url": "",
				},
			}
			got := c.call(http.MethodPost, launch.URL, formType, peers.Sign(t, program, launch))
			if got.code != http.StatusOK || ticketInPage.FindString(got.body) == "" {
				t.Fatalf("launch: %d\n%s", got.code, got.body)
			}
			launch.Secret = "another-secret-hunter2-of-32-characters"
			got = c.call(http.MethodPost, launch.URL, formType, peers.Sign(t, program, launch))
			if got.code != http.StatusForbidden || !strings.Contains(got.body, "lti_signature") {
				t.Errorf("another secret: %d, want 403 and lti_signature\n%s", got.code, got.body)
			}
		})
	}
}

// joseSite is the platform on jose and the shim, on loopback without TLS; the browser is played.
type joseSite struct {
	caller
	platform *peers.Platform
}

func startJose(t *testing.T) joseSite {
	t.Helper()
	p := peers.StartPlatform(t, peers.PlatformOptions{ClientID: ltiClientID, Deployment: ltiDeployment})
	s := startWith(t, ltiConfiguration(t, p, ""))
	p.SetTool(t, toolAt(s.URL(), s.URL()))
	return joseSite{caller{t, s}, p}
}

var (
	goOnTo    = regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]+)"`)
	anyAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	anyField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	claimsPre = regexp.MustCompile(`<pre id="claims">(.*)</pre>`)
)

// follow goes from the platform's link to the form that it answers with, as a browser without script.
func (j joseSite) follow(wish string) (action string, form url.Values, cookie string) {
	j.t.Helper()
	start := j.get(j.platform.Loopback + "/start?" + wish)
	login := j.get(start.Get("Location"))
	to := goOnTo.FindStringSubmatch(login.body)
	if login.code != http.StatusOK || to == nil {
		j.t.Fatalf("login: %d\n%s", login.code, login.body)
	}
	cookie, _, _ = strings.Cut(login.Get("Set-Cookie"), ";")
	answer := j.get(html.UnescapeString(to[1]))
	if answer.code != http.StatusOK {
		j.t.Fatalf("the platform says %d: %s", answer.code, answer.body)
	}
	action, form = formOf(j.t, answer.body)
	return action, form, cookie
}

// get asks without following a redirect.
func (j joseSite) get(address string) reply {
	j.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := client.Get(address)
	if err != nil {
		j.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		j.t.Fatal(err)
	}
	return reply{res.StatusCode, string(text), res.Header}
}

func formOf(t *testing.T, body string) (action string, form url.Values) {
	t.Helper()
	found := anyAction.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no form in\n%s", body)
	}
	form = url.Values{}
	for _, f := range anyField.FindAllStringSubmatch(body, -1) {
		form.Add(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(found[1]), form
}

func (j joseSite) launch(wish string) reply {
	j.t.Helper()
	action, form, cookie := j.follow(wish)
	return j.call(http.MethodPost, action, formType, form.Encode(), "Cookie", cookie)
}

// An LTI 1.3 platform on jose launches us, changes its key, reads our key set and takes our deep linking answer.
func TestPeerJose(t *testing.T) {
	t.Parallel()
	j := startJose(t)

	got := j.launch("lab=small")
	if got.code != http.StatusOK || ticketInPage.FindString(got.body) == "" || !strings.Contains(got.body, "A smaller one") {
		t.Fatalf("launch: %d\n%s", got.code, got.body)
	}
	if got := j.launch(""); got.code != http.StatusOK {
		t.Errorf("second launch: %d\n%s", got.code, got.body)
	}
	fetches := func() int {
		return len(slices.DeleteFunc(j.platform.Asked(t), func(r string) bool { return r != "GET /jwks.json" }))
	}
	if n := fetches(); n != 1 {
		t.Errorf("two launches fetched the key set %d times, want 1", n)
	}
	j.platform.Rotate(t)
	if got := j.launch(""); got.code != http.StatusOK || fetches() != 2 {
		t.Errorf("after a rotation: %d with %d fetches, want 200 with 2\n%s", got.code, fetches(), got.body)
	}

	action, form, _ := j.follow("")
	if got := j.call(http.MethodPost, action, formType, form.Encode()); got.code != http.StatusOK || ticketInPage.MatchString(got.body) || !strings.Contains(got.body, "browser_secret") {
		t.Errorf("without the cookie: %d, want the page that looks for the secret elsewhere\n%s", got.code, got.body)
	}
	action, form, cookie := j.follow("")
	token := form.Get("id_token")
	form.Set("id_token", token[:len(token)-8]+"AAAAAAAA")
	if got := j.call(http.MethodPost, action, formType, form.Encode(), "Cookie", cookie); got.code/100 != 4 || ticketInPage.MatchString(got.body) {
		t.Errorf("another signature: %d\n%s", got.code, got.body)
	}
}

func TestPeerJoseTakesOurKeysAndDeepLinks(t *testing.T) {
	t.Parallel()
	j := startJose(t)
	var set struct {
		Keys []struct {
			Kid, Alg, Use, Thumbprint string
			Bits                      int
			Members                   []string
		}
	}
	if err := json.Unmarshal([]byte(peers.Run(t, "", "verify-jwks.js", j.s.URL()+"/launch-lab/jwks.json")), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want 1", len(set.Keys))
	}
	k := set.Keys[0]
	if k.Kid != k.Thumbprint || k.Alg != "RS256" || k.Use != "sig" || k.Bits != 2048 || slices.Contains(k.Members, "d") {
		t.Errorf("our key is %+v", k)
	}

	picker := j.launch("deep=1&role=instructor")
	if picker.code != http.StatusOK {
		t.Fatalf("picker: %d\n%s", picker.code, picker.body)
	}
	action, form := formOf(t, picker.body)
	form.Set("lab", "small")
	back := j.call(http.MethodPost, action, formType, form.Encode(), "Sec-Fetch-Site", "same-origin", "Origin", j.s.URL())
	if back.code != http.StatusOK {
		t.Fatalf("choice: %d\n%s", back.code, back.body)
	}
	action, form = formOf(t, back.body)
	if action != j.platform.Issuer+"/return" {
		t.Errorf("the choice goes to %s", action)
	}
	shown := j.call(http.MethodPost, action, formType, form.Encode())
	text := claimsPre.FindStringSubmatch(shown.body)
	if shown.code != http.StatusOK || text == nil {
		t.Fatalf("the platform says %d: %s", shown.code, shown.body)
	}
	checkDeepLink(t, html.UnescapeString(text[1]))
}

// checkDeepLink looks at what jose has verified.
func checkDeepLink(t *testing.T, text string) {
	t.Helper()
	const dl = "https://purl.imsglobal.org/spec/lti-dl/claim/"
	var got struct {
		Claims map[string]any
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if data, _ := got.Claims[dl+"data"].(string); !strings.HasPrefix(data, "data-") {
		t.Errorf("data %q did not come back", data)
	}
	items, _ := got.Claims[dl+"content_items"].([]any)
	if len(items) != 1 {
		t.Fatalf("items %v, want one", items)
	}
	item, _ := items[0].(map[string]any)
	custom, _ := item["custom"].(map[string]any)
	if item["type"] != "ltiResourceLink" || item["title"] != "A smaller one" || custom["lab"] != "small" {
		t.Errorf("item %v", item)
	}
}
