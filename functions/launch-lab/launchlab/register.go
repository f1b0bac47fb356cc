package launchlab

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/registration"
	"github.com/stackhook/stackhook/shared/page"
	"github.com/stackhook/stackhook/shared/seal"
)

func registrar(c config.LTI, base string, box *seal.Box, parts Parts) registration.Registrar {
	issuers := map[string][]string{}
	for _, entry := range c.Registration {
		issuers[entry.Issuer] = entry.FrameAncestors
	}
	return registration.Registrar{
		Tool:    registration.Tool{URL: base, Name: toolName, Description: toolDescription, Choose: "Choose a lab"},
		Issuers: issuers, Box: box, Seen: parts.Seen, Now: parts.Now,
	}
}

// askToRegister is what a platform opens to register itself (LTI Dynamic Registration). It asks before it does anything:
// a link that is opened by mistake, or by somebody who looks ahead, registers nothing and is not spent.
func (t *tool) askToRegister(w http.ResponseWriter, r *http.Request) {
	sent := r.URL.Query()
	request, ok := t.registration(w, r, sent)
	if !ok {
		return
	}
	fields := fieldsFrom(url.Values{
		"link": {sent.Get("link")}, "openid_configuration": {request.Configuration}, "registration_token": {request.Token},
	})
	t.pages.Register(w, r, page.Register{
		Issuer: request.Link.Issuer, Action: t.base + "/register", Fields: fields,
		Texts: page.TextsFor(language("", r)), Ancestors: t.registering(request.Link.Issuer).FrameAncestors,
	})
}

// register makes the registration and says what is left to do.
func (t *tool) register(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		logging.Note(r.Context(), "cause", "the form cannot be read")
	}
	request, ok := t.registration(w, r, r.PostForm)
	if !ok {
		return
	}
	done, note, err := t.registrar.Register(r.Context(), request)
	if note != nil {
		logging.Note(r.Context(), "note", note.Error())
	}
	if err != nil {
		t.refuseRegistration(w, r, err, t.registering(request.Link.Issuer).FrameAncestors)
		return
	}
	platform := t.platform(done)
	result := page.Register{
		Issuer: done.Issuer, Product: done.Product, Done: true, Texts: page.TextsFor(language("", r)), Ancestors: platform.FrameAncestors,
	}
	result.Entry, result.Written = t.enter(r, platform)
	logging.Note(r.Context(), "registered", done.Issuer)
	t.pages.Register(w, r, result)
}

// registration reads what a registration came with; if it does not hold, the answer has been given.
func (t *tool) registration(w http.ResponseWriter, r *http.Request, sent url.Values) (registration.Request, bool) {
	request, err := t.registrar.Read(sent.Get("link"), sent.Get("openid_configuration"), sent.Get("registration_token"))
	if err != nil {
		t.refuseRegistration(w, r, err, t.keeper.Ancestors())
		return registration.Request{}, false
	}
	logging.Note(r.Context(), "issuer", request.Link.Issuer)
	if t.own == nil {
		problem := t.ours("registration_keys")
		problem.Ancestors = t.registering(request.Link.Issuer).FrameAncestors
		t.problem(w, r, problem, "")
		return registration.Request{}, false
	}
	return request, true
}

// registering is the configuration's entry for an issuer that may register itself. Without a list of its own its pages
// alone may frame ours.
func (t *tool) registering(issuer string) config.Registration {
	for _, entry := range t.config.LTI.Registration {
		if entry.Issuer != issuer {
			continue
		}
		if u, err := url.Parse(issuer); err == nil && len(entry.FrameAncestors) == 0 {
			entry.FrameAncestors = []string{originOf(u)}
		}
		return entry
	}
	return config.Registration{}
}

// platform is the entry of a platform that has registered us.
func (t *tool) platform(done registration.Registered) config.Platform {
	entry := t.registering(done.Issuer)
	p := config.Platform{
		Issuer: done.Issuer, ClientID: done.ClientID, AuthURL: done.AuthURL, TokenURL: done.TokenURL, JWKSURL: done.JWKSURL,
		Labs: entry.Labs, FrameAncestors: entry.FrameAncestors, Instructors: entry.Instructors, Algorithms: []string{"RS256"},
	}
	if done.Deployment != "" {
		p.Deployments = []string{done.Deployment}
	}
	return p
}

func (t *tool) refuseRegistration(w http.ResponseWriter, r *http.Request, err error, ancestors []string) {
	fault, ok := errors.AsType[*registration.Error](err)
	if !ok {
		t.fail(w, r, err)
		return
	}
	problem := page.Problem{Status: fault.Status, Code: string(fault.Code), Sentence: fault.Public, Ancestors: ancestors}
	if fault.Code != registration.CodeLink { // whoever has a link of ours may know which check it was
		problem.Staff = &page.StaffNote{Check: fault.Detail}
	}
	if fault.Status == http.StatusServiceUnavailable {
		problem.RetryAfter = retryAfter
	}
	logging.Note(r.Context(), "cause", err.Error())
	t.problem(w, r, problem, "")
}
