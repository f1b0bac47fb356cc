package launchlab

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/page"
)

const (
	pickPurpose = "pick"
	pickLife    = time.Hour
)

// pickTicket is an instructor's right to put labs into one course: LTI Deep Linking 2.0.
type pickTicket struct {
	Issuer     string       `json:"issuer"`
	ClientID   string       `json:"client_id"`
	Deployment string       `json:"deployment"`
	Link       lti.DeepLink `json:"link"`
	Locale     string       `json:"locale,omitempty"`
}

// offer shows an instructor the labs to choose from.
func (t *tool) offer(w http.ResponseWriter, r *http.Request, launch lti.Launch, from tenant) {
	switch {
	case launch.Role != lti.Instructor:
		t.deny(w, r, launch, from, "deep_link_role")
		return
	case t.own == nil:
		t.deny(w, r, launch, from, "deep_link_keys")
		return
	}
	ticket := pickTicket{launch.Issuer, launch.ClientID, launch.Deployment, *launch.DeepLink, language(launch.Locale, r)}
	sealed, err := t.box.Seal(pickPurpose, ticket, t.now().Add(pickLife))
	if err != nil {
		t.fail(w, r, fmt.Errorf("seal choice: %w", err))
		return
	}
	t.counts.verdict(r, accepted)
	texts := page.TextsFor(ticket.Locale)
	t.pages.Picker(w, r, page.Picker{
		Ticket: sealed, Action: t.base + "/pick", Labs: t.pickerLabs(from.labs, texts), Course: launch.ContextTitle,
		Multiple: launch.DeepLink.AcceptMultiple, Texts: texts, Ancestors: from.ancestors,
	})
}

func (t *tool) pickerLabs(keys []string, texts page.Texts) []page.PickerLab {
	offers := t.keeper.Offers(keys)
	labs := make([]page.PickerLab, len(offers))
	for i, o := range offers {
		labs[i] = page.PickerLab{Key: o.Key, Title: o.Title, Description: o.Description, Picture: o.Picture, Cost: o.Cost}
		if o.Expected > 0 {
			labs[i].Expected = texts.About(o.Expected)
		}
	}
	return labs
}

// pick takes the instructor's choice back to the platform, signed by us. Nothing chosen is an answer too.
func (t *tool) pick(w http.ResponseWriter, r *http.Request) {
	var ticket pickTicket
	if err := t.box.Open(pickPurpose, r.PostFormValue("ticket"), &ticket, t.now()); err != nil {
		logging.Note(r.Context(), "cause", err.Error())
		t.problem(w, r, t.ours("pick_ticket"), "")
		return
	}
	from, known := t.tenants[sender{issuer: ticket.Issuer, client: ticket.ClientID}]
	if !known {
		t.problem(w, r, t.ours("pick_platform"), ticket.Locale)
		return
	}
	chosen, ok := t.choices(r.PostForm["lab"], from, ticket.Link.AcceptMultiple)
	if !ok {
		t.problem(w, r, t.ours("lab_not_offered"), ticket.Locale)
		return
	}
	if t.own == nil {
		t.problem(w, r, t.ours("deep_link_keys"), ticket.Locale)
		return
	}
	claims := lti.DeepLinkClaims(ticket.Issuer, ticket.ClientID, ticket.Deployment, ticket.Link, chosen, t.now())
	token, err := t.own.Sign(claims)
	if err != nil {
		t.fail(w, r, fmt.Errorf("sign choice: %w", err))
		return
	}
	t.pages.Return(w, r, page.Return{
		Action: ticket.Link.ReturnURL, Fields: []page.Field{{Name: "JWT", Value: token}},
		Texts: page.TextsFor(ticket.Locale), Ancestors: from.ancestors,
	})
}

// choices are the labs of keys, each once, all of them on the tenant's list, and one only unless the platform takes more.
func (t *tool) choices(keys []string, from tenant, multiple bool) ([]lti.Choice, bool) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) > 1 && !multiple {
		return nil, false
	}
	for _, key := range keys {
		if !slices.Contains(from.labs, key) {
			return nil, false
		}
	}
	var chosen []lti.Choice
	for _, o := range t.keeper.Offers(keys) {
		chosen = append(chosen, lti.Choice{Title: o.Title, Text: o.Description, URL: t.url + "/launch", Lab: o.Key})
	}
	return chosen, true
}
