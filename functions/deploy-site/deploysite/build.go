package deploysite

import (
	"context"
	"crypto/rsa"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
	"github.com/stackhook/stackhook/shared/site"
)

const (
	// templateName is the template that sites are made of.
	templateName = "site.yaml"
	// createTimeout is how long Heat works on a new site before it gives up.
	createTimeout = 3 * time.Hour
	// ownFunction is where we are below public_url.
	ownFunction = "deploy-site"
)

// Build makes the function from its configuration. It asks nothing of the cloud yet.
func Build(_ context.Context, src config.Source) (http.Handler, error) {
	cfg, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	cloud, err := openstack.New(openstack.Options{Cloud: cfg.CloudName(), Getenv: src.Getenv})
	if err != nil {
		return nil, fmt.Errorf("set up cloud: %w", err)
	}
	return New(cfg, cloud, time.Now)
}

// Option changes a part of the function.
type Option func(*deployer)

// WithKey has new sites sign with the keys that it gives, instead of one of each site's own: for tests, as such a key takes
// long to make.
func WithKey(key func() (*rsa.PrivateKey, error)) Option { return func(d *deployer) { d.key = key } }

// New is the function on a cloud and with a clock of the caller's choice.
func New(cfg *config.Config, cloud *openstack.Cloud, now function.Clock, options ...Option) (http.Handler, error) {
	box, err := cfg.Box()
	if err != nil {
		return nil, fmt.Errorf("set up seal keys: %w", err)
	}
	template, err := heattemplates.LoadFrom(cfg.Templates(), templateName)
	if err != nil {
		return nil, fmt.Errorf("load site template: %w", err)
	}
	d := &deployer{
		box: box, publicURL: cfg.PublicURL, template: template, facts: facts(template), now: now,
		defaults: site.Defaults{
			AppImage: cfg.Sites.Defaults.Image, AppFlavor: cfg.Sites.Defaults.AppFlavor,
			BackendImage: cfg.Sites.Defaults.BackendImage, BackendFlavor: cfg.Sites.Defaults.BackendFlavor,
			ExternalNetwork: cfg.Sites.Defaults.ExternalNetwork,
		},
		own: door{clouds: cloud, shared: true}, as: func(token string) door { return door{clouds: cloud.As(token)} },
		refs: map[string]openstack.StackRef{}, key: site.NewKey, told: cfg.Sites.Notify,
	}
	for _, option := range options {
		option(d)
	}
	for _, t := range cfg.API.Tokens {
		if slices.Contains(t.May, "sites") {
			d.credentials = append(d.credentials, caller.Credential{Kind: caller.API, Name: t.Name, Secret: t.Token.Reveal()})
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/sites", d.only(d.list, http.MethodGet, http.MethodHead))
	mux.HandleFunc("/sites/{name}", d.only(d.one, http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete))
	for verb, next := range map[string]act{
		"preview": d.preview, "cancel": d.cancel, "roll": d.roll, "recover": d.recovery, "check": d.check,
		"rotate": d.rotate, "import": d.imported,
	} {
		mux.HandleFunc("/sites/{name}/"+verb, d.only(d.answer(next), http.MethodPost))
	}
	mux.HandleFunc("/sites/{name}/export", d.only(d.answer(d.export), http.MethodGet, http.MethodHead))
	mux.HandleFunc("/sites/{name}/page", d.page)
	mux.HandleFunc("/notices", d.only(d.answer(d.notices), http.MethodGet, http.MethodPost))
	mux.HandleFunc("/leftovers", d.only(d.answer(d.leftovers), http.MethodGet))
	mux.HandleFunc("/", notFound)
	return mux, nil
}

// deployer is the function.
type deployer struct {
	box         *seal.Box
	publicURL   string
	template    heattemplates.Template
	facts       site.Template
	defaults    site.Defaults
	credentials []caller.Credential
	told        []config.Notify
	own         door
	as          func(token string) door
	now         function.Clock
	key         func() (*rsa.PrivateKey, error)

	mu   sync.Mutex
	refs map[string]openstack.StackRef // ids of sites by name, to save looking for them
}

// facts is what the domain has to know of the template.
func facts(t heattemplates.Template) site.Template {
	texts := []string{t.Text}
	for _, name := range slices.Sorted(maps.Keys(t.Files)) {
		texts = append(texts, name, t.Files[name])
	}
	defaults := map[string]any{}
	for _, p := range t.Parameters {
		defaults[p.Name] = p.Default
	}
	return site.Template{Digest: site.Digest(texts...), Defaults: defaults}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{
		Code: "not_found", Status: http.StatusNotFound, Public: "There is nothing here. Put or get /sites/{name}, or get /sites.",
	})
}
