package page

import (
	"strings"
	"time"
)

// Texts is one language.
type Texts struct {
	Lang string
	// States, Reasons and Steps are by the codes of package lab; Ways by kind.
	States  map[string]StateText
	Reasons map[string]string
	Steps   map[string]string
	StepIs  map[string]string
	Ways    map[string]string
	// Word holds everything else, by name.
	Word map[string]string
	// Left is a duration in words, e.g. "About 20 seconds left"; At is a time of day with its date, in UTC.
	Left func(time.Duration) string
	At   func(time.Time) string
}

// StateText is what is said of a state.
type StateText struct{ Headline, Text string }

// TextsFor picks the language for a locale such as "en-GB". English is the only one so far, and what is taken otherwise.
func TextsFor(locale string) Texts {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	if texts, ok := languages()[language]; ok {
		return texts
	}
	return english()
}

func languages() map[string]Texts { return map[string]Texts{"en": english()} }
