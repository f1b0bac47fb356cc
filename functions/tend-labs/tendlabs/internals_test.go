package tendlabs_test

import (
	"net/http"
	"testing"
	"time"
)

// Whatever the cloud does, and whatever is sent, no answer tells of an error of Go's or OpenStack's: send looks at each.
func TestAnswersTellNoInternals(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.lab(t, "ended")
	h.Advance(9 * time.Hour)
	ref := h.lab(t, "new")
	everything := func() {
		for _, body := range []string{
			"", "{", `{"ref": 1}`, `{"ref": "` + ref.Name + "/" + ref.ID + `"}`, `{"lab": "web", "learners": 2}`,
			`{"tenant": "academy", "context": "course", "lab": "web", "learners": ["a", "b"]}`,
		} {
			for _, path := range []string{"/", "/?dry_run=1", "/doctor", "/labs/suspend", "/labs/extend", "/labs/end", "/labs/undo", "/preflight", "/prebuild", "/nowhere"} {
				h.send(http.MethodPost, path, operator, body)
			}
		}
		h.send(http.MethodGet, "/labs", operator, "")
	}
	h.InTrouble(everything)
	everything()
}
