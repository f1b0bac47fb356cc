package launchlab_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Rows of LTI 1.1 that are about more than one refused form.

func TestA08SignedQueryIsPartOfTheLaunch(t *testing.T) {
	t.Parallel()
	s := start(t)
	l := launch("u1")
	l.URL += "?norefresh&theme=a+b%20c&empty="
	labPage(t, s.serve(request(l)))
}

func TestA12NamesDoNotMakeAnotherLearner(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	labPage(t, s.serve(request(launch("u1").With("lis_person_contact_email_primary", "ada@example.org").With("lis_person_sourcedid", "ada"))))
	s.oneStack(t)
	labPage(t, s.serve(request(launch("u2").With("lis_person_sourcedid", "ada"))))
	if n := len(s.Stacks()); n != 2 {
		t.Errorf("%d stacks, want 2", n)
	}
}

// An instructor is one by exact name, and only where the configuration lets instructors count.
func TestA13OnlyInstructorsSeeTheClass(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		key, secret, roles string
		class              bool
	}{
		{key, secret, "Instructor", true},
		{key, secret, "Administrator", true},
		{key, secret, "Student,Learner", false},
		{key, secret, "NotInstructor,instructor", false},
		{"school", "another-test-secret-hunter2-12-abcdefg", "Instructor", false},
	} {
		l := launch("u1").With("oauth_consumer_key", c.key).With("roles", c.roles)
		l.Secret = c.secret
		w := s.serve(request(l))
		labPage(t, w)
		if got := strings.Contains(w.Body.String(), `/view-lab/class"`); got != c.class {
			t.Errorf("%s, %s: class %v", c.key, c.roles, got)
		}
	}
}

func TestA15OutcomeAddressIsNeverCalled(t *testing.T) {
	t.Parallel()
	called := false
	victim := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(victim.Close)
	s := start(t)
	labPage(t, s.serve(request(launch("u1").With("lis_outcome_service_url", victim.URL))))
	if called {
		t.Error("the launch called an address out of itself")
	}
}

func TestA16ReturnAddressIsTheCoursesOwn(t *testing.T) {
	t.Parallel()
	s := start(t)
	for address, shown := range map[string]bool{
		"https://lms.example.org/course": true, "https://evil.example.org/": false, "javascript:alert(1)": false, "http://lms.example.org/": false,
		"https://lms.example.org@evil.example.org/": false,
	} {
		w := s.serve(request(launch("u1").With("launch_presentation_return_url", address)))
		labPage(t, w)
		if got := strings.Contains(w.Body.String(), `target="_parent"`); got != shown {
			t.Errorf("%s: a way back %v", address, got)
		}
	}
}

func TestA17WeakConsumersAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	cloud := openstacktest.Start(t)
	for name, change := range map[string][2]string{
		"key with a colon":    {"key: academy", "key: 'a:b'"},
		"short secret":        {secret, "hunter2-short"},
		"secret with a colon": {secret, secret + ":x"},
		"twice the same key":  {"key: school", "key: academy"},
	} {
		env := environment(cloud, configuration)
		env[config.Variable] = strings.Replace(env[config.Variable], change[0], change[1], 1)
		if _, err := launchlab.Build(t.Context(), config.Map(env)); err == nil {
			t.Errorf("%s: built", name)
		} else if _, ok := errors.AsType[config.Faults](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestA18TwoLaunchesInOneSecondBothWork(t *testing.T) {
	t.Parallel()
	s := start(t)
	first, second := launch("u1"), launch("u1")
	second.Fields["oauth_timestamp"] = first.Fields["oauth_timestamp"]
	labPage(t, s.serve(request(first)))
	labPage(t, s.serve(request(second)))
	problemPage(t, s.serve(request(first)), http.StatusConflict, "lti_replayed") // a reload: friendly, and no second lab
	s.oneStack(t)
}

// Tenants by name: two consumers may share labs, if the configuration says so.
func TestTenantsMayShareLabs(t *testing.T) {
	t.Parallel()
	at := func(text string) int {
		s := startWith(t, text)
		s.launch(t, "u1")
		l := launch("u1").With("oauth_consumer_key", "school")
		l.Secret = "another-test-secret-hunter2-12-abcdefg"
		labPage(t, s.serve(request(l)))
		return len(s.Stacks())
	}
	if n := at(configuration); n != 2 {
		t.Errorf("%d stacks, want 2", n)
	}
	shared := strings.NewReplacer("key: academy", "key: academy\n      tenant: both", "key: school", "key: school\n      tenant: both").Replace(configuration)
	if n := at(shared); n != 1 {
		t.Errorf("%d stacks with a tenant in common, want 1", n)
	}
	// Who names no tenant has the labs that it always had.
	mine := strings.Replace(configuration, "key: school", "key: school\n      tenant: academy", 1)
	if n := at(mine); n != 1 {
		t.Errorf("%d stacks with the key as the tenant, want 1", n)
	}
}

// The page speaks the launch's language, and the browser's if the launch names none.
func TestLanguageOfThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct{ sent, browser, want string }{
		{"de-AT", "fr", "de"},
		{"es-419", "", "es"},
		{"fr_CA", "", "fr"},
		{"", "de-DE,de;q=0.9", "de"},
		{"", "", "en"},
		{"tlh", "", "en"},
		{strings.Repeat("de-", 100), "", "en"},
	} {
		r := request(launch("u1").With("launch_presentation_locale", c.sent))
		r.Header.Set("Accept-Language", c.browser)
		if got := s.serve(r).Header().Get("Content-Language"); got != c.want {
			t.Errorf("launch %q, browser %q: %q", c.sent, c.browser, got)
		}
	}
}

// W05: who says to be course staff sees the check and what to change, everybody else the code and a sentence. The fix names
// no value.
func TestW05StaffSeeTheCheck(t *testing.T) {
	t.Parallel()
	s := start(t)
	for roles, told := range map[string]bool{"Student,Learner": false, "Instructor": true, "": false} {
		l := launch("u1").With("roles", roles)
		l.Secret = "wrong"
		w := s.serve(request(l))
		problemPage(t, w, http.StatusForbidden, "lti_signature")
		if got := strings.Contains(w.Body.String(), `<details class="staff">`); got != told {
			t.Errorf("roles %q: told %v", roles, got)
		}
		for _, hidden := range []string{l.Form().Get("oauth_signature"), url.QueryEscape(l.Form().Get("oauth_signature")), l.Fields["oauth_nonce"], "wrong"} {
			if strings.Contains(w.Body.String(), ">"+hidden) || strings.Contains(s.log.String(), hidden+`"`) {
				t.Errorf("roles %q: %q is shown", roles, hidden)
			}
		}
	}
	s.nothingDone(t)
}

func TestW05StaffAreToldWhichLabIsNotOffered(t *testing.T) {
	t.Parallel()
	s := start(t)
	for roles, told := range map[string]bool{"Learner": false, "Instructor": true} {
		w := s.serve(request(launch("u1").With("custom_lab", "<b>secret</b>").With("roles", roles)))
		problemPage(t, w, http.StatusForbidden, "lab_not_offered")
		if strings.Contains(w.Body.String(), "Correct the custom parameter lab") != told || strings.Contains(w.Body.String(), "<b>") {
			t.Errorf("%s:\n%s", roles, w.Body)
		}
	}
}

// W03: all that a course says is hostile text.
func TestW03TextsOfALaunchAreText(t *testing.T) {
	t.Parallel()
	s := start(t)
	const hostile = `"><script>alert('x')</script></script><!-- ${x} {{.}}`
	l := launch("u1").With("roles", "Instructor")
	for _, name := range []string{
		"lis_person_name_full", "context_title", "custom_component_display_name", "context_id", "resource_link_title", "launch_presentation_locale",
	} {
		l = l.With(name, hostile)
	}
	w := s.serve(request(l))
	labPage(t, w)
	body := w.Body.String()
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "</script><!--") {
		t.Errorf("the text is markup:\n%s", body)
	}
	if !strings.Contains(body, "&lt;script&gt;alert(") {
		t.Error("the name is not shown")
	}
}

func TestNameGreetsAndIsNotKept(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := s.serve(request(launch("u1").With("lis_person_name_full", "Ada Lovelace")))
	got := labPage(t, w)
	if !strings.Contains(w.Body.String(), "Ada Lovelace") {
		t.Error("the learner is not greeted")
	}
	for _, stack := range s.Stacks() {
		if text := strings.Join(stack.Tags, " ") + stack.Name; strings.Contains(text, "Ada") {
			t.Errorf("the stack says %s", text)
		}
	}
	if strings.Contains(got.Ticket, "Ada") || strings.Contains(s.log.String(), "Ada") {
		t.Error("the name is kept")
	}
}

// The learner's code on the page is the one that course staff see.
func TestCodeOfTheOwner(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := s.serve(request(launch("u1")))
	labPage(t, w)
	for _, tag := range s.oneStack(t).Tags {
		if learner, ok := strings.CutPrefix(tag, "learner="); ok && !strings.Contains(w.Body.String(), "<code>"+learner[:6]+"</code>") {
			t.Errorf("the page does not show the code %s", learner[:6])
		}
	}
}

// The instructor's ticket is for the class, and the lab's is not.
func TestClassTicketIsApartFromTheLabs(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := s.serve(request(launch("teacher").With("roles", "Instructor")))
	got := labPage(t, w)
	tickets := hidden(w.Body.String())["ticket"]
	other := ""
	for _, ticket := range tickets {
		if ticket != got.Ticket {
			other = ticket
		}
	}
	if other == "" {
		t.Fatalf("no class ticket in %q", tickets)
	}
}
