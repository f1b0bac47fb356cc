package launchlab_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	login  = "identity POST /auth/tokens"
	list   = "heat GET /stacks"
	create = "heat POST /stacks"
	show   = "heat GET /stacks/{}/{}"
	act    = "heat POST /stacks/{}/{}/actions"
)

func TestFirstLaunchIsOneTokenAndTwoCalls(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := s.launch(t, "u1")
	s.called(t, login, list, create)
	if got.Status.State != "building" || got.Status.Next == nil || got.Status.Next.URL != "/view-lab/status" || got.Status.Next.Method != http.MethodGet {
		t.Errorf("status %+v", got.Status)
	}
	stack := s.oneStack(t)
	if !regexp.MustCompile(`^lab-[0-9a-f]{18}$`).MatchString(stack.Name) {
		t.Errorf("stack name %q", stack.Name)
	}
	prefixes := []string{"stackhook", "lab=web", "tenant=", "context=", "learner=", "owner=lab-", "until=", "extended=", "rev=", "stackhook-lab"}
	if len(stack.Tags) != len(prefixes) {
		t.Fatalf("tags %q", stack.Tags)
	}
	for i, prefix := range prefixes {
		if !strings.HasPrefix(stack.Tags[i], prefix) || strings.Contains(stack.Tags[i], "u1") || strings.Contains(stack.Tags[i], "academy") {
			t.Errorf("tag %q, want %s…", stack.Tags[i], prefix)
		}
	}
}

func TestWarmLaunchAdoptsInTwoCalls(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Settle()
	s.ResetCalls()
	got := s.launch(t, "u1")
	s.called(t, list, show)
	if got.Status.State != "ready" || got.Status.Percent != 100 || len(got.Status.Access) != 1 || !strings.HasPrefix(got.Status.Access[0].URL, "http://") {
		t.Errorf("status %+v", got.Status)
	}
	s.oneStack(t)
}

func TestLaunchWhileBuildingWaits(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Advance(time.Second)
	s.ResetCalls()
	if got := s.launch(t, "u1"); got.Status.State != "building" || got.Status.Next == nil {
		t.Errorf("status %+v", got.Status)
	}
	s.called(t, list, show)
	s.oneStack(t)
}

func TestLearnersLabsAndCoursesAreApart(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.launch(t, "u2")
	labPage(t, s.serve(request(launch("u1").With("custom_lab", "small"))))
	labPage(t, s.serve(request(launch("u1").With("context_id", "another course"))))
	labPage(t, s.serve(request(launch("u1").With("resource_link_id", "another unit of the same course"))))
	if n := len(s.Stacks()); n != 4 {
		t.Errorf("%d stacks, want 4", n)
	}
}

func TestA14LabIsChosenFromTheConsumersList(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, lab := range []string{"secret", "nowhere", "../web", "WEB"} {
		problemPage(t, s.serve(request(launch("u1").With("custom_lab", lab))), http.StatusForbidden, "lab_not_offered")
	}
	s.nothingDone(t)
	labPage(t, s.serve(request(launch("u1").With("custom_lab", "small"))))
	if tags := s.oneStack(t).Tags; !slices.Contains(tags, "lab=small") {
		t.Errorf("tags %q", tags)
	}
}

func TestSleepingLabIsResumed(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Settle()
	s.suspend(t)
	s.Settle()
	s.ResetCalls()
	got := s.launch(t, "u1")
	s.called(t, list, act)
	if got.Status.State != "resuming" || got.Status.Next == nil {
		t.Errorf("status %+v", got.Status)
	}
	s.Settle()
	if got := s.launch(t, "u1"); got.Status.State != "ready" {
		t.Errorf("afterwards %+v", got.Status)
	}
	if state := s.oneStack(t).State; state != "RESUME_COMPLETE" {
		t.Errorf("stack is %s", state)
	}
}

func TestFallingAsleepIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Settle()
	s.suspend(t)
	s.ResetCalls()
	got := s.launch(t, "u1")
	s.called(t, list, show)
	if got.Status.State != "suspended" || got.Status.Reason.Code != "suspending" || got.Status.Next == nil {
		t.Errorf("status %+v", got.Status)
	}
}

func (s *site) suspend(t *testing.T) {
	t.Helper()
	env := s.Env()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	stack := s.oneStack(t)
	if err := cloud.Act(t.Context(), openstack.StackRef{Name: stack.Name, ID: stack.ID}, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
}

func TestFailedLabIsShownAndKept(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.FailServer("*", 1)
	s.launch(t, "u1")
	s.Settle()
	got := s.launch(t, "u1")
	if got.Status.State != "failed" || got.Status.Reason.Code != "cloud_full" || got.Status.Reason.Text == "" || got.Status.Next != nil {
		t.Errorf("status %+v", got.Status)
	}
	if state := s.oneStack(t).State; state != "CREATE_FAILED" {
		t.Errorf("stack is %s", state)
	}
}

// A stack in every state that Heat has: the launch gives a page, never a delete, and acts on a sleeping one only.
func TestLaunchInEveryState(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Settle()
	name := s.oneStack(t).Name
	for _, action := range []string{"CREATE", "UPDATE", "CHECK", "SUSPEND", "RESUME", "SNAPSHOT", "ROLLBACK", "DELETE"} {
		for _, status := range []string{"IN_PROGRESS", "COMPLETE", "FAILED"} {
			if action == "DELETE" && status == "COMPLETE" {
				continue // it is not there
			}
			s.SetStackState(name, action, status, "set by the test")
			s.ResetCalls()
			s.launch(t, "u1")
			calls := s.CallNames()
			if len(calls) > 2 {
				t.Errorf("%s_%s: %d calls %q", action, status, len(calls), calls)
			}
			if acted := slices.Contains(calls, act); acted != (action == "SUSPEND" && status == "COMPLETE") {
				t.Errorf("%s_%s: acted=%v", action, status, acted)
			}
			if slices.Contains(calls, create) {
				t.Errorf("%s_%s: created another", action, status)
			}
		}
	}
	s.noDelete(t)
}

func TestOldLabBeingRemoved(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.Settle()
	s.SetStackState(s.oneStack(t).Name, "DELETE", "IN_PROGRESS", "")
	got := s.launch(t, "u1")
	if got.Status.State != "starting" || got.Status.Reason.Code != "clearing" || got.Status.Next == nil || got.Status.Next.URL != "/view-lab/status" {
		t.Errorf("status %+v", got.Status)
	}
}

func TestWrongTemplateIsSaid(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Inject(openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Status: 400})
	got := s.launch(t, "u1")
	if got.Status.State != "failed" || got.Status.Reason.Code != "lab_refused" || got.Status.Next != nil {
		t.Errorf("status %+v", got.Status)
	}
	s.called(t, login, list, create)
}

func TestA01OnlyPostLaunches(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		w := s.serve(httptest.NewRequest(method, "/launch", nil))
		problemPage(t, w, http.StatusMethodNotAllowed, "lti_method")
		if w.Header().Get("Allow") != "POST" {
			t.Errorf("Allow %q", w.Header().Get("Allow"))
		}
	}
	problemPage(t, s.serve(httptest.NewRequest(http.MethodGet, "/", nil)), http.StatusNotFound, "not_found")
	problemPage(t, s.serve(httptest.NewRequest(http.MethodPost, "/launch/x", nil)), http.StatusNotFound, "not_found")
	s.nothingDone(t)
}

func TestW02PageMayBeFramedByItsConsumerAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := s.serve(request(launch("u1")))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasSuffix(policy, "frame-ancestors https://lms.example.org https://apps.lms.example.org") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	if got := w.Header().Values("X-Frame-Options"); len(got) > 0 {
		t.Errorf("X-Frame-Options %q", got)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if cookies := w.Result().Cookies(); len(cookies) > 0 {
		t.Errorf("cookies %v", cookies)
	}
	refused := s.serve(httptest.NewRequest(http.MethodGet, "/launch", nil)).Header().Get("Content-Security-Policy")
	if !strings.Contains(refused, "frame-ancestors https://apps.lms.example.org https://lms.example.org https://school.example.org") {
		t.Errorf("policy of a refusal %q", refused)
	}
}

func TestW01ForwardedHeadersChangeNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := request(launch("u1"))
	r.Host = "evil.example.org"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Scheme", "Forwarded"} {
		r.Header.Set(name, "evil.example.org")
	}
	w := s.serve(r)
	labPage(t, w)
	if strings.Contains(w.Body.String(), "evil") {
		t.Error("the host of the request is in the page")
	}
}

func TestConfigurationFaultsAreSeenAtStart(t *testing.T) {
	t.Parallel()
	cloud := openstacktest.Start(t)
	for name, change := range map[string][2]string{
		"no such template":  {"template: labs/web.yaml\n    build", "template: labs/nowhere.yaml\n    build"},
		"no such parameter": {"{flavor: m1.tiny}", "{flavour: m1.tiny}"},
	} {
		env := environment(cloud, configuration)
		env[config.Variable] = strings.Replace(env[config.Variable], change[0], change[1], 1)
		if env[config.Variable] == configuration {
			t.Fatalf("%s: the change does not apply", name)
		}
		if _, err := launchlab.Build(t.Context(), config.Map(env)); err == nil {
			t.Errorf("%s: built", name)
		}
	}
}
