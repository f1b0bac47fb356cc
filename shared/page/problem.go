package page

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
)

// Problem is what a problem page shows.
type Problem struct {
	Status int
	Code   string
	// Sentence is in English. The page has it in other languages by its code.
	Sentence   string
	RetryAfter time.Duration
	Ticket     string // if there is one, the page leads back to the lab
	ReturnURL  string
	Texts      Texts
	Ancestors  []string
	// Staff is shown to whoever says to be course staff.
	Staff *StaffNote
	// Again is a form that the page posts to Action by itself once RetryAfter is over.
	Again  []Field
	Action string
}

// StaffNote tells course staff which check failed and what to change. It holds no value of the launch.
type StaffNote struct{ Check, Fix string }

// again says that the page posts its form by itself.
func (p Problem) again() bool { return p.RetryAfter > 0 && len(p.Again) > 0 && p.Action != "" }

// more says that there is more on the page than a sentence.
func (p Problem) more() bool { return p.again() || p.Ticket != "" || p.Staff != nil }

// againData is what problem.js is told.
type againData struct {
	Seconds int   `json:"seconds"`
	Words   words `json:"words"`
}

// like is what the page has in common with others; nothing if it is made for one request alone.
func (p Problem) like(reference, sentence string) likeness {
	if p.more() || p.ReturnURL != "" || reference == "" {
		return likeness{}
	}
	return likeness{p.Texts.Lang, p.Code, sentence}
}

// Problem answers with a problem page and notes the code for the log.
func (p *Pages) Problem(w http.ResponseWriter, r *http.Request, problem Problem) {
	logging.Note(r.Context(), "problem", problem.Code)
	wait := int((problem.RetryAfter + time.Second - 1) / time.Second)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	reference, sentence := logging.RequestID(r.Context()), problem.Sentence
	if translated := problem.Texts.Problems[problem.Code]; translated != "" {
		sentence = translated
	}
	like, rules := problem.like(reference, sentence), policy{ancestors: problem.Ancestors, forms: ownForms}
	if pieces := p.alike.kept(like); pieces != nil {
		send(w, manner{status: problem.Status, lang: problem.Texts.Lang, policy: rules}, pieces, rand.Text(), reference)
		return
	}
	s := sheet{
		name: "problem", status: problem.Status, texts: problem.Texts, reference: true, policy: rules, alike: like,
		title: problem.Texts.Word["problem"], state: "problem", content: problemContent(problem, sentence, p.base),
		code: problem.Code, returnURL: problem.ReturnURL,
	}
	if problem.more() {
		s.styles = []string{"parts.css"}
	}
	if problem.again() {
		s.script, s.data = "problem.js", againData{Seconds: wait, Words: words{"retry_in": problem.Texts.Script["retry_in"]}}
	}
	p.draw(w, r, s)
}

// Console answers with a page that goes on to a console. It is a page and no redirect, because browsers hold a form's
// redirect to the form-action of the page that had the form.
func (p *Pages) Console(w http.ResponseWriter, r *http.Request, address string, texts Texts, ancestors []string) {
	p.draw(w, r, sheet{
		name: "console", status: http.StatusOK, styles: []string{"parts.css"}, texts: texts, policy: policy{ancestors: ancestors},
		title: texts.Word["console"], state: "ready", head: refresh(address), content: consoleContent(address, texts.Word),
	})
}

// Password is what the page with a way in's password shows.
type Password struct {
	Title    string // the way in's
	User     string
	Password string
	Ticket   string
	Texts    Texts
	// Ancestors may frame the page.
	Ancestors []string
}

// Password answers with a page that shows a password, for browsers without script: elsewhere it is shown in place.
func (p *Pages) Password(w http.ResponseWriter, r *http.Request, password Password) {
	p.draw(w, r, sheet{
		name: "password", status: http.StatusOK, styles: []string{"parts.css", "lab.css"}, texts: password.Texts, policy: policy{ancestors: password.Ancestors, forms: ownForms},
		title: password.Texts.Word["reveal"], state: "ready", content: passwordContent(password, p.base, password.Texts.Word),
	})
}
