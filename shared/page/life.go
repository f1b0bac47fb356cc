package page

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stackhook/stackhook/shared/lab"
)

// Moment is a time at which something happens to a lab, and what. Said is for browsers without script, which elsewhere
// write the time the reader's own way.
type Moment struct {
	Key  string    `json:"key"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	Said string    `json:"-"`
}

// Budget is what is left of the learner's time.
type Budget struct {
	Left int    `json:"left_seconds"`
	Over bool   `json:"over,omitempty"`
	Text string `json:"text"`
}

// Checks are what is graded, and what it comes to.
type Checks struct {
	List []Check `json:"list"`
	// Score is out of 100; none before the first result.
	Score     *int   `json:"score,omitempty"`
	ScoreText string `json:"score_text,omitempty"`
	Grade     *Grade `json:"grade,omitempty"`
}

// Check is one of them.
type Check struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	State     string `json:"state"` // passed, not_passed or no_result
	StateText string `json:"state_text"`
	Hint      string `json:"hint,omitempty"` // the lab's own words
}

// Grade is whether the course has the score.
type Grade struct {
	State lab.GradeState `json:"state"`
	Text  string         `json:"text"`
}

// RetryAfter says in an answer's header when somebody who is in line should ask again.
func RetryAfter(w http.ResponseWriter, s lab.Status) {
	if s.State == lab.InLine && s.Poll.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((s.Poll.After+time.Second-1)/time.Second)))
	}
}

func moment(key string, at time.Time, texts Texts) Moment {
	at = at.UTC().Truncate(time.Second)
	return Moment{Key: key, Text: texts.Word[key], At: at, Said: texts.At(at)}
}

// line says where in line the learner is. How long that takes stands apart, since what is said aloud should change only with
// the place.
func (s *Status) line(from lab.Status, texts Texts) {
	if from.Place == nil || s.Reason == nil {
		return
	}
	s.Place = from.Place.Number
	switch {
	case s.Place == 1:
		s.Reason.Text += " " + texts.Word["place_next"]
	case s.Place > 1:
		s.Reason.Text += " " + texts.Place(s.Place)
	}
	if from.ETA > 0 {
		s.ExpectedText, s.ETAText = texts.Turn(from.ETA), ""
	}
}

// generations says what a reset left: the way back to the old lab, or the new one that is under construction.
func (s *Status) generations(from lab.Status, texts Texts) {
	switch {
	case from.Rebuild != nil && from.Rebuild.State == lab.Broken:
		s.Note = texts.Word["newer_failed"]
	case from.Rebuild != nil:
		s.Note = texts.Word["newer"]
	case from.Undo != nil && from.State != lab.Gone:
		kept := moment("kept", from.Undo.Until, texts)
		s.Kept = &kept
		if from.State == lab.Building || from.State == lab.Starting || from.State == lab.InLine {
			s.Note, s.Meanwhile = texts.Word["meanwhile"], true
		}
	}
}

// times are what else there is to come.
func (s *Status) times(from lab.Status, texts Texts) {
	add := func(key string, at time.Time) {
		if !at.IsZero() {
			s.Times = append(s.Times, moment(key, at, texts))
		}
	}
	add("opens", from.OpensAt)
	closes := "closes"
	if from.Reason == lab.LabClosed {
		closes = "closed"
	}
	add(closes, from.ClosesAt)
	if from.State == lab.Ready {
		add("sleeps", from.SleepsAt)
	}
	if from.Allowance != nil && from.Allowance.Over {
		add("renews", from.Allowance.Renews)
	}
}

// budget says what is left of the learner's time, and what it means that nothing is. Of a lab that is not started for that
// the reason says it.
func (s *Status) budget(from lab.Status, texts Texts) {
	left := from.Allowance
	if left == nil {
		return
	}
	s.Budget = &Budget{Left: int(left.Left / time.Second), Over: left.Over, Text: texts.Remaining(left.Left)}
	switch {
	case !left.Over:
		return
	case from.Reason == lab.BudgetSpent:
		s.Budget.Text = ""
	case left.Block:
		s.Budget.Text = texts.Word["budget_last"]
	default:
		s.Budget.Text = texts.Word["budget_over"]
	}
	s.Budget.Left = 0
}

func (s *Status) checks(from lab.Status, texts Texts) {
	if len(from.Checks) == 0 {
		return
	}
	s.Checks = &Checks{List: make([]Check, len(from.Checks))}
	for i, c := range from.Checks {
		check := Check{Name: c.Name, Title: c.Title, State: "no_result", StateText: texts.Word["result_none"], Hint: hint(c.Message)}
		switch {
		case c.Passed:
			check.State, check.StateText = "passed", texts.Word["result_yes"]
		case c.Reported:
			check.State, check.StateText = "not_passed", texts.Word["result_no"]
		}
		if check.Title == "" {
			check.Title = c.Name
		}
		s.Checks.List[i] = check
	}
	if from.Score != nil {
		points := points(*from.Score)
		s.Checks.Score, s.Checks.ScoreText = &points, texts.Score(points)
	}
	if from.Grade != nil {
		s.Checks.Grade = &Grade{State: from.Grade.State, Text: texts.Grade(*from.Grade)}
	}
}

// points are out of 100. All of them are there for nothing less than everything.
func points(score float64) int {
	const almost = 1e-9 // of what is lost in adding up shares
	return int(min(max(score, 0), 1)*100 + almost)
}

// mostHint is how much of a lab's own words is shown, in characters.
const mostHint = 500

// hint is what the lab said about a check, as text for a page: bounded, in one line, and without characters that are not
// seen but turn around or hide what is.
func hint(message string) string {
	words := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, message)
	runes := []rune(strings.Join(strings.Fields(words), " "))
	if len(runes) > mostHint {
		return string(runes[:mostHint]) + "…"
	}
	return string(runes)
}
