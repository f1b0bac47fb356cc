package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
)

const defaultAddress = "127.0.0.1:8080"

// The runtimes, as RUNTIME names them.
const (
	onLambda    = "lambda"
	onCGI       = "cgi"
	onOpenWhisk = "openwhisk"
	onSystemd   = "systemd"
	onFn        = "fn"
	onAzure     = "azure"
	onHTTP      = "http"
)

// marks are what the runtimes put into the environment of what they start, in the order in which they are looked for: the
// first ones set the most of what the others do as well.
func marks() []struct{ runtime, variable string } {
	return []struct{ runtime, variable string }{
		{onLambda, "AWS_LAMBDA_RUNTIME_API"},
		{onCGI, "GATEWAY_INTERFACE"},
		{onOpenWhisk, "__OW_EXECUTION_ENV"},
		{onOpenWhisk, "__OW_WAIT_FOR_ACK"},
		{onOpenWhisk, "__OW_API_HOST"},
		{onSystemd, "LISTEN_FDS"},
		{onFn, "FN_LISTENER"},
		{onAzure, "FUNCTIONS_CUSTOMHANDLER_PORT"},
	}
}

// choose is the runtime that started this process, by what it put into the environment.
func choose(getenv func(string) string) (string, error) {
	chosen := getenv("RUNTIME")
	if chosen == onHTTP {
		return chosen, nil
	}
	known := []string{onHTTP}
	for _, mark := range marks() {
		known = append(known, mark.runtime)
		switch {
		case chosen == mark.runtime:
			return chosen, nil
		case chosen != "" || getenv(mark.variable) == "":
		// A LISTEN_PID of another process means that the variables were inherited, and descriptor 3 is not ours.
		case mark.runtime == onSystemd && getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()):
		default:
			return mark.runtime, nil
		}
	}
	if chosen != "" {
		return "", fmt.Errorf("RUNTIME is %q; it must be one of %s, or unset", chosen, strings.Join(slices.Compact(known), ", "))
	}
	return onHTTP, nil
}

// address is where to listen for plain HTTP.
func address(chosen string, getenv func(string) string) (string, error) {
	variable, host := "PORT", ""
	if chosen == onAzure { // its host is beside us
		variable, host = "FUNCTIONS_CUSTOMHANDLER_PORT", "127.0.0.1"
	}
	port := getenv(variable)
	if port == "" {
		return defaultAddress, nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%s is %q; it must be a port number", variable, port)
	}
	return host + ":" + port, nil
}

func drainDelay(getenv func(string) string) (time.Duration, error) {
	text := getenv("STACKHOOK_DRAIN_DELAY")
	if text == "" {
		return 0, nil
	}
	delay, err := config.ParseDuration(text)
	if err != nil || delay < 0 {
		return 0, fmt.Errorf("STACKHOOK_DRAIN_DELAY is %q; it must be a duration such as 10s", text)
	}
	return delay, nil
}

// start serves h on the chosen runtime until the process is told to stop.
func start(ctx context.Context, h http.Handler, log zerolog.Logger, getenv func(string) string) error {
	chosen, err := choose(getenv)
	if err != nil {
		return err
	}
	switch chosen {
	case onLambda:
		if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
			return errors.New("RUNTIME is lambda, but AWS_LAMBDA_RUNTIME_API is not set; only Lambda itself can start this")
		}
		Lambda(h, log).Start(ctx) // does not come back
		return nil
	case onCGI:
		return CGI(h, log, getenv("SCRIPT_NAME")) // a line for each request would be a line too many
	case onOpenWhisk:
		return onActionLoop(ctx, h, log, getenv)
	case onFn:
		h = Fn(h, log)
	}
	return listenAndServe(ctx, chosen, h, log, getenv)
}

// untilTold is ctx until the process is told to end; stopping is run then. It comes before the log says that we serve, since
// who reads that line may tell us at once.
func untilTold(ctx context.Context, stopping func()) (told context.Context, stop context.CancelFunc) {
	told, stop = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(told, func() {
		stop() // a second signal ends the process at once
		stopping()
	})
	return told, stop
}

// answers is the descriptor on which OpenWhisk reads our answers; stdout is a log there.
const answers = 3

func onActionLoop(ctx context.Context, h http.Handler, log zerolog.Logger, getenv func(string) string) error {
	out := os.NewFile(answers, "answers")
	if _, err := out.Stat(); err != nil {
		return errors.New("RUNTIME is openwhisk, but descriptor 3 is not open; only OpenWhisk's ActionLoop can start this")
	}
	ctx, stop := untilTold(ctx, func() { log.Info().Msg("stopping") })
	defer stop()
	log.Info().Str("runtime", onOpenWhisk).Msg("serving")
	return ActionLoop(ctx, h, log, os.Stdin, out, getenv("__OW_WAIT_FOR_ACK") != "")
}

// listenAndServe serves all that speak HTTP.
func listenAndServe(ctx context.Context, chosen string, h http.Handler, log zerolog.Logger, getenv func(string) string) error {
	drain, err := drainDelay(getenv)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, chosen, getenv)
	if err != nil {
		return err
	}
	ctx, stop := untilTold(ctx, func() { log.Info().Dur("drain_ms", drain).Msg("stopping") })
	defer stop()
	for _, listener := range listeners {
		log.Info().Str("runtime", chosen).Stringer("address", listener.Addr()).Msg("serving")
	}
	return HTTP(ctx, h, drain, listeners...)
}

func listen(ctx context.Context, chosen string, getenv func(string) string) ([]net.Listener, error) {
	switch chosen {
	case onSystemd:
		return sockets(getenv("LISTEN_FDS"))
	case onFn:
		listener, err := fnSocket(ctx, getenv("FN_LISTENER"))
		return []net.Listener{listener}, err
	}
	at, err := address(chosen, getenv)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return []net.Listener{listener}, nil
}
