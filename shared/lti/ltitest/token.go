package ltitest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // of RS384 and RS512
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"
)

const (
	lti      = "https://purl.imsglobal.org/spec/lti/claim/"
	deepLink = "https://purl.imsglobal.org/spec/lti-dl/claim/"
	roles    = "http://purl.imsglobal.org/vocab/lis/v2/"
)

// Roles as Open edX sends them (its ADR 0008): everybody carries the roles of nobody beside the one in the course.
var (
	LearnerRoles    = []string{roles + "system/person#None", roles + "institution/person#None", roles + "membership#Learner"}
	InstructorRoles = []string{
		roles + "system/person#None", roles + "institution/person#None", roles + "membership#Administrator", roles + "membership#Instructor",
	}
	AssistantRoles = []string{
		roles + "system/person#None", roles + "institution/person#None", roles + "membership#Learner", roles + "membership/Instructor#TeachingAssistant",
	}
)

// Claims are the claims of the id_token for l, as Open edX makes them.
func (p *Platform) Claims(l Link, nonce string, now time.Time) map[string]any {
	if len(l.Roles) == 0 {
		l.Roles = LearnerRoles
	}
	presentation := map[string]any{"document_target": "iframe"} // always, even in a new window
	if l.Locale != "" {
		presentation["locale"] = l.Locale
	}
	claims := map[string]any{
		"iss": p.Issuer, "aud": l.ClientID, "azp": l.ClientID, "sub": l.User, "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		lti + "message_type": "LtiResourceLinkRequest", lti + "version": "1.3.0", lti + "deployment_id": l.Deployment,
		lti + "target_link_uri": l.Target, lti + "roles": l.Roles, lti + "resource_link": map[string]any{"id": l.ResourceLink},
		lti + "context": map[string]any{
			"id": l.Context, "title": l.ContextTitle, "label": "Academy", "type": []string{"http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"},
		},
		lti + "launch_presentation": presentation,
		lti + "tool_platform":       map[string]any{"guid": "lms.example.org", "name": "Academy"},
	}
	if l.Name != "" {
		claims["name"] = l.Name
	}
	if len(l.Custom) > 0 {
		claims[lti+"custom"] = l.Custom
	}
	if l.DeepLinkReturn != "" {
		claims[lti+"message_type"] = "LtiDeepLinkingRequest"
		delete(claims, lti+"resource_link")
		claims[deepLink+"deep_linking_settings"] = map[string]any{
			"deep_link_return_url": l.DeepLinkReturn, "accept_types": []string{"ltiResourceLink", "link", "html", "image"},
			"accept_presentation_document_targets": []string{"iframe", "window", "embed"}, "accept_multiple": true, "auto_create": true,
		}
	}
	return claims
}

// Sign is the id_token of these claims.
func (p *Platform) Sign(claims map[string]any) string { return p.SignWith(nil, claims) }

// SignWith is Sign with these members in the header; nil takes a member out.
func (p *Platform) SignWith(header, claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		panic("encode claims: " + err.Error())
	}
	return p.SignText(header, string(text))
}

// SignText is SignWith for claims that are not JSON, or no good one. What alg says decides the hash and nothing else: the
// signature is always by the platform's key.
func (p *Platform) SignText(header map[string]any, claims string) string {
	p.mu.Lock()
	key, kid := p.key, p.kid
	p.mu.Unlock()
	all := map[string]any{"alg": "RS256", "typ": "JWT", "kid": kid}
	maps.Copy(all, header)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	head, err := json.Marshal(all)
	if err != nil {
		panic("encode header: " + err.Error())
	}
	hash := crypto.SHA256
	switch all["alg"] {
	case "RS384":
		hash = crypto.SHA384
	case "RS512":
		hash = crypto.SHA512
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := hash.New()
	sum.Write([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, sum.Sum(nil))
	if err != nil {
		panic("sign token: " + err.Error())
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
