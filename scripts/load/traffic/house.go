package traffic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// House is where the load goes, and what opens its doors: all of it from the functions' own configuration.
type House struct {
	// Target is where requests are sent; Public what signatures are made for. They differ behind a balancer only.
	Target, Public string

	consumer  config.Consumer
	platform  config.Platform
	lms       *ltitest.Platform // nil without a platform on loopback
	lab       string
	cluster   string // empty: no alarms
	alarm     string // its bearer token
	api       string // empty: nobody looks at sites
	site      string // empty: the list alone
	namingKey []byte
}

// Course is the context of all launches.
const Course = "course-v1:Stackhook+Load+2026"

// NewHouse reads the configuration: its first consumer, its first platform if its issuer is on loopback, where the load then
// plays it, the first cluster with a bearer token, the first API token for sites. target is empty for public_url.
func NewHouse(c *config.Config, target, site string) (*House, error) {
	h := &House{Target: target, Public: c.PublicURL, site: site, namingKey: []byte(c.NamingKey.Reveal())}
	if h.Target == "" {
		h.Target = h.Public
	}
	if _, err := Local(h.Target); err != nil {
		return nil, err
	}
	if len(c.LTI.Consumers) == 0 || len(c.LTI.Consumers[0].Labs) == 0 {
		return nil, errors.New("the configuration has no lti.consumers entry with a lab: there is nobody to launch as")
	}
	h.consumer = c.LTI.Consumers[0]
	h.lab = h.consumer.Labs[0]
	if h.consumer.Tenant == "" {
		h.consumer.Tenant = h.consumer.Key
	}
	for _, p := range c.LTI.Platforms {
		if _, err := Local(p.Issuer); err == nil && slices.Contains(p.Labs, h.lab) && p.Tenant == h.consumer.Tenant {
			h.platform, h.lms = p, ltitest.NewPlatform(p.Issuer)
			break
		}
	}
	for name, cluster := range c.Clusters {
		for _, auth := range cluster.Auth {
			if auth.Kind == "bearer" && (h.cluster == "" || name < h.cluster) {
				h.cluster, h.alarm = name, auth.Token.Reveal()
			}
		}
	}
	for _, token := range c.API.Tokens {
		if slices.Contains(token.May, "sites") && h.api == "" {
			h.api = token.Token.Reveal()
		}
	}
	return h, nil
}

// Play serves the platform's side of LTI 1.3 at its issuer's address until ctx ends.
func (h *House) Play(ctx context.Context) error {
	if h.lms == nil {
		return nil
	}
	u, err := url.Parse(h.platform.Issuer)
	if err != nil {
		return fmt.Errorf("read the platform's issuer: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", u.Host)
	if err != nil {
		return fmt.Errorf("play the platform %s: %w", h.platform.Issuer, err)
	}
	server := &http.Server{Handler: h.lms.Handler(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return nil
}

// stack is the name of a learner's stack.
func (h *House) stack(learner string) string {
	return lab.Identity{Tenant: h.consumer.Tenant, Context: Course, Lab: h.lab, Learner: learner}.Hide(h.namingKey).Stack
}
