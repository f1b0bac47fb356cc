package lti_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/seal"
)

func TestC00GoodLaunch(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	got := v.good(t)
	custom := got.Custom["lab"]
	got.Custom = nil
	want := lti.Launch{
		Version: "1.3", Issuer: issuer, ClientID: clientID, Deployment: deployment, User: "6a8f-ada", Context: v.link.Context,
		ContextTitle: "Web servers 101", ResourceLink: v.link.ResourceLink, Role: lti.Learner, Name: "Ada Lovelace", Target: publicURL, LoginTarget: publicURL,
	}
	if custom != "web" || !equalJSON(t, got, want) {
		t.Errorf("launch %+v\nwant   %+v", got, want)
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}

// What platforms may do differently, each alone.
func TestGoodLaunches13(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault faultyLaunch // which is none
		want  func(l lti.Launch) bool
	}{
		{"C04 typ in small letters", headed("", "", map[string]any{"typ": "jwt"}), nil},
		{"C04 no typ", headed("", "", map[string]any{"typ": nil}), nil},
		{"C04 jku and x5u are not looked at", headed("", "", map[string]any{"jku": "https://evil.example.org/", "x5u": "https://evil.example.org/"}), nil},
		{"C04 jwk is not looked at", headed("", "", map[string]any{"jwk": attackerKey}), nil},
		{"C04 RS512 if registered", faultyLaunch{header: map[string]any{"alg": "RS512"}, tool: func(t *lti.Tool) {
			t.Registrations[0].Algorithms = []string{"RS256", "RS512"}
		}}, nil},
		{"C08 aud is an array of one", put("", "", "aud", []string{clientID}), nil},
		{"C08 no azp", claimed("", "", func(c map[string]any) { delete(c, "azp") }), nil},
		{"C09 times with fractions", claimed("", "", func(c map[string]any) { c["iat"], c["exp"] = float64(unix(0))+0.15, float64(unix(time.Hour))+0.5 }), nil},
		{"C09 iat ten minutes old", put("", "", "iat", unix(-600*time.Second)), nil},
		{"C09 clock a minute ahead", put("", "", "iat", unix(60*time.Second)), nil},
		{"C09 exp passed within the skew", put("", "", "exp", unix(-59*time.Second)), nil},
		{"C09 nbf within the skew", put("", "", "nbf", unix(60*time.Second)), nil},
		{"C12 second deployment", put("", "", claim+"deployment_id", "2"), func(l lti.Launch) bool { return l.Deployment == "2" }},
		{"C14 signed target decides", put("", "", claim+"target_link_uri", "https://hooks.example.org/launch-lab/labs/web"), func(l lti.Launch) bool {
			return l.Target == "https://hooks.example.org/launch-lab/labs/web" && l.LoginTarget == publicURL
		}},
		{"C14 host in another case", put("", "", claim+"target_link_uri", "https://hooks.EXAMPLE.org/launch-lab/launch"), func(l lti.Launch) bool {
			return l.Target == "https://hooks.EXAMPLE.org/launch-lab/launch"
		}},
		{"C14 target with a query", put("", "", claim+"target_link_uri", publicURL+"?lab=web"), func(l lti.Launch) bool { return l.Target == publicURL+"?lab=web" }},
		{"C15 sub of 255 bytes", put("", "", "sub", strings.Repeat("x", 255)), func(l lti.Launch) bool { return len(l.User) == 255 }},
		{"C15 no roles in the array", put("", "", claim+"roles", []string{}), func(l lti.Launch) bool { return l.Role == lti.Learner }},
		{"C15 no context, as from a library", claimed("", "", func(c map[string]any) { delete(c, claim+"context") }), func(l lti.Launch) bool { return l.Context == "" }},
		{"C15 context is null", put("", "", claim+"context", nil), nil},
		{"C15 no name", claimed("", "", func(c map[string]any) { delete(c, "name") }), func(l lti.Launch) bool { return l.Name == "" }},
		{"custom as PHP encodes none", put("", "", claim+"custom", []string{}), func(l lti.Launch) bool { return len(l.Custom) == 0 }},
		{"no custom", claimed("", "", func(c map[string]any) { delete(c, claim+"custom") }), func(l lti.Launch) bool { return l.Custom != nil }},
		{
			"custom of other types", put("", "", claim+"custom", map[string]any{"n": 12, "f": 1.5, "b": true, "o": map[string]any{}, "l": []int{1}, "z": nil, "s": "x"}),
			func(l lti.Launch) bool {
				return len(l.Custom) == 4 && l.Custom["n"] == "12" && l.Custom["f"] == "1.5" && l.Custom["b"] == "true" && l.Custom["s"] == "x"
			},
		},
		{"document_target of a new window", put("", "", claim+"launch_presentation", map[string]any{"document_target": "window"}), nil},
		{"no presentation", claimed("", "", func(c map[string]any) { delete(c, claim+"launch_presentation") }), func(l lti.Launch) bool { return l.Locale == "" }},
		{"locale", put("", "", claim+"launch_presentation", map[string]any{"locale": "de-AT"}), func(l lti.Launch) bool { return l.Locale == "de-AT" }},
		{"return address of the platform", returning(issuer + "/course"), returns(issuer + "/course")},
		{"return address on a listed origin", returning("https://studio.example.org/course"), returns("https://studio.example.org/course")},
		{"return address of a stranger", returning("https://evil.example.org/"), returns("")},
		{"return address without TLS", returning("http://lms.example.org/course"), returns("")},
		{"return address with a backslash", returning(issuer + `/\evil`), returns("")},
		{"return address with a space", returning(issuer + "/a b"), returns("")},
		{"return address that is not ASCII", returning(issuer + "/ü"), returns("")},
		{"return address is script", returning("javascript:alert(1)"), returns("")},
		{"unknown claims", put("", "", "https://example.org/claim", map[string]any{"a": []any{1, nil, true}}), nil},
		{"C17 duplicate member names in different objects", faultyLaunch{text: inserted(`"x":{"sub":1},"y":{"sub":2}`)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := begin(t, link())
			if c.fault.tool != nil {
				c.fault.tool(&v.tool)
			}
			got, err := v.finish(t.Context(), c.fault.answered(v), v.login.Secret)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if c.want != nil && !c.want(got) {
				t.Errorf("launch %+v", got)
			}
		})
	}
}

func returning(address string) faultyLaunch {
	return put("", "", claim+"launch_presentation", map[string]any{"return_url": address})
}

func returns(want string) func(lti.Launch) bool {
	return func(l lti.Launch) bool { return l.ReturnURL == want }
}

func TestC16Roles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		roles []string
		want  lti.Role
	}{
		"C16 learner with the roles of nobody":  {ltitest.LearnerRoles, lti.Learner},
		"C16 community assistant of Open edX":   {ltitest.AssistantRoles, lti.Learner},
		"C16 course admin of Open edX":          {ltitest.InstructorRoles, lti.Instructor},
		"C16 course staff of Open edX":          {[]string{role + "membership#Instructor"}, lti.Instructor},
		"C16 administrator of the institution":  {[]string{role + "institution/person#Administrator"}, lti.Instructor},
		"C16 instructor elsewhere":              {[]string{role + "institution/person#Instructor"}, lti.Learner},
		"C16 assistant alone":                   {[]string{role + "membership/Instructor#TeachingAssistant"}, lti.Learner},
		"C16 sub-role that sounds like it":      {[]string{role + "membership/Learner#Instructor"}, lti.Learner},
		"C16 short name":                        {[]string{"Instructor"}, lti.Learner},
		"C16 name of LTI 1.1":                   {[]string{"urn:lti:role:ims/lis/Instructor"}, lti.Learner},
		"C16 in small letters":                  {[]string{role + "membership#instructor"}, lti.Learner},
		"C16 a comma list in one role":          {[]string{role + "membership#Learner," + role + "membership#Instructor"}, lti.Learner},
		"C16 with a space":                      {[]string{" " + role + "membership#Instructor"}, lti.Learner},
		"C16 test user of Canvas":               {[]string{"http://purl.imsglobal.org/vocab/lti/system/person#TestUser"}, lti.Learner},
		"C16 the vocabulary's older membership": {[]string{"http://purl.imsglobal.org/vocab/lis/v1/membership#Instructor"}, lti.Learner},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := link()
			l.Roles = c.roles
			if got := begin(t, l).good(t); got.Role != c.want {
				t.Errorf("%s, want %s", got.Role, c.want)
			}
			v := begin(t, l)
			v.tool.Registrations[0].Instructors = false
			if got := v.good(t); got.Role != lti.Learner {
				t.Errorf("without the switch: %s", got.Role)
			}
		})
	}
}

func TestDeepLinkingRequest(t *testing.T) {
	t.Parallel()
	l := link()
	// Open edX: the login names the block's address, the token the one of deep linking; without data.
	l.LoginTarget, l.Target = publicURL, publicURL+"?deep=1"
	l.DeepLinkReturn, l.Roles = "https://studio.example.org/deep_linking/return", ltitest.InstructorRoles
	got := begin(t, l).good(t)
	if got.DeepLink == nil || got.DeepLink.ReturnURL != l.DeepLinkReturn || !got.DeepLink.AcceptMultiple || got.DeepLink.Data != "" || got.ResourceLink != "" ||
		got.Role != lti.Instructor || got.Target != publicURL+"?deep=1" || got.LoginTarget != publicURL {
		t.Errorf("launch %+v, deep link %+v", got, got.DeepLink)
	}

	v := begin(t, link())
	claims := v.claims()
	asDeepLink(claims)
	all := claims[dlClaim+"deep_linking_settings"].(map[string]any)
	all["data"], all["title"], all["text"], all["accept_multiple"] = "a+b/c= <ü>", "Pick", "one", false
	got, err := v.finish(t.Context(), posted(url.Values{"state": {v.login.State}, "id_token": {lms().Sign(claims)}}), v.login.Secret)
	want := lti.DeepLink{ReturnURL: issuer + "/deep_linking/return", Data: "a+b/c= <ü>", Title: "Pick", Text: "one"}
	if err != nil || got.DeepLink == nil || *got.DeepLink != want {
		t.Errorf("deep link %+v, %v", got.DeepLink, err)
	}
}

func TestDeepLinkClaims(t *testing.T) {
	t.Parallel()
	chosen := []lti.Choice{
		{Title: "Web", Text: "A server", URL: publicURL, Lab: "web", Icon: "https://hooks.example.org/web.png"},
		{Title: "DB", URL: publicURL, Lab: "db"},
	}
	got := lti.DeepLinkClaims(issuer, clientID, deployment, lti.DeepLink{Data: "kept"}, chosen, now)
	nonce, _ := got["nonce"].(string)
	delete(got, "nonce")
	want := map[string]any{
		"iss": clientID, "aud": issuer, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		claim + "message_type": "LtiDeepLinkingResponse", claim + "version": "1.3.0", claim + "deployment_id": deployment, dlClaim + "data": "kept",
		dlClaim + "content_items": []any{
			map[string]any{
				"type": "ltiResourceLink", "title": "Web", "text": "A server", "url": publicURL, "custom": map[string]any{"lab": "web"},
				"icon": map[string]any{"url": "https://hooks.example.org/web.png"},
			},
			map[string]any{"type": "ltiResourceLink", "title": "DB", "url": publicURL, "custom": map[string]any{"lab": "db"}},
		},
	}
	if !equalJSON(t, got, want) || len(nonce) < 26 {
		t.Errorf("claims %v\nwant   %v", got, want)
	}
	none := lti.DeepLinkClaims(issuer, clientID, deployment, lti.DeepLink{}, nil, now)
	if text, err := json.Marshal(none[dlClaim+"content_items"]); err != nil || string(text) != "[]" {
		t.Errorf("nothing chosen: %s, %v", text, err)
	}
	if _, there := none[dlClaim+"data"]; there || none["nonce"] == nonce {
		t.Error("data that was not sent goes back, or a nonce is used twice")
	}
}

func TestC10Replay(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	r := posted(v.form())
	if _, err := v.finish(t.Context(), r, v.login.Secret); err != nil {
		t.Fatal(err)
	}
	_, err := v.finish(t.Context(), r, v.login.Secret)
	if fault := isRefusal(t, err, lti.CodeReplayed); fault.Status != 409 || !strings.Contains(fault.Public, "from your course") {
		t.Errorf("refusal %+v", fault)
	}
	// Nor with another token for the same login.
	_, err = v.finish(t.Context(), posted(v.form()), v.login.Secret)
	isRefusal(t, err, lti.CodeReplayed)
	for stored, ttl := range v.store.keys {
		if ttl < 10*time.Minute || len(stored) > 100 || strings.Contains(stored, v.nonce) {
			t.Errorf("%q is kept for %s: shorter than the state lives, or longer than needed", stored, ttl)
		}
	}
}

func TestC10OneOfManyReplaysWins(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	r := posted(v.form())
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 100 {
		wg.Go(func() {
			if _, err := v.finish(context.Background(), r, v.login.Secret); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 100 replays were accepted, want 1", won)
	}
}

func TestC10StoreDown(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	cause := errors.New("connection refused by redis at 10.0.0.5")
	v.store.err = cause
	_, err := v.finish(t.Context(), posted(v.form()), v.login.Secret)
	fault := isRefusal(t, err, lti.CodeUnavailable)
	if fault.Status != 503 || !errors.Is(err, cause) || strings.Contains(fault.Public+fault.Detail, "redis") {
		t.Errorf("refusal %+v", fault)
	}
	v.store.err = nil
	v.good(t)
}

func TestC07AnyOtherErrorOfTheKeySetIsAnOutage(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	v.keys.err = context.DeadlineExceeded
	_, err := v.finish(t.Context(), posted(v.form()), v.login.Secret)
	if fault := isRefusal(t, err, lti.CodeUnavailable); fault.Status != 503 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("refusal %+v", fault)
	}
}

// C03: the answer says whose secret is wanted, and what the page needs to get it.
func TestC03Answer(t *testing.T) {
	t.Parallel()
	l := link()
	l.StorageTarget = "_parent"
	v := begin(t, l)
	form := v.form()
	form.Set("browser_secret", v.login.Secret)
	answer, err := v.tool.Answer(posted(form))
	if err != nil {
		t.Fatal(err)
	}
	if answer.ID != v.login.ID || answer.StorageTarget != "_parent" || answer.Registration.ClientID != clientID || answer.Posted != v.login.Secret {
		t.Errorf("answer %+v", answer)
	}
	if len(answer.Fields) != 2 || answer.Fields[0] != [2]string{"state", form.Get("state")} || answer.Fields[1] != [2]string{"id_token", form.Get("id_token")} {
		t.Errorf("fields %v", answer.Fields)
	}
	if !answer.Bound(v.login.Secret) || answer.Bound("") || answer.Bound(v.login.ID) || (lti.Answer{}).Bound("") || (lti.Answer{}).Bound("x") {
		t.Error("the wrong secrets are bound")
	}
	if v.keys.asked+v.store.asked != 0 {
		t.Error("reading an answer asked somebody")
	}
}

// R12: the login can be begun once more in a new tab, with the parameters of the first.
func TestC03AgainBeginsTheSameLogin(t *testing.T) {
	t.Parallel()
	l := link()
	l.StorageTarget = "_parent"
	v := begin(t, l)
	answer, err := v.tool.Answer(posted(v.form()))
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.tool.Login(lti.Request{Method: "GET", RawQuery: answer.Again.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	first, then := query(t, v.login.AuthURL), query(t, second.AuthURL)
	for _, name := range []string{"login_hint", "lti_message_hint", "client_id", "redirect_uri"} {
		if first.Get(name) == "" || first.Get(name) != then.Get(name) {
			t.Errorf("%s: %q and %q", name, first.Get(name), then.Get(name))
		}
	}
	if answer.Again.Get("target_link_uri") != publicURL || answer.Again.Get("lti_deployment_id") != deployment || answer.Again.Has("lti_storage_target") {
		t.Errorf("again %v", answer.Again)
	}
	if second.Secret == v.login.Secret || second.State == v.login.State {
		t.Error("the second login is the first")
	}
}

func TestC03LongHintsCannotBeginAgain(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	long := url.Values{"iss": {issuer}, "login_hint": {"x"}, "lti_message_hint": {strings.Repeat("x", 2<<10)}, "target_link_uri": {publicURL}}
	login, err := v.tool.Login(lti.Request{Method: "GET", RawQuery: long.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	v.login, v.nonce = login, query(t, login.AuthURL).Get("nonce")
	answer, err := v.tool.Answer(posted(v.form()))
	if err != nil || answer.Again != nil || len(login.State) > 1<<10 {
		t.Errorf("again %v with a state of %d bytes, %v", answer.Again, len(login.State), err)
	}
	v.good(t)
}

// R1 and R6: instances share keys to seal with and nothing else; a new key comes first, the old one still opens.
func TestAnotherInstanceFinishesALogin(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	secret := func(id string) seal.Key {
		return seal.Key{ID: id, Secret: []byte("hunter2, a key to seal with, " + strings.Repeat(id, 8))}
	}
	rotated, err := seal.New(secret("2026-12"), secret("2026-11"))
	if err != nil {
		t.Fatal(err)
	}
	other := *v
	other.tool.Box = rotated
	other.good(t)

	stranger := begin(t, link())
	stranger.tool.Box = box(t, "2026-12")
	_, err = stranger.finish(t.Context(), posted(stranger.form()), stranger.login.Secret)
	isRefusal(t, err, lti.CodeState)
}

func TestC02ValuesSealedForAnotherPurpose(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	ticket, err := v.tool.Box.Seal("ticket", map[string]string{"iss": issuer, "c": clientID}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	form := v.form()
	form.Set("state", ticket)
	_, err = v.finish(t.Context(), posted(form), v.login.Secret)
	isRefusal(t, err, lti.CodeState)
}

func TestC01ErrorOfThePlatformIsNamedIfItLooksLikeOne(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	for sent, want := range map[string]string{
		"login_required": "the platform answered login_required", "<b>": "the platform answered with an error", strings.Repeat("a", 41): "the platform answered with an error",
	} {
		_, err := v.tool.Answer(posted(url.Values{"state": {v.login.State}, "error": {sent}, "error_description": {"evil"}}))
		if fault := isRefusal(t, err, lti.CodePlatformError); fault.Detail != want {
			t.Errorf("%q: %q", sent, fault.Detail)
		}
	}
}

// What cannot work for anybody is our fault, and nobody's browser is sent anywhere.
func TestBrokenConfigurationIsNotTheSendersFault(t *testing.T) {
	t.Parallel()
	badAddress := tool(t, &seen{}, &keys{})
	badAddress.Registrations[0].AuthURL = "https://lms example org/"
	badBox := tool(t, &seen{}, &keys{})
	badBox.Box = noSealer{}
	for _, broken := range []lti.Tool{badAddress, badBox} {
		login, err := broken.Login(initiation(lms(), link()))
		fault, ok := errors.AsType[*lti.Error](err)
		if !ok || fault.Status != 500 || fault.Code != "internal" || fault.Err == nil || !strings.Contains(err.Error(), fault.Err.Error()) || login.AuthURL != "" {
			t.Errorf("login %+v, %v", login, err)
		}
	}
}

type noSealer struct{ lti.Sealer }

func (noSealer) Seal(string, any, time.Time) (string, error) { return "", errors.New("no key") }

// Names of fields get into logs and onto the page of staff; they come from whoever sent the form.
func TestHostileFieldNamesAreTamedInDetails(t *testing.T) {
	t.Parallel()
	v := begin(t, link())
	name := "a\r\n\x00" + strings.Repeat("ü", 100)
	r := posted(v.form())
	r.Body += "&" + url.QueryEscape(name) + "=1&" + url.QueryEscape(name) + "=2"
	_, err := v.tool.Answer(r)
	fault := isRefusal(t, err, lti.CodeDuplicate)
	if strings.ContainsAny(fault.Detail, "\r\n\x00") || len(fault.Detail) > 120 {
		t.Errorf("detail %q", fault.Detail)
	}
}

func TestIs13(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"id_token=x&state=y": true, "state=y": true, "error=x": true, "a=b&id%5Ftoken=x": true, "id_token": true,
		"": false, "&&=": false, "%zz=1&a=id_token": false, "custom_state=x": false, "id_token2=x": false, strings.Repeat("&", 128<<10) + "&state=x": false,
	} {
		if got := lti.Is13(body); got != want {
			t.Errorf("%.40q: %v", body, got)
		}
	}
	if lti.Is13(request(launch()).Body) {
		t.Error("a launch of LTI 1.1 is taken for one of 1.3")
	}
}

// The whole way with a real key set, over HTTP, as a browser goes it; then once more after the platform changed its key.
func TestPlatformRoundTrip(t *testing.T) {
	t.Parallel()
	platform := newPlatform("")
	server := httptest.NewServer(platform.Handler())
	t.Cleanup(server.Close)
	platform.Issuer = server.URL
	cache := keyset.NewCache(keyset.CacheOptions{Client: server.Client(), Now: func() time.Time { return now }})
	school := tool(t, &seen{}, nil)
	school.Keys = cache
	school.Registrations = []lti.Registration{{
		Issuer: server.URL, ClientID: clientID, Deployments: []string{deployment}, AuthURL: platform.AuthURL(), JWKSURL: platform.JWKSURL(),
	}}
	for range 2 {
		for range 2 {
			login, err := school.Login(initiation(platform, link()))
			if err != nil {
				t.Fatal(err)
			}
			r := submitted(t, server.Client(), login.AuthURL)
			answer, err := school.Answer(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := school.Verify(t.Context(), answer, login.Secret); err != nil || got.User != "6a8f-ada" {
				t.Fatalf("launch %+v, %v", got, err)
			}
		}
		platform.Rotate()
	}
	if platform.Fetches() != 2 {
		t.Errorf("the key set was fetched %d times for two keys", platform.Fetches())
	}
}

func TestPlatformAnswersWithAnError(t *testing.T) {
	t.Parallel()
	platform := newPlatform("")
	server := httptest.NewServer(platform.Handler())
	t.Cleanup(server.Close)
	platform.Issuer = server.URL
	v := begin(t, link())
	v.tool.Registrations[0].Issuer, v.tool.Registrations[0].AuthURL = server.URL, platform.AuthURL()
	l := link()
	l.Error = "login_required"
	login, err := v.tool.Login(initiation(platform, l))
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.tool.Answer(submitted(t, server.Client(), login.AuthURL))
	isRefusal(t, err, lti.CodePlatformError)
}

var (
	inputs = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)
	action = regexp.MustCompile(`action="([^"]*)"`)
)

// submitted is what a browser posts that follows address and submits the form which it finds there.
func submitted(t *testing.T, client *http.Client, address string) lti.Request {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", response.Status, page, err)
	}
	if to := action.FindSubmatch(page); to == nil || string(to[1]) != publicURL {
		t.Fatalf("the form goes to %q", to)
	}
	form := url.Values{}
	for _, field := range inputs.FindAllSubmatch(page, -1) {
		form.Add(string(field[1]), html.UnescapeString(string(field[2])))
	}
	return posted(form)
}
