package openstack

import (
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// credentials are what one entry of clouds.yaml, or the OS_* variables, say.
type credentials struct {
	authURL string
	method  method

	appID, appName, appSecret string
	userID, userName          string
	userDomain                domain
	password                  string
	token                     string
	projectID, projectName    string
	projectDomain             domain
	trustID                   string

	location location
	tls      tlsFiles
}

// method is a way to log in.
type method string

const (
	byApplication method = "application credential"
	byPassword    method = "password"
	byToken       method = "token"
)

type domain struct{ id, name string }

// location chooses among the catalog's endpoints.
type location struct {
	region       string
	availability string            // public, internal or admin
	overrides    map[string]string // by service type, e.g. orchestration_endpoint_override
}

// bareToken says that the token is used as it is: without a project it cannot be exchanged for another one.
func (c credentials) bareToken() bool {
	return c.method == byToken && c.projectID == "" && c.projectName == "" && c.trustID == ""
}

// authOptions is a fresh value for each login, because gophercloud completes it in place.
func (c credentials) authOptions() *gophercloud.AuthOptions {
	o := &gophercloud.AuthOptions{Scope: &gophercloud.AuthScope{}}
	switch c.method {
	case byApplication:
		o.ApplicationCredentialID, o.ApplicationCredentialSecret = c.appID, c.appSecret
		if c.appID == "" {
			o.ApplicationCredentialName = c.appName
			o.UserID, o.Username, o.DomainID, o.DomainName = c.user()
		}
		return o // its project is fixed; Keystone refuses any scope
	case byPassword:
		o.Password = c.password
		o.UserID, o.Username, o.DomainID, o.DomainName = c.user()
	case byToken:
		o.TokenID = c.token
	}
	switch {
	case c.trustID != "":
		o.Scope.TrustID = c.trustID
	case c.projectID != "":
		o.Scope.ProjectID = c.projectID
	default:
		o.Scope.ProjectName = c.projectName
		o.Scope.DomainID, o.Scope.DomainName = c.projectDomain.either()
	}
	return o
}

// user is the user's id alone, or the name with a domain.
func (c credentials) user() (id, name, domainID, domainName string) {
	if c.userID != "" {
		return c.userID, "", "", ""
	}
	domainID, domainName = c.userDomain.either()
	return "", c.userName, domainID, domainName
}

// either prefers the id, which is what Keystone wants: one of the two.
func (d domain) either() (id, name string) {
	if d.id != "" {
		return d.id, ""
	}
	return "", d.name
}

// readCredentials follows the OpenStack clients: a named cloud is read from the files, no name means the variables.
func readCredentials(o Options) (credentials, error) {
	name := o.Cloud
	if name == "" {
		name = o.Getenv("OS_CLOUD")
	}
	source := "the OS_* variables"
	e := entryFromEnv(o.Getenv)
	if name != "" {
		source = "cloud " + name + " of clouds.yaml"
		var err error
		if e, err = findEntry(name, o.Getenv); err != nil {
			return credentials{}, fmt.Errorf("read cloud %s: %w", name, err)
		}
	}
	c, missing := e.credentials()
	if c.authURL == "" && name == "" {
		return c, fmt.Errorf("no cloud is configured: set OS_CLOUD to the name of an entry of clouds.yaml (%s), "+
			"or set OS_AUTH_URL, OS_APPLICATION_CREDENTIAL_ID and OS_APPLICATION_CREDENTIAL_SECRET",
			strings.Join(cloudsFiles(o.Getenv), ", "))
	}
	if len(missing) > 0 {
		return c, fmt.Errorf("%s cannot log in: set %s", source, strings.Join(missing, "; "))
	}
	return c, nil
}

// setting names a value in both places where it can be set.
func setting(yaml, variable string) string {
	return yaml + " (" + variable + ")"
}

// credentials checks the entry; missing says all that has to be set.
func (e *entry) credentials() (c credentials, missing []string) {
	a := e.Auth
	c = credentials{
		authURL: a.AuthURL,
		appID:   a.AppID, appName: a.AppName, appSecret: a.AppSecret,
		userID: a.UserID, userName: a.Username, password: a.Password, token: a.Token,
		userDomain:  firstDomain(domain{a.UserDomainID, a.UserDomainName}, domain{a.DomainID, a.DomainName}, domain{id: a.DefaultDomain}),
		projectID:   first(a.ProjectID, a.TenantID),
		projectName: first(a.ProjectName, a.TenantName),
		projectDomain: firstDomain(domain{a.ProjectDomainID, a.ProjectDomainName}, domain{a.DomainID, a.DomainName},
			domain{id: a.DefaultDomain}),
		trustID:  a.TrustID,
		location: e.location(),
		tls:      e.tlsFiles(),
	}
	if c.authURL == "" {
		missing = append(missing, setting("auth.auth_url", "OS_AUTH_URL"))
	} else if !strings.HasPrefix(c.authURL, "http://") && !strings.HasPrefix(c.authURL, "https://") {
		missing = append(missing, setting("auth.auth_url", "OS_AUTH_URL")+" to an http:// or https:// address")
	}
	var fault string
	if c.method, fault = e.method(); fault != "" {
		return c, append(missing, fault)
	}
	return c, append(missing, c.missing()...)
}

// method is the one auth_type names, else the first that has a value: application credential, password, token.
func (e *entry) method() (m method, fault string) {
	switch strings.ToLower(e.AuthType) {
	case "v3applicationcredential":
		return byApplication, ""
	case "password", "v3password":
		return byPassword, ""
	case "token", "v3token":
		return byToken, ""
	case "":
	default:
		return "", setting("auth_type", "OS_AUTH_TYPE") + " to v3applicationcredential, v3password or v3token; " + e.AuthType + " is not supported"
	}
	a := e.Auth
	switch {
	case a.AppID != "" || a.AppName != "" || a.AppSecret != "":
		return byApplication, ""
	case a.Password != "" || a.Username != "" || a.UserID != "":
		return byPassword, ""
	case a.Token != "":
		return byToken, ""
	}
	return "", setting("auth.application_credential_id", "OS_APPLICATION_CREDENTIAL_ID") + " and " +
		setting("auth.application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET")
}

// missing lists what the chosen method still needs.
func (c credentials) missing() []string {
	var out []string
	need := func(lacks bool, what string) {
		if lacks {
			out = append(out, what)
		}
	}
	noUser := c.userID == "" && c.userName == ""
	noProject := c.projectID == "" && c.projectName == "" && c.trustID == ""
	user := setting("auth.username", "OS_USERNAME")
	switch c.method {
	case byApplication:
		need(c.appID == "" && c.appName == "", setting("auth.application_credential_id", "OS_APPLICATION_CREDENTIAL_ID"))
		need(c.appID == "" && c.appName != "" && noUser, user+", because the application credential is given by name")
		need(c.appSecret == "", setting("auth.application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET"))
	case byPassword:
		need(noUser, user)
		need(c.password == "", setting("auth.password", "OS_PASSWORD"))
		need(noProject, setting("auth.project_name", "OS_PROJECT_NAME")+" or "+setting("auth.project_id", "OS_PROJECT_ID"))
	case byToken:
		need(c.token == "", setting("auth.token", "OS_TOKEN"))
	}
	return out
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// firstDomain ends in "default", the domain every Keystone starts with, as python-openstackclient does
// (openstackclient/common/clientmanager.py, default_domain).
func firstDomain(candidates ...domain) domain {
	for _, d := range candidates {
		if d != (domain{}) {
			return d
		}
	}
	return domain{id: "default"}
}
