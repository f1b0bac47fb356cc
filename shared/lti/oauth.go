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

// unreserved are the bytes that RFC 3986 section 2.3 names so.
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

// escaper puts texts into the percent-encoding of RFC 5849 section 3.6: every byte but the unreserved ones, in upper-case hex. All
// that have to be written anew share one piece of memory, which is got with the first of them.
type escaper struct {
	room int // about what all results together have
	text strings.Builder
}

func (e *escaper) escape(s string) string {
	const hex = "0123456789ABCDEF"
	plain := 0
	for plain < len(s) && unreserved[s[plain]] {
		plain++
	}
	if plain == len(s) {
		return s
	}
	if e.text.Cap() == 0 {
		e.text.Grow(e.room)
	}
	begin := e.text.Len()
	e.text.WriteString(s[:plain])
	for i := plain; i < len(s); i++ {
		if c := s[i]; unreserved[c] {
			e.text.WriteByte(c)
		} else {
			e.text.WriteByte('%')
			e.text.WriteByte(hex[c>>4])
			e.text.WriteByte(hex[c&15])
		}
	}
	return e.text.String()[begin:]
}

func escape(s string) string {
	e := escaper{room: 2 * len(s)}
	return e.escape(s)
}

// appendAgain escapes once more what is escaped: percent signs are all that is left to escape in it.
func appendAgain(out []byte, escaped string) []byte {
	for {
		i := strings.IndexByte(escaped, '%')
		if i < 0 {
			return append(out, escaped...)
		}
		out = append(append(out, escaped[:i]...), "%25"...)
		escaped = escaped[i+1:]
	}
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
func baseString(method, uri string, fields []field) ([]byte, error) {
	base, err := baseURI(uri)
	if err != nil {
		return nil, err
	}
	pairs := escapedPairs(fields)
	// By the bytes of the escaped names, then of the escaped values (section 3.4.1.3.2). The pair joined by "=" would
	// sort otherwise: "a" and "a1" differ first at "=" (0x3D) and "1" (0x31).
	slices.SortFunc(pairs, func(a, b field) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	length := 0
	for _, f := range pairs {
		length += len(f.name) + len(f.value) + len("%3D%26")
	}
	text := append(make([]byte, 0, 2*length+len(base)), strings.ToUpper(method)...)
	text = append(append(append(text, '&'), escape(base)...), '&')
	for i, f := range pairs { // joined by "=" and "&", and escaped once more
		if i > 0 {
			text = append(text, "%26"...)
		}
		text = appendAgain(append(appendAgain(text, f.name), "%3D"...), f.value)
	}
	return text, nil
}

// escapedPairs are the fields that are signed.
func escapedPairs(fields []field) []field {
	var all escaper
	for _, f := range fields {
		all.room += len(f.name) + len(f.value)
	}
	pairs := make([]field, 0, len(fields))
	for _, f := range fields {
		if f.name != "oauth_signature" {
			pairs = append(pairs, field{all.escape(f.name), all.escape(f.value)})
		}
	}
	return pairs
}

// macs are the signature methods: HMAC-SHA1 of RFC 5849 section 3.4.2, and the same with SHA-256, as 1EdTech's security
// framework asks for. Names are compared with their case; PLAINTEXT and RSA are not here, so nothing can fall back to them.
var macs = map[string]func() hash.Hash{"HMAC-SHA1": sha1.New, "HMAC-SHA256": sha256.New}

// sign is the signature of a base string. LTI 1.1 has no token, so its token secret is empty but the "&" stays.
func sign(method func() hash.Hash, base []byte, consumerSecret, tokenSecret string) []byte {
	mac := hmac.New(method, []byte(escape(consumerSecret)+"&"+escape(tokenSecret)))
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
