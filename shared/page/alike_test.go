package page_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/page"
)

// A problem page that is kept reads as one that is drawn: with the nonce of its own policy and its own reference.
func TestProblemPagesAlike(t *testing.T) {
	t.Parallel()
	pages, err := page.New("https://hooks.example.org")
	if err != nil {
		t.Fatal(err)
	}
	draw := func(id, lang, sentence string) (text, nonce string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(logging.WithRequest(t.Context(), zerolog.Nop(), id), "POST", "/launch", nil)
		pages.Problem(w, r, page.Problem{Status: 403, Code: "lti_signature", Sentence: sentence, Texts: page.TextsFor(lang)})
		text = w.Body.String()
		nonce = regexp.MustCompile(`style-src 'nonce-([A-Z2-7]+)'`).FindStringSubmatch(w.Header().Get("Content-Security-Policy"))[1]
		if !strings.Contains(text, `<style nonce="`+nonce+`">`) || !strings.Contains(text, `<code id="reference">`+id+`</code>`) || strings.Contains(text, "GOES-HERE") {
			t.Errorf("the page has not its own nonce and reference: %s", text)
		}
		return text, nonce
	}
	first, nonce := draw("reference-1", "en", "No.")
	second, other := draw("reference-2", "en", "No.")
	if nonce == other {
		t.Error("two pages have one nonce")
	}
	if strings.ReplaceAll(strings.ReplaceAll(second, other, nonce), "reference-2", "reference-1") != first {
		t.Errorf("two pages of a kind differ:\n%s\n%s", first, second)
	}
	if text, _ := draw("reference-3", "de", "No."); !strings.Contains(text, `lang="de"`) {
		t.Errorf("another language's page: %s", text)
	}
	if text, _ := draw("reference-4", "en", "Another sentence."); !strings.Contains(text, "Another sentence.") {
		t.Errorf("another sentence's page: %s", text)
	}
}
