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
// from there. The fields are appended to room.
func readForm(room []field, r Request, maxValue int, reserved func(name string) bool) ([]field, *Error) {
	if r.Method != http.MethodPost {
		return nil, refuse(CodeMethod, "a launch is a POST")
	}
	if !isForm(r.MediaType) {
		return nil, refuse(CodeMediaType, "a launch is application/x-www-form-urlencoded in UTF-8")
	}
	if len(r.Body) > MaxBody || len(r.RawQuery) > maxQuery {
		return nil, refuse(CodeTooLarge, "the form is larger than 128 KiB or the query than 16 KiB")
	}
	query, fault := parseForm(room, r.RawQuery, maxValue)
	if fault != nil {
		return nil, fault
	}
	for _, f := range query {
		if reserved(f.name) {
			return nil, refuse(CodeQuery, quoteName(f.name)+" is in the query")
		}
	}
	return parseForm(query, r.Body, maxValue)
}

// isForm takes a form in UTF-8, which browsers call by the name alone.
func isForm(mediaType string) bool {
	const form = "application/x-www-form-urlencoded"
	if mediaType == form {
		return true
	}
	media, params, err := mime.ParseMediaType(mediaType)
	charset := params["charset"]
	return err == nil && media == form && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// byName is the fields by name, once it is sure that no name is there twice: of two values, a signature covers both, but
// every reader takes one.
func byName(fields []field) (map[string]string, *Error) {
	values := make(map[string]string, len(fields))
	return values, name(values, fields)
}

// name is byName into a map that is there already.
func name(values map[string]string, fields []field) *Error {
	for _, f := range fields {
		if _, twice := values[f.name]; twice {
			return refuse(CodeDuplicate, quoteName(f.name)+" is there twice")
		}
		values[f.name] = f.value
	}
	return nil
}

// parseForm reads application/x-www-form-urlencoded text: pairs parted by "&" alone, "+" for a space, %XX for bytes.
// Broken escapes and text that is not UTF-8 are faults, never repaired: a repaired text is not the one that was signed.
// The pairs are appended to fields.
func parseForm(fields []field, raw string, maxValue int) ([]field, *Error) {
	if raw == "" {
		return fields, nil
	}
	text := decoder{room: len(raw)}
	fields = slices.Grow(fields, min(strings.Count(raw, "&")+1, maxFields))
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(fields) == maxFields {
			return nil, refuse(CodeTooLarge, "more than 300 fields")
		}
		name, value, _ := strings.Cut(pair, "=")
		f, err := text.pair(name, value, maxValue)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// first is the first pair of a form with one of the names, its value as it was sent; no name if there is none. The rest of the form is
// not looked at.
func first(raw string, names ...string) (name, value string) {
	for pair := range strings.SplitSeq(raw, "&") {
		if !begins(pair, names) {
			continue
		}
		escaped, value, _ := strings.Cut(pair, "=")
		if name, sound := unescape(escaped); sound && slices.Contains(names, name) {
			return name, value
		}
	}
	return "", ""
}

// begins says whether a pair can have one of the names. Of most their first byte tells that they have not.
func begins(pair string, names []string) bool {
	if pair == "" || pair[0] == '%' {
		return pair != ""
	}
	for _, name := range names {
		if pair[0] == name[0] {
			return true
		}
	}
	return false
}

// decoder takes escapes out. All that had any shares one piece of memory, which is got with the first of them.
type decoder struct {
	room int // at least as much as all results together
	text strings.Builder
}

func (d *decoder) pair(rawName, rawValue string, maxValue int) (field, *Error) {
	name, ok := d.unescape(rawName)
	if !ok {
		return field{}, refuse(CodeEncoding, "a field's name is not escaped UTF-8")
	}
	if len(name) > maxName {
		return field{}, refuse(CodeTooLarge, "a field's name is longer than 255 bytes")
	}
	value, ok := d.unescape(rawValue)
	if !ok {
		return field{}, refuse(CodeEncoding, "the value of "+quoteName(name)+" is not escaped UTF-8")
	}
	if len(value) > maxValue {
		return field{}, refuse(CodeTooLarge, "the value of "+quoteName(name)+" is too long")
	}
	return field{name, value}, nil
}

// unescape turns "+" into a space and %XX into its byte, and says whether the result is sound UTF-8.
func (d *decoder) unescape(s string) (string, bool) {
	plain := 0
	for plain < len(s) && s[plain] != '%' && s[plain] != '+' {
		plain++
	}
	if plain == len(s) {
		return s, utf8.ValidString(s)
	}
	if d.text.Cap() == 0 {
		d.text.Grow(d.room)
	}
	begin := d.text.Len()
	d.text.WriteString(s[:plain])
	for i := plain; i < len(s); i++ {
		switch s[i] {
		case '+':
			d.text.WriteByte(' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			d.text.WriteByte(high<<4 | low)
			i += 2
		default:
			d.text.WriteByte(s[i])
		}
	}
	out := d.text.String()[begin:]
	return out, utf8.ValidString(out)
}

func unescape(s string) (string, bool) {
	d := decoder{room: len(s)}
	return d.unescape(s)
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
