package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

// DefaultListen is where `make run` listens.
const DefaultListen = "127.0.0.1:8080"

// Options say what a shim runs on.
type Options struct {
	// Source is where the functions read their configuration and the cloud's address. The zero Source is an empty
	// environment: development configuration, fake cloud.
	Source config.Source
	// Listen is host:port. Empty means DefaultListen; port 0 takes a free one.
	Listen string
	// Log receives the JSON lines of the functions. Nil drops them.
	Log io.Writer
	// Fake shapes the fake cloud. Time always passes in it as it does for us.
	Fake openstacktest.Options
	// Version is shown on the page; empty means "dev".
	Version string
}

// RefusalError is a reason not to start, in a sentence for the person who typed the command.
type RefusalError struct{ Sentence string }

func (r *RefusalError) Error() string { return r.Sentence }

// Keys are what a caller needs to be accepted. With a configuration they are its first consumer's and token's; what the
// configuration does not have is empty.
type Keys struct {
	ConsumerKey, ConsumerSecret string
	APIToken                    string
	Lab                         string
}

// Shim is every function on one listener.
type Shim struct {
	base        string
	development bool
	loopback    bool
	version     string
	cfg         *config.Config
	listener    net.Listener
	handler     http.Handler
	cloud       *openstack.Cloud
	cloudName   string
	fake        *openstacktest.Cloud // nil on a real cloud
	box         *seal.Box
	platform    *ltitest.Platform // nil if the configuration has no entry for it
	requests    *recorder
	seen        []*observe.Function
	watch       *watcher
	stop        context.CancelFunc
	served      chan error
}

// New opens the listener and builds every function. Nothing is served yet; Close in the end.
func New(ctx context.Context, o Options) (*Shim, error) {
	o = o.withDefaults()
	s := &Shim{version: o.Version}
	s.development = strings.TrimSpace(o.Source.Getenv(config.Variable)) == ""
	if err := s.checkAddress(o.Listen); err != nil {
		return nil, err
	}
	var err error
	if s.listener, err = listen(ctx, o.Listen); err != nil {
		return nil, err
	}
	if err := s.build(ctx, o); err != nil {
		_ = s.Close() //nolint:contextcheck // what was begun ends whatever became of ctx
		return nil, err
	}
	return s, nil
}

// Start is New, and Serve in the background until Close or the end of ctx.
func Start(ctx context.Context, o Options) (*Shim, error) {
	s, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.served = make(chan error, 1)
	go func() { s.served <- s.Serve(ctx) }()
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Source.Getenv == nil {
		o.Source.Getenv = func(string) string { return "" }
	}
	if o.Source.ReadFile == nil {
		o.Source.ReadFile = config.OS().ReadFile
	}
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return o
}

// checkAddress refuses what would hand the development keys, which the page shows to everybody, to other machines.
func (s *Shim) checkAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return &RefusalError{fmt.Sprintf("-listen %q is not host:port; write, for example, -listen %s.", address, DefaultListen)}
	}
	s.loopback = isLoopback(host)
	if s.development && !s.loopback {
		return &RefusalError{fmt.Sprintf("Development keys are refused on %s, which other machines can reach: set STACKHOOK_CONFIG to a configuration with your own keys (-new-config writes one), or listen on %s.", address, DefaultListen)}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &RefusalError{fmt.Sprintf("The address %s is taken by another program: stop that one, or choose another port, such as -listen 127.0.0.1:8081 (port 0 takes a free one).", address)}
	case errors.Is(err, syscall.EACCES):
		return nil, &RefusalError{fmt.Sprintf("Listening on %s needs more rights than this user has: choose a port above 1023 with -listen.", address)}
	}
	return nil, fmt.Errorf("listen on %s: %w", address, err)
}

// build makes everything behind the listener.
func (s *Shim) build(ctx context.Context, o Options) error {
	s.base = "http://" + s.listener.Addr().String()
	src, err := s.source(o)
	if err != nil {
		return err
	}
	if s.cfg, err = src.Load(); err != nil {
		return err
	}
	s.base = s.cfg.PublicURL
	if entry, ok := s.findPlatform(); ok {
		s.platform = ltitest.NewPlatform(entry.Issuer)
	}
	if s.fake == nil {
		s.cloudName = s.cfg.CloudName()
	}
	if s.cloud, err = openstack.New(openstack.Options{Cloud: s.cfg.CloudName(), Getenv: src.Getenv}); err != nil {
		return &RefusalError{fmt.Sprintf("The cloud cannot be used: %v", err)}
	}
	if s.box, err = s.cfg.Box(); err != nil {
		return err
	}
	s.watch = &watcher{cloud: s.cloud, name: s.cloudText(), fresh: s.beat() * 4 / 5}
	s.requests = &recorder{changed: s.watch.outdated}
	s.handler, err = s.mount(ctx, src, o.Log)
	return err
}

// beat is the time between two looks at the cloud: a real one should not be asked as often.
func (s *Shim) beat() time.Duration {
	if s.fake != nil {
		return time.Second
	}
	return 3 * time.Second
}

func (s *Shim) cloudText() string {
	if s.fake != nil {
		return "Fake cloud, in memory"
	}
	return "Real cloud: " + s.cloudName
}

// URL is the address under which browsers and clouds reach the shim, without a slash at the end.
func (s *Shim) URL() string { return s.base }

// Addr is the host:port that the shim listens on, whatever public_url says.
func (s *Shim) Addr() string { return s.listener.Addr().String() }

// Handler serves everything.
func (s *Shim) Handler() http.Handler { return s.handler }

// Fake is the fake cloud, nil on a real one.
func (s *Shim) Fake() *openstacktest.Cloud { return s.fake }

// Keys are what a story needs to be let in.
func (s *Shim) Keys() Keys {
	var k Keys
	if consumers := s.cfg.LTI.Consumers; len(consumers) > 0 {
		k.ConsumerKey, k.ConsumerSecret, k.Lab = consumers[0].Key, consumers[0].Secret.Reveal(), consumers[0].Labs[0]
	}
	if tokens := s.cfg.API.Tokens; len(tokens) > 0 {
		k.APIToken = tokens[0].Token.Reveal()
	}
	return k
}

// ScaleURL is the signed address that an alarm calls to scale a stack "out" or "in".
func (s *Shim) ScaleURL(stack, direction string) string {
	return caller.ScaleAddress(s.box, s.base, stack, direction)
}

// Close stops serving and ends the fake cloud. It may be called twice.
func (s *Shim) Close() error {
	var err error
	if s.stop != nil {
		s.stop()
		err = <-s.served
		s.stop = nil
	}
	if s.listener != nil {
		_ = s.listener.Close() // closed already if it was served
	}
	if s.fake != nil {
		s.fake.Close()
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, f := range s.seen {
		f.Tracer.Close(last)
	}
	return err
}
