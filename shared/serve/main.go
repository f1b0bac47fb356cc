package serve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
)

// Build makes a function's handler from its configuration. It makes no calls: a process starts without its cloud.
type Build func(ctx context.Context, src config.Source) (http.Handler, error)

// version is set by the linker: -X github.com/stackhook/stackhook/shared/serve.version=v1.2.3
var version string

// Main is a function's program. The last word, if given, says in a line what the function is for.
func Main(name string, build Build, about ...string) { MainDoctor(name, build, nil, about...) }

// Doctor looks at what the configuration leads to, prints a line for each thing and gives the number of faults.
type Doctor func(ctx context.Context, src config.Source, out io.Writer) (faults int)

// MainDoctor is Main for a function that can look after itself with -doctor.
func MainDoctor(name string, build Build, doctor Doctor, about ...string) {
	p := Program{
		Name: name, About: strings.Join(about, " "), Build: build, Doctor: doctor, Source: config.OS(), Out: os.Stdout, Err: os.Stderr,
	}
	os.Exit(p.Run(context.Background(), os.Args[1:]))
}

// Program is Main with everything it takes from the process.
type Program struct {
	Name, About string
	Build       Build
	Doctor      Doctor // nil: there is no -doctor
	Source      config.Source
	Out, Err    io.Writer

	every time.Duration // between looks at the files; 0 means lookEvery
}

// Run does what the arguments say and gives the exit status: 2 for wrong arguments, 1 for a configuration or a runtime
// that does not work.
func (p Program) Run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(p.Err)
	flags.Usage = func() { p.help(flags.Output(), flags) }
	check := flags.Bool("check", false, "print the configuration in force, or every fault of it, and exit")
	doctor := new(bool)
	if p.Doctor != nil {
		doctor = flags.Bool("doctor", false, "ask what the configuration names, print what to fix, and exit")
	}
	show := flags.Bool("version", false, "print the version and exit")
	help := flags.Bool("help", false, "print this and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp): // -h
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		p.say(p.Err, "%s takes no arguments, but got %q; see %s -help\n", p.Name, flags.Arg(0), p.Name)
		return 2
	case *help:
		p.help(p.Out, flags)
		return 0
	case *show:
		p.say(p.Out, "%s %s %s %s/%s\n", p.Name, Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0
	case *check:
		return p.check(ctx)
	case *doctor:
		return p.doctor(ctx)
	}
	lines, flush := p.lines()
	defer flush()
	log := logging.New(lines, p.Name)
	if err := p.serve(ctx, log); err != nil {
		log.Error().Err(err).Msg("stopped")
		return 1
	}
	return 0
}

// lines are where the log goes, and what is to be done at its end.
func (p Program) lines() (to io.Writer, flush func()) {
	if freezes(p.Source.Getenv) {
		return p.Err, func() {}
	}
	g := logging.NewGatherer(p.Err)
	return g, g.Flush
}

func (p Program) serve(ctx context.Context, log zerolog.Logger) error {
	if p.Source.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	h, err := p.watched(ctx, log)
	if err != nil {
		return err
	}
	// Whoever reads our log may go before us. Go would end the process at its next line; answers matter more than lines.
	signal.Ignore(syscall.SIGPIPE)
	err = start(ctx, h, log, p.Source.Getenv)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
	defer cancel()
	h.seen.Tracer.Close(last)
	return err
}

// collectAt is how much a heap may grow, in per cent, before it is collected: to 6 MB where little is alive (runtime/mgcpacer.go,
// heapMinimum), as always here. At Go's own 100 collecting was a sixth of a request's cost, and this halves it. More would save little
// (300: 6 % of a request), and take the programs over 25 MB under load.
const collectAt = 150

// lastSpans is how long the end of a process waits for the collector to take its last spans.
const lastSpans = 2 * time.Second

// handler is the function on the configuration as it is now.
func (p Program) handler(ctx context.Context, log zerolog.Logger, seen *observe.Function) (http.Handler, error) {
	cfg, err := p.Source.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	h, err := p.Build(observe.In(ctx, seen), p.Source)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", p.Name, err)
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("parse public_url: %w", err)
	}
	return mount(function.Wrap(p.Name, log, caller.Scraped(h, cfg.API, seen.Registry), seen), public.Path, "/"+p.Name), nil
}

// check prints the configuration even if the function cannot be built on it: what is in effect may show why.
func (p Program) check(ctx context.Context) int {
	cfg, err := p.Source.Load()
	if err != nil {
		return p.refuse(err)
	}
	cfg.Describe(p.Out)
	if _, err := p.Build(ctx, p.Source); err != nil {
		p.say(p.Err, "%s: %s\n", p.Name, err)
		return 1
	}
	return 0
}

// doctor asks only with a configuration that is whole: what is missing in it would look like somebody else's fault.
func (p Program) doctor(ctx context.Context) int {
	if _, err := p.Source.Load(); err != nil {
		return p.refuse(err)
	}
	if p.Doctor(ctx, p.Source, p.Out) > 0 {
		return 1
	}
	return 0
}

// refuse says every fault of a configuration.
func (p Program) refuse(err error) int {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		p.say(p.Err, "%s\n", err)
	}
	for _, fault := range faults {
		p.say(p.Err, "%s\n", fault)
	}
	return 1
}

func (p Program) help(w io.Writer, flags *flag.FlagSet) {
	p.say(w, "%s", p.Name)
	if p.About != "" {
		p.say(w, ": %s", p.About)
	}
	p.say(w, "\n\nUsage: %s [flags]\n\n", p.Name)
	flags.VisitAll(func(f *flag.Flag) { p.say(w, "  -%-9s %s\n", f.Name, f.Usage) })
	p.say(w, "%s", environment)
}

const environment = `
Environment:
  STACKHOOK_CONFIG       path of the configuration file, or its text (required)
  OS_CLOUD, OS_*         the cloud, as every OpenStack client reads them
  STACKHOOK_DRAIN_DELAY  how long to go on serving after SIGTERM, e.g. 10s (default 0s)
  OTEL_EXPORTER_OTLP_ENDPOINT  an OpenTelemetry collector for traces, over HTTP (default: no traces);
                               OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and others as usual
  GOGC                   how far the heap grows before it is collected, in per cent, as in every Go program (default 150)
  RUNTIME                lambda, cgi, openwhisk, systemd, fn, azure or http, instead of the choice below

Runtimes, by what the environment has:
  AWS_LAMBDA_RUNTIME_API        AWS Lambda (API Gateway, function URL, load balancer)
  GATEWAY_INTERFACE             CGI, one request a process
  __OW_EXECUTION_ENV            Apache OpenWhisk's ActionLoop
  LISTEN_FDS and LISTEN_PID     the sockets that systemd opened
  FN_LISTENER                   Oracle Fn
  FUNCTIONS_CUSTOMHANDLER_PORT  Azure Functions
  PORT                          HTTP on all addresses and that port
  none of these                 HTTP on ` + defaultAddress + `

GET /healthz answers without asking OpenStack.
`

// say prints for a person; there is no one to tell when that fails.
func (Program) say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// Version is what this binary was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return info.Main.Version
}
