package lti_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lti"
)

func TestA12_NamesAndMailDoNotIdentify(t *testing.T) {
	t.Parallel()
	got := accepted(t, request(launch().
		With("lis_person_contact_email_primary", "ada@example.org").With("lis_person_sourcedid", "ada").With("lis_person_name_full", "Ada")))
	if got.User != "u-7f3a" || got.Tenant != key {
		t.Errorf("launch %+v", got)
	}
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "ada@") || strings.Contains(text, "Ada") {
		t.Errorf("personal data is kept: %s", text)
	}
}

func TestA13_Roles(t *testing.T) {
	t.Parallel()
	for roles, want := range map[string]lti.Role{
		"":                                lti.Learner,
		"Student,Learner":                 lti.Learner,
		"Instructor":                      lti.Instructor,
		"Administrator":                   lti.Instructor,
		"Learner, Instructor":             lti.Instructor,
		"urn:lti:role:ims/lis/Instructor": lti.Instructor,
		"urn:lti:role:ims/lis/Instructor/TeachingAssistant": lti.Learner,
		"NotInstructor":                    lti.Learner,
		"instructor":                       lti.Learner,
		"Instructors":                      lti.Learner,
		"urn:lti:instrole:ims/lis/Faculty": lti.Learner,
	} {
		if got := accepted(t, request(launch().With("roles", roles))); got.Role != want {
			t.Errorf("roles %q: %s, want %s", roles, got.Role, want)
		}
	}
	v := verifier(&seen{})
	v.Consumers[key] = lti.Consumer{Key: key, Secret: secret}
	if got, err := v.Verify(t.Context(), request(launch().With("roles", "Instructor"))); err != nil || got.Role != lti.Learner {
		t.Errorf("without the switch: %s, %v", got.Role, err)
	}
}

func TestA15_OutcomeURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://lms.example.org/outcome?x=1":  true,
		"https://LMS.example.org:443/outcome":  true,
		"http://lms.example.org/outcome":       false,
		"https://lms.example.org:8443/outcome": false,
		"https://evil.example.org/outcome":     false,
		"https://lms.example.org@evil.org/":    false,
		"https://user:pw@lms.example.org/":     false,
		"https://lms.example.org.evil.org/":    false,
		"https://169.254.169.254/":             false,
		"":                                     false,
		"javascript:alert(1)":                  false,
	} {
		got := accepted(t, request(launch().With("lis_outcome_service_url", address)))
		if (got.Outcome.URL != "") != want {
			t.Errorf("%q: outcome %+v, want allowed=%v", address, got.Outcome, want)
		}
	}
}

func TestA16_ReturnURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://lms.example.org/course":       "https://lms.example.org/course",
		"":                                     "",
		"http://lms.example.org/course":        "",
		"https://lms.example.org.evil.org/":    "",
		"https://lms.example.org@evil.org/":    "",
		"javascript:alert(1)//lms.example.org": "",
		"//lms.example.org/":                   "",
	} {
		if got := accepted(t, request(launch().With("launch_presentation_return_url", address))); got.ReturnURL != want {
			t.Errorf("%q: %q, want %q", address, got.ReturnURL, want)
		}
	}
}

// README.md is where an operator looks a code up: it lists every code with its status, and no other.
func TestReadmeListsEveryCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, status := range lti.Codes() {
		if !strings.Contains(string(text), fmt.Sprintf("| `%s` | %d |", code, status)) {
			t.Errorf("README.md has no row for %s, %d", code, status)
		}
	}
	if rows := strings.Count(string(text), "| `lti_"); rows != len(lti.Codes()) {
		t.Errorf("README.md has %d codes, the package %d", rows, len(lti.Codes()))
	}
}
