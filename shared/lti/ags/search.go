package ags

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome/verdict"
)

// maxPages bounds a search through a course's line items.
const maxPages = 20

type lineItem struct {
	ID   string `json:"id"`
	Link string `json:"resourceLinkId"`
}

// search finds the link's line item, where a platform does not name it in the launch (section 3.2).
func (s *Sender) search(ctx context.Context, p Place) (string, error) {
	scope := lti.ScopeLineItemReadOnly
	if !slices.Contains(p.Scores.Scopes, scope) {
		scope = lti.ScopeLineItem
	}
	next, err := filtered(p.Scores.LineItems, p.Link)
	if err != nil {
		return "", &verdict.RefusedError{Reason: verdict.Unfit}
	}
	for range maxPages {
		got, err := s.call(ctx, p, []string{scope}, func() (*http.Request, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, next, nil)
			if err == nil {
				r.Header.Set("Accept", "application/vnd.ims.lis.v2.lineitemcontainer+json")
			}
			return r, err //nolint:wrapcheck // the caller says what it was
		})
		if err != nil {
			return "", err
		}
		if err := verdict.OfStatus(got.Response, s.now()); err != nil {
			return "", err //nolint:wrapcheck // it is ours, and says all
		}
		var items []lineItem
		if err := json.Unmarshal(got.text, &items); err != nil {
			return "", &verdict.LaterError{Why: "line_items"}
		}
		for _, item := range items {
			// Some platforms do not know the filter and send all of them.
			if item.Link == p.Link && sameHost(item.ID, p.Scores.LineItems) {
				return item.ID, nil
			}
		}
		if next = nextPage(got.Response); next == "" || !sameHost(next, p.Scores.LineItems) {
			break
		}
	}
	return "", &verdict.RefusedError{Reason: verdict.NoLineItem}
}

// filtered asks for one link's line items. Its + goes as %2B and its space as %20: Open edX reads + as a space
// (xblock-lti-consumer issue 605).
func filtered(items, link string) (string, error) {
	u, err := url.Parse(items)
	if err != nil {
		return "", fmt.Errorf("read line items' address: %w", err)
	}
	filter := "resource_link_id=" + strings.ReplaceAll(url.QueryEscape(link), "+", "%20")
	if u.RawQuery != "" {
		filter = u.RawQuery + "&" + filter
	}
	u.RawQuery, u.Fragment = filter, ""
	return u.String(), nil
}

// nextPage is the target of the answer's Link with rel=next (RFC 8288), as it is written.
func nextPage(answer *http.Response) string {
	for _, header := range answer.Header.Values("Link") {
		for rest := header; ; {
			_, after, ok := strings.Cut(rest, "<")
			if !ok {
				break
			}
			target, parameters, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			rest = parameters
			parameters, _, _ = strings.Cut(parameters, "<")
			if relates(parameters, "next") {
				return absolute(answer, target)
			}
		}
	}
	return ""
}

func relates(parameters, relation string) bool {
	for part := range strings.FieldsFuncSeq(parameters, func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(name, "rel") && slices.Contains(strings.Fields(strings.Trim(value, `"`)), relation) {
			return true
		}
	}
	return false
}

func absolute(answer *http.Response, target string) string {
	u, err := answer.Request.URL.Parse(target)
	if err != nil {
		return ""
	}
	return u.String()
}

// sameHost says that an address which a platform sends is on the host that a launch was allowed to name.
func sameHost(raw, allowed string) bool {
	u, err := url.Parse(allowed)
	return err == nil && lti.AllowedHost(raw, []string{u.Host})
}
