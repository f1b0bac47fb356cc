package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// runtimes are all that can start a function, in the table's order.
func runtimes() []runtime {
	return []runtime{
		{name: "http", start: onPort("PORT")},
		{name: "lambda", start: onLambda},
		{name: "systemd", start: onSystemd},
		{name: "fn", start: onFn},
		{name: "cgi", start: onCGI},
		{name: "openwhisk", start: onWhisk},
		{name: "azure", start: onPort("FUNCTIONS_CUSTOMHANDLER_PORT")},
	}
}

// runtime starts a program in its way.
type runtime struct {
	name  string
	start func(ctx context.Context, program string, env []string) (*instance, error)
}

// instance is a program that a runtime has started, and how to ask it. Where each request is a process of its own there is
// no process to look at.
type instance struct {
	*process

	address string // where it speaks plain HTTP, if it does
	ask     func(ctx context.Context, r request) (answer, error)
	end     func()
}

// failed is err with what the program said last, where there is one to look at.
func (i *instance) failed(err error) error {
	if i.process == nil {
		return err
	}
	return i.explained(err)
}

// onPort starts what listens at a port that it is told, and asks it on one connection.
func onPort(variable string) func(context.Context, string, []string) (*instance, error) {
	return func(ctx context.Context, program string, env []string) (*instance, error) {
		address, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(address)
		p, err := begin(exec.CommandContext(ctx, program), append(env, variable+"="+port))
		if err != nil {
			return nil, err
		}
		if err := p.untilServing(ctx); err != nil {
			p.stop()
			return nil, err
		}
		return connected(ctx, p, "tcp", address, request.wire)
	}
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// connected asks a process on one connection, in the given form.
func connected(ctx context.Context, p *process, network, address string, form func(request) []byte) (*instance, error) {
	l, err := dial(ctx, network, address)
	if err != nil {
		p.stop()
		return nil, p.explained(err)
	}
	return &instance{
		process: p, address: address,
		ask: func(_ context.Context, r request) (answer, error) {
			a, err := l.ask(form(r))
			if err != nil {
				err = p.explained(err)
			}
			return a, err
		},
		end: func() { l.close(); p.stop() },
	}, nil
}

// onSystemd opens the socket first, as systemd does, so that the first request waits in it.
func onSystemd(ctx context.Context, program string, env []string) (*instance, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	defer func() { _ = listener.Close() }()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, fmt.Errorf("take socket's descriptor: %w", err)
	}
	defer func() { _ = socket.Close() }()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, program) //nolint:gosec // our own programs
	cmd.ExtraFiles = []*os.File{socket}
	p, err := begin(cmd, append(env, "LISTEN_FDS=1"))
	if err != nil {
		return nil, err
	}
	return connected(ctx, p, "tcp", listener.Addr().String(), request.wire)
}

// onFn plays Oracle Fn's agent: one socket, and the client's request inside a POST.
func onFn(ctx context.Context, program string, env []string) (*instance, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("make folder for socket: %w", err)
	}
	tidy := func() { _ = os.RemoveAll(folder) }
	socket := filepath.Join(folder, "lsnr.sock")
	p, err := begin(exec.CommandContext(ctx, program), append(env, "FN_FORMAT=http-stream", "FN_LISTENER=unix:"+socket))
	if err != nil {
		tidy()
		return nil, err
	}
	if err := p.untilServing(ctx); err != nil {
		p.stop()
		tidy()
		return nil, err
	}
	i, err := connected(ctx, p, "unix", socket, request.fn)
	if err != nil {
		tidy()
		return nil, err
	}
	ask, end := i.ask, i.end
	i.ask = func(ctx context.Context, r request) (answer, error) { return fnAnswer(ask(ctx, r)) }
	i.end = func() { end(); tidy() }
	return i, nil
}
