package lti

import (
	"net/url"
	"slices"
	"strings"
)

// Launch is a launch that holds: who (Tenant, User), from where (Context, ResourceLink) and what for (Custom).
//
// The identity is Tenant and User together and nothing else: course authors can set names, e-mail addresses and sourced
// ids at will, so none of them is here.
type Launch struct {
	Tenant       string // the consumer key
	User         string // user_id: unique within the tenant only
	Context      string // context_id: the course; empty in Open edX libraries
	ContextTitle string
	ResourceLink string // the place in the course that was clicked
	Role         Role
	Locale       string
	// Custom holds the author's own fields, without their custom_ prefix.
	Custom map[string]string
	// Outcome is where a grade may be sent; zero if the consumer named no place or one that is not on its list.
	Outcome Outcome
	// ReturnURL leads back to the course; empty unless it is https and on one of the consumer's own origins.
	ReturnURL string
}

// Outcome is the LTI 1.1 Basic Outcomes address of one learner's grade.
type Outcome struct {
	URL, SourcedID string
}

func newLaunch(values map[string]string, c Consumer) Launch {
	l := Launch{
		Tenant:       values["oauth_consumer_key"],
		User:         values["user_id"],
		Context:      values["context_id"],
		ContextTitle: values["context_title"],
		ResourceLink: values["resource_link_id"],
		Role:         roleOf(values["roles"], c.Instructors),
		Locale:       values["launch_presentation_locale"],
		Custom:       map[string]string{},
		ReturnURL:    returnURL(values["launch_presentation_return_url"], c.Origins),
	}
	for name, value := range values {
		if custom, ok := strings.CutPrefix(name, "custom_"); ok {
			l.Custom[custom] = value
		}
	}
	service, sourced := values["lis_outcome_service_url"], values["lis_result_sourcedid"]
	if sourced != "" && outcomeAllowed(service, c.OutcomeHosts) {
		l.Outcome = Outcome{URL: service, SourcedID: sourced}
	}
	return l
}

// outcomeAllowed keeps us from being sent to any address: https, a host (with its port, if it has one) of the list, and
// nobody's name and password in it.
func outcomeAllowed(raw string, hosts []string) bool {
	u, ok := httpsURL(raw)
	if !ok {
		return false
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return strings.EqualFold(host, u.Host) || strings.EqualFold(host+":443", u.Host)
	})
}

func returnURL(raw string, origins []string) string {
	u, ok := httpsURL(raw)
	if !ok {
		return ""
	}
	origin := "https://" + u.Host
	if slices.ContainsFunc(origins, func(o string) bool { return strings.EqualFold(strings.TrimSuffix(o, "/"), origin) }) {
		return u.String()
	}
	return ""
}

func httpsURL(raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, false
	}
	return u, true
}
