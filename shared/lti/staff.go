package lti

import (
	"encoding/base64"
	"slices"
	"strings"
)

// ClaimsStaff says whether the sender of r claims to be course staff. Nothing of it is verified: it is good only for
// deciding whether to show which check failed, which is not a secret but would puzzle a learner. The first field that says it counts,
// however broken the rest of the form is: it may be what staff have to put right.
func ClaimsStaff(r Request) bool {
	if len(r.Body) > MaxBody {
		return false
	}
	switch name, raw := first(r.Body, "roles", "id_token"); name {
	case "roles":
		roles, sound := unescape(raw)
		return sound && roleOf(roles, true) == Instructor
	case "id_token":
		token, sound := unescape(raw)
		return sound && tokenClaimsStaff(token)
	}
	return false
}

func tokenClaimsStaff(token string) bool {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return false
	}
	all, err := strictObject(text)
	if err != nil {
		return false
	}
	list, _ := all[claimPrefix+"roles"].([]any)
	return slices.ContainsFunc(list, func(role any) bool {
		name, ok := role.(string)
		return ok && staffRoles13[name]
	})
}
