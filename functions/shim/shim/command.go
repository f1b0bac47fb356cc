package shim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
)

const usage = `Runs every function of Stackhook on one address, with a developer's page at /.

  go run ./functions/shim [-listen host:port]

Without a cloud in the environment a fake one is started in memory; OS_CLOUD or OS_AUTH_URL name a real one.
Without STACKHOOK_CONFIG a development configuration is used, whose keys are drawn at each start.

`

// Main is the command. It gives the exit code: 2 for what the person who typed it can correct.
func Main(args []string, src config.Source, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("shim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", DefaultListen, "host:port to listen on; port 0 takes a free one")
	fresh := flags.Bool("new-config", false, "print a configuration with keys of its own to start from, and stop")
	show := flags.Bool("version", false, "print the version and stop")
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "%q is not understood: the shim takes flags alone, -help lists them.\n", flags.Arg(0))
		return 2
	case *show:
		_, _ = fmt.Fprintln(stdout, "shim "+serve.Version())
		return 0
	case *fresh:
		return exitCode(stderr, newConfig(stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	s, err := New(ctx, Options{Source: src, Listen: *listen, Log: stderr, Version: serve.Version()})
	if err != nil {
		return exitCode(stderr, err)
	}
	defer func() { _ = s.Close() }()
	s.Greet(stderr)
	return exitCode(stderr, s.Serve(ctx))
}

// newConfig is a configuration to start from.
func newConfig(w io.Writer) error {
	key, err := toolKey()
	if err != nil {
		return err
	}
	return writeConfig(w, secrets{
		Origins:   []string{"http://" + DefaultListen, "http://localhost:8080"},
		NamingKey: random(), SealID: "first", Seal: random(), ConsumerSecret: random(), Token: random(), ToolKey: key,
	})
}

// exitCode says what went wrong in words for a person.
func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if faults, ok := errors.AsType[config.Faults](err); ok {
		_, _ = fmt.Fprintln(stderr, "The configuration cannot be used:")
		for _, f := range faults {
			_, _ = fmt.Fprintln(stderr, "  "+f.String())
		}
		return 2
	}
	if r, ok := errors.AsType[*RefusalError](err); ok {
		_, _ = fmt.Fprintln(stderr, r.Sentence)
		return 2
	}
	_, _ = fmt.Fprintln(stderr, "The shim could not start or go on:", err)
	return 1
}

// Greet says where to go and what to know.
func (s *Shim) Greet(w io.Writer) {
	line := strings.Repeat("─", 78)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  Stackhook is on %s/\n\n", line, s.base)
	if s.fake != nil {
		b.WriteString("  Cloud   a fake one, in memory: gone when this stops. OS_CLOUD=name uses a real one.\n")
	} else {
		fmt.Fprintf(&b, "  Cloud   THE REAL ONE: %s. What you launch here is made there, and stays.\n", s.cloudName)
	}
	if s.development {
		b.WriteString("  Keys    DEVELOPMENT KEYS, drawn just now, for this machine alone. To have your own:\n" +
			"          go run ./functions/shim -new-config > stackhook.yaml\n" +
			"          STACKHOOK_CONFIG=stackhook.yaml go run ./functions/shim\n")
		fmt.Fprintf(&b, "  Token   for curl, while this runs:\n          export TOKEN=%s\n", s.Keys().APIToken)
	} else {
		b.WriteString("  Keys    those of STACKHOOK_CONFIG.\n")
	}
	if s.loopback {
		b.WriteString("\n  Open the page to launch a lab, deploy a site and raise an alarm. Ctrl-C stops.\n")
	} else {
		b.WriteString("\n  Others can reach this address, so the developer's page is not shown. Ctrl-C stops.\n")
	}
	b.WriteString(line + "\n")
	_, _ = io.WriteString(w, b.String())
}
