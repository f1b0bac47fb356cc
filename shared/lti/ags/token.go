package ags

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

const (
	assertionLife = 5 * time.Minute
	early         = time.Minute // a token is not used in its last minute: it has to arrive, too
	maxTokenLife  = 24 * time.Hour
	maxAnswer     = 64 << 10
)

// tokens keeps access tokens, each for one registration and its scopes.
type tokens struct {
	mu   sync.Mutex
	kept map[string]token
}

type token struct {
	text    string
	expires time.Time
}

// mostTokens bounds what is kept: Open edX may have a registration for each block of a course.
const mostTokens = 1000

func (t *tokens) get(key string, now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, ok := t.kept[key]
	return kept.text, ok && now.Before(kept.expires.Add(-early))
}

func (t *tokens) put(key string, fresh token, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) >= mostTokens {
		for key, kept := range t.kept {
			if !now.Before(kept.expires) || len(t.kept) >= mostTokens {
				delete(t.kept, key)
			}
		}
	}
	t.kept[key] = fresh
}

// drop forgets a token that was not taken, unless another one has come since.
func (t *tokens) drop(key, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept[key].text == text {
		delete(t.kept, key)
	}
}

// token is an access token for the registration and scopes: a kept one, or a new one.
func (s *Sender) token(ctx context.Context, r Registration, scopes []string) (text, key string, err error) {
	scopes = slices.Sorted(slices.Values(scopes))
	key = strings.Join(append([]string{r.Issuer, r.ClientID, r.TokenURL}, scopes...), "\n")
	if text, ok := s.tokens.get(key, s.now()); ok {
		return text, key, nil
	}
	fresh, err := s.fetch(ctx, r, scopes)
	if err != nil {
		return "", key, err
	}
	s.tokens.put(key, fresh, s.now())
	return fresh.text, key, nil
}

func (s *Sender) fetch(ctx context.Context, r Registration, scopes []string) (token, error) {
	begun := s.now()
	assertion, err := s.signer.Sign(map[string]any{
		"iss": r.ClientID, "sub": r.ClientID, "aud": r.TokenURL, "jti": rand.Text(),
		"iat": begun.Unix(), "exp": begun.Add(assertionLife).Unix(),
	})
	if err != nil {
		return token{}, &verdict.LaterError{Why: "key", Err: err}
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
		"scope":                 {strings.Join(scopes, " ")},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, &verdict.LaterError{Why: "token_url", Err: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return token{}, verdict.Unanswered(err)
	}
	defer answer.Body.Close()
	body, err := dial.Read(answer.Body, maxAnswer)
	if err != nil {
		return token{}, verdict.Unanswered(err)
	}
	return s.readToken(answer, body, scopes, begun)
}

// readToken takes RFC 6749 section 5.1. A refusal may be mended by the operator, so it is never for good: the key set may
// not be registered yet, or a clock be wrong.
func (s *Sender) readToken(answer *http.Response, body []byte, asked []string, begun time.Time) (token, error) {
	if err := verdict.OfStatus(answer, s.now()); err != nil {
		return token{}, &verdict.LaterError{Why: "token", Status: answer.StatusCode, After: verdict.Wait(err), Err: errors.New(oauthError(body))}
	}
	var given struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"`
		Scope       *string     `json:"scope"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		return token{}, &verdict.LaterError{Why: "token", Err: errors.New("the answer is not JSON of the expected shape")}
	}
	if given.AccessToken == "" || !strings.EqualFold(given.TokenType, "bearer") || strings.ContainsFunc(given.AccessToken, unprintable) {
		return token{}, &verdict.LaterError{Why: "token", Err: errors.New("the answer holds no bearer token")}
	}
	if given.Scope != nil { // without it, it is what was asked for (RFC 6749 section 3.3)
		granted := strings.Fields(*given.Scope)
		for _, scope := range asked {
			if !slices.Contains(granted, scope) {
				return token{}, &verdict.RefusedError{Reason: verdict.NoScope}
			}
		}
	}
	seconds, err := given.ExpiresIn.Float64()
	if err != nil || seconds < 0 {
		seconds = 0 // not said: good for this once
	}
	life := time.Duration(min(seconds, maxTokenLife.Seconds())) * time.Second
	return token{given.AccessToken, begun.Add(life)}, nil
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

// oauthError is the error code of RFC 6749 section 5.2, if it is one of those: what else a platform says may hold anything.
func oauthError(body []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	known := []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
	if json.Unmarshal(body, &said) == nil && slices.Contains(known, said.Error) {
		return said.Error
	}
	return "no token"
}
