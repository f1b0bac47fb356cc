// Package ltitest plays the LMS: it makes signed LTI 1.1 launches as a learner's browser would post them, and it is an
// LTI 1.3 platform that browsers can log in at.
//
// It shares no code with shared/lti, so that a mistake of the verifier is not repeated by the signer. The shim's
// developer's page and scripts/sign-launch use it too.
package ltitest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Launch is a launch to be signed. Change Fields as needed; Form signs what is there.
type Launch struct {
	// URL is the launch address as the course's settings hold it, with its query if it has one.
	URL         string
	Key, Secret string
	// Fields are the form's fields but for the signature.
	Fields map[string]string
}

// New is a launch as Open edX sends it, by user, at the time now, with a nonce of its own.
func New(launchURL, key, secret, user string, now time.Time) Launch {
	return Launch{URL: launchURL, Key: key, Secret: secret, Fields: map[string]string{
		"oauth_version":                          "1.0",
		"oauth_signature_method":                 "HMAC-SHA1",
		"oauth_nonce":                            rand.Text(),
		"oauth_timestamp":                        strconv.FormatInt(now.Unix(), 10),
		"oauth_consumer_key":                     key,
		"oauth_callback":                         "about:blank",
		"lti_message_type":                       "basic-lti-launch-request",
		"lti_version":                            "LTI-1p0",
		"resource_link_id":                       "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c",
		"context_id":                             "course-v1:Academy+Web101+2026",
		"context_title":                          "Web servers 101",
		"context_label":                          "Academy",
		"user_id":                                user,
		"roles":                                  "Student,Learner",
		"lis_result_sourcedid":                   "course-v1%3AAcademy%2BWeb101%2B2026:block:" + user,
		"launch_presentation_return_url":         "",
		"launch_presentation_locale":             "en",
		"custom_component_display_name":          "Your first web server",
		"tool_consumer_info_product_family_code": "openedx",
	}}
}

// With is the launch with one more field, or another value for it.
func (l Launch) With(name, value string) Launch {
	l.Fields = maps.Clone(l.Fields)
	l.Fields[name] = value
	return l
}

// Without is the launch without a field.
func (l Launch) Without(name string) Launch {
	l.Fields = maps.Clone(l.Fields)
	delete(l.Fields, name)
	return l
}

// Form is the signed form, ready to be posted to URL.
func (l Launch) Form() url.Values {
	form := url.Values{}
	for name, value := range l.Fields {
		form.Set(name, value)
	}
	form.Set("oauth_signature", Signature("POST", l.URL, form, l.Secret))
	return form
}

// Body is the signed form as the text of a request's body.
func (l Launch) Body() string { return l.Form().Encode() }

// Signature is the signature of a form posted to address by a consumer with secret: HMAC-SHA256 if the form says so,
// HMAC-SHA1 otherwise.
func Signature(method, address string, form url.Values, secret string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	var pairs []string
	for _, values := range []url.Values{u.Query(), form} {
		for name, list := range values {
			for _, value := range list {
				pairs = append(pairs, percent(name)+"\x00"+percent(value))
			}
		}
	}
	sort.Strings(pairs) // NUL sorts before any other byte, so names are compared before values
	joined := strings.ReplaceAll(strings.Join(pairs, "&"), "\x00", "=")

	port := ":" + u.Port()
	if port == ":" || u.Scheme+port == "http:80" || u.Scheme+port == "https:443" {
		port = ""
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	base := method + "&" + percent(strings.ToLower(u.Scheme+"://"+u.Hostname())+port+path) + "&" + percent(joined)
	hash := sha1.New
	if form.Get("oauth_signature_method") == "HMAC-SHA256" {
		hash = sha256.New
	}
	mac := hmac.New(hash, []byte(percent(secret)+"&"))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// percent is RFC 3986 escaping: url.QueryEscape but for the space.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
