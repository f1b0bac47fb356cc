package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
)

const defaultAddress = "127.0.0.1:8080"

// choose is the runtime that started this process, by what it put into the environment.
func choose(getenv func(string) string) (string, error) {
	switch chosen := getenv("RUNTIME"); chosen {
	case "lambda", "systemd", "http":
		return chosen, nil
	case "":
	default:
		return "", fmt.Errorf("RUNTIME is %q; it must be http, systemd or lambda, or unset", chosen)
	}
	switch {
	case getenv("AWS_LAMBDA_RUNTIME_API") != "":
		return "lambda", nil
	// A LISTEN_PID of another process means that the variables were inherited, and descriptor 3 is not ours.
	case getenv("LISTEN_FDS") != "" && getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()):
		return "systemd", nil
	}
	return "http", nil
}

// address is where to listen without systemd.
func address(getenv func(string) string) (string, error) {
	port := getenv("PORT")
	if port == "" {
		return defaultAddress, nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("PORT is %q; it must be a port number", port)
	}
	return ":" + port, nil
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
	if chosen == "lambda" {
		if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
			return errors.New("RUNTIME is lambda, but AWS_LAMBDA_RUNTIME_API is not set; only Lambda itself can start this")
		}
		log.Info().Str("runtime", chosen).Msg("serving")
		Lambda(h, log).Start(ctx) // does not come back
		return nil
	}
	drain, err := drainDelay(getenv)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, chosen, getenv)
	if err != nil {
		return err
	}
	for _, listener := range listeners {
		log.Info().Str("runtime", chosen).Stringer("address", listener.Addr()).Msg("serving")
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		log.Info().Dur("drain_ms", drain).Msg("stopping")
	})
	return HTTP(ctx, h, drain, listeners...)
}

func listen(ctx context.Context, chosen string, getenv func(string) string) ([]net.Listener, error) {
	if chosen == "systemd" {
		return sockets(getenv("LISTEN_FDS"))
	}
	at, err := address(getenv)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return []net.Listener{listener}, nil
}
