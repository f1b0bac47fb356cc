package lti

import (
	"slices"
	"strings"
)

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

// staffRoles13 are the exact URIs that make an instructor in LTI 1.3 (C16). Open edX gives every person the system and
// institution role "#None", and its teaching assistants #Learner with the sub-role Instructor#TeachingAssistant: none of
// these is listed, and nothing is matched by its beginning.
var staffRoles13 = map[string]bool{
	"http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor":            true,
	"http://purl.imsglobal.org/vocab/lis/v2/membership#Administrator":         true,
	"http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator": true,
	"http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator":      true,
	"http://purl.imsglobal.org/vocab/lis/v2/system/person#SysAdmin":           true,
}

func roleOf13(names []string, instructorsAllowed bool) Role {
	if instructorsAllowed && slices.ContainsFunc(names, func(name string) bool { return staffRoles13[name] }) {
		return Instructor
	}
	return Learner
}
