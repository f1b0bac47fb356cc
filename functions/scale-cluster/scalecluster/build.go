package scalecluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
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

// New is the function on a cloud and with a clock of the caller's choice.
func New(cfg *config.Config, cloud *openstack.Cloud, now function.Clock) (http.Handler, error) {
	box, err := cfg.Box()
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
	return mux, nil
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
