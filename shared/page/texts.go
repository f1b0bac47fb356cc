package page

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Texts is one language.
type Texts struct {
	Lang string
	// States, Reasons and Steps are by the codes of package lab; Ways by kind; Acts by what may be done to a lab.
	States  map[string]StateText
	Reasons map[string]string
	Steps   map[string]string
	StepIs  map[string]string
	Ways    map[string]string
	Acts    map[string]ActText
	// Refused are the headlines of labs that may not be used now, by reason; Parked is why a course did not take a score.
	Refused, Parked map[string]string
	// Class has the states in a word or two, and Why the reasons in a few, for the instructor's table.
	Class, Why map[string]string
	// Did says what an act has done, and DidClass how often (Notice).
	Did, DidClass map[string]string
	// Word holds everything else that pages say, by name; Script what their scripts say.
	Word   map[string]string
	Script map[string]string
	// Problems are refusals by their code. English has none: the sentence comes with the refusal.
	Problems map[string]string
	// Left is a duration in words, e.g. "About 20 seconds left"; About without the rest, e.g. "about 3 minutes". Pace says how
	// long a lab has been in the making and how long such labs take; either may be zero. At is a time of day with its date, in UTC.
	Left  func(time.Duration) string
	About func(time.Duration) string
	Pace  func(elapsed, expected time.Duration) string
	At    func(time.Time) string
	// Amount is an amount of time as it is.
	Amount func(time.Duration) string
}

// StateText is what is said of a state.
type StateText struct{ Headline, Text string }

// ActText is a button, what it asks before it does anything (nothing if empty), and what is said beside it.
type ActText struct{ Title, Confirm, Note string }

// Languages are the languages that there are, English first.
func Languages() []string { return []string{"en", "de", "es", "fr"} }

// Each language is made once, at its first use: its maps are large, and a cold start needs one language at most.
var (
	onceEnglish = sync.OnceValue(english)
	onceGerman  = sync.OnceValue(german)
	onceSpanish = sync.OnceValue(spanish)
	onceFrench  = sync.OnceValue(french)
)

// TextsFor picks the language for a locale such as "de-AT", "es-419" or "fr_CA"; English for one that we do not speak.
// Its maps are everybody's: read them only.
func TextsFor(locale string) Texts {
	language, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "_", "-")), "-")
	switch language {
	case "de":
		return onceGerman()
	case "es":
		return onceSpanish()
	case "fr":
		return onceFrench()
	}
	return onceEnglish()
}

// Notice is what the class page says after an act on several labs; left were not reached, and with the rest it cannot be done.
func (t Texts) Notice(act string, done, left, cannot int) string {
	text := fmt.Sprintf(t.DidClass[act], done)
	if left > 0 {
		text += " " + fmt.Sprintf(t.DidClass["left"], left)
	}
	if cannot > 0 {
		text += " " + fmt.Sprintf(t.DidClass["cannot"], cannot)
	}
	return text
}

// Place says where in line somebody is.
func (t Texts) Place(number int) string { return fmt.Sprintf(t.Word["place"], number) }

// Turn says about when it is their turn.
func (t Texts) Turn(in time.Duration) string { return fmt.Sprintf(t.Word["place_eta"], t.About(in)) }

// Built says how often a lab was built anew.
func (t Texts) Built(times int) string { return fmt.Sprintf(t.Word["row_built"], times) }

// Score says what the checks come to, out of 100.
func (t Texts) Score(points int) string { return fmt.Sprintf(t.Word["score"], points) }

// Remaining says how much is left of a learner's time, in whole minutes: the last one counts as one.
func (t Texts) Remaining(left time.Duration) string {
	return fmt.Sprintf(t.Word["budget_left"], t.Amount(max(left.Truncate(time.Minute), time.Minute)))
}

// Grade says how the course stands to the score.
func (t Texts) Grade(g lab.Grade) string {
	switch g.State {
	case lab.GradeSent:
		return t.Word["grade_sent"]
	case lab.GradeParked:
		if why := t.Parked[g.Reason]; why != "" {
			return why
		}
		return t.Word["grade_parked"]
	case lab.GradeDue:
	}
	return t.Word["grade_due"]
}
