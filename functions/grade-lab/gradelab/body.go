package gradelab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/function"
)

// entry is one thing that a lab reports, as it came: a check's result, or that the lab is in use.
type entry struct {
	Check   string   `json:"check"`
	Passed  *bool    `json:"passed"`
	Score   *float64 `json:"score"`
	Message string   `json:"message"`

	Busy      *bool `json:"busy"`
	Active    *bool `json:"active"`
	Heartbeat bool  `json:"heartbeat"`
}

// beats says that an entry is a heartbeat.
func (e entry) beats() bool { return e.Busy != nil || e.Active != nil || e.Heartbeat }

const (
	maxBody    = 64 << 10
	maxMessage = 500 // runes
	maxEntries = 50  // of one report
	maxName    = 63
)

// read is what the request reports: an object, a list of them, an object whose results are a list, or a form. curl -d says
// that it sends a form, whatever it sends.
func read(r *http.Request) ([]entry, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if len(body) > maxBody {
		return nil, &function.Error{
			Code: "report_too_large", Status: http.StatusRequestEntityTooLarge,
			Public: "A report has at most 64 KiB. Send short messages, and results in several reports.",
		}
	}
	entries, err := parse(body)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 || len(entries) > maxEntries {
		return nil, wrong("", fmt.Sprintf("A report has 1 to %d results.", maxEntries), nil)
	}
	return entries, nil
}

func parse(body []byte) ([]entry, error) {
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
		return nil, wrong("", "The report is empty; send JSON such as {\"check\": \"web\", \"passed\": true}.", nil)
	case text[0] == '[':
		var list []entry
		return list, decode(text, &list)
	case text[0] == '{':
		var one struct {
			entry

			Results []entry `json:"results"`
		}
		err := decode(text, &one)
		if one.Results != nil {
			return one.Results, err
		}
		return []entry{one.entry}, err
	}
	return form(string(text))
}

// decode passes over fields that are not known: a lab lives longer than a version of ours.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows")
		}
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrong(strings.TrimPrefix(kind.Field, "entry."), "has the wrong type: check and message are texts, score is a number, passed, busy and active are true or false.", err)
	}
	if err != nil {
		return wrong("", "The report is not sound JSON; send {\"check\": \"web\", \"passed\": true}, or a list of such.", err)
	}
	return nil
}

func form(text string) ([]entry, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, wrong("", "The report is neither JSON nor a form.", err)
	}
	e := entry{Check: values.Get("check"), Message: values.Get("message")}
	if given := values.Get("score"); given != "" {
		score, err := strconv.ParseFloat(given, 64)
		if err != nil {
			return nil, wrong("score", "must be a number from 0 to 1.", err)
		}
		e.Score = &score
	}
	var beat *bool
	for name, field := range map[string]**bool{"passed": &e.Passed, "busy": &e.Busy, "active": &e.Active, "heartbeat": &beat} {
		if *field, err = truth(values, name); err != nil {
			return nil, err
		}
	}
	e.Heartbeat = said(beat)
	return []entry{e}, nil
}

func truth(values url.Values, name string) (*bool, error) {
	given := values.Get(name)
	if given == "" {
		return nil, nil //nolint:nilnil // it was not said
	}
	is, err := strconv.ParseBool(given)
	if err != nil {
		return nil, wrong(name, "must be true or false.", err)
	}
	return &is, nil
}

// check completes an entry and says what is wrong with it. known are the lab's checks.
func (e entry) check(known []string) (entry, error) {
	switch {
	case e.Check == "" || len(e.Check) > maxName:
		return e, wrong("check", "must be the name of one of the lab's checks.", nil)
	case !slices.Contains(known, e.Check):
		return e, &function.Error{
			Code: "check_unknown", Status: http.StatusUnprocessableEntity,
			Public: "This lab has no check of that name. Its checks are those of its entry in the configuration.",
			Faults: []function.Fault{{Field: "check", Message: "must be one of: " + strings.Join(known, ", ") + "."}},
		}
	case e.Passed == nil && e.Score == nil:
		return e, wrong("passed", "must be true or false, or score a number from 0 to 1.", nil)
	case e.Score != nil && (math.IsNaN(*e.Score) || *e.Score < 0 || *e.Score > 1):
		return e, wrong("score", "must be a number from 0 to 1.", nil)
	}
	if e.Passed == nil {
		full := *e.Score == 1
		e.Passed = &full
	}
	if e.Score == nil {
		score := 0.0
		if *e.Passed {
			score = 1
		}
		e.Score = &score
	}
	e.Message = tidy(e.Message)
	return e, nil
}

// tidy makes a message fit to be shown: it is cut rather than refused, as it may be what a program said.
func tidy(message string) string {
	message = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, strings.TrimSpace(message))
	if runes := []rune(message); len(runes) > maxMessage {
		return string(runes[:maxMessage-1]) + "…"
	}
	return message
}

// wrong is a report that cannot be taken as it is.
func wrong(field, what string, err error) error {
	fault := &function.Error{Code: "report_invalid", Status: http.StatusBadRequest, Public: what, Err: err}
	if field != "" {
		fault.Public = "A field of the report is wrong; correct it and send the report again."
		fault.Faults = []function.Fault{{Field: field, Message: what}}
	}
	return fault
}
