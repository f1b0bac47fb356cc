package page_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

func words(s lab.Status) page.Status { return page.NewStatus(s, "", page.TextsFor("en")) }

// A reset says what it costs: nothing that could be missed, the lab before this one, or this one.
func TestRow6ResetSaysWhatItCosts(t *testing.T) {
	t.Parallel()
	undo := &lab.Undo{Until: later}
	for name, c := range map[string]struct {
		status        lab.Status
		note, confirm string
	}{
		"kept":           {lab.Status{State: lab.Ready, Keeps: true}, "you can go back to it", ""},
		"one before":     {lab.Status{State: lab.Ready, Keeps: true, Undo: undo}, "the one before it is deleted", "The one before it is deleted"},
		"the old one":    {lab.Status{State: lab.Ready, Keeps: true, Undo: undo, Rebuild: &lab.Rebuild{State: lab.Building}}, "you can go back to it", ""},
		"nothing kept":   {lab.Status{State: lab.Broken}, "Deletes this lab", "This cannot be undone."},
		"nothing to end": {lab.Status{State: lab.Gone}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.status.Actions = []lab.Act{lab.ActReset}
			got := words(c.status).Actions[0]
			if !strings.Contains(got.Note, c.note) || !strings.Contains(got.Confirm, c.confirm) || (got.Confirm == "") != (c.confirm == "") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// An undo asks where somebody may have worked in the new lab, and on the old lab's page it is about staying.
func TestRow6UndoAsksWhereWorkMayBeLost(t *testing.T) {
	t.Parallel()
	undo := &lab.Undo{Until: later}
	for _, state := range []lab.State{lab.Starting, lab.InLine, lab.Building, lab.Ready, lab.Suspended, lab.Resuming, lab.Broken} {
		got := words(lab.Status{State: state, Undo: undo, Actions: []lab.Act{lab.ActUndo}})
		if asks := state == lab.Ready || state == lab.Suspended; (got.Actions[0].Confirm != "") != asks || got.Actions[0].Title != "Back to my old lab" || got.Kept == nil {
			t.Errorf("%s: %+v, kept %v", state, got.Actions[0], got.Kept)
		}
		if making := state == lab.Starting || state == lab.InLine || state == lab.Building; got.Meanwhile != making {
			t.Errorf("%s: the old lab is offered: %v", state, got.Meanwhile)
		}
	}
	old := words(lab.Status{State: lab.Ready, Undo: undo, Rebuild: &lab.Rebuild{State: lab.Building}, Actions: []lab.Act{lab.ActUndo}})
	if old.Kept != nil || old.Actions[0].Title != "Keep this lab" || old.Actions[0].Confirm != "" || !strings.HasPrefix(old.Note, "A new lab is being built") {
		t.Errorf("the old lab's page: %+v", old)
	}
	failed := words(lab.Status{State: lab.Ready, Rebuild: &lab.Rebuild{State: lab.Broken}})
	if !strings.HasPrefix(failed.Note, "The new lab did not come up.") {
		t.Errorf("note %q", failed.Note)
	}
}

func TestBudgetInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status lab.Status
		want   string
		left   int
	}{
		"left":             {lab.Status{State: lab.Ready, Allowance: &lab.Allowance{Left: 61*time.Minute + 59*time.Second}}, "Your time for this lab: 1 hour 1 minute left.", 3719},
		"a moment":         {lab.Status{State: lab.Ready, Allowance: &lab.Allowance{Left: time.Second}}, "Your time for this lab: 1 minute left.", 1},
		"over":             {lab.Status{State: lab.Ready, Allowance: &lab.Allowance{Over: true}}, "You can still go on", 0},
		"over for good":    {lab.Status{State: lab.Ready, Allowance: &lab.Allowance{Over: true, Block: true}}, "It is not started again", 0},
		"said by a reason": {lab.Status{State: lab.Gone, Reason: lab.BudgetSpent, Allowance: &lab.Allowance{Over: true, Block: true}}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := words(c.status).Budget
			if got == nil || !strings.Contains(got.Text, c.want) || (got.Text == "") != (c.want == "") || got.Left != c.left || got.Over != c.status.Allowance.Over {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := words(lab.Status{State: lab.Ready}).Budget; got != nil {
		t.Errorf("a lab without a budget: %+v", got)
	}
}

// What is refused says when, with the time, also without script.
func TestRefusalsSayWhen(t *testing.T) {
	t.Parallel()
	opens := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		status   lab.Status
		headline string
		want     []string
	}{
		"not yet": {lab.Status{State: lab.Gone, Reason: lab.LabClosed, OpensAt: opens}, "This lab is closed", []string{"Open in this course from 23 November, 08:00 UTC"}},
		"no more": {lab.Status{State: lab.Gone, Reason: lab.LabClosed, ClosesAt: opens}, "This lab is closed", []string{"Was open in this course until 23 November, 08:00 UTC"}},
		"spent": {
			lab.Status{State: lab.Gone, Reason: lab.BudgetSpent, Allowance: &lab.Allowance{Over: true, Block: true, Renews: opens}},
			"Your time is used up",
			[]string{"New time from 23 November, 08:00 UTC", "Ask your course staff if you need more."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			p := pages(t)
			p.Lab(w, httptest.NewRequest("POST", "/", nil), page.Lab{Title: "Web", Status: page.NewStatus(c.status, p.Base(), page.TextsFor("en")), Texts: page.TextsFor("en")})
			text := strings.Join(strings.Fields(tag.ReplaceAllString(element.ReplaceAllString(w.Body.String(), ""), " ")), " ")
			for _, want := range append(c.want, c.headline) {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not say %q: %s", want, text)
				}
			}
			if strings.Contains(text, "Your lab has ended") || strings.Contains(text, "You can still go on") {
				t.Errorf("the page says what is not so: %s", text)
			}
		})
	}
}

func TestGradesInWords(t *testing.T) {
	t.Parallel()
	checks := []lab.Checked{{Name: "a", Reported: true, Passed: true}}
	for grade, want := range map[lab.Grade]string{
		{State: lab.GradeSent}:                                 "Your course has this score.",
		{State: lab.GradeDue}:                                  "The score will be sent to your course.",
		{State: lab.GradeParked, Reason: "past_due"}:           "the time for it is over.",
		{State: lab.GradeParked, Reason: "of another release"}: "Your course did not take the score.",
	} {
		got := words(lab.Status{State: lab.Ready, Checks: checks, Score: new(1.), Grade: &grade}).Checks
		if got.Grade == nil || !strings.Contains(got.Grade.Text, want) || got.Grade.State != grade.State {
			t.Errorf("%+v: %+v", grade, got.Grade)
		}
	}
	if got := words(lab.Status{State: lab.Ready, Checks: checks}).Checks; got.Grade != nil || got.Score != nil || got.ScoreText != "" {
		t.Errorf("without a result: %+v", got)
	}
}

// All points are for nothing less than everything, and no number is made of what is none.
func TestPointsOutOfAHundred(t *testing.T) {
	t.Parallel()
	tenth := 0.0
	for range 10 {
		tenth += 0.1 // which comes to a little less than 1
	}
	for score, want := range map[float64]int{0: 0, 1: 100, 0.999: 99, 2. / 3: 66, 0.29: 29, tenth: 100, -1: 0, 7: 100} {
		if got := words(lab.Status{Checks: []lab.Checked{{Name: "a"}}, Score: &score}).Checks; *got.Score != want {
			t.Errorf("%v: %d, want %d", score, *got.Score, want)
		}
	}
}

// A lab's own words are shown as they are, but for what hides or turns around what is read.
func TestHintsAreBounded(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"":                                   "",
		"Look at port 80.\n\tIs it open?":    "Look at port 80. Is it open?",
		"\x1b[31mred\x00\u202etxt.exe\u200b": "[31mredtxt.exe",
		"Grüße, 你好, مرحبا 🙂":                 "Grüße, 你好, مرحبا 🙂",
		"bad \xff\xfe bytes":                 "bad bytes",
		strings.Repeat("ä", 600):             strings.Repeat("ä", 500) + "…",
	} {
		if got := words(lab.Status{Checks: []lab.Checked{{Name: "a", Message: message}}}).Checks.List[0].Hint; got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func TestKeyFileIsPartOfTheCommand(t *testing.T) {
	t.Parallel()
	s := words(lab.Status{State: lab.Ready, Access: []lab.Access{
		{Kind: lab.SSH, Host: "203.0.113.7", User: "learner", HasKey: true}, {Kind: lab.SSH, Host: "203.0.113.8", User: "learner"}, {Kind: lab.URL, URL: "http://203.0.113.7/", HasKey: true},
	}})
	s.UseKey(page.KeyFile("lab-1"))
	for i, want := range []string{"ssh -i lab-1.pem learner@203.0.113.7", "ssh learner@203.0.113.8", ""} {
		if s.Access[i].Command != want {
			t.Errorf("%d: %q, want %q", i, s.Access[i].Command, want)
		}
	}
}
