package lti_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

func TestClaimsStaff(t *testing.T) {
	t.Parallel()
	token := func(roles []string) lti.Request {
		l := link()
		l.Roles = roles
		return posted(url.Values{"state": {"not ours"}, "id_token": {lms().Sign(lms().Claims(l, "x", now))}})
	}
	text := func(body string) lti.Request { return lti.Request{Method: "POST", Body: body} }
	for name, c := range map[string]struct {
		r    lti.Request
		want bool
	}{
		"1.1 staff":               {request(launch().With("roles", "Administrator")), true},
		"1.1 learner":             {request(launch()), false},
		"1.1 without roles":       {request(launch().Without("roles")), false},
		"1.3 staff":               {token(ltitest.InstructorRoles), true},
		"1.3 learner":             {token(ltitest.LearnerRoles), false},
		"1.3 assistant":           {token(ltitest.AssistantRoles), false},
		"nothing":                 {text(""), false},
		"broken roles":            {text("roles=Instructor%zz"), false},
		"broken elsewhere":        {text("x=%zz&roles=Instructor"), true},
		"learner, then staff":     {text("roles=Learner&roles=Instructor"), false},
		"too large":               {text("roles=Instructor&" + strings.Repeat("&", 128<<10)), false},
		"token of one part":       {text("id_token=x"), false},
		"token is not base64":     {text("id_token=x.*.x"), false},
		"token is not JSON":       {text("id_token=x.eHh4.x"), false},
		"roles are not an array":  {text("id_token=x." + encoded(`{"`+claim+`roles":{"a":1}}`) + ".x"), false},
		"roles are of other kind": {text("id_token=x." + encoded(`{"`+claim+`roles":[1,null,{}]}`) + ".x"), false},
	} {
		if got := lti.ClaimsStaff(c.r); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
