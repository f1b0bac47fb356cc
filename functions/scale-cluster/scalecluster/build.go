package scalecluster

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Build makes the function from its configuration. It asks nothing of the cloud yet.
func Build(ctx context.Context, src config.Source) (http.Handler, error) {
	cfg, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	cloud, err := openstack.New(openstack.Options{Cloud: cfg.CloudName(), Getenv: src.Getenv})
	if err != nil {
		return nil, fmt.Errorf("set up cloud: %w", err)
	}
	return New(cfg, cloud, time.Now, observe.Metrics(ctx))
}

// New is the function on a cloud, with a clock and a place to count of the caller's choice.
func New(cfg *config.Config, cloud *openstack.Cloud, now function.Clock, numbers *metrics.Registry) (http.Handler, error) {
	box, err := cfg.Box()
	if err != nil {
		return nil, fmt.Errorf("set up seal keys: %w", err)
	}
	policies := map[string]cluster.Policy{}
	for name, c := range cfg.Clusters {
		if policies[name], err = policyOf(c); err != nil {
			return nil, fmt.Errorf("set up clusters.%s: %w", name, err)
		}
	}
	s := &scaler{
		clusters: cfg.Clusters, policies: policies, credentials: credentials(cfg), box: box, publicURL: cfg.PublicURL, now: now,
		own: door{stacks: cloud, shared: true}, as: func(token string) door { return door{stacks: cloud.As(token)} },
		turns: turns{waiting: map[string]*turn{}}, refs: refs{byName: map[string]openstack.StackRef{}}, wishes: wishes{at: map[string]heard{}}, worked: wishes{at: map[string]heard{}}, counts: newCounts(numbers),
		pools: facts[bool]{by: map[string]fact[bool]{}}, empty: facts[bool]{by: map[string]fact[bool]{}}, flavors: facts[openstack.Flavor]{by: map[string]fact[openstack.Flavor]{}},
		stored: deliveries{at: map[string]time.Time{}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/reconcile", s.round)
	mux.HandleFunc("/{cluster}", s.show)
	mux.HandleFunc("/{cluster}/{verb}", s.scale)
	mux.HandleFunc("/{cluster}/reconcile", s.reconcile)
	mux.HandleFunc("/{cluster}/sweep", s.sweep)
	mux.HandleFunc("/{cluster}/pause", s.pause(cluster.OpPause))
	mux.HandleFunc("/{cluster}/resume", s.pause(cluster.OpResume))
	mux.HandleFunc("/{cluster}/address", s.address)
	mux.HandleFunc("/", notFound)
	return mux, nil
}

// policyOf is what an entry of the configuration sets.
func policyOf(c config.Cluster) (cluster.Policy, error) {
	p := cluster.Policy{
		StepsOut: steps(c.StepsOut), StepsIn: steps(c.StepsIn), MaxStep: c.MaxStep, MaxInPercent: c.MaxInPercent,
		StepsPerHour: c.StepsPerHour, NodeHours: c.NodeHours, Window: c.Stabilization, Ready: c.ReadyTimeout, HealthyPercent: c.HealthyShare,
		Drain: c.Drain.Timeout, Stuck: c.StuckTimeout, Keep: c.IntentLife, NewestFirst: c.Victims == "newest",
		Sticky: cmp.Or(c.Drain.Sticky, c.Drain.Timeout/2), Sessions: c.Drain.SessionsURL != "", DrainMin: c.Drain.Min,
		Hook: c.Drain.Hook.URL != "", HookDeadline: c.Drain.Hook.Deadline,
	}
	for _, s := range c.Schedules {
		start, err := cluster.ParseCron(s.Start, s.Zone)
		if err != nil {
			return p, fmt.Errorf("read schedule %s: %w", s.Name, err)
		}
		p.Schedules = append(p.Schedules, cluster.Schedule{Name: s.Name, Start: start, Length: s.Length, Min: s.Min, Max: s.Max})
	}
	return p, nil
}

func steps(list []config.Step) []cluster.Step {
	out := make([]cluster.Step, 0, len(list))
	for _, s := range list {
		out = append(out, cluster.Step{At: float64(s.At), By: s.By})
	}
	return out
}

func notFound(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{
		Code: "not_found", Status: http.StatusNotFound,
		Public: "There is nothing here. Post to /{cluster}/out, in, auto, set, replace, pause, resume, reconcile or sweep, or get /{cluster}; post to /reconcile for all clusters.",
	})
}

// credentials are those that open a cluster, by its name; "" holds those that open all.
func credentials(cfg *config.Config) map[string][]caller.Credential {
	all := map[string][]caller.Credential{"": caller.Holders(cfg.API, "clusters")}
	for name, c := range cfg.Clusters {
		for _, a := range c.Auth {
			cred := caller.Credential{Kind: caller.Cluster, Name: a.Kind + " of " + name, Secret: a.Token.Reveal()}
			switch a.Kind {
			case "basic":
				cred.User, cred.Secret = a.User, a.Password.Reveal()
			case "mtls":
				cred.Header, cred.Secret = a.Header, a.Subject
			}
			all[name] = append(all[name], cred)
		}
	}
	return all
}
