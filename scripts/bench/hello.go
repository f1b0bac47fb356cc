package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// hello is the argument that makes this program the measure of throughput: net/http and nothing else.
const hello = "hello"

// sayHello serves on address until the process is ended.
func sayHello(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello\n")
	})}
	fmt.Fprintln(os.Stderr, `{"message":"serving"}`)
	return server.Serve(listener) //nolint:wrapcheck // it ends with the process
}

// startHello is such a process, and its address.
func startHello(ctx context.Context) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	p, err := begin(exec.CommandContext(ctx, self, hello, address), nil) //nolint:gosec // this program
	if err != nil {
		return nil, "", err
	}
	if err := p.untilServing(ctx); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, address, nil
}
