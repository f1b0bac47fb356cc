package lti_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/keyset"
)

const (
	claim   = "https://purl.imsglobal.org/spec/lti/claim/"
	dlClaim = "https://purl.imsglobal.org/spec/lti-dl/claim/"
	role    = "http://purl.imsglobal.org/vocab/lis/v2/"
)

// A faulty launch: a good one of LTI 1.3 with one fault, at the place that is not nil.
type faultyLaunch struct {
	name   string
	code   lti.Code
	claims func(c map[string]any)
	text   func(claims string) string // changes the claims' JSON before it is signed
	header map[string]any
	token  func(token string) string
	form   func(f url.Values)
	post   func(r *lti.Request)
	secret func(secret string) string
	tool   func(t *lti.Tool) // changes between login and answer
	keys   error
}

func claimed(name, code string, change func(c map[string]any)) faultyLaunch {
	return faultyLaunch{name: name, code: lti.Code(code), claims: change}
}

// put makes a fault of a claim's value, drop of its absence.
func put(name string, code lti.Code, member string, value any) faultyLaunch {
	return claimed(name, string(code), func(c map[string]any) { c[member] = value })
}

func drop(name, member string) faultyLaunch {
	return claimed(name, string(lti.CodeMissing), func(c map[string]any) { delete(c, member) })
}

// settings changes the settings of a deep linking request.
func settings(name string, code lti.Code, member string, value any) faultyLaunch {
	return claimed(name, string(code), func(c map[string]any) {
		asDeepLink(c)
		c[dlClaim+"deep_linking_settings"].(map[string]any)[member] = value
	})
}

func asDeepLink(c map[string]any) {
	c[claim+"message_type"] = "LtiDeepLinkingRequest"
	delete(c, claim+"resource_link")
	c[dlClaim+"deep_linking_settings"] = map[string]any{
		"deep_link_return_url": issuer + "/deep_linking/return", "accept_types": []string{"link", "ltiResourceLink"}, "accept_multiple": true,
	}
}

func headed(name string, code lti.Code, header map[string]any) faultyLaunch {
	return faultyLaunch{name: name, code: code, header: header}
}

func tokened(name string, code lti.Code, change func(token string) string) faultyLaunch {
	return faultyLaunch{name: name, code: code, token: change}
}

func formed(name string, code lti.Code, change func(f url.Values)) faultyLaunch {
	return faultyLaunch{name: name, code: code, form: change}
}

func part(token string, i int) string { return strings.Split(token, ".")[i] }

func behindHeader(token string) string { return "." + part(token, 1) + "." + part(token, 2) }

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// inserted puts text behind the first brace.
func inserted(text string) func(string) string {
	return func(claims string) string { return "{" + text + "," + claims[1:] }
}

func unix(d time.Duration) int64 { return now.Add(d).Unix() }

var attackerKey = func() map[string]any {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return map[string]any{
		"kty": "RSA", "kid": "evil", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}()

// signedElsewhere is the token's claims, signed by another platform that uses this one's kid.
func signedElsewhere(header map[string]any) func(string) string {
	return func(token string) string {
		text, err := base64.RawURLEncoding.DecodeString(part(token, 1))
		if err != nil {
			panic(err)
		}
		all := map[string]any{}
		all["kid"], _ = lms().Key()
		maps.Copy(all, header)
		return otherLMS().SignText(all, string(text))
	}
}

var faultyLaunches = []faultyLaunch{
	{name: "C01 GET", code: lti.CodeMethod, post: func(r *lti.Request) { r.Method, r.RawQuery, r.Body = "GET", r.Body, "" }},
	{name: "C01 JSON", code: lti.CodeMediaType, post: func(r *lti.Request) { r.MediaType = "application/json" }},
	{name: "C01 multipart", code: lti.CodeMediaType, post: func(r *lti.Request) { r.MediaType = "multipart/form-data; boundary=x" }},
	{name: "C01 more than 128 KiB", code: lti.CodeTooLarge, post: func(r *lti.Request) { r.Body += strings.Repeat("&", 128<<10) }},
	{name: "C01 broken escape", code: lti.CodeEncoding, post: func(r *lti.Request) { r.Body += "&x=%zz" }},
	{name: "C01 broken escape in the query", code: lti.CodeEncoding, post: func(r *lti.Request) { r.RawQuery = "x=%zz" }},
	{name: "C01 more than 300 fields", code: lti.CodeTooLarge, post: func(r *lti.Request) { r.RawQuery = strings.Repeat("x&", 299) }},
	{name: "C01 a field twice under two spellings", code: lti.CodeDuplicate, post: func(r *lti.Request) { r.Body += "&id%5Ftoken=x" }},
	{name: "C01 id_token in the query", code: lti.CodeQuery, post: func(r *lti.Request) { r.RawQuery = "id_token=evil" }},
	{name: "C01 state in the query", code: lti.CodeQuery, post: func(r *lti.Request) { r.RawQuery = "state=evil" }},
	{name: "C01 error in the query", code: lti.CodeQuery, post: func(r *lti.Request) { r.RawQuery = "error=evil" }},
	{name: "C01 the browser's secret in the query", code: lti.CodeQuery, post: func(r *lti.Request) { r.RawQuery = "browser_secret=evil" }},
	formed("C01 two states", lti.CodeDuplicate, func(f url.Values) { f.Add("state", f.Get("state")) }),
	formed("C01 two tokens", lti.CodeDuplicate, func(f url.Values) { f.Add("id_token", f.Get("id_token")) }),
	formed("C01 no state", lti.CodeMissing, func(f url.Values) { f.Del("state") }),
	formed("C01 empty state", lti.CodeMissing, func(f url.Values) { f.Set("state", "") }),
	formed("C01 no token", lti.CodeMissing, func(f url.Values) { f.Del("id_token") }),
	formed("C01 empty token", lti.CodeMissing, func(f url.Values) { f.Set("id_token", "") }),
	formed("C01 error of the platform", lti.CodePlatformError, func(f url.Values) { f.Del("id_token"); f.Set("error", "login_required") }),
	formed("C01 error without state", lti.CodePlatformError, func(f url.Values) { f.Del("state"); f.Set("error", "login_required") }),
	formed("C01 error beside a token", lti.CodePlatformError, func(f url.Values) { f.Set("error", "access_denied") }),
	formed("C01 error with markup", lti.CodePlatformError, func(f url.Values) { f.Set("error", "<script>alert(1)</script>") }),
	formed("C01 empty error", lti.CodePlatformError, func(f url.Values) { f.Set("error", "") }),
	formed("C02 error with a state that is not ours", lti.CodeState, func(f url.Values) { f.Set("error", "login_required"); f.Set("state", "evil") }),
	formed("C02 state is any text", lti.CodeState, func(f url.Values) { f.Set("state", "evil") }),
	formed("C02 state is cut", lti.CodeState, func(f url.Values) { f.Set("state", f.Get("state")[:len(f.Get("state"))-1]) }),
	formed("C02 state is changed", lti.CodeState, func(f url.Values) { f.Set("state", strings.Replace(f.Get("state"), ".", ".A", 1)) }),
	formed("C02 state with a line end", lti.CodeState, func(f url.Values) { f.Set("state", f.Get("state")+"\n") }),
	{name: "C02 state too old", code: lti.CodeStateExpired, tool: func(t *lti.Tool) { t.Now = func() time.Time { return now.Add(10 * time.Minute) } }},
	{name: "C03 no secret", code: lti.CodeBinding, secret: func(string) string { return "" }},
	{name: "C03 another secret", code: lti.CodeBinding, secret: func(string) string { return rand.Text() }},
	{name: "C03 a secret in other case", code: lti.CodeBinding, secret: strings.ToLower},
	{name: "C03 a secret cut short", code: lti.CodeBinding, secret: func(s string) string { return s[1:] }},

	headed("C04 alg none", lti.CodeAlgorithm, map[string]any{"alg": "none"}),
	tokened("C04 alg none without a signature", lti.CodeAlgorithm, func(token string) string {
		return encoded(`{"alg":"none"}`) + "." + part(token, 1) + "."
	}),
	headed("C04 alg HS256", lti.CodeAlgorithm, map[string]any{"alg": "HS256"}),
	headed("C04 alg RS384 not registered", lti.CodeAlgorithm, map[string]any{"alg": "RS384"}),
	headed("C04 alg ES256", lti.CodeAlgorithm, map[string]any{"alg": "ES256"}),
	headed("C04 alg in small letters", lti.CodeAlgorithm, map[string]any{"alg": "rs256"}),
	headed("C04 no alg", lti.CodeAlgorithm, map[string]any{"alg": nil}),
	headed("C04 alg is a list", lti.CodeAlgorithm, map[string]any{"alg": []string{"RS256"}}),
	{name: "C04 HMAC registered by mistake", code: lti.CodeAlgorithm, header: map[string]any{"alg": "HS256"}, tool: func(t *lti.Tool) {
		t.Registrations[0].Algorithms = []string{"HS256"}
	}},
	headed("C04 crit", lti.CodeToken, map[string]any{"crit": []string{"exp"}}),
	headed("C04 crit b64", lti.CodeToken, map[string]any{"crit": []string{"b64"}, "b64": true}),
	headed("C04 b64", lti.CodeToken, map[string]any{"b64": false}),
	headed("C04 typ of an access token", lti.CodeToken, map[string]any{"typ": "at+jwt"}),
	headed("C04 typ is a number", lti.CodeToken, map[string]any{"typ": 1}),
	tokened("C04 two parts", lti.CodeToken, func(token string) string { return part(token, 0) + "." + part(token, 1) }),
	tokened("C04 four parts", lti.CodeToken, func(token string) string { return token + ".x" }),
	tokened("C04 encrypted, five parts", lti.CodeToken, func(string) string {
		return encoded(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".a.b.c.d"
	}),
	tokened("C04 JSON serialisation", lti.CodeToken, func(token string) string {
		return `{"protected":"` + part(token, 0) + `","payload":"` + part(token, 1) + `","signature":"` + part(token, 2) + `"}`
	}),
	tokened("C04 a space in front", lti.CodeToken, func(token string) string { return " " + token }),
	tokened("C04 a line end inside", lti.CodeToken, func(token string) string { return strings.Replace(token, ".", ".\n", 1) }),
	tokened("C04 padding", lti.CodeToken, func(token string) string { return token + "==" }),
	tokened("C04 header is not base64", lti.CodeToken, func(token string) string { return "A" + behindHeader(token) }),
	tokened("C04 no header", lti.CodeToken, behindHeader),
	headed("C04 jwk is no key", lti.CodeToken, map[string]any{"jwk": "evil"}),
	tokened("C04 header is no JSON", lti.CodeToken, func(token string) string { return encoded("RS256") + behindHeader(token) }),
	tokened("C04 header with alg twice", lti.CodeToken, func(token string) string {
		return encoded(`{"alg":"RS256","kid":"x","alg":"none"}`) + behindHeader(token)
	}),
	tokened("C04 something behind the header", lti.CodeToken, func(token string) string {
		return encoded(`{"alg":"RS256","kid":"x"}{}`) + behindHeader(token)
	}),
	tokened("C04 key of an attacker as jwk", lti.CodeTokenSignature, signedElsewhere(map[string]any{"jwk": attackerKey})),
	tokened("C04 key of an attacker by jku", lti.CodeTokenSignature, signedElsewhere(map[string]any{"jku": "https://evil.example.org/jwks.json"})),
	tokened("C04 key of an attacker by x5u", lti.CodeTokenSignature, signedElsewhere(map[string]any{"x5u": "https://evil.example.org/cert.pem"})),

	headed("C05 no kid", lti.CodeKey, map[string]any{"kid": nil}),
	headed("C05 empty kid", lti.CodeKey, map[string]any{"kid": ""}),
	headed("C05 kid is a number", lti.CodeKey, map[string]any{"kid": 1}),
	headed("C05 kid of more than 255 bytes", lti.CodeKey, map[string]any{"kid": strings.Repeat("x", 256)}),
	headed("C05 unknown kid", lti.CodeKey, map[string]any{"kid": "evil"}),
	tokened("C05 key of another platform", lti.CodeKey, func(token string) string {
		kid, _ := otherLMS().Key()
		return signedElsewhere(map[string]any{"kid": kid})(token)
	}),
	tokened("C05 signed by another key", lti.CodeTokenSignature, signedElsewhere(nil)),
	{name: "C05 key unfit", code: lti.CodeKeyUnfit, keys: keyset.ErrUnfit},
	tokened("C05 no signature", lti.CodeTokenSignature, func(token string) string { return token[:strings.LastIndex(token, ".")+1] }),
	tokened("C05 signature cut", lti.CodeTokenSignature, func(token string) string { return token[:len(token)-4] }),
	tokened("C05 other claims under the signature", lti.CodeTokenSignature, func(token string) string {
		return part(token, 0) + "." + encoded(`{"sub":"evil"}`) + "." + part(token, 2)
	}),
	{name: "C07 key set not to be had", code: lti.CodeUnavailable, keys: keyset.ErrUnavailable},

	drop("C08 no iss", "iss"),
	put("C08 iss of another platform", lti.CodeIssuer, "iss", "https://school.example.org"),
	put("C08 iss with a slash", lti.CodeIssuer, "iss", issuer+"/"),
	put("C08 iss in capitals", lti.CodeIssuer, "iss", strings.ToUpper(issuer)),
	put("C08 iss is a number", lti.CodeClaims, "iss", 1),
	drop("C08 no aud", "aud"),
	put("C08 aud of another tool", lti.CodeAudience, "aud", "evil"),
	put("C08 two audiences", lti.CodeAudience, "aud", []string{clientID, "evil"}),
	put("C08 the same audience twice", lti.CodeAudience, "aud", []string{clientID, clientID}),
	put("C08 no audience in the array", lti.CodeAudience, "aud", []string{}),
	put("C08 another audience in the array", lti.CodeAudience, "aud", []string{"evil"}),
	put("C08 aud is a number", lti.CodeClaims, "aud", 1),
	put("C08 aud is an object", lti.CodeClaims, "aud", map[string]any{"a": clientID}),
	put("C08 aud is an array of arrays", lti.CodeClaims, "aud", [][]string{{clientID}}),
	put("C08 azp of another tool", lti.CodeAudience, "azp", "evil"),
	put("C08 azp is empty", lti.CodeAudience, "azp", ""),
	put("C08 azp is an array", lti.CodeClaims, "azp", []string{clientID}),

	drop("C09 no exp", "exp"),
	put("C09 exp is null", lti.CodeMissing, "exp", nil),
	put("C09 exp is text", lti.CodeClaims, "exp", "1900000000"),
	put("C09 exp passed", lti.CodeStale, "exp", unix(-60*time.Second)),
	put("C09 exp below zero", lti.CodeClaims, "exp", -1),
	drop("C09 no iat", "iat"),
	put("C09 iat is text", lti.CodeClaims, "iat", "evil"),
	put("C09 iat too old", lti.CodeStale, "iat", unix(-601*time.Second)),
	put("C09 iat in the future", lti.CodeFuture, "iat", unix(61*time.Second)),
	put("C09 nbf in the future", lti.CodeFuture, "nbf", unix(61*time.Second)),
	put("C09 nbf is text", lti.CodeClaims, "nbf", "now"),

	drop("C10 no nonce", "nonce"),
	put("C10 empty nonce", lti.CodeMissing, "nonce", ""),
	put("C10 nonce of another login", lti.CodeNonce, "nonce", "evil"),
	put("C10 nonce is a number", lti.CodeClaims, "nonce", 1),

	{name: "C11 registration is gone", code: lti.CodePlatform, tool: func(t *lti.Tool) { t.Registrations = t.Registrations[1:] }},
	{name: "C11 client id is another", code: lti.CodePlatform, tool: func(t *lti.Tool) { t.Registrations[0].ClientID = "new" }},
	claimed("C11 token for another client of this platform", "lti_audience", func(c map[string]any) { c["aud"], c["azp"] = "second", "second" }),
	claimed("C11 token of another platform", "lti_issuer", func(c map[string]any) { c["iss"], c["aud"], c["azp"] = "https://school.example.org", "a", "a" }),

	drop("C12 no deployment", claim+"deployment_id"),
	put("C12 unknown deployment", lti.CodeDeployment, claim+"deployment_id", "evil"),
	put("C12 deployment of another platform", lti.CodeDeployment, claim+"deployment_id", "A"),
	put("C12 deployment is a number", lti.CodeClaims, claim+"deployment_id", 1),

	drop("C13 no version", claim+"version"),
	put("C13 version of LTI 1.1", lti.CodeVersion, claim+"version", "LTI-1p0"),
	put("C13 version 1.3", lti.CodeVersion, claim+"version", "1.3"),
	put("C13 version is a number", lti.CodeClaims, claim+"version", 1.3),
	drop("C13 no message type", claim+"message_type"),
	put("C13 submission review", lti.CodeMessageType, claim+"message_type", "LtiSubmissionReviewRequest"),
	put("C13 message type of a response", lti.CodeMessageType, claim+"message_type", "LtiDeepLinkingResponse"),
	put("C13 message type is an array", lti.CodeClaims, claim+"message_type", []string{"LtiResourceLinkRequest"}),

	drop("C14 no target", claim+"target_link_uri"),
	put("C14 target on another host", lti.CodeTarget, claim+"target_link_uri", "https://evil.example.org/launch-lab/launch"),
	put("C14 target without TLS", lti.CodeTarget, claim+"target_link_uri", "http://hooks.example.org/launch-lab/launch"),
	put("C14 target at another path", lti.CodeTarget, claim+"target_link_uri", "https://hooks.example.org/view-lab"),
	put("C14 target is script", lti.CodeTarget, claim+"target_link_uri", "javascript:alert(1)"),
	put("C14 target is an object", lti.CodeClaims, claim+"target_link_uri", map[string]any{}),

	drop("C15 no sub", "sub"),
	put("C15 sub is null", lti.CodeMissing, "sub", nil),
	put("C15 sub is empty", lti.CodeMissing, "sub", ""),
	put("C15 sub is a number", lti.CodeClaims, "sub", 7),
	put("C15 sub of more than 255 bytes", lti.CodeClaims, "sub", strings.Repeat("x", 256)),
	{name: "C15 sub with half a character", code: lti.CodeClaims, text: func(s string) string { return strings.Replace(s, `"sub":"`, `"sub":"\ud83c`, 1) }},
	drop("C15 no resource link", claim+"resource_link"),
	put("C15 resource link without id", lti.CodeMissing, claim+"resource_link", map[string]any{"title": "x"}),
	put("C15 resource link id is empty", lti.CodeMissing, claim+"resource_link", map[string]any{"id": ""}),
	put("C15 resource link id is a number", lti.CodeClaims, claim+"resource_link", map[string]any{"id": 1}),
	put("C15 resource link id of more than 255 bytes", lti.CodeClaims, claim+"resource_link", map[string]any{"id": strings.Repeat("x", 256)}),
	put("C15 resource link is text", lti.CodeClaims, claim+"resource_link", "x"),
	put("C15 resource link is an array", lti.CodeClaims, claim+"resource_link", []any{map[string]any{"id": "x"}}),
	drop("C15 no roles", claim+"roles"),
	put("C15 roles are null", lti.CodeMissing, claim+"roles", nil),
	put("C15 roles are text", lti.CodeClaims, claim+"roles", role+"membership#Learner"),
	put("C15 roles are numbers", lti.CodeClaims, claim+"roles", []int{1}),
	put("C15 roles are objects", lti.CodeClaims, claim+"roles", []any{role + "membership#Learner", map[string]any{}}),
	put("C15 context is text", lti.CodeClaims, claim+"context", "x"),
	put("C15 context id is a number", lti.CodeClaims, claim+"context", map[string]any{"id": 1}),
	put("C15 context id of more than 255 bytes", lti.CodeClaims, claim+"context", map[string]any{"id": strings.Repeat("x", 256)}),
	put("C15 context title is an object", lti.CodeClaims, claim+"context", map[string]any{"id": "x", "title": map[string]any{}}),
	put("C15 custom is text", lti.CodeClaims, claim+"custom", "x"),
	put("C15 custom is an array", lti.CodeClaims, claim+"custom", []string{"lab=web"}),
	put("C15 presentation is an array", lti.CodeClaims, claim+"launch_presentation", []string{"iframe"}),
	put("C15 locale is a number", lti.CodeClaims, claim+"launch_presentation", map[string]any{"locale": 1}),
	put("C15 return address is an object", lti.CodeClaims, claim+"launch_presentation", map[string]any{"return_url": map[string]any{}}),
	put("C15 name is an array", lti.CodeClaims, "name", []string{"Ada"}),

	{name: "C17 sub twice", code: lti.CodeClaims, text: inserted(`"sub":"evil"`)},
	{name: "C17 sub twice under two spellings", code: lti.CodeClaims, text: inserted(`"\u0073ub":"evil"`)},
	{name: "C17 a member twice further down", code: lti.CodeClaims, text: inserted(`"x":{"a":[{"b":1,"b":2}]}`)},
	{name: "C17 nested too deep", code: lti.CodeClaims, text: inserted(`"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20))},
	{name: "C17 nested without end", code: lti.CodeClaims, text: func(string) string { return strings.Repeat(`{"x":`, 10_000) }},
	{name: "C17 something behind", code: lti.CodeClaims, text: func(s string) string { return s + "{}" }},
	{name: "C17 text behind", code: lti.CodeClaims, text: func(s string) string { return s + "x" }},
	{name: "C17 a comma too many", code: lti.CodeClaims, text: func(s string) string { return s[:len(s)-1] + ",}" }},
	{name: "C17 not closed", code: lti.CodeClaims, text: func(s string) string { return s[:len(s)-1] }},
	{name: "C17 array", code: lti.CodeClaims, text: func(s string) string { return "[" + s + "]" }},
	{name: "C17 null", code: lti.CodeClaims, text: func(string) string { return "null" }},
	{name: "C17 nothing", code: lti.CodeClaims, text: func(string) string { return "" }},
	{name: "C17 not UTF-8", code: lti.CodeClaims, text: inserted("\"x\":\"\xff\"")},
	{name: "C17 a comment", code: lti.CodeClaims, text: inserted(`/* */"x":1`)},
	{name: "C17 exp of 1e300", code: lti.CodeClaims, claims: func(c map[string]any) { c["exp"] = 1e300 }},
	{name: "C17 exp of 1e999", code: lti.CodeClaims, text: func(s string) string { return strings.Replace(s, `"exp":`, `"exp":1e999,"x":`, 1) }},
	{name: "C17 iat is NaN", code: lti.CodeClaims, text: func(s string) string { return strings.Replace(s, `"iat":`, `"iat":NaN,"x":`, 1) }},
	{name: "C17 claims of another case only", code: lti.CodeMissing, text: func(s string) string { return strings.Replace(s, `"sub":`, `"Sub":`, 1) }},

	claimed("deep linking without settings", "lti_missing", func(c map[string]any) { asDeepLink(c); delete(c, dlClaim+"deep_linking_settings") }),
	claimed("deep linking settings are text", "lti_claims", func(c map[string]any) { asDeepLink(c); c[dlClaim+"deep_linking_settings"] = "x" }),
	settings("deep linking without return address", lti.CodeMissing, "deep_link_return_url", nil),
	settings("deep linking returns to a stranger", lti.CodeDeepLink, "deep_link_return_url", "https://evil.example.org/return"),
	settings("deep linking returns without TLS", lti.CodeDeepLink, "deep_link_return_url", "http://lms.example.org/return"),
	settings("deep linking returns to a stranger under our platform's name", lti.CodeDeepLink, "deep_link_return_url", "https://lms.example.org@evil.example.org/"),
	settings("deep linking returns to script", lti.CodeDeepLink, "deep_link_return_url", "javascript:alert(1)"),
	settings("deep linking for links alone", lti.CodeDeepLink, "accept_types", []string{"link"}),
	settings("deep linking for nothing", lti.CodeDeepLink, "accept_types", nil),
	settings("deep linking accepts text", lti.CodeClaims, "accept_types", "ltiResourceLink"),
	settings("deep linking accepts multiple as text", lti.CodeClaims, "accept_multiple", "true"),
	settings("deep linking data is an object", lti.CodeClaims, "data", map[string]any{}),
}

// answered is v's answer with the fault of c in it.
func (c faultyLaunch) answered(v *visit) lti.Request {
	claims := v.claims()
	if c.claims != nil {
		c.claims(claims)
	}
	token := lms().SignWith(c.header, claims)
	if c.text != nil {
		text, err := base64.RawURLEncoding.DecodeString(part(token, 1))
		if err != nil {
			panic(err)
		}
		token = lms().SignText(c.header, c.text(string(text)))
	}
	if c.token != nil {
		token = c.token(token)
	}
	form := url.Values{"state": {v.login.State}, "id_token": {token}}
	if c.form != nil {
		c.form(form)
	}
	r := posted(form)
	if c.post != nil {
		c.post(&r)
	}
	return r
}

// Every fault is refused with its code, before the store of nonces is asked; and the fault is the only one, because the
// same login without it ends well.
func TestFaultyLaunches13(t *testing.T) {
	t.Parallel()
	for _, c := range faultyLaunches {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := begin(t, link())
			r, secret, honest := c.answered(v), v.login.Secret, v.tool
			if c.tool != nil {
				honest.Registrations = append([]lti.Registration(nil), v.tool.Registrations...)
				c.tool(&v.tool)
			}
			if c.secret != nil {
				secret = c.secret(secret)
			}
			v.keys.err = c.keys
			launch, err := v.finish(t.Context(), r, secret)
			isRefusal(t, err, c.code)
			if launch.User != "" || launch.Target != "" {
				t.Errorf("a refused launch says something: %+v", launch)
			}
			if v.store.asked != 0 {
				t.Error("the store of nonces was asked before the launch was known to be good")
			}
			if before := strings.HasPrefix(c.name, "C01") || strings.HasPrefix(c.name, "C02") || strings.HasPrefix(c.name, "C03") || strings.HasPrefix(c.name, "C04 alg"); before && v.keys.asked != 0 {
				t.Error("the key set was asked for a request that could not be good")
			}
			v.tool, v.keys.err = honest, nil
			v.good(t)
		})
	}
}

// The table is a promise of the documentation: 75 faults and more, no two of one name.
func TestFaultyLaunchesAreManyAndDiffer(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range faultyLogins {
		names[c.name] = true
	}
	for _, c := range faultyLaunches {
		names[c.name] = true
	}
	if len(names) != len(faultyLogins)+len(faultyLaunches) || len(faultyLaunches) < 75 {
		t.Errorf("%d names of %d faulty logins and %d faulty launches", len(names), len(faultyLogins), len(faultyLaunches))
	}
}
