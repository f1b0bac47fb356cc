package page

import (
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/stackhook/stackhook/shared/lab"
)

// Lab is what a lab page shows.
type Lab struct {
	Title     string
	Ticket    string
	Status    Status
	Texts     Texts
	ReturnURL string
	Ancestors []string
	// Name greets the learner, if the course sent it. It is shown and goes nowhere else.
	Name string
	// Code is the owner's code: what learner and staff call the lab by.
	Code string
	// Class is a sealed ticket of the instructor's view; empty for everyone else.
	Class string
	// Notice says what the request that led here did, for browsers without script.
	Notice string
	// Beat says that it is worth telling when the page is in use: the lab goes to sleep when nobody uses it.
	Beat bool
}

// Lab answers with a lab page.
func (p *Pages) Lab(w http.ResponseWriter, r *http.Request, l Lab) {
	p.draw(w, r, sheet{
		name: "lab", status: http.StatusOK, styles: []string{"parts.css", "lab.css"}, script: "lab.js", texts: l.Texts, reference: true,
		policy: policy{ancestors: l.Ancestors, forms: ownForms, requests: true},
		title:  l.Title, window: l.Status.Headline + " – " + l.Title, state: string(l.Status.State), id: "lab", content: labContent(l, p.base),
		returnURL: l.ReturnURL, owner: l.Code,
		data: labData{
			Base: p.base, Beat: l.Beat, Now: p.now().UnixMilli(), Problems: scriptProblems(l.Texts), Status: l.Status, Ticket: l.Ticket, Words: scriptWords(l.Texts),
		},
	})
}

// labData is what lab.js is told.
type labData struct {
	Base     string `json:"base"`
	Beat     bool   `json:"beat"`
	Now      int64  `json:"now"` // in milliseconds
	Problems words  `json:"problems"`
	Status   Status `json:"status"`
	Ticket   string `json:"ticket"`
	Words    words  `json:"words"`
}

func scriptWords(t Texts) map[string]string {
	words := maps.Clone(t.Script)
	for act, done := range t.Did {
		words["did_"+act] = done
	}
	return words
}

// elsewhere begins the codes of refusals that a lab page's script never meets.
var elsewhere = regexp.MustCompile(`^(lti|registration|deep_link|pick)_`)

// scriptProblems are the refusals that view-lab may answer the script with. Its sentences are English, so in English there
// is nothing to translate.
func scriptProblems(t Texts) map[string]string {
	list := map[string]string{}
	for code, sentence := range t.Problems {
		if !elsewhere.MatchString(code) {
			list[code] = sentence
		}
	}
	return list
}

// The end of a lab is where its extension is offered, what is kept is where the way back to it is, checks are where their
// results are, a new lab takes the place of one that has ended, and everything else is together. The script does the same
// (lab.js).

func one(actions []Action, act lab.Act) []Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a Action) bool { return a.Key != act })
}

func fresh(s Status) []Action {
	if s.State != lab.Gone {
		return nil
	}
	return one(s.Actions, lab.ActReset)
}

func back(s Status) []Action {
	if s.Kept == nil {
		return nil
	}
	return one(s.Actions, lab.ActUndo)
}

func managed(s Status) []Action {
	return slices.DeleteFunc(slices.Clone(s.Actions), func(a Action) bool {
		switch a.Key {
		case lab.ActExtend, lab.ActCheck:
			return true
		case lab.ActUndo:
			return s.Kept != nil
		case lab.ActReset:
			return s.State == lab.Gone
		case lab.ActSuspend, lab.ActEnd:
		}
		return false
	})
}
