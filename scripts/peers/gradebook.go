package peers

import (
	"encoding/json"
	"testing"
)

// GradebookOptions are what a grade book knows of us.
type GradebookOptions struct {
	Key      string          `json:"key"` // of LTI 1.1, with its secret
	Secret   string          `json:"secret"`
	ClientID string          `json:"clientId"` // of LTI 1.3, with our key set
	JWKS     json.RawMessage `json:"jwks"`
}

// Gradebooks are the programs that take grades, by the libraries that they verify with.
func Gradebooks() map[string]string {
	return map[string]string{
		"python3-lti, oauthlib, PyJWT": "gradebook.py",
		"ims-lti, jose":                "gradebook.js",
	}
}

// Grade is one that a grade book took: of a sourced id, or of a user.
type Grade struct {
	Who   string
	Score float64
}

// Gradebook is a course site's grade book that shares nothing with us, on loopback without TLS. LTI 1.1 grades go to URL +
// "/outcome" and whatever follows, LTI 1.3 scores to URL + "/item", with tokens of URL + "/token".
type Gradebook struct {
	URL     string
	program *Program
}

// StartGradebook starts a grade book; the test's end ends it.
func StartGradebook(tb testing.TB, program string, o GradebookOptions) *Gradebook {
	tb.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tb.Fatalf("write the grade book's options: %v", err)
	}
	g := &Gradebook{program: Start(tb, program, string(text))}
	if err := g.program.read(g); err != nil {
		tb.Fatalf("start the grade book: %v", err)
	}
	return g
}

// Grades are those that it took, in order.
func (g *Gradebook) Grades(tb testing.TB) []Grade {
	tb.Helper()
	var grades []Grade
	if err := g.program.Do("grades", nil, &grades); err != nil {
		tb.Fatalf("ask the grade book: %v", err)
	}
	return grades
}

// Refused are its reasons for what it did not take.
func (g *Gradebook) Refused(tb testing.TB) []string {
	tb.Helper()
	var refused []string
	if err := g.program.Do("refused", nil, &refused); err != nil {
		tb.Fatalf("ask the grade book: %v", err)
	}
	return refused
}
