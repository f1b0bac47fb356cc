package launchlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/page"
)

// Build makes the function from its configuration.
func Build(_ context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	cloud, err := openstack.New(openstack.Options{Cloud: c.CloudName(), Getenv: src.Getenv})
	if err != nil {
		return nil, fmt.Errorf("set up cloud: %w", err)
	}
	return New(c, cloud, once.Memory(time.Now), time.Now)
}

// tool is the LTI tool.
type tool struct {
	url       string // where browsers reach this function
	keeper    *keeper.Keeper
	pages     *page.Pages
	verifier  lti.Verifier
	consumers map[string]config.Consumer
}

// New makes the function from its parts, so that tests can turn the clock and look into the store.
func New(c *config.Config, cloud keeper.Cloud, seen once.Store, now function.Clock) (http.Handler, error) {
	labs, err := keeper.New(c, cloud, now)
	if err != nil {
		return nil, fmt.Errorf("set up labs: %w", err)
	}
	pages, err := page.New(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("set up pages: %w", err)
	}
	t := &tool{
		url: c.PublicURL + "/launch-lab", keeper: labs, pages: pages, consumers: map[string]config.Consumer{},
		verifier: lti.Verifier{Consumers: map[string]lti.Consumer{}, Seen: seen, Now: now},
	}
	for _, consumer := range c.LTI.Consumers {
		t.consumers[consumer.Key] = consumer
		t.verifier.Consumers[consumer.Key] = lti.Consumer{
			Key: consumer.Key, Secret: consumer.Secret.Reveal(), Origins: consumer.FrameAncestors,
			OutcomeHosts: consumer.OutcomeHosts, Instructors: consumer.Instructors,
		}
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/launch", t.launch) // every method: the verifier refuses all but POST, with a page
	mux.HandleFunc("/", t.notFound)
	return mux, nil
}

func (t *tool) launch(w http.ResponseWriter, r *http.Request) {
	launch, err := t.verify(r)
	if err != nil {
		t.refuse(w, r, err)
		return
	}
	consumer := t.consumers[launch.Tenant]
	logging.Note(r.Context(), "consumer", consumer.Key)
	key := launch.Custom["lab"]
	if key == "" {
		key = consumer.Labs[0]
	}
	if !slices.Contains(consumer.Labs, key) {
		logging.Note(r.Context(), "cause", "custom_lab is not in the consumer's list of labs")
		t.problem(w, r, page.Problem{
			Status: http.StatusForbidden, Code: "lab_not_offered", Ancestors: consumer.FrameAncestors, ReturnURL: launch.ReturnURL,
			Sentence: "Your course asks for a lab that it may not open. Please tell your course staff, and give them the code on this page.",
		}, launch.Locale)
		return
	}
	ticket := t.keeper.Ticket(lab.Identity{Tenant: launch.Tenant, Context: launch.Context, Lab: key, Learner: launch.User})
	ticket.Ancestors, ticket.Locale = consumer.FrameAncestors, locale(launch.Locale)
	ticket, status := t.keeper.Start(r.Context(), ticket)
	sealed, err := t.keeper.Seal(ticket)
	if err != nil {
		t.refuse(w, r, fmt.Errorf("seal ticket: %w", err))
		return
	}
	texts := page.TextsFor(ticket.Locale)
	logging.Note(r.Context(), "state", string(status.State))
	t.pages.Lab(w, r, page.Lab{
		Title: t.keeper.Entry(ticket).Title, Ticket: sealed, Status: page.NewStatus(status, t.pages.Base(), texts), Texts: texts,
		ReturnURL: launch.ReturnURL, Ancestors: consumer.FrameAncestors,
	})
}

// verify hands the request to the verifier. One byte more than may be is read, so that the verifier sees it is too much.
func (t *tool) verify(r *http.Request) (lti.Launch, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, lti.MaxBody+1))
	if err != nil {
		return lti.Launch{}, fmt.Errorf("read launch: %w", err)
	}
	launch, err := t.verifier.Verify(r.Context(), lti.Request{
		Method: r.Method, MediaType: r.Header.Get("Content-Type"), RawQuery: r.URL.RawQuery, Body: body, PublicURL: t.url + r.URL.EscapedPath(),
	})
	if err != nil {
		return lti.Launch{}, fmt.Errorf("verify launch: %w", err)
	}
	return launch, nil
}

// locale keeps what looks like a language tag: it goes into every ticket.
func locale(sent string) string {
	const most = 16
	if len(sent) > most {
		return ""
	}
	return sent
}

// refuse answers with the page for err. Whose launch it was is not known, so the page may be framed by any consumer.
func (t *tool) refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := page.Problem{
		Status: http.StatusInternalServerError, Code: "internal", Ancestors: t.keeper.Ancestors(),
		Sentence: "Something went wrong on our side. Open the lab again from your course page; if it stays, give your course staff the reference.",
	}
	if fault, ok := errors.AsType[*lti.Error](err); ok {
		problem.Status, problem.Code, problem.Sentence = fault.Status, string(fault.Code), fault.Public
		switch fault.Status {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		case http.StatusServiceUnavailable:
			problem.RetryAfter = time.Minute
		}
	}
	logging.Note(r.Context(), "cause", err.Error())
	t.problem(w, r, problem, "")
}

func (t *tool) notFound(w http.ResponseWriter, r *http.Request) {
	t.problem(w, r, page.Problem{
		Status: http.StatusNotFound, Code: "not_found", Ancestors: t.keeper.Ancestors(),
		Sentence: "There is nothing at this address. Open the lab from your course page.",
	}, "")
}

func (t *tool) problem(w http.ResponseWriter, r *http.Request, p page.Problem, language string) {
	p.Texts = page.TextsFor(language)
	t.pages.Problem(w, r, p)
}
