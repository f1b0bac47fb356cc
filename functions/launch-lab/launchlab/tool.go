package launchlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/lti/registration"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/page"
	"github.com/stackhook/stackhook/shared/seal"
)

// Build makes the function from its configuration.
func Build(ctx context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		return nil, fmt.Errorf("set up clouds: %w", err)
	}
	seen, err := once.Open(c.Store, c.StorePassword.Reveal(), time.Now)
	if err != nil {
		return nil, fmt.Errorf("set up store: %w", err)
	}
	return New(c, Parts{Clouds: clouds, Seen: seen, Keys: keyset.NewCache(keyset.CacheOptions{Now: time.Now}), Now: time.Now, Metrics: observe.Metrics(ctx)})
}

// Parts are what the function works with, so that tests can turn the clock and look into the store.
type Parts struct {
	Clouds keeper.Clouds
	Seen   once.Store
	Keys   lti.Keys // of platforms
	Now    function.Clock
	// Metrics is where the function counts; nil: nobody reads it.
	Metrics *metrics.Registry
}

// tool is the LTI tool.
type tool struct {
	url    string // where browsers reach this function
	base   string // its path alone: what forms of ours post to begins with it
	origin string // our own, as browsers write it

	keeper *keeper.Keeper
	pages  *page.Pages
	box    *seal.Box
	own    *keyset.Own // nil: we sign nothing
	now    function.Clock

	legacy    lti.Verifier // LTI 1.1
	modern    lti.Tool     // LTI 1.3
	tenants   map[sender]tenant
	registrar registration.Registrar
	config    *config.Config
	counts    counts
}

// New makes the function from its parts.
func New(c *config.Config, parts Parts) (http.Handler, error) {
	if parts.Metrics == nil {
		parts.Metrics = metrics.NewRegistry()
	}
	t := &tool{url: c.PublicURL + "/launch-lab", now: parts.Now, config: c, counts: newCounts(parts.Metrics, parts.Keys)}
	public, err := url.Parse(t.url)
	if err != nil {
		return nil, fmt.Errorf("parse public_url: %w", err)
	}
	t.base, t.origin = public.EscapedPath(), originOf(public)
	if t.box, err = c.Box(); err != nil {
		return nil, err //nolint:wrapcheck // it says what it was doing
	}
	if t.keeper, err = keeper.New(c, parts.Clouds, parts.Now); err != nil {
		return nil, fmt.Errorf("set up labs: %w", err)
	}
	if t.pages, err = page.New(c.PublicURL); err != nil {
		return nil, fmt.Errorf("set up pages: %w", err)
	}
	if t.own, err = ownKeys(c.LTI.ToolKeys); err != nil {
		return nil, err
	}
	t.tenants = tenants(c.LTI)
	t.legacy = legacy(c.LTI, parts)
	t.modern = lti.Tool{
		Registrations: registrations(c.LTI), LaunchURL: t.url + "/launch", Box: t.box, Keys: parts.Keys, Seen: parts.Seen, Now: parts.Now,
	}
	t.registrar = registrar(c.LTI, t.url, t.box, parts)
	return t.routes(), nil
}

func (t *tool) routes() http.Handler {
	mux := http.NewServeMux()
	// Every method: what verifies refuses the wrong ones, with a page.
	mux.HandleFunc("/login", t.login)
	mux.HandleFunc("/launch", t.launch)
	mux.HandleFunc("POST /pick", t.fromUs(t.pick))
	mux.HandleFunc("GET /jwks.json", t.keys)
	mux.HandleFunc("GET /cartridge.xml", t.cartridge)
	mux.HandleFunc("GET /register", t.askToRegister)
	mux.HandleFunc("POST /register", t.fromUs(t.register))
	mux.HandleFunc("/", t.notFound)
	return mux
}

// originOf is u's origin as browsers write it: in lower case, without the scheme's own port.
func originOf(u *url.URL) string {
	origin := strings.ToLower(u.Scheme + "://" + u.Host)
	if own := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; u.Port() != "" && strings.HasSuffix(origin, own) {
		origin = strings.TrimSuffix(origin, own)
	}
	return origin
}
