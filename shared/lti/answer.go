package lti

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"regexp"
	"slices"

	"github.com/stackhook/stackhook/shared/seal"
)

// Answer is a platform's answer to a login of ours: its state is known to be ours, its token is not looked at yet.
type Answer struct {
	ID            string
	StorageTarget string
	Registration  Registration
	// Again are the parameters of the login initiation, to begin once more in a new tab; nil if they were too long to keep.
	Again url.Values
	// Fields are state and id_token as they came, to be posted once more with the browser's secret.
	Fields [][2]string
	// Posted is the form field browser_secret. It proves something only if the caller knows that our own page posted it.
	Posted string

	token string
	state state
}

// answerNames are the fields of an answer, and the one that our own page adds when it posts the answer once more.
var answerNames = []string{"id_token", "state", "error", "browser_secret"}

// errorCode is what errors of OAuth and OpenID Connect look like; whatever else a platform sends is not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// Is13 says whether a form is an LTI 1.3 platform's answer rather than an LTI 1.1 launch.
func Is13(body string) bool {
	if len(body) > MaxBody {
		return false
	}
	name, _ := first(body, "id_token", "state", "error")
	return name != ""
}

// Answer reads a platform's answer and opens its state (C01). Nothing is asked of anybody before that (C02): who has no
// state of ours cannot make us fetch a key set. A fault is an *Error.
func (t Tool) Answer(r Request) (Answer, error) {
	fields, fault := readForm(nil, r, MaxBody, func(name string) bool { return slices.Contains(answerNames, name) })
	if fault != nil {
		return Answer{}, fault
	}
	sent, fault := byName(fields)
	if fault != nil {
		return Answer{}, fault
	}
	answer, fault := t.open(sent)
	if fault != nil {
		return Answer{}, fault
	}
	return answer, nil
}

func (t Tool) open(sent map[string]string) (Answer, *Error) {
	_, failed := sent["error"]
	if sent["state"] == "" && !failed {
		return Answer{}, refuse(CodeMissing, "state is missing or empty")
	}
	var s state
	if sent["state"] != "" {
		if fault := t.openState(sent["state"], &s); fault != nil {
			return Answer{}, fault
		}
	}
	if failed {
		return Answer{}, platformError(sent["error"])
	}
	if sent["id_token"] == "" {
		return Answer{}, refuse(CodeMissing, "id_token is missing or empty")
	}
	reg, fault := t.registration(s.Issuer, s.ClientID) // it may have been taken out since the login
	if fault != nil {
		return Answer{}, fault
	}
	return Answer{
		ID: s.ID, StorageTarget: s.Storage, Registration: reg, Again: s.again(), Posted: sent["browser_secret"],
		Fields: [][2]string{{"state", sent["state"]}, {"id_token", sent["id_token"]}},
		token:  sent["id_token"], state: s,
	}, nil
}

func (t Tool) openState(sealed string, s *state) *Error {
	err := t.Box.Open(statePurpose, sealed, s, t.Now())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, seal.ErrExpired):
		return refuse(CodeStateExpired, "the login began more than ten minutes ago")
	}
	return refuse(CodeState, "state is not one that we sealed")
}

// platformError is an OpenID Connect error answer. Its code may be repeated if it looks like one; its text never is.
func platformError(code string) *Error {
	if !errorCode.MatchString(code) {
		return refuse(CodePlatformError, "the platform answered with an error")
	}
	return refuse(CodePlatformError, "the platform answered "+code)
}

// again are the initiation's parameters. Platform storage is left out: the new tab has no such frame beside it.
func (s state) again() url.Values {
	values, err := url.ParseQuery(s.Again) // our own encoding, so it parses
	if err != nil || s.Again == "" {
		return nil
	}
	values.Set("target_link_uri", s.Target)
	return values
}

// Bound says whether secret is the one that the browser got when this login began (C03).
func (a Answer) Bound(secret string) bool {
	return secret != "" && subtle.ConstantTimeCompare([]byte(digest(secret)), []byte(a.state.Secret)) == 1
}
