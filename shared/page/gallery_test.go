package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

func pages(t *testing.T) *page.Pages {
	t.Helper()
	p, err := page.New("https://hooks.example.org/stage")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// later is when the labs of the gallery end.
var later = time.Now().Add(100 * time.Minute)

var statuses = map[string]lab.Status{
	"building": {
		State: lab.Building, Step: lab.StepMachine, Percent: 40, ETA: 42 * time.Second, Elapsed: 2*time.Minute + 10*time.Second, Expected: 3 * time.Minute,
		Poll:      lab.Poll{Look: lab.LookEvents, After: time.Second},
		Steps:     []lab.Step{{Key: lab.StepNetwork, State: lab.Done}, {Key: lab.StepMachine, State: lab.Active}, {Key: lab.StepAddress, State: lab.Waiting}},
		ExpiresAt: later, Actions: []lab.Act{lab.ActEnd},
	},
	"ready": {
		State: lab.Ready, Percent: 100, ExpiresAt: later, Access: []lab.Access{
			{Kind: lab.URL, Title: "Open the lab", URL: "http://203.0.113.7/", HasPassword: true},
			{Way: 1, Kind: lab.SSH, Host: "203.0.113.7", User: "learner", HasKey: true},
			{Way: 2, Kind: lab.Console},
		}, Actions: []lab.Act{lab.ActExtend, lab.ActSuspend, lab.ActReset, lab.ActEnd},
	},
	"starting":  lab.Unseen(lab.Entry{}, lab.CloudTrouble),
	"suspended": {State: lab.Suspended, ExpiresAt: later, Actions: []lab.Act{lab.ActReset, lab.ActEnd}},
	"resuming":  {State: lab.Resuming, Percent: 20, Elapsed: 20 * time.Second},
	"failed": {
		State: lab.Broken, Reason: lab.SetupFailed, Actions: []lab.Act{lab.ActReset, lab.ActEnd},
		Steps: []lab.Step{{Key: lab.StepNetwork, State: lab.Done}, {Key: lab.StepMachine, State: lab.Done}, {Key: lab.StepSoftware, State: lab.Failed}},
	},
	"ending": {
		State: lab.Ready, Percent: 100, ExpiresAt: time.Now().Add(8 * time.Minute), Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}},
		Actions: []lab.Act{lab.ActExtend, lab.ActReset, lab.ActEnd},
	},
	"gone": {State: lab.Gone, Reason: lab.Ended, Actions: []lab.Act{lab.ActReset}},
	"waiting": {
		State: lab.InLine, Reason: lab.Queued, Place: &lab.Place{Number: 3, Total: 12, Retry: 20 * time.Second}, ETA: 5 * time.Minute,
		Poll: lab.Poll{Start: true, After: 20 * time.Second}, Actions: []lab.Act{lab.ActEnd},
	},
	"full": {State: lab.InLine, Reason: lab.ClassFull, Place: &lab.Place{Number: 1, Total: 1}, Poll: lab.Poll{Start: true, After: time.Minute}},
	"rebuilding": {
		State: lab.Building, Step: lab.StepMachine, Percent: 20, Steps: []lab.Step{{Key: lab.StepMachine, State: lab.Active}}, Poll: lab.Poll{Look: lab.LookEvents, After: time.Second},
		Undo: &lab.Undo{Until: later}, Actions: []lab.Act{lab.ActUndo, lab.ActEnd},
	},
	"kept": {
		State: lab.Ready, Percent: 100, ExpiresAt: later, Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}}, Undo: &lab.Undo{Until: later}, Keeps: true,
		Actions: []lab.Act{lab.ActUndo, lab.ActReset, lab.ActEnd},
	},
	"newer": {
		State: lab.Ready, Percent: 100, ExpiresAt: later, Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}}, Rebuild: &lab.Rebuild{Gen: 1, State: lab.Building}, Undo: &lab.Undo{Until: later}, Keeps: true,
		Actions: []lab.Act{lab.ActReset, lab.ActEnd, lab.ActUndo},
	},
	"checked": {
		State: lab.Ready, Percent: 100, ExpiresAt: later, Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}}, Keeps: true,
		ClosesAt: later.Add(time.Hour), Allowance: &lab.Allowance{Of: 10 * time.Hour, Left: 200 * time.Minute},
		Checks: []lab.Checked{
			{Name: "install", Title: "The web server is installed", Reported: true, Passed: true},
			{Name: "serve", Title: "It serves a page", Reported: true, Message: "Nothing answers at port 80. Is the service running?"},
			{Name: "firewall"},
		}, Score: new(1. / 3), Grade: &lab.Grade{State: lab.GradeParked, Reason: "no_line_item"}, SleepsAt: later.Add(-time.Hour), Actions: []lab.Act{lab.ActExtend, lab.ActCheck, lab.ActReset, lab.ActEnd},
	},
	"answering":     {State: lab.Building, Percent: 99, Reason: lab.Answering, Poll: lab.Poll{Look: lab.LookStack, After: time.Second}, Steps: []lab.Step{{Key: lab.StepMachine, State: lab.Done}}},
	"unreachable":   {State: lab.Ready, Percent: 100, Reason: lab.Unreachable, Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}}, Actions: []lab.Act{lab.ActReset, lab.ActEnd}},
	"resume-failed": {State: lab.Broken, Reason: lab.ResumeFailed, Actions: []lab.Act{lab.ActReset, lab.ActEnd}},
	"asleep":        {State: lab.Suspended, ExpiresAt: time.Now().Add(8 * time.Minute), Actions: []lab.Act{lab.ActExtend, lab.ActReset, lab.ActEnd}, Keeps: true},
	"closed":        {State: lab.Gone, Reason: lab.LabClosed, ClosesAt: time.Now().Add(-time.Hour), OpensAt: later},
	"spent":         {State: lab.Gone, Reason: lab.BudgetSpent, Allowance: &lab.Allowance{Of: time.Hour, Over: true, Block: true, Renews: later}},
	"nearly-spent":  {State: lab.Ready, Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/"}}, Allowance: &lab.Allowance{Of: time.Hour, Over: true}},
}

// What a course, a template's author or an operator may have written goes through say in every page.
type said func(string) string

func plain(text string) string { return text }

// painter draws one page.
type painter func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said)

var frames = []string{"https://lms.example.org"}

// gallery has every kind of page, and the lab page in every state.
func gallery() map[string]painter {
	all := map[string]painter{
		"problem": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Problem(w, r, page.Problem{
				Status: 403, Code: "lti_signature", Texts: texts, Ancestors: frames, ReturnURL: "https://lms.example.org/course",
				Sentence: say("The link from your course is not signed as we expect. Please tell your course staff, and give them the code on this page."),
				Staff: &page.StaffNote{
					Check: say("The signature does not fit key, secret and launch address."),
					Fix:   say("Compare the consumer's secret in the course's passport with the configuration, and the launch address with the public address."),
				},
			})
		},
		"problem-again": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Problem(w, r, page.Problem{
				Status: 503, Code: say("some_code"), Sentence: say("We cannot check your launch at the moment."), RetryAfter: 8 * time.Second, Texts: texts, Ancestors: frames,
				Action: "/launch-lab/launch", Again: []page.Field{{Name: say("state"), Value: say("a.b.c")}},
			})
		},
		"problem-lab": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Problem(w, r, page.Problem{Status: 503, Code: "cloud_busy", Sentence: say("Wait."), RetryAfter: time.Second, Ticket: say("the.ticket"), Texts: texts, Ancestors: frames})
		},
		"console": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Console(w, r, say("https://cloud.example.org/vnc?token=1"), texts, frames)
		},
		"password": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Password(w, r, page.Password{Title: say("Open the lab"), User: say("learner"), Password: say("correct horse hunter2"), Ticket: say("the.ticket"), Texts: texts, Ancestors: frames})
		},
		"login": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Login(w, r, page.Login{
				ID: say("l1"), Secret: say("hunter2"), AuthURL: "https://lms.example.org/auth?state=a&nonce=" + say("b"), StorageTarget: say("store"),
				Opener: "https://hooks.example.org", Texts: texts, Ancestors: frames,
			})
		},
		"bind": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Bind(w, r, page.Bind{
				ID: say("l1"), StorageTarget: say("store"), PlatformOrigin: "https://lms.example.org", Action: "/launch-lab/launch", LoginAction: "/launch-lab/login",
				Fields: []page.Field{{Name: "id_token", Value: say("a.b.c")}, {Name: "state", Value: say("d.e.f")}}, Again: []page.Field{{Name: say("iss"), Value: say("https://lms.example.org")}},
				Texts: texts, Ancestors: frames,
			})
		},
		"bind-course": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Bind(w, r, page.Bind{ID: say("l1"), Action: "/launch-lab/launch", Fields: []page.Field{{Name: "state", Value: say("d.e.f")}}, Texts: texts, Ancestors: frames})
		},
		"picker": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Picker(w, r, page.Picker{
				Ticket: say("the.ticket"), Action: "/launch-lab/pick", Course: say("Networks, autumn"), Texts: texts, Ancestors: frames, FormOrigins: frames,
				Labs: []page.PickerLab{
					{
						Key: say("web"), Title: say("Web server basics"), Description: say("A Debian server with a public address. Learners install a web server and serve a page of their own."),
						Picture:  `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" fill="%2399d5d8"/><circle cx="8" cy="4.5" r="2.5" fill="%230b6e76"/></svg>`,
						Expected: texts.About(3 * time.Minute), Cost: say("0.04 EUR an hour"),
					},
					{Key: "db", Title: say("Two databases and a load balancer"), Description: say("Replication by hand."), Expected: texts.About(8 * time.Minute)},
					{Key: "plain", Title: say("A machine"), Picture: say("https://elsewhere.example.org/spy.png")},
				},
			})
		},
		"picker-many": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Picker(w, r, page.Picker{Action: "/launch-lab/pick", Multiple: true, Labs: []page.PickerLab{{Key: "web", Title: say("Web")}, {Key: "db", Title: say("DB")}}, Texts: texts})
		},
		"picker-none": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Picker(w, r, page.Picker{Action: "/launch-lab/pick", Texts: texts})
		},
		"return": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Return(w, r, page.Return{Action: "https://lms.example.org/deep_link?course=1", Fields: []page.Field{{Name: "JWT", Value: say("a.b.c")}}, Texts: texts, Ancestors: frames})
		},
		"class": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			until := later
			p.Class(w, r, page.Class{
				Ticket: say("class.ticket"), Course: say("Networks, autumn"), Truncated: true, Notice: texts.Notice("extend", 3, 1, 0), Texts: texts, Ancestors: frames,
				Rows: []page.Row{
					{Owner: say("0c77d1"), Lab: say("Web server basics"), State: lab.Ready, Expires: until, Ref: say("lab-1"), Mine: true, Gen: 2, Active: until.Add(-time.Hour), Kept: until},
					{Owner: "3f2a91", Lab: say("Web server basics"), State: lab.Building, Expires: until, Ref: say("lab-2")},
					{Owner: "a4409e", Lab: say("Two databases and a load balancer"), State: lab.Broken, Reason: lab.CloudFull, Expires: until, Ref: say("lab-3")},
					{Owner: "b1d0f2", Lab: say("Web server basics"), State: lab.Suspended, Ref: say("lab-4")},
					{Owner: "77c0de", Lab: say("Web server basics"), State: lab.InLine, Reason: lab.Queued, Ref: say("lab-5")},
				},
			})
		},
		"class-empty": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Class(w, r, page.Class{Ticket: "class.ticket", Texts: texts, Ancestors: frames})
		},
		"register": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Register(w, r, page.Register{
				Issuer: say("https://lms.example.org"), Product: say("moodle"), Action: "/launch-lab/register", Fields: []page.Field{{Name: "token", Value: say("hunter2")}},
				Texts: texts, Ancestors: frames,
			})
		},
		"registered": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Register(w, r, page.Register{Issuer: "https://lms.example.org", Done: true, Written: say("lms.example.org.yaml"), Texts: texts, Ancestors: frames})
		},
		"registered-paste": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Register(w, r, page.Register{
				Issuer: "https://lms.example.org", Done: true, Texts: texts, Ancestors: frames,
				Entry: say("- issuer: https://lms.example.org\n  client_id: 3f2c\n  deployments: [\"1\"]\n  auth_url: https://lms.example.org/a/very/long/address/that/does/not/fit/into/one/line\n"),
			})
		},
	}
	for name, status := range statuses {
		all["lab-"+name] = func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
			p.Lab(w, r, labPage(p, status, texts, say))
		}
	}
	all["lab-staff"] = func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, say said) {
		l := labPage(p, statuses["ready"], texts, say)
		l.Class, l.Name, l.Notice = say("class.ticket"), say("Ada Lovelace"), say(texts.Did["extend"])
		p.Lab(w, r, l)
	}
	return all
}

func labPage(p *page.Pages, s lab.Status, texts page.Texts, say said) page.Lab {
	s.Access = append([]lab.Access(nil), s.Access...)
	for i, a := range s.Access {
		a.Title, a.URL, a.Host, a.User = say(a.Title), say(a.URL), say(a.Host), say(a.User)
		s.Access[i] = a
	}
	s.Checks = append([]lab.Checked(nil), s.Checks...)
	for i, c := range s.Checks {
		s.Checks[i].Title, s.Checks[i].Message = say(c.Title), say(c.Message)
	}
	return page.Lab{
		Title: say("Web server basics"), Ticket: say("the.ticket"), Status: page.NewStatus(s, p.Base(), texts), Texts: texts,
		ReturnURL: say("https://lms.example.org/course"), Ancestors: frames, Code: say("3f2a91"),
	}
}

// paint draws a page of the gallery.
func paint(t *testing.T, p *page.Pages, paint painter, language string, say said) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	paint(p, w, httptest.NewRequest(http.MethodPost, "/", nil), page.TextsFor(language), say)
	return w
}
