package registration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/trace"
)

// timeout is for each of the two calls that a registration makes.
const timeout = 5 * time.Second

// Registrar registers platforms.
type Registrar struct {
	Tool Tool
	// Issuers are those that may register themselves, each with the origins besides its own where its addresses may be.
	Issuers map[string][]string
	Box     Sealer
	Seen    Seen
	Now     func() time.Time
}

// Request is a registration that may be made: what the platform's window brought, checked without a call to anywhere.
type Request struct {
	Link          Link
	Configuration string // where the platform describes itself
	Token         string // the platform's own, handed back to it
}

// Read checks what came with the address.
func (r Registrar) Read(link, configuration, token string) (Request, error) {
	q := Request{Configuration: configuration, Token: token}
	if err := r.Box.Open(purpose, link, &q.Link, r.Now()); err != nil {
		return Request{}, refuse(CodeLink, "the link does not open", err)
	}
	if _, listed := r.Issuers[q.Link.Issuer]; !listed {
		return Request{}, refuse(CodeIssuer, "the link's issuer is not on the list", nil)
	}
	address, ok := readAddress(configuration)
	if !ok {
		return Request{}, refuse(CodeRequest, "openid_configuration is missing or no https address", nil)
	}
	// lti-dr 1.0 has the tool compare the description's address with the issuer, so that nobody registers in another's name.
	if issuer, err := url.Parse(q.Link.Issuer); err != nil || host(address) != host(issuer) {
		return Request{}, refuse(CodeRequest, "openid_configuration is not on the issuer's host", err)
	}
	if len(token) > 16<<10 {
		return Request{}, refuse(CodeRequest, "registration_token is longer than 16 KiB", nil)
	}
	return q, nil
}

// Registered is a platform that knows us now.
type Registered struct {
	Issuer, ClientID string
	Deployment       string // empty if the platform makes deployments later
	AuthURL          string
	TokenURL         string
	JWKSURL          string
	Product          string // what the platform calls its software
}

// Register registers us. The link is spent when the platform's description has been found good and not before; err may be
// an *Error. Of what did come about, nothing is undone: note is then an error for the log, and Registered holds.
func (r Registrar) Register(ctx context.Context, q Request) (done Registered, note, err error) {
	issuer, err := url.Parse(q.Link.Issuer)
	if err != nil {
		return Registered{}, nil, fmt.Errorf("read issuer: %w", err)
	}
	client := trace.Client(dial.Client(onThisMachine(issuer), timeout))
	defer client.CloseIdleConnections()
	p, err := r.describe(ctx, client, q)
	if err != nil {
		return Registered{}, nil, err
	}
	if err := q.Link.begin(ctx, r.Seen); err != nil {
		return Registered{}, nil, err
	}
	answer, err := introduce(ctx, client, p.RegistrationEndpoint, q.Token, r.Tool.Metadata())
	if fault, ok := errors.AsType[*Error](err); ok && fault.Code == CodeRefused {
		return Registered{}, nil, err
	}
	note = q.Link.spend(ctx, r.Seen)
	if err != nil {
		return Registered{}, note, err
	}
	return Registered{
		Issuer: p.Issuer, ClientID: answer.ClientID, Deployment: answer.deployment(),
		AuthURL: p.AuthorizationEndpoint, TokenURL: p.TokenEndpoint, JWKSURL: p.JWKSURI, Product: p.LTI.Product,
	}, note, nil
}

// platform is what we need of the platform's description (OpenID Connect Discovery 1.0 §3 and lti-dr).
type platform struct {
	Issuer                string   `json:"issuer"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	Algorithms            []string `json:"id_token_signing_alg_values_supported"`
	LTI                   struct {
		Product string `json:"product_family_code"`
	} `json:"https://purl.imsglobal.org/spec/lti-platform-configuration"`
}

func (r Registrar) describe(ctx context.Context, client *http.Client, q Request) (platform, error) {
	var p platform
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, q.Configuration, nil)
	if err != nil {
		return platform{}, refuse(CodeRequest, "make the request for the description", err)
	}
	if q.Token != "" {
		request.Header.Set("Authorization", "Bearer "+q.Token) // lti-dr: a platform may ask for it here already
	}
	status, err := exchange(client, request, &p)
	switch {
	case errors.Is(err, errJSON):
		return platform{}, refuse(CodePlatform, "the description is not JSON of at most 256 KiB", err)
	case err != nil:
		return platform{}, refuse(CodeUnreachable, "fetch the description", err)
	case status != http.StatusOK:
		return platform{}, refuse(CodeUnreachable, fmt.Sprint("the description's address answers ", status), nil)
	}
	return p, r.check(p, q)
}

func (r Registrar) check(p platform, q Request) error {
	if p.Issuer != q.Link.Issuer {
		return refuse(CodePlatform, "the description's issuer is not the link's", nil)
	}
	hosts := map[string]bool{}
	for _, origin := range append([]string{p.Issuer}, r.Issuers[p.Issuer]...) {
		if u, err := url.Parse(origin); err == nil {
			hosts[host(u)] = true
		}
	}
	for _, endpoint := range []struct{ name, address string }{
		{"registration_endpoint", p.RegistrationEndpoint},
		{"authorization_endpoint", p.AuthorizationEndpoint},
		{"token_endpoint", p.TokenEndpoint},
		{"jwks_uri", p.JWKSURI},
	} {
		u, ok := readAddress(endpoint.address)
		if !ok {
			return refuse(CodePlatform, endpoint.name+" is missing or no https address", nil)
		}
		if !hosts[host(u)] {
			return refuse(CodePlatform, endpoint.name+" is neither on the issuer's host nor on a listed one", nil)
		}
	}
	if len(p.Algorithms) > 0 && !slices.Contains(p.Algorithms, algorithm) {
		return refuse(CodePlatform, "the platform does not sign with "+algorithm, nil)
	}
	return nil
}
