package viewlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/page"
)

// Build makes the function from its configuration.
func Build(_ context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		return nil, fmt.Errorf("set up clouds: %w", err)
	}
	return New(c, clouds, time.Now)
}

type viewer struct {
	keeper *keeper.Keeper
	pages  *page.Pages
}

// New makes the function from its parts.
func New(c *config.Config, clouds keeper.Clouds, now function.Clock) (http.Handler, error) {
	labs, err := keeper.New(c, clouds, now)
	if err != nil {
		return nil, fmt.Errorf("set up labs: %w", err)
	}
	grader, err := grades.New(c, grades.Options{Now: now})
	if err != nil {
		return nil, fmt.Errorf("set up grades: %w", err)
	}
	labs.UseGrades(grader) // what is deleted here may hold a grade that was not sent yet
	pages, err := page.New(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("set up pages: %w", err)
	}
	v := &viewer{keeper: labs, pages: pages}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", v.status)
	mux.HandleFunc("POST /start", v.own(v.start))
	mux.HandleFunc("POST /{$}", v.own(v.refresh))
	mux.HandleFunc("POST /old", v.own(v.old))
	mux.HandleFunc("POST /heartbeat", v.own(v.heartbeat))
	mux.HandleFunc("POST /console", v.own(v.console))
	mux.HandleFunc("POST /key", v.own(v.key))
	mux.HandleFunc("POST /password", v.own(v.password))
	for path, act := range v.acts() {
		mux.HandleFunc("POST "+path, v.own(act))
	}
	mux.HandleFunc("POST /class", v.own(v.class))
	for path, act := range v.classActs() {
		mux.HandleFunc("POST "+path, v.own(act))
	}
	mux.HandleFunc("/", v.elsewhere)
	return mux, nil
}

// own lets in requests of our own pages only. The ticket alone keeps strangers out; this keeps other sites from using a
// learner's browser to send one that they have got hold of.
func (v *viewer) own(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			next(w, r)
		default:
			v.fail(w, r, keeper.Ticket{}, "", &function.Error{
				Code: "cross_site", Status: http.StatusForbidden, Public: "This request did not come from a lab page. Open the lab from your course page.",
			})
		}
	}
}

// sealed is the request's ticket: a header of the script, a field of a form.
func sealed(r *http.Request) string {
	if scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value)
	}
	if r.Method == http.MethodPost {
		return r.PostFormValue("ticket")
	}
	return ""
}

func (v *viewer) status(w http.ResponseWriter, r *http.Request) {
	ticket, err := v.keeper.Open(sealed(r))
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		function.Fail(w, r, err)
		return
	}
	after, status, err := v.keeper.Look(r.Context(), ticket, lab.Look(r.URL.Query().Get("look")))
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	v.answer(w, r, ticket, after, status)
}

// start creates or wakes the lab, as the launch would. The script wants JSON, the form without script a page.
func (v *viewer) start(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	if ticket.ID != "" && !ticket.Wake {
		if status, over := v.over(r, ticket); over {
			v.show(w, r, ticket, ticket, status)
			return
		}
	}
	after, status := v.keeper.Start(r.Context(), ticket)
	v.show(w, r, ticket, after, status)
}

// over says that the lab of this page has ended: a page that was left open does not bring it back, only a launch does.
func (v *viewer) over(r *http.Request, ticket keeper.Ticket) (lab.Status, bool) {
	_, status, err := v.keeper.Look(r.Context(), ticket, lab.LookStack)
	return status, err == nil && status.State == lab.Gone
}

// refresh is the page without script: it looks, and starts a lab that was never created.
func (v *viewer) refresh(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	after, status, err := v.keeper.Look(r.Context(), ticket, lab.LookStack)
	switch {
	case err != nil:
		v.fail(w, r, ticket, before, err)
		return
	case status.Poll.Start:
		after, status = v.keeper.Start(r.Context(), after)
	default:
		after, status = v.closer(r, after, status)
	}
	v.page(w, r, after, status, "")
}

// closer is a status with what the next look adds, for pages that do not look by themselves: the events of what Heat is
// doing, or the outputs of what it has done. If they cannot be had, the state alone will do.
func (v *viewer) closer(r *http.Request, ticket keeper.Ticket, status lab.Status) (keeper.Ticket, lab.Status) {
	if status.State != lab.Building && status.State != lab.Resuming {
		return ticket, status
	}
	later, detailed, err := v.keeper.Look(r.Context(), ticket, status.Poll.Look)
	if err != nil {
		return ticket, status
	}
	return later, detailed
}

// show answers the way the request wants it.
func (v *viewer) show(w http.ResponseWriter, r *http.Request, before, after keeper.Ticket, status lab.Status) {
	if wantsPage(r) {
		v.page(w, r, after, status, "")
		return
	}
	v.answer(w, r, before, after, status)
}

// words are the status as the ticket's learner reads it.
func (v *viewer) words(ticket keeper.Ticket, status lab.Status) page.Status {
	out := page.NewStatus(status, v.pages.Base(), page.TextsFor(ticket.Locale))
	out.UseKey(keyFile(ticket))
	return out
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

func (v *viewer) answer(w http.ResponseWriter, r *http.Request, before, after keeper.Ticket, status lab.Status) {
	out := v.words(after, status)
	if !after.Same(before) {
		fresh, err := v.keeper.Seal(after)
		if err != nil {
			function.Fail(w, r, fmt.Errorf("seal ticket: %w", err))
			return
		}
		out.Ticket = fresh
	}
	logging.Note(r.Context(), "state", string(status.State))
	page.RetryAfter(w, status)
	function.JSON(w, r, http.StatusOK, out)
}

// page draws the lab page. notice is what the request did, in words.
func (v *viewer) page(w http.ResponseWriter, r *http.Request, ticket keeper.Ticket, status lab.Status, notice string) {
	fresh, err := v.keeper.Seal(ticket)
	if err != nil {
		v.fail(w, r, ticket, "", fmt.Errorf("seal ticket: %w", err))
		return
	}
	class, err := v.keeper.SealClass(v.keeper.ClassOf(ticket))
	if err != nil {
		v.fail(w, r, ticket, "", fmt.Errorf("seal class ticket: %w", err))
		return
	}
	texts, entry := page.TextsFor(ticket.Locale), v.keeper.Entry(ticket)
	logging.Note(r.Context(), "state", string(status.State))
	page.RetryAfter(w, status)
	v.pages.Lab(w, r, page.Lab{
		Title: entry.Title, Ticket: fresh, Status: v.words(ticket, status), Beat: entry.IdleTimeout > 0,
		Texts: texts, Ancestors: ticket.Ancestors, Code: ticket.Code(), Class: class, Notice: notice,
	})
}

// elsewhere answers what no route takes: a wrong method on one of ours, or an address that leads nowhere.
func (v *viewer) elsewhere(w http.ResponseWriter, r *http.Request) {
	methods := map[string]string{"/status": "GET, HEAD"}
	for _, path := range []string{"/", "/start", "/old", "/heartbeat", "/console", "/key", "/password", "/class"} {
		methods[path] = "POST"
	}
	for path := range v.acts() {
		methods[path] = "POST"
	}
	for path := range v.classActs() {
		methods[path] = "POST"
	}
	problem := &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "There is nothing at this address. Open the lab from your course page."}
	if allowed, ours := methods[r.URL.Path]; ours {
		w.Header().Set("Allow", allowed)
		problem = &function.Error{Code: "method_not_allowed", Status: http.StatusMethodNotAllowed, Public: "This address is for lab pages only. Open the lab from your course page."}
	}
	v.fail(w, r, keeper.Ticket{}, "", problem)
}

// fail answers err: with a page where a person is looking, and as a problem document elsewhere. With a ticket the page
// leads back to the lab.
func (v *viewer) fail(w http.ResponseWriter, r *http.Request, ticket keeper.Ticket, back string, err error) {
	if !wantsPage(r) {
		function.Fail(w, r, err)
		return
	}
	known, ok := errors.AsType[*function.Error](err)
	if !ok {
		known = &function.Error{
			Code: "internal", Status: http.StatusInternalServerError, Err: err,
			Public: "Something went wrong on our side. Try again; if it stays, give your course staff the reference.",
		}
	}
	if known.Err != nil {
		logging.Note(r.Context(), "cause", err.Error())
	}
	ancestors, locale := ticket.Ancestors, ticket.Locale
	if ticket.Launched.IsZero() { // nobody's: what the browser asks for has to do
		ancestors = v.keeper.Ancestors()
		locale, _, _ = strings.Cut(r.Header.Get("Accept-Language"), ",")
	}
	v.pages.Problem(w, r, page.Problem{
		Status: known.Status, Code: known.Code, Sentence: known.Public, RetryAfter: known.RetryAfter, Ticket: back,
		Texts: page.TextsFor(locale), Ancestors: ancestors,
	})
}
