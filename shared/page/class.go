package page

import (
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Class is the instructor's view of a course's labs.
type Class struct {
	Ticket string
	Course string
	Rows   []Row
	// Truncated says that there are more labs than rows.
	Truncated bool
	// Notice says what the request that led here did.
	Notice    string
	Texts     Texts
	Ancestors []string
}

// Row is one lab of a course.
type Row struct {
	Owner   string // the owner's code: no names are kept
	Lab     string // the title
	State   lab.State
	Reason  lab.Reason
	Expires time.Time // zero: no limit
	Ref     string    // what names the lab in a form
	Mine    bool      // the instructor's own
	Gen     int       // how often it was built anew
	Active  time.Time // when it was last in use; zero: unknown
	Kept    time.Time // until when the one before is kept; zero: there is none
}

// row is a lab in words.
type row struct {
	Row
	Word, Why, Built    string
	Until, Used, Before *Moment
	Suspend             bool
}

// Class answers with the labs of a course, and what may be done about them.
func (p *Pages) Class(w http.ResponseWriter, r *http.Request, c Class) {
	rows := make([]row, len(c.Rows))
	for i, member := range c.Rows {
		rows[i] = row{
			Row: member, Word: c.Texts.Class[string(member.State)], Why: c.Texts.Why[string(member.Reason)], Suspend: member.State == lab.Ready,
			Until: perhaps("row_until", member.Expires, c.Texts), Used: perhaps("row_used", member.Active, c.Texts), Before: perhaps("row_kept", member.Kept, c.Texts),
		}
		if member.Gen > 0 {
			rows[i].Built = c.Texts.Built(member.Gen)
		}
	}
	s := sheet{
		name: "class", status: http.StatusOK, styles: []string{"parts.css", "lab.css", "class.css"}, script: "class.js", texts: c.Texts, reference: true,
		policy: policy{ancestors: c.Ancestors, forms: ownForms},
		title:  c.Texts.Word["class"], state: "class", wide: true, content: classContent(c, rows, p.base),
	}
	if c.Course != "" {
		s.window = s.title + " – " + c.Course
	}
	p.draw(w, r, s)
}

// perhaps is a moment, or nil for a zero time.
func perhaps(key string, at time.Time, texts Texts) *Moment {
	if at.IsZero() {
		return nil
	}
	m := moment(key, at, texts)
	return &m
}
