package launchlab

import (
	"errors"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/page"
)

// retryAfter is for what passes by itself: a store or a platform that does not answer.
const retryAfter = 10 * time.Second

// again is a form that may be posted once more, when what kept it from being checked has passed.
type again struct {
	action string
	fields []page.Field
}

// passing says that the same launch may hold a moment later.
func passing(err error) bool {
	fault, ok := errors.AsType[*lti.Error](err)
	return ok && fault.Status == http.StatusServiceUnavailable
}

// refuse answers with the page for err. Whose launch it was is not known, so the page may be framed by any of our tenants.
// Who says to be course staff is told which check failed: that helps to set a course up, and holds nothing that was sent.
func (t *tool) refuse(w http.ResponseWriter, r *http.Request, request lti.Request, err error, forms ...again) {
	fault, ok := errors.AsType[*lti.Error](err)
	if !ok {
		t.fail(w, r, err)
		return
	}
	problem := page.Problem{Status: fault.Status, Code: string(fault.Code), Sentence: fault.Public, Ancestors: t.keeper.Ancestors()}
	if lti.ClaimsStaff(request) {
		problem.Staff = &page.StaffNote{Check: fault.Detail, Fix: fault.Fix}
	}
	switch fault.Status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", allowed(r))
	case http.StatusServiceUnavailable:
		problem.RetryAfter = retryAfter
		for _, form := range forms {
			problem.Action, problem.Again = form.action, form.fields
		}
	}
	logging.Note(r.Context(), "cause", err.Error())
	t.problem(w, r, problem, "")
}

func allowed(r *http.Request) string {
	if r.URL.Path == "/login" {
		return "GET, POST"
	}
	return http.MethodPost
}

// refusal is one of our own. Its check and its fix are for course staff.
type refusal struct {
	status             int
	public, check, fix string
}

const tellStaff = " Please tell your course staff, and give them the code on this page."

var refusals = map[string]refusal{
	"not_found": {http.StatusNotFound, "There is nothing at this address. Open the lab from your course page.", "", ""},
	"internal": {
		http.StatusInternalServerError,
		"Something went wrong on our side. Open the lab again from your course page; if it stays, give your course staff the reference.", "", "",
	},
	"cross_site": {http.StatusForbidden, "This request did not come from a page of ours. Begin again from your course page.", "", ""},
	"lab_not_offered": {
		http.StatusForbidden, "Your course asks for a lab that it may not open." + tellStaff,
		"The custom parameter lab is not one of the labs of this course site.",
		"Correct the custom parameter lab in the link's settings, or add the lab to this course site's list in the configuration.",
	},
	"deep_link_role": {
		http.StatusForbidden, "Only instructors choose the labs of a course. Open the lab from your course page instead.",
		"The launch does not name an instructor's role, or this course site's instructors do not count.",
		"Set instructors: true for this course site in the configuration, and open the choice with an instructor's role.",
	},
	"deep_link_keys": {
		http.StatusNotImplemented,
		"Labs cannot be chosen here, because this server has no key to sign the choice with. Ask whoever runs the labs to add one.",
		"lti.tool_keys.current is not set.",
		"Make an RSA key, set it as lti.tool_keys.current in the configuration, and give the course site the address of our key set.",
	},
	"pick_ticket": {
		http.StatusForbidden, "This choice was open for more than an hour, or is not one of ours. Begin it again in your course.", "", "",
	},
	"pick_platform": {
		http.StatusForbidden, "Your course site is not known here any more. Ask whoever runs the labs to add it.", "", "",
	},
	"registration_keys": {
		http.StatusNotImplemented,
		"This server has no key of its own yet, which every platform asks for. Whoever runs it sets lti.tool_keys; then you can register.", "", "",
	},
}

// ours is the page's problem for a code of our own.
func (t *tool) ours(code string) page.Problem {
	f := refusals[code]
	return page.Problem{Status: f.status, Code: code, Sentence: f.public, Ancestors: t.keeper.Ancestors()}
}

// deny refuses a launch that holds and yet may not have what it asks for.
func (t *tool) deny(w http.ResponseWriter, r *http.Request, launch lti.Launch, from tenant, code string) {
	problem := t.ours(code)
	problem.Ancestors, problem.ReturnURL = from.ancestors, launch.ReturnURL
	if launch.Role == lti.Instructor || launch.DeepLink != nil {
		problem.Staff = &page.StaffNote{Check: refusals[code].check, Fix: refusals[code].fix}
	}
	t.problem(w, r, problem, launch.Locale)
}

// fail answers with a page that says nothing of err but where to find it.
func (t *tool) fail(w http.ResponseWriter, r *http.Request, err error) {
	logging.Note(r.Context(), "cause", err.Error())
	t.problem(w, r, t.ours("internal"), "")
}

func (t *tool) notFound(w http.ResponseWriter, r *http.Request) {
	t.problem(w, r, t.ours("not_found"), "")
}

func (t *tool) problem(w http.ResponseWriter, r *http.Request, p page.Problem, sent string) {
	t.counts.verdict(r, p.Code)
	p.Texts = page.TextsFor(language(sent, r))
	t.pages.Problem(w, r, p)
}

// fromUs lets in requests of our own pages only (W04). What is sealed in their forms keeps strangers out; this keeps other
// sites from using somebody's browser to post one that they have got hold of.
func (t *tool) fromUs(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			r.Body = http.MaxBytesReader(w, r.Body, function.MaxBody)
			next(w, r)
		default:
			t.problem(w, r, t.ours("cross_site"), "")
		}
	}
}
