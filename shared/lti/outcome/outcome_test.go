package outcome_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti/outcome"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

const ada = "course-v1%3AAcademy%2BWeb101:block-v1%3AAcademy%2BWeb101@8f2c:ada&bob"

func start(t *testing.T) (*outcometest.LMS, outcome.Sender, outcome.Place) {
	t.Helper()
	lms := outcometest.Start(t, nil)
	sender := outcome.Sender{Client: lms.Client(20 * time.Second), Now: time.Now}
	return lms, sender, outcome.Place{URL: lms.OutcomeURL(), SourcedID: ada, Key: outcometest.Key, Secret: outcometest.Secret}
}

func TestS01ReplaceResult(t *testing.T) {
	t.Parallel()
	lms, sender, place := start(t)
	for _, score := range []float64{0, 0.25, 1.0 / 3, 1} {
		if err := sender.Replace(t.Context(), place, score); err != nil {
			t.Fatalf("%v: %v", score, err)
		}
	}
	// The answer to each held the sourced id with its bare & (S02).
	if got := lms.Changes(ada); !slices.Equal(got, []float64{0, 0.25, 0.3333, 1}) {
		t.Errorf("the grade was %v", got)
	}
}

// The values of OAuth Request Body Hash 1.0.
func TestS01BodyHash(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"Hello World!": "Lve95gjOVATpfV8EL5X4nxwjKHE=",
		"":             "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
	} {
		if got := outcome.BodyHash([]byte(body)); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

// Open edX compares with the percent-decoded address; everybody else with the address as it is.
func TestS01EscapedAddress(t *testing.T) {
	t.Parallel()
	for _, decodes := range []bool{false, true} {
		lms, sender, place := start(t)
		lms.DecodesURL = decodes
		place.URL = lms.URL + "/outcome/block-v1%3AAcademy%2BWeb%20101"
		if err := sender.Replace(t.Context(), place, 0.5); err != nil {
			t.Errorf("decodes %v: %v", decodes, err)
		}
		want := 1
		if decodes {
			want = 2
		}
		if got := lms.Asked(); len(got) != want || got[0] != "POST /outcome/block-v1%3AAcademy%2BWeb%20101" {
			t.Errorf("decodes %v: %q", decodes, got)
		}
		if got := lms.Changes(ada); !slices.Equal(got, []float64{0.5}) {
			t.Errorf("decodes %v: the grade was %v", decodes, got)
		}
	}
}

func TestS01QueryIsSigned(t *testing.T) {
	t.Parallel()
	_, sender, place := start(t)
	place.URL += "?b=2&a=x%20y&a=+&norefresh"
	if err := sender.Replace(t.Context(), place, 0.5); err != nil {
		t.Error(err)
	}
}

func TestS01WrongSecretIsForTheOperator(t *testing.T) {
	t.Parallel()
	lms, sender, place := start(t)
	place.Secret = "hunter2-of-somebody-else-0123456789"
	err := sender.Replace(t.Context(), place, 0.5)
	if later, ok := errors.AsType[*verdict.LaterError](err); !ok || later.Why != "signature" {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "hunter2") || len(lms.Changes(ada)) > 0 || len(lms.Asked()) != 1 {
		t.Errorf("%v, %v", err, lms.Asked())
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		mood    outcometest.Mood
		refused verdict.Reason
		why     string
		after   time.Duration
		taken   bool
	}{
		{outcometest.Broken, "", "busy", 0, false},
		{outcometest.Busy, "", "busy", 2 * time.Minute, false},
		{outcometest.Hanging, "", "timeout", 0, false},
		{outcometest.DiesBefore, "", "unanswered", 0, false},
		{outcometest.LosesReply, "", "unanswered", 0, true},
		{outcometest.Mumbling, "", "unreadable", 0, false},
		{outcometest.PastDue, verdict.PastDue, "", 0, false},
		{outcometest.Unsupporting, verdict.Unsupported, "", 0, false},
		{outcometest.Redirecting, verdict.Redirected, "", 0, false},
	} {
		t.Run(string(row.mood), func(t *testing.T) {
			t.Parallel()
			lms, sender, place := start(t)
			lms.Feel(row.mood)
			ctx := t.Context()
			if row.mood == outcometest.Hanging {
				hasty, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				ctx = hasty
			}
			err := sender.Replace(ctx, place, 0.5)
			later, _ := errors.AsType[*verdict.LaterError](err)
			if got := verdict.RefusedFor(err); err == nil || got != row.refused || row.why != "" && (later == nil || later.Why != row.why) || verdict.Wait(err) != row.after {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), "bob") || strings.Contains(err.Error(), lms.Host()) {
				t.Errorf("the error names learner or address: %v", err)
			}
			if got := lms.Changes(ada); (len(got) > 0) != row.taken {
				t.Errorf("the grade is %v", got)
			}
			// The same again, on a better day: the grade changes once.
			lms.Feel(outcometest.Well) // on a busy machine, the hasty one may have given up before it was heard
			if err := sender.Replace(t.Context(), place, 0.5); err != nil {
				t.Error(err)
			}
			if got := lms.Changes(ada); !slices.Equal(got, []float64{0.5}) {
				t.Errorf("in the end the grade was %v", got)
			}
		})
	}
}

func TestS04ForbiddenAddresses(t *testing.T) {
	t.Parallel()
	sender := outcome.Sender{Client: dial.Client(false, time.Second), Now: time.Now}
	for _, address := range []string{
		"https://127.0.0.1:1/outcome", "https://localhost:1/outcome", "https://[::1]:1/", "https://169.254.169.254/latest/meta-data",
		"https://[::ffff:169.254.169.254]/", "https://10.0.0.1/", "https://[64:ff9b::7f00:1]/",
	} {
		err := sender.Replace(t.Context(), outcome.Place{URL: address, SourcedID: "a", Key: "k", Secret: "hunter2"}, 1)
		if got := verdict.RefusedFor(err); got != verdict.Unsafe {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestS03Scores(t *testing.T) {
	t.Parallel()
	lms, sender, place := start(t)
	for _, score := range []float64{math.NaN(), math.Inf(1), -0.1, 1.1} {
		if err := sender.Replace(t.Context(), place, score); verdict.RefusedFor(err) != verdict.Unfit {
			t.Errorf("%v: %v", score, err)
		}
	}
	for _, id := range []string{"", "a\x00b", "a\x1bb", "a\xffb", "\ufffe"} {
		other := place
		other.SourcedID = id
		if err := sender.Replace(t.Context(), other, 1); verdict.RefusedFor(err) != verdict.Unfit {
			t.Errorf("%q: %v", id, err)
		}
	}
	if got := lms.Asked(); len(got) > 0 {
		t.Errorf("sent %q", got)
	}
	// What is a number is written plainly: the course site checks that.
	for _, score := range []float64{1e-9, 0.00004, 0.99999, 0.1 + 0.2} {
		if err := sender.Replace(t.Context(), place, score); err != nil {
			t.Errorf("%v: %v", score, err)
		}
	}
	// And an id that looks like XML stays one.
	place.SourcedID = "</sourcedId></sourcedGUID><x>\"'&amp;\n é"
	if err := sender.Replace(t.Context(), place, 0.5); err != nil || len(lms.Changes(place.SourcedID)) != 1 {
		t.Errorf("%v, %v", err, lms.Changes(place.SourcedID))
	}
}

func TestCancelledIsLater(t *testing.T) {
	t.Parallel()
	_, sender, place := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sender.Replace(ctx, place, 1); err == nil || verdict.RefusedFor(err) != "" {
		t.Errorf("%v", err)
	}
}
