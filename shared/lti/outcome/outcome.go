package outcome

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

// Place is one learner's cell in a grade book, and what it takes to write to it.
type Place struct {
	URL, SourcedID string // as the launch named them
	Key, Secret    string // the consumer's
}

// Sender sends grades. Client should be of package dial: the address comes from a launch.
type Sender struct {
	Client *http.Client
	Now    func() time.Time
}

// maxAnswer bounds an answer; real ones have less than 1 KiB.
const maxAnswer = 64 << 10

// Replace sets the grade at place to score, 0 to 1. Nil means that it is there. A *verdict.RefusedError is a no for good, every
// other error means that it is to be sent again, which does no harm: the same score replaces itself.
func (s Sender) Replace(ctx context.Context, place Place, score float64) error {
	body, err := replaceResult(place.SourcedID, score)
	if err != nil {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	err = s.post(ctx, place, place.URL, body)
	if plain := decoded(place.URL); errors.Is(err, errSignature) && plain != place.URL {
		err = s.post(ctx, place, plain, body)
	}
	return err
}

// errSignature says that the LMS does not take our signature for this key and address.
var errSignature = errors.New("the signature was not taken: compare the consumer's secret")

// post sends body once, with a nonce and a time of its own.
func (s Sender) post(ctx context.Context, place Place, signedURL string, body []byte) error {
	header, err := authorization(place, signedURL, body, s.Now())
	if err != nil {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, place.URL, bytes.NewReader(body))
	if err != nil {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	request.Header.Set("Content-Type", "application/xml")
	request.Header.Set("Authorization", header)
	answer, err := s.Client.Do(request)
	if err != nil {
		return verdict.Unanswered(err)
	}
	defer answer.Body.Close()
	return s.judge(answer)
}

func (s Sender) judge(answer *http.Response) error {
	if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
		return &verdict.LaterError{Why: "signature", Status: answer.StatusCode, Err: errSignature}
	}
	if err := verdict.OfStatus(answer, s.Now()); err != nil {
		return err //nolint:wrapcheck // it is ours, and says all
	}
	text, err := dial.Read(answer.Body, maxAnswer)
	if err != nil {
		if errors.Is(err, dial.ErrTooLarge) {
			return &verdict.LaterError{Why: "unreadable", Err: dial.ErrTooLarge}
		}
		return verdict.Unanswered(err)
	}
	said, err := ReadAnswer(text)
	if err != nil {
		return &verdict.LaterError{Why: "unreadable", Err: err}
	}
	return said.verdict()
}

// verdict reads the description only to tell kinds of failure apart, by the words of Open edX (outcomes.py).
func (a Answer) verdict() error {
	words := strings.ToLower(a.Description)
	switch {
	case a.Major == "success":
		return nil
	case a.Major == "unsupported":
		return &verdict.RefusedError{Reason: verdict.Unsupported}
	case a.Major != "failure": // processing, or a word of its own
		return &verdict.LaterError{Why: "processing"}
	case strings.Contains(words, "past due"):
		return &verdict.RefusedError{Reason: verdict.PastDue}
	case strings.Contains(words, "oauth"), strings.Contains(words, "signature"):
		return &verdict.LaterError{Why: "signature", Err: errSignature}
	}
	return &verdict.RefusedError{Reason: verdict.Rejected}
}

// replaceResult is the request's XML. The id of the message is new each time, as LTI asks.
func replaceResult(sourcedID string, score float64) ([]byte, error) {
	number, err := decimal(score)
	if err != nil {
		return nil, err
	}
	if !Sendable(sourcedID) {
		return nil, errors.New("the sourced id cannot be written as XML")
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(sourcedID)); err != nil {
		return nil, fmt.Errorf("write sourced id: %w", err)
	}
	var body bytes.Buffer
	_, _ = io.WriteString(&body, xml.Header+ // a buffer takes everything
		`<imsx_POXEnvelopeRequest xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader><imsx_POXRequestHeaderInfo>`+
		`<imsx_version>V1.0</imsx_version><imsx_messageIdentifier>`+rand.Text()+`</imsx_messageIdentifier>`+
		`</imsx_POXRequestHeaderInfo></imsx_POXHeader><imsx_POXBody><replaceResultRequest><resultRecord>`+
		`<sourcedGUID><sourcedId>`+escaped.String()+`</sourcedId></sourcedGUID>`+
		`<result><resultScore><language>en</language><textString>`+number+`</textString></resultScore></result>`+
		`</resultRecord></replaceResultRequest></imsx_POXBody></imsx_POXEnvelopeRequest>`)
	return body.Bytes(), nil
}

// decimal writes a score with at most four places, no exponent and a point.
func decimal(score float64) (string, error) {
	if math.IsNaN(score) || score < 0 || score > 1 {
		return "", errors.New("a score is a number from 0 to 1")
	}
	return strconv.FormatFloat(math.Round(score*1e4)/1e4, 'f', -1, 64), nil
}

// Sendable says whether a sourced id can be sent as it is. XML has no way to write most control characters
// (XML 1.0 section 2.2); left to the encoder they would become another sign, and the id another learner's.
func Sendable(sourcedID string) bool {
	if sourcedID == "" || !utf8.ValidString(sourcedID) {
		return false
	}
	return !strings.ContainsFunc(sourcedID, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
	})
}
