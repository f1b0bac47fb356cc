package lti

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what LTI 1.1 signs with; HMAC does not rest on SHA-1's collision resistance
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"slices"
	"strings"
)

// escape is the percent-encoding of RFC 5849 section 3.6: every byte but the unreserved ones, in upper-case hex.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	others := 0
	for i := range len(s) {
		if !unreserved(s[i]) {
			others++
		}
	}
	if others == 0 {
		return s
	}
	out := make([]byte, 0, len(s)+2*others)
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// baseURI is RFC 5849 section 3.4.1.2: scheme and host in lower case, a default port left out, the path as it was sent
// (escapes stay escaped), no query and no fragment.
func baseURI(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("parse the launch address")
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if host == "" || scheme != "http" && scheme != "https" {
		return "", errors.New("the launch address is not an absolute http or https address")
	}
	if port := u.Port(); port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		host = strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, nil
}

// baseString is RFC 5849 section 3.4.1: what both sides sign. Every field counts but the signature itself (and realm,
// which exists only in headers, so a field of that name counts).
func baseString(method, uri string, fields []field) (string, error) {
	base, err := baseURI(uri)
	if err != nil {
		return "", err
	}
	escaped := make([]field, 0, len(fields))
	for _, f := range fields {
		if f.name != "oauth_signature" {
			escaped = append(escaped, field{escape(f.name), escape(f.value)})
		}
	}
	// By the bytes of the escaped names, then of the escaped values (section 3.4.1.3.2). The pair joined by "=" would
	// sort otherwise: "a" and "a1" differ first at "=" (0x3D) and "1" (0x31).
	slices.SortFunc(escaped, func(a, b field) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	length := 0
	for _, f := range escaped {
		length += len(f.name) + len(f.value) + len("=&")
	}
	joined := make([]byte, 0, length)
	for i, f := range escaped {
		if i > 0 {
			joined = append(joined, '&')
		}
		joined = append(append(append(joined, f.name...), '='), f.value...)
	}
	return strings.ToUpper(method) + "&" + escape(base) + "&" + escape(string(joined)), nil
}

// macs are the signature methods: HMAC-SHA1 of RFC 5849 section 3.4.2, and the same with SHA-256, as 1EdTech's security
// framework asks for. Names are compared with their case; PLAINTEXT and RSA are not here, so nothing can fall back to them.
var macs = map[string]func() hash.Hash{"HMAC-SHA1": sha1.New, "HMAC-SHA256": sha256.New}

// sign is the signature of a base string. LTI 1.1 has no token, so its token secret is empty but the "&" stays.
func sign(method func() hash.Hash, base, consumerSecret, tokenSecret string) []byte {
	mac := hmac.New(method, []byte(escape(consumerSecret)+"&"+escape(tokenSecret)))
	mac.Write([]byte(base))
	return mac.Sum(nil)
}

// sameSignature compares decoded bytes in constant time. What is not base64 of as many bytes is compared all the same, so
// that it costs what a wrong signature costs.
func sameSignature(sent string, want []byte) bool {
	got, err := base64.StdEncoding.Strict().DecodeString(sent)
	if err != nil || len(sent) != base64.StdEncoding.EncodedLen(len(want)) { // the decoder skips line ends
		got = nil
	}
	return hmac.Equal(got, want)
}
