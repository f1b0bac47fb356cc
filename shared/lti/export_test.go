package lti

// Field is a form's field for tests.
type Field struct{ Name, Value string }

// ParseForm is parseForm for tests.
func ParseForm(raw string) ([]Field, error) {
	fields, fault := parseForm(nil, raw, maxValue)
	if fault != nil {
		return nil, fault
	}
	out := make([]Field, len(fields))
	for i, f := range fields {
		out[i] = Field{f.name, f.value}
	}
	return out, nil
}

// BaseString is baseString for tests.
func BaseString(method, uri string, fields []Field) (string, error) {
	in := make([]field, len(fields))
	for i, f := range fields {
		in[i] = field{f.Name, f.Value}
	}
	base, err := baseString(method, uri, in)
	if err != nil {
		return "", err
	}
	defer base.done()
	return string(base.text), nil
}

// BaseURI and Escape are the parts that the vectors are held against.
var (
	BaseURI = baseURI
	Escape  = func(s string) string { return string(appendEscaped(nil, s)) }
)

// Sign is sign for tests.
func Sign(method, base, consumerSecret, tokenSecret string) []byte {
	return sign(macs[method], []byte(base), consumerSecret, tokenSecret)
}

// Codes lists every code and its status.
func Codes() map[Code]int {
	out := map[Code]int{}
	for code, a := range answers {
		out[code] = a.status
	}
	return out
}

// StrictObject is strictObject for tests.
func StrictObject(text []byte) (map[string]any, error) { return strictObject(text) }
