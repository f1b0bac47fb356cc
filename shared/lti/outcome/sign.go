package outcome

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 and a SHA-1 body hash are what LTI 1.1 signs with
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// param is a parameter that is signed, not yet escaped.
type param struct{ name, value string }

// escape is RFC 5849 section 3.6. QueryEscape leaves the same bytes alone and differs in the space only.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// authorization is the OAuth header of a POST of body. signedURL is the address in the spelling that is signed; the
// request's own address may be spelt otherwise (decoded).
func authorization(place Place, signedURL string, body []byte, now time.Time) (string, error) {
	params := []param{
		{"oauth_body_hash", bodyHash(body)},
		{"oauth_consumer_key", place.Key},
		{"oauth_nonce", rand.Text()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(now.Unix(), 10)},
		{"oauth_version", "1.0"},
	}
	base, err := baseString(signedURL, params)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha1.New, []byte(escape(place.Secret)+"&")) // no token, so no token secret
	mac.Write([]byte(base))
	params = append(params, param{"oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))})
	parts := make([]string, len(params))
	for i, p := range params {
		parts[i] = p.name + `="` + escape(p.value) + `"`
	}
	return "OAuth " + strings.Join(parts, ", "), nil
}

// bodyHash stands for a body that is no form and so is not signed itself (OAuth Request Body Hash 1.0).
func bodyHash(body []byte) string {
	hash := sha1.Sum(body) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(hash[:])
}

// baseString is RFC 5849 section 3.4.1 for a POST whose body is no form: the header's parameters and the address's query.
func baseString(address string, params []param) (string, error) {
	// A decoded address may hold anything, so it is cut by hand: scheme, host, path up to the query.
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return "", errors.New("the outcome address is not absolute")
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	host = strings.TrimSuffix(strings.ToLower(host), ":443") // it is https
	all := slices.Clone(params)
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			all = append(all, param{unescape(name), unescape(value)})
		}
	}
	for i, p := range all {
		all[i] = param{escape(p.name), escape(p.value)}
	}
	slices.SortFunc(all, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	pairs := make([]string, len(all))
	for i, p := range all {
		pairs[i] = p.name + "=" + p.value
	}
	return "POST&" + escape(strings.ToLower(scheme)+"://"+host+"/"+path) + "&" + escape(strings.Join(pairs, "&")), nil
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// decoded is the address as Open edX looks at it: percent-decoded before it is compared with what was signed
// (xblock-lti-consumer, lti_1p1/oauth.py). The same as raw if nothing in it is escaped.
func decoded(raw string) string {
	if plain, err := url.PathUnescape(raw); err == nil {
		return plain
	}
	return raw
}
