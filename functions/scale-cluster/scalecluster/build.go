package scalecluster

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// Purpose is what scaling addresses are signed for; the text is "{cluster}/{direction}".
const Purpose = "scale"

// Build makes the function from its configuration. It asks nothing of the cloud yet.
func Build(_ context.Context, src config.Source) (http.Handler, error) {
	cfg, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	options := openstack.Options{Getenv: src.Getenv}
	if len(cfg.Clouds) > 0 {
		options.Cloud = cfg.Clouds[0].Name
	}
	cloud, err := openstack.New(options)
	if err != nil {
		return nil, fmt.Errorf("set up cloud: %w", err)
	}
	return New(cfg, cloud, time.Now)
}

// New is the function on a cloud and with a clock of the caller's choice.
func New(cfg *config.Config, cloud *openstack.Cloud, now function.Clock) (http.Handler, error) {
	keys := make([]seal.Key, len(cfg.SealKeys))
	for i, k := range cfg.SealKeys {
		keys[i] = seal.Key{ID: k.ID, Secret: []byte(k.Secret.Reveal())}
	}
	box, err := seal.New(keys...)
	if err != nil {
		return nil, fmt.Errorf("set up seal keys: %w", err)
	}
	s := &scaler{
		clusters: cfg.Clusters, credentials: credentials(cfg), box: box, now: now,
		own: door{stacks: cloud, shared: true}, as: func(token string) door { return door{stacks: cloud.As(token)} },
		turns: turns{waiting: map[string]*turn{}}, refs: refs{byName: map[string]openstack.StackRef{}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{cluster}", s.show)
	mux.HandleFunc("/{cluster}/{verb}", s.scale)
	mux.HandleFunc("/", notFound)
	return exact(mux), nil
}

// exact keeps the mux from redirecting an unclean path: Aodh follows a redirect, and not always as a POST.
func exact(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{
		Code: "not_found", Status: http.StatusNotFound,
		Public: "There is nothing here. Post to /{cluster}/out, in, auto or set, or get /{cluster}.",
	})
}

// credentials are those that open a cluster, by its name; "" holds those that open all.
func credentials(cfg *config.Config) map[string][]caller.Credential {
	all := map[string][]caller.Credential{}
	for _, t := range cfg.API.Tokens {
		for _, may := range t.May {
			if may == "clusters" {
				all[""] = append(all[""], caller.Credential{Kind: caller.API, Name: t.Name, Secret: t.Token.Reveal()})
			}
		}
	}
	for name, c := range cfg.Clusters {
		for _, a := range c.Auth {
			cred := caller.Credential{Kind: caller.Cluster, Name: a.Kind + " of " + name, Secret: a.Token.Reveal()}
			if a.Kind == "basic" {
				cred.User, cred.Secret = a.User, a.Password.Reveal()
			}
			all[name] = append(all[name], cred)
		}
	}
	return all
}
