package lti

import (
	"net/url"
	"slices"
	"strings"
)

// Launch is a launch that holds: who, from where and what for.
//
// The identity is User together with Tenant (LTI 1.1) or with Issuer and ClientID (LTI 1.3), and nothing else: course
// authors can set names, e-mail addresses and sourced ids at will.
type Launch struct {
	Version string // of LTI: "1.1" or "1.3"
	Tenant  string // the consumer key; empty in LTI 1.3
	// Issuer, ClientID and Deployment say which platform it was; empty in LTI 1.1.
	Issuer, ClientID, Deployment string
	User                         string // user_id or sub: unique only there
	Context                      string // the course; empty in Open edX libraries
	ContextTitle                 string
	ResourceLink                 string // the place in the course that was clicked; empty with DeepLink
	Role                         Role
	Locale                       string
	// Name is the full name as it was sent, to greet its owner on the page and for nothing else: it is never kept.
	Name string
	// Custom holds the author's own fields, without the custom_ prefix of LTI 1.1.
	Custom map[string]string
	// Outcome is where a grade may be sent; zero if the consumer named no place or one that is not on its list.
	Outcome Outcome
	// Scores is where scores may be sent over LTI 1.3; zero if the platform named no place or one that is not on its list.
	Scores Scores
	// ReturnURL leads back to the course; empty unless it is on one of the sender's own origins.
	ReturnURL string
	// DeepLink is set if an instructor wants to choose what a link opens.
	DeepLink *DeepLink
	// Target is the signed target_link_uri of LTI 1.3, which decides; LoginTarget is the one that began the login. Open edX
	// sends different ones for deep links.
	Target, LoginTarget string
}

// Outcome is the LTI 1.1 Basic Outcomes address of one learner's grade.
type Outcome struct {
	URL, SourcedID string
}

func newLaunch(values map[string]string, c Consumer) Launch {
	l := Launch{
		Version:      "1.1",
		Tenant:       values["oauth_consumer_key"],
		User:         values["user_id"],
		Context:      values["context_id"],
		ContextTitle: values["context_title"],
		ResourceLink: values["resource_link_id"],
		Role:         roleOf(values["roles"], c.Instructors),
		Locale:       values["launch_presentation_locale"],
		Name:         values["lis_person_name_full"],
		Custom:       map[string]string{},
	}
	if back := values["launch_presentation_return_url"]; onOrigin(back, c.Origins) {
		l.ReturnURL = back
	}
	for name, value := range values {
		if custom, ok := strings.CutPrefix(name, "custom_"); ok {
			l.Custom[custom] = value
		}
	}
	service, sourced := values["lis_outcome_service_url"], values["lis_result_sourcedid"]
	if sourced != "" && AllowedHost(service, c.OutcomeHosts) {
		l.Outcome = Outcome{URL: service, SourcedID: sourced}
	}
	return l
}

// AllowedHost keeps us from being sent to any address: https, a host (with its port, if it has one) of the list, and
// nobody's name and password in it.
func AllowedHost(raw string, hosts []string) bool {
	u, ok := httpsURL(raw)
	if !ok {
		return false
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return strings.EqualFold(host, u.Host) || strings.EqualFold(host+":443", u.Host)
	})
}

func httpsURL(raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, false
	}
	return u, true
}
