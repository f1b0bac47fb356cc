package config

import (
	"fmt"

	"github.com/rs/zerolog"
)

// Secret is text that does not print: every verb of fmt, every encoder and the logger give "***".
type Secret string

const hidden = "***"

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return hidden }

// Format covers the verbs that ask neither String nor GoString, such as %d, which prints the text within its complaint.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(hidden)) // fmt.State never fails
}

// MarshalText implements encoding.TextMarshaler, for JSON, XML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalZerologObject implements zerolog.LogObjectMarshaler.
func (Secret) MarshalZerologObject(e *zerolog.Event) { e.Str("secret", hidden) }
