package logging

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
)

// redactor blanks credentials in finished lines. Our own code logs none; net/http and gophercloud put the full URL of a
// failed request into the error's text, and a copied header may hold a token.
type redactor struct{ w io.Writer }

var (
	// A query ends at the quote, blank or bracket that closes the URL in a sentence; the closing quote is escaped in JSON.
	query = regexp.MustCompile(`(https?://[^\s"\\?]*|/[^\s"\\?]*)\?[^\s"\\]+`)
	// Credentials of a URL: https://user:password@host.
	userinfo = regexp.MustCompile(`(https?://)[^/\s"\\@]+@`)
	// The schemes of an Authorization header.
	authorization = regexp.MustCompile(`(?i)\b(bearer|basic|oauth)\s+[A-Za-z0-9._~+/=-]{6,}`)
	// Headers that carry a token, whether printed as "Name: value" or as a map, "Name:[value]".
	tokens = regexp.MustCompile(`(?i)\b(x-auth-token|x-subject-token|set-cookie|cookie)(\\?":?|:)\s*(\[?\\?"?)[^\s"\\\],]+`)
	// Forms and JSON that hold one of the names everyone uses.
	fields = regexp.MustCompile(`(?i)\b(password|secret|token|oauth_signature|id_token|sig)(=|\\":\s?\\")[^\s"\\&]+`)
)

// named are the ends of what fields finds: codes of ours, such as lti_signature, hold some of its names as well.
var named = []string{"password=", `password\"`, "secret=", `secret\"`, "token=", `token\"`, "signature=", `signature\"`, "sig=", `sig\"`}

// Write never fails for a reason of its own.
func (r redactor) Write(line []byte) (int, error) {
	clean := line
	// Most lines have none of these bytes or words; look before running the expressions.
	if bytes.IndexByte(line, '?') >= 0 {
		clean = query.ReplaceAll(clean, []byte(`$1?***`))
	}
	if bytes.IndexByte(line, '@') >= 0 {
		clean = userinfo.ReplaceAll(clean, []byte(`$1***@`))
	}
	var room [1 << 10]byte // most lines are shorter
	lower := appendLower(room[:0], clean)
	if contains(lower, "bearer ", "basic ", "oauth ") { // the only white space that a JSON line holds
		clean = authorization.ReplaceAll(clean, []byte(`$1 ***`))
	}
	if contains(lower, "-token", "cookie") {
		clean = tokens.ReplaceAll(clean, []byte(`$1$2$3***`))
	}
	if bytes.ContainsAny(lower, `=\`) && contains(lower, named...) { // each of them has one of the two
		clean = fields.ReplaceAll(clean, []byte(`$1$2***`))
	}
	if _, err := r.w.Write(clean); err != nil {
		return 0, fmt.Errorf("write log line: %w", err)
	}
	return len(line), nil
}

// appendLower is enough for names in ASCII.
func appendLower(out, line []byte) []byte {
	out = append(out, line...)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

func contains(line []byte, words ...string) bool {
	for _, word := range words {
		if bytes.Contains(line, []byte(word)) {
			return true
		}
	}
	return false
}
