package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// connection is one token with what came along with it. It never changes, so that any number of requests may use it.
type connection struct {
	provider  *gophercloud.ProviderClient
	catalog   []tokens.CatalogEntry
	project   string
	renewAt   time.Time // zero: never
	addresses sync.Map  // of the services that were asked so far, by service: a connection has one location
}

func (c *connection) fresh(now time.Time) bool {
	return c.renewAt.IsZero() || now.Before(c.renewAt)
}

// grant is the token document of POST and GET /v3/auth/tokens.
type grant struct {
	IssuedAt  time.Time             `json:"issued_at"`
	ExpiresAt time.Time             `json:"expires_at"`
	Project   tokens.Project        `json:"project"`
	Catalog   []tokens.CatalogEntry `json:"catalog"`
}

// renewAt is shortly before the token's end, by our clock: only the token's length is taken from Keystone's, so that a
// machine with a wrong clock neither logs in on every request nor runs into a 401 each hour.
func (g grant) renewAt(now time.Time) time.Time {
	life := g.ExpiresAt.Sub(g.IssuedAt)
	return now.Add(life - min(2*time.Minute, life/10))
}

// logIn gets a new token for the credentials of the configuration.
func (c *Cloud) logIn(ctx context.Context) (*connection, error) {
	if c.creds.bareToken() {
		return c.adopt(ctx, c.creds.token)
	}
	const op = "log in"
	identity := c.identity("")
	asked := time.Now()
	result := tokens.Create(withCall(ctx, login(http.MethodPost, op)), identity, c.creds.authOptions())
	var g grant
	if err := result.ExtractInto(&g); err != nil {
		return nil, loginFailure(op, err)
	}
	token := result.Header.Get("X-Subject-Token")
	if token == "" {
		return nil, broken(op, "Keystone's answer has no X-Subject-Token")
	}
	return c.connection(op, token, g, g.renewAt(asked))
}

// login is the call for a token, or about one. A token changes nothing.
func login(method, op string) call {
	return call{service: "keystone", method: method, path: "/auth/tokens", op: op, reads: true}
}

// adopt makes a connection of somebody else's token: Keystone says whether it is good, for which project, and where the
// services are. A token may always ask about itself (keystone/common/policies/token.py, token_subject).
func (c *Cloud) adopt(ctx context.Context, token string) (*connection, error) {
	const op = "validate token"
	if token == "" {
		return nil, &Error{Code: Forbidden, Op: op, Err: errors.New("no token given")}
	}
	result := tokens.Get(withCall(ctx, login(http.MethodGet, op)), c.identity(token), token)
	var g grant
	if err := result.ExtractInto(&g); err != nil {
		failed := loginFailure(op, err)
		if failed.Status == http.StatusNotFound { // Keystone's answer to an unknown or expired subject token
			failed.Code = Forbidden
		}
		return nil, failed
	}
	return c.connection(op, token, g, time.Time{})
}

// borrow makes a connection of somebody else's token that Keystone does not show: with c's own catalog and project.
func (c *Cloud) borrow(ctx context.Context, token string) (*connection, error) {
	own, err := c.session.connect(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &connection{provider: c.provider(token), catalog: own.catalog, project: own.project}, nil
}

func (c *Cloud) connection(op, token string, g grant, renewAt time.Time) (*connection, error) {
	if g.Project.ID == "" {
		return nil, &Error{Code: Forbidden, Op: op, Err: errors.New("the token is not scoped to a project")}
	}
	return &connection{provider: c.provider(token), catalog: g.Catalog, project: g.Project.ID, renewAt: renewAt}, nil
}

// loginFailure leaves no code that a function would take for its own object's state: a 404 of Keystone is a wrong
// auth_url, not a lab that is gone.
func loginFailure(op string, err error) *Error {
	failed, ok := errors.AsType[*Error](failure(op, err))
	if !ok { // never: failure makes nothing else of an error
		return &Error{Code: Broken, Op: op, Err: err}
	}
	switch failed.Code {
	case Forbidden, Unavailable:
	case Busy, Conflict, Gone, Quota, Refused, Broken:
		failed.Code = Broken
	}
	return failed
}

func (c *Cloud) identity(token string) *gophercloud.ServiceClient {
	provider := c.provider(token)
	provider.HTTPClient.Timeout = c.timeout // these are seldom
	return &gophercloud.ServiceClient{
		ProviderClient: provider,
		Endpoint:       rebased(c.creds.authURL, "v3"),
		Type:           "identity",
	}
}

func (c *Cloud) provider(token string) *gophercloud.ProviderClient {
	p := &gophercloud.ProviderClient{HTTPClient: c.http, TokenID: token}
	p.UserAgent.Prepend("stackhook")
	return p
}

// service is an OpenStack API as its clients know it.
type service struct {
	name string // in call names and messages
	kind string // in the catalog
	// version is appended to a catalog address that has none.
	version string
}

func (s service) String() string { return s.name }

// The services we speak to. LBaaSv2 is the load balancing of clouds without Octavia, under Neutron's address.
func heat() service    { return service{name: "heat", kind: "orchestration", version: "v1"} }
func nova() service    { return service{name: "nova", kind: "compute", version: "v2.1"} }
func octavia() service { return service{name: "octavia", kind: "load-balancer", version: "v2.0"} }
func neutron() service { return service{name: "neutron", kind: "network", version: "v2.0"} }
func cinder() service  { return service{name: "cinder", kind: "volumev3", version: "v3"} }
func lbaasv2() service { return neutron() }

// client is the service's API at its address in the catalog, without asking the service for its versions.
func (c *connection) client(s service, at location) (*gophercloud.ServiceClient, error) {
	address, err := c.address(s, at)
	if err != nil {
		return nil, err
	}
	return &gophercloud.ServiceClient{ProviderClient: c.provider, Endpoint: address, Type: s.kind}, nil
}

// address is where the service is, found once.
func (c *connection) address(s service, at location) (string, error) {
	if known, ok := c.addresses.Load(s); ok {
		address, _ := known.(string)
		return address, nil
	}
	address := at.overrides[s.kind]
	if address == "" {
		address = c.endpoint(s, at)
	}
	if address == "" {
		return "", fmt.Errorf("no %s endpoint of type %s%s in the catalog: check region_name (OS_REGION_NAME) and interface (OS_INTERFACE)",
			at.availability, s.kind, inRegion(at.region))
	}
	address = c.versioned(address, s)
	c.addresses.Store(s, address)
	return address, nil
}

func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " in region " + region
}

// endpoint is empty if the catalog has none. Of several the first is taken, as the Python clients do.
func (c *connection) endpoint(s service, at location) string {
	for _, entry := range c.catalog {
		if entry.Type != s.kind {
			continue
		}
		for _, e := range entry.Endpoints {
			if e.Interface == at.availability && (at.region == "" || e.Region == at.region || e.RegionID == at.region) {
				return e.URL
			}
		}
	}
	return ""
}

// versionInPath finds the version of an address: the last or, before a project id, the last but one part of its path.
var versionInPath = regexp.MustCompile(`/v[0-9]+(\.[0-9]+)?(/[^/]+)?/?$`)

func (c *connection) versioned(address string, s service) string {
	if versionInPath.MatchString(pathOf(address)) {
		return strings.TrimSuffix(address, "/") + "/"
	}
	if s.kind == "orchestration" {
		return rebased(address, s.version+"/"+c.project)
	}
	return rebased(address, s.version)
}

// rebased replaces the version at the end of an address, if any, by version; the result ends in a slash.
func rebased(address, version string) string {
	path := pathOf(address)
	base := strings.TrimSuffix(address, path)
	return base + strings.TrimSuffix(versionInPath.ReplaceAllString(path, ""), "/") + "/" + version + "/"
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}
