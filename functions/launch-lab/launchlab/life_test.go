package launchlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// with is the configuration with more about its first lab.
func with(lines string) string {
	return strings.Replace(configuration, "    lifetime: 8h\n", "    lifetime: 8h\n"+lines, 1)
}

const course = "course-v1:Academy+Web101+2026" // of the launches

// Outside its times a lab is not begun, and its page says when it opens, or until when it was open.
func TestLaunchOutsideTheCoursesTimes(t *testing.T) {
	t.Parallel()
	at := func(from time.Duration) string { return time.Now().Add(from).UTC().Format(time.RFC3339) }
	for name, c := range map[string]struct{ start, end, want string }{
		"before": {at(time.Hour), at(2 * time.Hour), "Open in this course from"},
		"after":  {at(-2 * time.Hour), at(-time.Hour), "Was open in this course until"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, with(fmt.Sprintf("    windows: [{tenant: academy, context: %q, start: %q, end: %q}]\n", course, c.start, c.end)))
			w := s.serve(request(launch("u1")))
			got := labPage(t, w)
			if got.Status.State != "gone" || got.Status.Reason.Code != "lab_closed" || got.Status.Next != nil {
				t.Errorf("%+v", got.Status)
			}
			for _, want := range []string{"This lab is closed", c.want} {
				if !strings.Contains(said(w), want) {
					t.Errorf("the page does not say %q:\n%s", want, said(w))
				}
			}
			s.nothingDone(t)
		})
	}
}

// Within its times a lab is begun, and says until when the course may use it.
func TestLaunchWithinTheCoursesTimes(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
	s := startWith(t, with(fmt.Sprintf("    windows: [{tenant: academy, context: %q, end: %q}]\n", course, end.Format(time.RFC3339))))
	w := s.serve(request(launch("u1")))
	if got := labPage(t, w); got.Status.State != "building" {
		t.Errorf("%+v", got.Status)
	}
	stack := s.oneStack(t)
	if want := fmt.Sprintf("until=%d", end.Unix()); !slices.Contains(stack.Tags, want) { // not the lifetime of eight hours
		t.Errorf("tags %q, want %s", stack.Tags, want)
	}
}

// spend notes that the learner's labs were up for so long already.
func (s *site) spend(t *testing.T, user string, spent time.Duration) {
	t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return s.Env()[name] }})
	if err != nil {
		t.Fatal(err)
	}
	owner := lab.Identity{Tenant: key, Context: course, Lab: "web", Learner: user}.Hide([]byte(naming))
	note := owner.SpentNote(spent, time.Now().Add(20*time.Hour))
	const empty = "heat_template_version: 2018-08-31\nresources: {note: {type: OS::Heat::Value, properties: {value: x}}}\n"
	if _, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: note.Name, Template: empty, Tags: note.Tags}); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	s.ResetCalls()
}

// Whose time is used up is told so: where the catalogue blocks nothing is begun.
func TestLaunchWithTheTimeUsedUp(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{"block": "gone", "warn": "building"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, with("    budget: {time: 1h, per: 24h, action: "+action+"}\n"))
			s.spend(t, "u1", 2*time.Hour)
			w := s.serve(request(launch("u1")))
			if got := labPage(t, w); got.Status.State != want {
				t.Errorf("%+v", got.Status)
			}
			if action == "block" {
				s.called(t, login, list)
			} else { // what was begun tells no more than that
				s.Settle()
				w = s.serve(request(launch("u1")))
			}
			if !strings.Contains(said(w), "You have used up your time for this lab.") {
				t.Errorf("the page does not say so:\n%s", said(w))
			}
			if other := s.launch(t, "u2"); other.Status.State != "building" {
				t.Errorf("another learner: %+v", other.Status)
			}
		})
	}
}

func opened(t *testing.T, owner, sealed string) (grades.Destination, error) {
	t.Helper()
	box, err := seal.New(seal.Key{ID: "1", Secret: []byte(sealing)})
	if err != nil {
		t.Fatal(err)
	}
	return grades.Open(box, owner, sealed, time.Now())
}

const graded = "    checks: [{name: install, kind: report}]\n"

// S10: the lab is told where its grade goes, sealed for its own owner: nobody else's lab can use it.
func TestS10LaunchTellsTheLabWhereItsGradeGoes(t *testing.T) {
	t.Parallel()
	s := startWith(t, strings.Replace(with(graded), "      instructors: true\n", "      instructors: true\n      outcome_hosts: [lms.example.org]\n", 1))
	outcome := func(user, host string) ltitest.Launch {
		return launch(user).With("lis_outcome_service_url", "https://"+host+"/grade?course=1").With("lis_result_sourcedid", "sourced-"+user)
	}
	w := s.serve(request(outcome("u1", "lms.example.org")))
	labPage(t, w)
	stack := s.oneStack(t)
	d, err := opened(t, stack.Name, stack.Parameters[grades.GradingParameter])
	if err != nil || d.Outcome != "https://lms.example.org/grade?course=1" || d.SourcedID != "sourced-u1" || d.Key != key {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := opened(t, "lab-ffffffffffffffffff", stack.Parameters[grades.GradingParameter]); err == nil {
		t.Error("another lab can use it")
	}
	for _, secret := range []string{"sourced-u1", "lms.example.org/grade", stack.Parameters[grades.GradingParameter]} {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("the page holds %s", secret)
		}
	}
	// The destination of the first launch stays.
	labPage(t, s.serve(request(outcome("u1", "lms.example.org").With("lis_result_sourcedid", "another"))))
	if again := s.oneStack(t); again.Parameters[grades.GradingParameter] != stack.Parameters[grades.GradingParameter] {
		t.Error("a second launch changed it")
	}
	// A host that is not on the list is not written to, and the lab is there all the same.
	labPage(t, s.serve(request(outcome("u2", "evil.example.org"))))
	for _, other := range s.Stacks() {
		if sealed := other.Parameters[grades.GradingParameter]; other.Name != stack.Name && sealed != "" {
			t.Errorf("%+v", other)
		}
	}
	if n := len(s.Stacks()); n != 2 {
		t.Errorf("%d labs", n)
	}
}

func TestNothingIsSealedForALabWithoutChecks(t *testing.T) {
	t.Parallel()
	s := startWith(t, strings.Replace(configuration, "      instructors: true\n", "      instructors: true\n      outcome_hosts: [lms.example.org]\n", 1))
	labPage(t, s.serve(request(launch("u1").With("lis_outcome_service_url", "https://lms.example.org/grade").With("lis_result_sourcedid", "x"))))
	if got := s.oneStack(t).Parameters[grades.GradingParameter]; got != "" {
		t.Errorf("grading %q", got)
	}
}

// S05: of LTI 1.3 the claim of Assignment and Grade Services, on the hosts that the platform's entry lists.
func TestS05LaunchTakesTheClaimOfGrades(t *testing.T) {
	t.Parallel()
	for host, wanted := range map[string]bool{"grades.example.org": true, "evil.example.org": false} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := start13(t, func(text string) string {
				text = strings.Replace(text, "    lifetime: 8h\n", "    lifetime: 8h\n"+graded, 1)
				return strings.Replace(text, "labs: [web, small], instructors: true, frame_ancestors", "labs: [web, small], instructors: true, grade_hosts: [grades.example.org], frame_ancestors", 1)
			})
			form, b := s.forge(t, s.lms.link("u1"), func(claims map[string]any) {
				claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"] = map[string]any{
					"lineitem": "https://" + host + "/items/7", "scope": []string{"https://purl.imsglobal.org/spec/lti-ags/scope/score"},
				}
			})
			labPage(t, s.serve(post(form, b.cookie)))
			stack := s.oneStack(t)
			d, err := opened(t, stack.Name, stack.Parameters[grades.GradingParameter])
			if err != nil || d.Graded() != wanted || wanted && (d.LineItem != "https://"+host+"/items/7" || d.User != "u1" || d.Issuer != s.lms.Issuer || d.ClientID != "client-1") {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

// Row 5: a launch into a full class is a page that says the place, and when to ask again.
func TestRow5LaunchIntoAFullClass(t *testing.T) {
	t.Parallel()
	s := start(t)
	src := config.Map(environment(s.Cloud, configuration))
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	clouds[0].MaxBuilds = 1
	handler, err := launchlab.New(c, launchlab.Parts{Clouds: clouds, Seen: once.Memory(time.Now), Keys: keyset.NewCache(keyset.CacheOptions{}), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(s.log, "launch-lab"), handler)
	s.launch(t, "u1")
	w := s.serve(request(launch("u2")))
	got := labPage(t, w)
	if got.Status.State != "waiting" || got.Status.Next == nil || got.Status.Next.Method != http.MethodPost || w.Header().Get("Retry-After") == "" {
		t.Errorf("%+v %v", got.Status, w.Header())
	}
	if !strings.Contains(said(w), "You are next in line.") {
		t.Errorf("the page does not say the place:\n%s", said(w))
	}
	s.oneStack(t)
}

// A ready-made lab is just found: it is ready at once, and its page has what any other has.
func TestRow4LaunchOfAReadyMadeLab(t *testing.T) {
	t.Parallel()
	s := startWith(t, with("    warm: 1\n"))
	src := config.Map(environment(s.Cloud, with("    warm: 1\n")))
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	labs, err := keeper.New(c, clouds, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	shelf, _ := labs.Shelf("web")
	tags := []string{lab.Tag, lab.TagWarm + "web", lab.TagLab + "web", lab.TagRev + shelf.Entry.Revision}
	if _, err := clouds[0].Cloud.CreateStack(t.Context(), labs.NewStack("warm-web-0123abcd", "web", tags, "")); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	s.ResetCalls()
	got := s.launch(t, "u1")
	if got.Status.State != "ready" {
		t.Errorf("%+v", got.Status)
	}
	if calls := slices.DeleteFunc(s.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") }); len(calls) > 4 {
		t.Errorf("%d calls: %q", len(calls), calls)
	}
	s.oneStack(t)
}

// The page is told whether its use counts.
func TestLaunchedPageBeatsWhereTheLabGoesToSleep(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[string]bool{"30m": true, "0s": false} {
		s := startWith(t, with("    idle_timeout: "+timeout+"\n"))
		found := island.FindStringSubmatch(s.serve(request(launch("u1"))).Body.String())
		var data struct{ Beat bool }
		if err := json.Unmarshal([]byte(found[1]), &data); err != nil || data.Beat != want {
			t.Errorf("idle_timeout %s: %v, %v", timeout, data.Beat, err)
		}
	}
}
