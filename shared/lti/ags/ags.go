package ags

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

// Signer signs with our own key, whose public half platforms fetch. keyset.Own is one.
type Signer interface {
	Sign(claims any) (string, error)
}

// Options are what a Sender works with; all are needed. Client should be of package dial: addresses come from launches.
type Options struct {
	Client *http.Client
	Signer Signer
	Now    func() time.Time
}

// Sender sends scores and keeps the tokens for it. It is safe for concurrent use.
type Sender struct {
	client *http.Client
	signer Signer
	now    func() time.Time
	tokens tokens
}

// New is a sender without tokens.
func New(o Options) *Sender {
	return &Sender{client: o.Client, signer: o.Signer, now: o.Now, tokens: tokens{kept: map[string]token{}}}
}

// Registration is a platform's, as far as its grade services need it.
type Registration struct {
	Issuer, ClientID, TokenURL string
}

// Place is one learner's cell in a grade book.
type Place struct {
	Registration

	User   string // sub of the launch
	Link   string // the resource link's id, to search the line items for
	Scores lti.Scores
}

// Score is what is sent: 0 to 1, and when the result came about that made it. A platform takes a score only if its time is
// later than that of the last one of this learner.
type Score struct {
	Given float64
	At    time.Time
}

// wire is the body of Assignment and Grade Services 2.0 section 3.4.
type wire struct {
	Timestamp        string  `json:"timestamp"`
	ScoreGiven       float64 `json:"scoreGiven"`
	ScoreMaximum     float64 `json:"scoreMaximum"`
	ActivityProgress string  `json:"activityProgress"`
	GradingProgress  string  `json:"gradingProgress"`
	UserID           string  `json:"userId"`
}

// fullScore is what a score is given out of: grade books of people show it as a percentage.
const fullScore = 100

// Send delivers a score. Nil means that the platform has it, or a later one: it refuses equal and earlier times. Errors are
// those of package verdict.
func (s *Sender) Send(ctx context.Context, p Place, score Score) error {
	if math.IsNaN(score.Given) || score.Given < 0 || score.Given > 1 {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	if !p.Scores.Writable() {
		return &verdict.RefusedError{Reason: verdict.NoScope}
	}
	item := p.Scores.LineItem
	if item == "" {
		found, err := s.search(ctx, p)
		if err != nil {
			return err
		}
		item = found
	}
	address, err := scoresOf(item)
	if err != nil {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	body, err := json.Marshal(wire{
		Timestamp:  score.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		ScoreGiven: math.Round(score.Given*fullScore*100) / 100, ScoreMaximum: fullScore,
		ActivityProgress: "Completed", GradingProgress: "FullyGraded", UserID: p.User,
	})
	if err != nil {
		return &verdict.RefusedError{Reason: verdict.Unfit}
	}
	answer, err := s.call(ctx, p, []string{lti.ScopeScore}, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/vnd.ims.lis.v1.score+json")
		}
		return r, err //nolint:wrapcheck // the caller says what it was
	})
	if err != nil {
		return err
	}
	return answer.verdictOfScore(s.now())
}

// scoresOf is a line item's score service: /scores behind its path, before its query (section 3.4).
func scoresOf(item string) (string, error) {
	u, err := url.Parse(item)
	if err != nil {
		return "", fmt.Errorf("read line item: %w", err)
	}
	below := func(path string) string { return strings.TrimSuffix(path, "/") + "/scores" }
	if u.RawPath != "" { // escapes stay as the platform wrote them
		u.RawPath = below(u.RawPath)
	}
	u.Path, u.Fragment = below(u.Path), ""
	return u.String(), nil
}

// reply is an answer, read.
type reply struct {
	*http.Response

	text []byte
}

// call makes a request with a token; on 401 once more with a new one. build is called for each try.
func (s *Sender) call(ctx context.Context, p Place, scopes []string, build func() (*http.Request, error)) (reply, error) {
	for try := 1; ; try++ {
		text, key, err := s.token(ctx, p.Registration, scopes)
		if err != nil {
			return reply{}, err
		}
		r, err := build()
		if err != nil {
			return reply{}, &verdict.RefusedError{Reason: verdict.Unfit}
		}
		r.Header.Set("Authorization", "Bearer "+text)
		got, err := s.do(r)
		if err != nil {
			return reply{}, err
		}
		if got.StatusCode != http.StatusUnauthorized {
			return got, nil
		}
		s.tokens.drop(key, text)
		if try == 2 {
			return reply{}, &verdict.LaterError{Why: "token", Status: http.StatusUnauthorized}
		}
	}
}

func (s *Sender) do(r *http.Request) (reply, error) {
	answer, err := s.client.Do(r)
	if err != nil {
		return reply{}, verdict.Unanswered(err)
	}
	defer answer.Body.Close()
	text, err := dial.Read(answer.Body, maxAnswer)
	if err != nil && answer.StatusCode >= http.StatusBadRequest {
		return reply{answer, nil}, nil // its status says enough
	}
	if err != nil {
		return reply{}, verdict.Unanswered(err)
	}
	return reply{answer, text}, nil
}

// verdictOfScore takes the refusal of a time for what it is: the platform has this score, or one that is later. The standard
// has 409 for it; Open edX answers 400 and names the field (lti_1p3/extensions/rest_framework/serializers.py).
func (r reply) verdictOfScore(now time.Time) error {
	if r.StatusCode == http.StatusConflict || r.StatusCode == http.StatusBadRequest && r.names("timestamp") {
		return nil
	}
	return verdict.OfStatus(r.Response, now) //nolint:wrapcheck // it is ours, and says all
}

// names says that a refusal is about a field and no other.
func (r reply) names(field string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.text, &fields) != nil {
		return false
	}
	_, there := fields[field]
	return there && len(fields) == 1
}
