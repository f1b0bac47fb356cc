package lti

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what LTI 1.1 signs with; HMAC does not rest on SHA-1's collision resistance
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// unreserved are the bytes that RFC 3986 section 2.3 names so.
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

// appendEscaped puts a text into the percent-encoding of RFC 5849 section 3.6: every byte but the unreserved ones, in upper-case hex.
func appendEscaped(out []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for {
		plain := 0
		for plain < len(s) && unreserved[s[plain]] {
			plain++
		}
		out = append(out, s[:plain]...)
		if plain == len(s) {
			return out
		}
		c := s[plain]
		out = append(out, '%', hex[c>>4], hex[c&15])
		s = s[plain+1:]
	}
}

// appendAgain escapes once more what is escaped: percent signs are all that is left to escape in it.
func appendAgain(out, escaped []byte) []byte {
	for {
		i := bytes.IndexByte(escaped, '%')
		if i < 0 {
			return append(out, escaped...)
		}
		out = append(append(out, escaped[:i]...), "%25"...)
		escaped = escaped[i+1:]
	}
}

// lastURI is the address that was taken apart last: those who launch know one.
var lastURI atomic.Pointer[struct{ raw, base string }]

// baseURI is parseURI's base of an address.
func baseURI(raw string) (string, error) {
	if last := lastURI.Load(); last != nil && last.raw == raw {
		return last.base, nil
	}
	base, err := parseURI(raw)
	if err == nil {
		lastURI.Store(&struct{ raw, base string }{raw, base})
	}
	return base, err
}

// parseURI is RFC 5849 section 3.4.1.2: scheme and host in lower case, a default port left out, the path as it was sent
// (escapes stay escaped), no query and no fragment.
func parseURI(raw string) (string, error) {
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

// signed is what both sides sign, and what it is made of. All of it is used again for the next launch: a flood of forged ones is not to
// be the collector's work.
type signed struct {
	escaped []byte        // the fields, one after the other
	pairs   []escapedPair // which are there
	text    []byte        // the base string
}

type escapedPair struct{ name, value []byte }

var signeds = sync.Pool{New: func() any { return new(signed) }}

// largestSigned is how much memory is kept for the next launch, more than most need.
const largestSigned = 16 << 10

func (s *signed) done() {
	if cap(s.text) <= largestSigned {
		signeds.Put(s)
	}
}

// baseString is RFC 5849 section 3.4.1: what both sides sign. Every field counts but the signature itself (and realm,
// which exists only in headers, so a field of that name counts).
func baseString(method, uri string, fields []field) (*signed, error) {
	base, err := baseURI(uri)
	if err != nil {
		return nil, err
	}
	s, _ := signeds.Get().(*signed)
	s.escape(fields)
	// By the bytes of the escaped names, then of the escaped values (section 3.4.1.3.2). The pair joined by "=" would
	// sort otherwise: "a" and "a1" differ first at "=" (0x3D) and "1" (0x31).
	slices.SortFunc(s.pairs, func(a, b escapedPair) int {
		if c := bytes.Compare(a.name, b.name); c != 0 {
			return c
		}
		return bytes.Compare(a.value, b.value)
	})
	text := append(append(s.text[:0], strings.ToUpper(method)...), '&')
	text = append(appendEscaped(text, base), '&')
	for i, f := range s.pairs { // joined by "=" and "&", and escaped once more
		if i > 0 {
			text = append(text, "%26"...)
		}
		text = appendAgain(append(appendAgain(text, f.name), "%3D"...), f.value)
	}
	s.text = text
	return s, nil
}

// escape makes the pairs of the fields that are signed. Should escaped have to grow, the pairs before stay where they are.
func (s *signed) escape(fields []field) {
	s.escaped, s.pairs = s.escaped[:0], s.pairs[:0]
	for _, f := range fields {
		if f.name == "oauth_signature" {
			continue
		}
		begin := len(s.escaped)
		s.escaped = appendEscaped(s.escaped, f.name)
		end := len(s.escaped)
		s.escaped = appendEscaped(s.escaped, f.value)
		s.pairs = append(s.pairs, escapedPair{s.escaped[begin:end:end], s.escaped[end:]})
	}
}

// macs are the signature methods: HMAC-SHA1 of RFC 5849 section 3.4.2, and the same with SHA-256, as 1EdTech's security
// framework asks for. Names are compared with their case; PLAINTEXT and RSA are not here, so nothing can fall back to them.
var macs = map[string]func() hash.Hash{"HMAC-SHA1": sha1.New, "HMAC-SHA256": sha256.New}

// sign is the signature of a base string. LTI 1.1 has no token, so its token secret is empty but the "&" stays.
func sign(method func() hash.Hash, base []byte, consumerSecret, tokenSecret string) []byte {
	key := make([]byte, 0, 2*(len(consumerSecret)+len(tokenSecret))+1) // more only if most of it is escaped
	key = append(appendEscaped(key, consumerSecret), '&')
	mac := hmac.New(method, appendEscaped(key, tokenSecret))
	mac.Write(base)
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
