package lti_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/lti"
)

const endpoint = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"

func graded(members map[string]any, change func(*lti.Registration)) faultyLaunch {
	f := put("", "", endpoint, members)
	f.tool = func(t *lti.Tool) {
		t.Registrations[0].TokenURL = "https://lms.example.org/token"
		if change != nil {
			change(&t.Registrations[0])
		}
	}
	return f
}

// A15 for LTI 1.3: where scores may be sent comes from the platform's token, and must be on its list; the launch goes on
// without grading else.
func TestA15ScoresAreSentToListedHosts(t *testing.T) {
	t.Parallel()
	all := []string{lti.ScopeLineItemReadOnly, "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly", lti.ScopeScore}
	grades := func(hosts ...string) func(*lti.Registration) {
		return func(r *lti.Registration) { r.GradeHosts = hosts }
	}
	for name, row := range map[string]struct {
		members     map[string]any
		change      func(*lti.Registration)
		item, items string
		writable    bool
	}{
		"as Open edX sends it": {
			map[string]any{"scope": all, "lineitems": "https://lms.example.org/api/lti/lti-ags", "lineitem": "https://lms.example.org/api/lti/lti-ags/1"},
			nil,
			"https://lms.example.org/api/lti/lti-ags/1", "https://lms.example.org/api/lti/lti-ags", true,
		},
		"line items alone":         {map[string]any{"scope": all, "lineitems": "https://lms.example.org/l"}, nil, "", "https://lms.example.org/l", true},
		"line items, no search":    {map[string]any{"scope": []string{lti.ScopeScore}, "lineitems": "https://lms.example.org/l"}, nil, "", "https://lms.example.org/l", false},
		"no scope to write scores": {map[string]any{"scope": all[:2], "lineitem": "https://lms.example.org/1"}, nil, "https://lms.example.org/1", "", false},
		"no scope at all":          {map[string]any{"lineitem": "https://lms.example.org/1"}, nil, "https://lms.example.org/1", "", false},
		"the token's port":         {map[string]any{"scope": all, "lineitem": "https://lms.example.org:443/1"}, nil, "https://lms.example.org:443/1", "", true},
		"another port":             {map[string]any{"scope": all, "lineitem": "https://lms.example.org:8443/1"}, nil, "", "", false},
		"another port, listed":     {map[string]any{"scope": all, "lineitem": "https://lms.example.org:8443/1"}, grades("lms.example.org:8443"), "https://lms.example.org:8443/1", "", true},
		"another host":             {map[string]any{"scope": all, "lineitem": "https://evil.example.org/1"}, nil, "", "", false},
		"another host, listed":     {map[string]any{"scope": all, "lineitem": "https://grades.example.org/1"}, grades("grades.example.org"), "https://grades.example.org/1", "", true},
		"metadata":                 {map[string]any{"scope": all, "lineitem": "https://169.254.169.254/1"}, nil, "", "", false},
		"without TLS":              {map[string]any{"scope": all, "lineitem": "http://lms.example.org/1"}, nil, "", "", false},
		"with a password":          {map[string]any{"scope": all, "lineitem": "https://a:b@lms.example.org/1"}, nil, "", "", false},
		"a host as user":           {map[string]any{"scope": all, "lineitem": "https://lms.example.org@evil.example.org/1"}, nil, "", "", false},
		"a backslash":              {map[string]any{"scope": all, "lineitem": `https://evil.example.org\@lms.example.org/1`}, nil, "", "", false},
		"script":                   {map[string]any{"scope": all, "lineitem": "javascript:alert(1)"}, nil, "", "", false},
		"too long":                 {map[string]any{"scope": all, "lineitem": "https://lms.example.org/" + string(make([]byte, 3000))}, nil, "", "", false},
		"no token address":         {map[string]any{"scope": all, "lineitem": "https://lms.example.org/1"}, func(r *lti.Registration) { r.TokenURL = "" }, "", "", false},
		"empty":                    {map[string]any{}, nil, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, f := begin(t, link()), graded(row.members, row.change)
			f.tool(&v.tool)
			got, err := v.finish(t.Context(), f.answered(v), v.login.Secret)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if got.Scores.LineItem != row.item || got.Scores.LineItems != row.items || got.Scores.Writable() != row.writable {
				t.Errorf("%+v", got.Scores)
			}
			if slices.ContainsFunc(got.Scores.Scopes, func(s string) bool { return s == all[1] }) {
				t.Errorf("a scope that nobody needs: %q", got.Scores.Scopes)
			}
		})
	}
}

// C15: wrong types are refused, not guessed at.
func TestC15ScoresOfTheWrongType(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"a text":           "https://lms.example.org/1",
		"a filled list":    []any{"x"},
		"scope is a text":  map[string]any{"scope": lti.ScopeScore},
		"scope of numbers": map[string]any{"scope": []any{1}},
		"lineitem a list":  map[string]any{"lineitem": []any{}},
		"lineitems a bool": map[string]any{"lineitems": true},
	} {
		v, f := begin(t, link()), put("", "", endpoint, value)
		_, err := v.finish(t.Context(), f.answered(v), v.login.Secret)
		if fault, ok := errors.AsType[*lti.Error](err); !ok || fault.Code != lti.CodeClaims {
			t.Errorf("%s: %v", name, err)
		}
	}
}
