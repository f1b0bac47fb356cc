package launchlab

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/page"
)

// browserSecret is the field in which our own pages post the browser's secret (lti.Answer.Posted).
const browserSecret = "browser_secret"

// launch takes launches of both versions: LTI 1.1 is one signed form, LTI 1.3 the platform's answer to a login.
func (t *tool) launch(w http.ResponseWriter, r *http.Request) {
	request, err := t.read(r)
	if err != nil {
		t.refuse(w, r, request, err)
		return
	}
	if lti.Is13(request.Body) {
		t.launch13(w, r, request)
		return
	}
	launch, err := t.legacy.Verify(r.Context(), request)
	switch {
	case passing(err):
		t.refuse(w, r, request, err, again{t.base + "/launch" + query(request), fieldsIn(request.Body)})
	case err != nil:
		t.refuse(w, r, request, err)
	default:
		t.admit(w, r, launch)
	}
}

func (t *tool) launch13(w http.ResponseWriter, r *http.Request, request lti.Request) {
	answer, err := t.modern.Answer(request)
	if err != nil {
		t.refuse(w, r, request, err)
		return
	}
	notePlatform(r, answer.Registration)
	secret, found := t.secretOf(r, answer)
	if !found {
		logging.Note(r.Context(), "binding", "asked")
		t.bind(w, r, answer)
		return
	}
	launch, err := t.modern.Verify(r.Context(), answer, secret)
	if passing(err) {
		// The cookie stays, so that the same answer holds once we can look again.
		fields := fieldsOf(answer)
		if secret == answer.Posted {
			fields = append(fields, page.Field{Name: browserSecret, Value: secret})
		}
		t.refuse(w, r, request, err, again{t.base + "/launch", fields})
		return
	}
	http.SetCookie(w, bindingCookie(answer.ID, "", -1))
	if err != nil {
		t.refuse(w, r, request, err)
		return
	}
	t.admit(w, r, launch)
}

// read is r as the verifiers want it. function.Wrap has bounded the body, and they see whether it is too much for a launch.
func (t *tool) read(r *http.Request) (lti.Request, error) {
	request := lti.Request{
		Method: r.Method, MediaType: r.Header.Get("Content-Type"), RawQuery: r.URL.RawQuery, PublicURL: t.url + r.URL.EscapedPath(),
	}
	var body strings.Builder
	if _, err := io.Copy(&body, r.Body); err != nil {
		return request, fmt.Errorf("read launch: %w", err)
	}
	request.Body = body.String()
	return request, nil
}

func query(r lti.Request) string {
	if r.RawQuery == "" {
		return ""
	}
	return "?" + r.RawQuery
}

// fieldsIn is a form that was found good, taken apart to be posted once more.
func fieldsIn(body string) []page.Field {
	var fields []page.Field
	for pair := range strings.SplitSeq(body, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if pair != "" && err1 == nil && err2 == nil {
			fields = append(fields, page.Field{Name: name, Value: value})
		}
	}
	return fields
}

// admit is where a launch of either version arrives that holds.
func (t *tool) admit(w http.ResponseWriter, r *http.Request, launch lti.Launch) {
	from := t.tenants[senderOf(launch)]
	note(r, launch, from)
	if launch.DeepLink != nil {
		t.offer(w, r, launch, from)
		return
	}
	key := launch.Custom["lab"]
	if key == "" {
		key = from.labs[0]
	}
	if !slices.Contains(from.labs, key) {
		logging.Note(r.Context(), "cause", "the custom parameter lab is not in the tenant's list of labs")
		t.deny(w, r, launch, from, "lab_not_offered")
		return
	}
	t.open(w, r, launch, from, key)
}

// notePlatform says for the log which registration it is about. Open edX makes one for each block by default.
func notePlatform(r *http.Request, reg lti.Registration) {
	logging.Note(r.Context(), "issuer", reg.Issuer)
	logging.Note(r.Context(), "client_id", reg.ClientID)
}

// note says for the log who launched what, without saying who it was.
func note(r *http.Request, launch lti.Launch, from tenant) {
	logging.Note(r.Context(), "consumer", from.name)
	logging.Note(r.Context(), "lti", launch.Version)
	if launch.Target != launch.LoginTarget {
		// Open edX names the block at the login and the chosen item in the token: the signed one decides.
		logging.Note(r.Context(), "target", "differs from the login's")
	}
}

// open gets the learner's lab going and shows it.
func (t *tool) open(w http.ResponseWriter, r *http.Request, launch lti.Launch, from tenant, key string) {
	ticket := t.keeper.Ticket(lab.Identity{Tenant: from.name, Context: launch.Context, Lab: key, Learner: launch.User})
	ticket.Ancestors, ticket.Locale = from.ancestors, language(launch.Locale, r)
	if launch.Role == lti.Instructor && launch.Context != "" { // launches without a course have nothing in common but that
		ticket = ticket.AsStaff(launch.ContextTitle)
	}
	grading, err := t.grading(launch, ticket)
	if err != nil {
		t.fail(w, r, err)
		return
	}
	ticket.Grading = grading
	ticket, status := t.keeper.Launch(r.Context(), ticket)
	sealed, err := t.keeper.Seal(ticket)
	if err != nil {
		t.fail(w, r, fmt.Errorf("seal ticket: %w", err))
		return
	}
	class, err := t.keeper.SealClass(t.keeper.ClassOf(ticket))
	if err != nil {
		t.fail(w, r, fmt.Errorf("seal class ticket: %w", err))
		return
	}
	t.counts.verdict(r, accepted)
	texts, entry := page.TextsFor(ticket.Locale), t.keeper.Entry(ticket)
	logging.Note(r.Context(), "state", string(status.State))
	page.RetryAfter(w, status)
	shown := page.NewStatus(status, t.pages.Base(), texts)
	shown.UseKey(page.KeyFile(cmp.Or(ticket.Name, ticket.Stack)))
	t.pages.Lab(w, r, page.Lab{
		Title: entry.Title, Ticket: sealed, Class: class, Name: launch.Name, Code: ticket.Code(), Beat: entry.IdleTimeout > 0,
		Status: shown, Texts: texts, ReturnURL: launch.ReturnURL, Ancestors: from.ancestors,
	})
}

// grading is where the launch wants the lab's grade to go, sealed for its owner; empty where nothing is graded.
func (t *tool) grading(launch lti.Launch, ticket keeper.Ticket) (string, error) {
	if len(t.keeper.Entry(ticket).Checks) == 0 {
		return "", nil
	}
	sealed, err := grades.Seal(t.box, ticket.Stack, grades.DestinationOf(launch), t.now())
	if err != nil {
		return "", fmt.Errorf("note where the grade goes: %w", err)
	}
	return sealed, nil
}

// language is the launch's if it says one, and otherwise the browser's: Open edX says none in LTI 1.3. What does not look
// like a language tag is left out, since it goes into every ticket.
func language(sent string, r *http.Request) string {
	const most = 16
	if sent == "" {
		sent, _, _ = strings.Cut(r.Header.Get("Accept-Language"), ",")
		sent, _, _ = strings.Cut(strings.TrimSpace(sent), ";")
	}
	if len(sent) > most {
		return ""
	}
	return sent
}
