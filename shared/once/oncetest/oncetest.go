// Package oncetest runs a real Redis for tests.
package oncetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

const program = "/usr/bin/redis-server" // of Debian's package redis-server

// Redis is a server that keeps nothing on disk.
type Redis struct {
	tb    testing.TB
	port  int
	extra []string

	output  bytes.Buffer
	process *exec.Cmd
	ended   chan struct{}
}

// Start starts a server on loopback, with further options of redis-server, and ends it with the test.
func Start(tb testing.TB, options ...string) *Redis {
	tb.Helper()
	r := &Redis{tb: tb, extra: options}
	for range 5 { // somebody else may take the port in between
		r.port = FreePort(tb)
		if r.start() {
			return r
		}
	}
	tb.Fatalf("redis-server does not start:\n%s", r.output.String())
	return nil
}

// Host is where the server listens.
func (r *Redis) Host() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// Address is the server's address as a configuration has it.
func (r *Redis) Address() string { return "redis://" + r.Host() + "/0" }

// Kill ends the server as a crash would.
func (r *Redis) Kill() {
	_ = r.process.Process.Kill() // it may have ended
	<-r.ended
}

// Restart starts the server again at the same address. It remembers nothing.
func (r *Redis) Restart() {
	r.tb.Helper()
	r.Kill()
	if !r.start() {
		r.tb.Fatalf("redis-server does not start again:\n%s", r.output.String())
	}
}

// start says whether a server of ours answers.
func (r *Redis) start() bool {
	r.tb.Helper()
	arguments := append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--save", "", "--appendonly", "no", "--dir", r.tb.TempDir(),
	}, r.extra...)
	r.output.Reset()
	r.process = exec.CommandContext(context.WithoutCancel(r.tb.Context()), program, arguments...) //nolint:gosec // the test's own options
	r.process.Stdout, r.process.Stderr = &r.output, &r.output
	if err := r.process.Start(); err != nil {
		r.tb.Fatalf("%s does not run (%v): run scripts/test-deps", program, err)
	}
	r.ended = make(chan struct{})
	ended, process := r.ended, r.process
	go func() {
		defer close(ended)
		_ = process.Wait() // a killed process always ends with an error
	}()
	r.tb.Cleanup(func() {
		_ = process.Process.Kill() // it may have ended
		<-ended
	})
	return r.ready()
}

func (r *Redis) ready() bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		select {
		case <-r.ended:
			return false
		case <-time.After(10 * time.Millisecond):
			if r.answers() {
				return true
			}
		}
	}
	return false
}

// answers accepts a complaint, such as about a password, as an answer.
func (r *Redis) answers() bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.WithoutCancel(r.tb.Context()), "tcp", r.Host())
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := fmt.Fprint(c, "PING\r\n"); err != nil {
		return false
	}
	first, err := bufio.NewReader(c).ReadByte()
	return err == nil && (first == '+' || first == '-')
}

// FreePort is a port of loopback that nobody listens on.
func FreePort(tb testing.TB) int {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
