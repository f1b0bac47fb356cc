package lti

import (
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a launch, checked before anything is decoded or compared. A launch of Open edX is about 1 KiB in 30 fields.
const (
	MaxBody   = 128 << 10
	maxQuery  = 16 << 10
	maxFields = 300
	maxName   = 255
	maxValue  = 16 << 10 // of LTI 1.1
)

// field is one decoded pair of a form. A name may be empty; a pair without "=" has an empty value.
type field struct{ name, value string }

// readForm takes a posted form apart: the fields of query and body, in order. The query is part of an address that a
// course author types, so names that reserved says are ours may not be there, even signed: other readers would take them
// from there.
func readForm(r Request, maxValue int, reserved func(name string) bool) ([]field, *Error) {
	if r.Method != http.MethodPost {
		return nil, refuse(CodeMethod, "a launch is a POST")
	}
	if media, params, err := mime.ParseMediaType(r.MediaType); err != nil || media != "application/x-www-form-urlencoded" || !utf8Charset(params["charset"]) {
		return nil, refuse(CodeMediaType, "a launch is application/x-www-form-urlencoded in UTF-8")
	}
	if len(r.Body) > MaxBody || len(r.RawQuery) > maxQuery {
		return nil, refuse(CodeTooLarge, "the form is larger than 128 KiB or the query than 16 KiB")
	}
	query, fault := parseForm(r.RawQuery, maxValue)
	if fault != nil {
		return nil, fault
	}
	for _, f := range query {
		if reserved(f.name) {
			return nil, refuse(CodeQuery, quoteName(f.name)+" is in the query")
		}
	}
	body, fault := parseForm(string(r.Body), maxValue)
	if fault != nil {
		return nil, fault
	}
	fields := slices.Concat(query, body)
	if len(fields) > maxFields {
		return nil, refuse(CodeTooLarge, "more than 300 fields")
	}
	return fields, nil
}

func utf8Charset(charset string) bool { return charset == "" || strings.EqualFold(charset, "utf-8") }

// byName is the fields by name, once it is sure that no name is there twice: of two values, a signature covers both, but
// every reader takes one.
func byName(fields []field) (map[string]string, *Error) {
	values := make(map[string]string, len(fields))
	for _, f := range fields {
		if _, twice := values[f.name]; twice {
			return nil, refuse(CodeDuplicate, quoteName(f.name)+" is there twice")
		}
		values[f.name] = f.value
	}
	return values, nil
}

// parseForm reads application/x-www-form-urlencoded text: pairs parted by "&" alone, "+" for a space, %XX for bytes.
// Broken escapes and text that is not UTF-8 are faults, never repaired: a repaired text is not the one that was signed.
func parseForm(raw string, maxValue int) ([]field, *Error) {
	fields := make([]field, 0, min(strings.Count(raw, "&")+1, maxFields))
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(fields) == maxFields {
			return nil, refuse(CodeTooLarge, "more than 300 fields")
		}
		name, value, _ := strings.Cut(pair, "=")
		f, err := decodePair(name, value, maxValue)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func decodePair(rawName, rawValue string, maxValue int) (field, *Error) {
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
		return field{}, refuse(CodeTooLarge, "the value of "+quoteName(name)+" is too long")
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
