package lti

import "strings"

// Role is what a person is in the course, as far as we tell people apart.
type Role string

// Everyone is a learner; staff are more only where the consumer's configuration says so.
const (
	Learner    Role = "learner"
	Instructor Role = "instructor"
)

// staffRoles are the exact names that make an instructor: LTI 1.1 context roles by short name and by URN, and the
// administrators of institution and system. Open edX sends "Administrator" for course staff, "Instructor" for course admins.
// Sub-roles (Instructor/TeachingAssistant) are names of their own and are not listed.
var staffRoles = map[string]bool{
	"Instructor":                             true,
	"Administrator":                          true,
	"urn:lti:role:ims/lis/Instructor":        true,
	"urn:lti:role:ims/lis/Administrator":     true,
	"urn:lti:instrole:ims/lis/Administrator": true,
	"urn:lti:sysrole:ims/lis/Administrator":  true,
	"urn:lti:sysrole:ims/lis/SysAdmin":       true,
}

// roleOf reads the comma list of the roles field. A name is matched whole and with its case: "NotInstructor" is nobody.
func roleOf(list string, instructorsAllowed bool) Role {
	if !instructorsAllowed {
		return Learner
	}
	for name := range strings.SplitSeq(list, ",") {
		if staffRoles[strings.TrimSpace(name)] {
			return Instructor
		}
	}
	return Learner
}
