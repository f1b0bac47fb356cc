package lti

import (
	"crypto/rand"
	"slices"
	"time"
)

// DeepLink is an instructor's wish to choose what a link in the course opens.
type DeepLink struct {
	ReturnURL      string // where the choice is posted to; on one of the platform's own origins
	Data           string // goes back with the choice, untouched
	AcceptMultiple bool
	Title, Text    string // what the platform suggests
}

// Choice is what an instructor picked.
type Choice struct {
	Title, Text string
	URL         string // the target_link_uri of launches of this link
	Lab         string // the custom parameter lab of launches of this link
	Icon        string // address of a picture; "" = none
}

// deepLink reads the settings of a deep linking request. The choice is posted to an address out of the token, so it must
// be one of the platform's own pages.
func (c *claims) deepLink(reg Registration) *DeepLink {
	settings := c.object(deepLinkPrefix + "deep_linking_settings")
	kinds, _ := c.texts(settings, "accept_types")
	many, _ := member[bool](c, settings, "accept_multiple", "a boolean")
	link := &DeepLink{
		ReturnURL: c.needText(settings, "deep_link_return_url"), Data: c.text(settings, "data"), AcceptMultiple: many,
		Title: c.text(settings, "title"), Text: c.text(settings, "text"),
	}
	if !reg.owns(link.ReturnURL) {
		c.refuse(CodeDeepLink, "deep_link_return_url is not on one of the platform's own origins")
	}
	if !slices.Contains(kinds, "ltiResourceLink") {
		c.refuse(CodeDeepLink, "accept_types does not hold ltiResourceLink")
	}
	return link
}

// DeepLinkClaims are the claims of our answer to a deep linking request, to be signed with our own key. Nothing chosen is
// an answer too: the instructor changed their mind.
func DeepLinkClaims(issuer, clientID, deployment string, link DeepLink, chosen []Choice, now time.Time) map[string]any {
	const life = 5 * time.Minute
	items := make([]map[string]any, 0, len(chosen))
	for _, choice := range chosen {
		items = append(items, choice.item())
	}
	answer := map[string]any{
		// The parties change places: we are the issuer now, under the name that the platform gave us.
		"iss": clientID, "aud": issuer, "iat": now.Unix(), "exp": now.Add(life).Unix(), "nonce": rand.Text(),
		claimPrefix + "message_type":     "LtiDeepLinkingResponse",
		claimPrefix + "version":          "1.3.0",
		claimPrefix + "deployment_id":    deployment,
		deepLinkPrefix + "content_items": items,
	}
	if link.Data != "" {
		answer[deepLinkPrefix+"data"] = link.Data
	}
	return answer
}

func (c Choice) item() map[string]any {
	item := map[string]any{"type": "ltiResourceLink", "title": c.Title, "url": c.URL, "custom": map[string]string{"lab": c.Lab}}
	if c.Text != "" {
		item["text"] = c.Text
	}
	if c.Icon != "" {
		item["icon"] = map[string]string{"url": c.Icon}
	}
	return item
}
