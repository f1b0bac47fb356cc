package registration

import "net/url"

// algorithm is how platforms sign; LTI 1.3 obliges all of them to.
const algorithm = "RS256"

// toolConfiguration holds the LTI part of our metadata (lti-dr 1.0).
const toolConfiguration = "https://purl.imsglobal.org/spec/lti-tool-configuration"

const ags = "https://purl.imsglobal.org/spec/lti-ags/scope/"

// Tool is what we say of ourselves.
type Tool struct {
	URL         string // where browsers reach launch-lab
	Name        string
	Description string
	Choose      string // the label of choosing a lab while writing a course
}

// Metadata is what a platform gets to know: OpenID Connect Dynamic Client Registration 1.0 §2 with the fields of lti-dr. Of
// the claims we ask for the name alone, to greet; a launch without it works the same.
func (t Tool) Metadata() map[string]any {
	launch := t.URL + "/launch"
	return map[string]any{ //nolint:gosec // names of fields, no credentials
		"application_type":             "web",
		"response_types":               []string{"id_token"},
		"grant_types":                  []string{"client_credentials", "implicit"},
		"initiate_login_uri":           t.URL + "/login",
		"redirect_uris":                []string{launch},
		"client_name":                  t.Name,
		"jwks_uri":                     t.URL + "/jwks.json",
		"token_endpoint_auth_method":   "private_key_jwt",
		"id_token_signed_response_alg": algorithm,
		"scope":                        ags + "lineitem " + ags + "lineitem.readonly " + ags + "result.readonly " + ags + "score",
		toolConfiguration: map[string]any{
			"domain":            domain(t.URL),
			"description":       t.Description,
			"target_link_uri":   launch,
			"custom_parameters": map[string]string{},
			"claims":            []string{"iss", "sub", "name"},
			"messages": []map[string]any{
				{"type": "LtiResourceLinkRequest", "target_link_uri": launch, "label": t.Name},
				{"type": "LtiDeepLinkingRequest", "target_link_uri": launch, "label": t.Choose},
			},
		},
	}
}

func domain(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
