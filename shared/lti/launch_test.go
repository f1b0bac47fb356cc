package lti_test

import (
	"errors"
	"fmt"
	"maps"
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
	if got.Name != "Ada" {
		t.Errorf("the name to greet is %q", got.Name)
	}
	got.Name = ""
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "ada") || strings.Contains(text, "Ada") {
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

// What an author may choose comes from custom_ fields alone; whether it is on the list is the function's question.
func TestA14_OnlyCustomFieldsAreTheAuthors(t *testing.T) {
	t.Parallel()
	got := accepted(t, request(launch().
		With("custom_lab", "web").With("custom_Lab Größe", "9").With("custom_", "x").With("lab", "evil").With("ext_lab", "evil").With("flavor", "evil")))
	want := map[string]string{"lab": "web", "Lab Größe": "9", "": "x", "component_display_name": "Your first web server"}
	if !maps.Equal(got.Custom, want) {
		t.Errorf("custom %v, want %v", got.Custom, want)
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

// Open edX sends a key with other characters than the unreserved ones escaped, but signs it as it is: such a key cannot
// work, which is why configuration refuses it.
func TestA17_KeysThatOpenEdXEscapes(t *testing.T) {
	t.Parallel()
	const odd = "a:b"
	v := verifier(&seen{})
	v.Consumers[odd] = lti.Consumer{Key: odd, Secret: secret}
	l := launch().With("oauth_consumer_key", odd)
	if _, err := v.Verify(t.Context(), request(l)); err != nil {
		t.Errorf("sent as it is signed: %v", err)
	}
	form := l.Form()
	form.Set("oauth_consumer_key", "a%3Ab")
	r := request(l)
	r.Body = form.Encode()
	_, err := v.Verify(t.Context(), r)
	if fault, ok := errors.AsType[*lti.Error](err); !ok || fault.Code != lti.CodeSignature {
		t.Errorf("sent escaped: %v, want %s", err, lti.CodeSignature)
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
	if rows := strings.Count(string(text), "\n| `lti_"); rows != len(lti.Codes()) {
		t.Errorf("README.md has %d codes, the package %d", rows, len(lti.Codes()))
	}
}
