package grades_test

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/peers"
	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/ags"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/outcome"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

// Other people's libraries take our grades over both versions, and refuse those that are signed by somebody else.
func TestPeersTakeGrades(t *testing.T) {
	t.Parallel()
	der, err := x509.MarshalPKCS8PrivateKey(toolKey())
	if err != nil {
		t.Fatal(err)
	}
	own, err := keyset.ParseOwn(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range peers.Gradebooks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := peers.StartGradebook(t, program, peers.GradebookOptions{
				Key: outcometest.Key, Secret: outcometest.Secret, ClientID: outcometest.ClientID, JWKS: own.JSON(),
			})
			var want []peers.Grade
			sender := outcome.Sender{Client: dial.Client(true, 20*time.Second), Now: time.Now}
			for path, id := range map[string]string{
				"/outcome": "course-v1%3AA%2BB:block-v1%3AA%2BB%2Btype%40x%2Bblock%408f2c:ada", "/outcome/a%20b": "Ä & <b> \"q\"", "/outcome?b=2&a=x%20y": "plain",
			} {
				place := outcome.Place{URL: book.URL + path, SourcedID: id, Key: outcometest.Key, Secret: outcometest.Secret}
				for _, score := range []float64{0, 0.5, 0.8333, 1} {
					if err := sender.Replace(t.Context(), place, score); err != nil {
						t.Errorf("%s: %v", path, err)
					}
					want = append(want, peers.Grade{Who: id, Score: score})
				}
			}
			scores := ags.New(ags.Options{Client: dial.Client(true, 20*time.Second), Signer: own, Now: time.Now})
			place := ags.Place{
				Registration: ags.Registration{Issuer: book.URL, ClientID: outcometest.ClientID, TokenURL: book.URL + "/token"},
				User:         "4cbd6cf5", Scores: lti.Scores{LineItem: book.URL + "/item", Scopes: []string{lti.ScopeScore}},
			}
			at := time.Now()
			for i, given := range []float64{0, 0.25, 1} {
				for range 2 { // the second time it is a time that it has: 409, delivered
					if err := scores.Send(t.Context(), place, ags.Score{Given: given, At: at.Add(time.Duration(i) * time.Millisecond)}); err != nil {
						t.Errorf("%v: %v", given, err)
					}
				}
				want = append(want, peers.Grade{Who: "4cbd6cf5", Score: given})
			}
			if got := book.Grades(t); !slices.Equal(got, want) || len(book.Refused(t)) > 0 {
				t.Errorf("it has %v, want %v; refused %q", got, want, book.Refused(t))
			}

			strange := outcome.Place{URL: book.URL + "/outcome", SourcedID: "eve", Key: outcometest.Key, Secret: strings.ToUpper(outcometest.Secret)}
			if err := sender.Replace(t.Context(), strange, 1); err == nil || verdict.RefusedFor(err) != "" {
				t.Errorf("another secret: %v", err)
			}
			place.ClientID = "another"
			if err := scores.Send(t.Context(), place, ags.Score{Given: 1, At: at.Add(time.Minute)}); err == nil {
				t.Error("another client's score was taken")
			}
			if got := book.Refused(t); len(got) != 2 || len(book.Grades(t)) != len(want) {
				t.Errorf("refused %q", got)
			}
		})
	}
}
