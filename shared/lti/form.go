package lti

import (
	"strings"
	"unicode/utf8"
)

// Limits of a launch, checked before anything is decoded or compared. A launch of Open edX is about 1 KiB in 30 fields.
const (
	MaxBody   = 128 << 10
	maxQuery  = 16 << 10
	maxFields = 300
	maxName   = 255
	maxValue  = 16 << 10
)

// field is one decoded pair of a form. A name may be empty; a pair without "=" has an empty value.
type field struct{ name, value string }

// parseForm reads application/x-www-form-urlencoded text: pairs parted by "&" alone, "+" for a space, %XX for bytes.
// Broken escapes and text that is not UTF-8 are faults, never repaired: a repaired text is not the one that was signed.
func parseForm(raw string) ([]field, *Error) {
	fields := make([]field, 0, min(strings.Count(raw, "&")+1, maxFields))
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(fields) == maxFields {
			return nil, refuse(CodeTooLarge, "more than 300 fields")
		}
		name, value, _ := strings.Cut(pair, "=")
		f, err := decodePair(name, value)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func decodePair(rawName, rawValue string) (field, *Error) {
	name, ok := unescape(rawName)
	if !ok {
		return field{}, refuse(CodeEncoding, "a field's name is not escaped UTF-8")
	}
	if len(name) > maxName {
		return field{}, refuse(CodeTooLarge, "a field's name is longer than 255 bytes")
	}
	value, ok := unescape(rawValue)
	if !ok {
		return field{}, refuse(CodeEncoding, "the value of "+quoteName(name)+" is not escaped UTF-8")
	}
	if len(value) > maxValue {
		return field{}, refuse(CodeTooLarge, "the value of "+quoteName(name)+" is longer than 16 KiB")
	}
	return field{name, value}, nil
}

// unescape turns "+" into a space and %XX into its byte, and says whether the result is sound UTF-8.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, utf8.ValidString(s)
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			out = append(out, high<<4|low)
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), utf8.Valid(out)
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// quoteName makes a field's name fit for a log line: names come from whoever sent the form.
func quoteName(name string) string {
	const most = 40
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
	if runes := []rune(clean); len(runes) > most {
		clean = string(runes[:most]) + "…"
	}
	return `"` + clean + `"`
}
