package servetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ErrFunction is what the platform would show its caller as a function error: our programs never cause it.
var ErrFunction = errors.New("function error")

// Runtime is a Lambda Runtime API for one process.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type Runtime struct {
	// Address is the value of AWS_LAMBDA_RUNTIME_API.
	Address string

	server  *http.Server
	next    chan *call
	mu      sync.Mutex
	waiting map[string]*call
	count   int
}

type call struct {
	id       string
	event    []byte
	deadline time.Time
	patience time.Duration // instead of a deadline
	answer   chan outcome
}

type outcome struct {
	text   []byte
	failed bool
}

// Listen starts the API on loopback.
func Listen(ctx context.Context) (*Runtime, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for runtime: %w", err)
	}
	r := &Runtime{Address: listener.Addr().String(), next: make(chan *call), waiting: map[string]*call{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.giveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, req *http.Request) { r.take(w, req, false) })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, req *http.Request) { r.take(w, req, true) })
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// Close ends the API, and with it a process that waits for its next event.
func (r *Runtime) Close() error { return r.server.Close() }

// Invoke hands the process an event as soon as it asks for one, and gives its answer. ctx's deadline, or a minute, is the
// function's.
func (r *Runtime) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	return r.invoke(ctx, &call{event: event, deadline: deadline})
}

// InvokeWithin is Invoke with a patience that begins when the process takes the event.
func (r *Runtime) InvokeWithin(ctx context.Context, event []byte, patience time.Duration) ([]byte, error) {
	return r.invoke(ctx, &call{event: event, patience: patience})
}

func (r *Runtime) invoke(ctx context.Context, c *call) ([]byte, error) {
	r.mu.Lock()
	r.count++
	c.id, c.answer = "call-"+strconv.Itoa(r.count), make(chan outcome, 1)
	r.waiting[c.id] = c
	r.mu.Unlock()
	select {
	case r.next <- c:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the process to ask: %w", ctx.Err())
	}
	select {
	case got := <-c.answer:
		if got.failed {
			return got.text, ErrFunction
		}
		return got.text, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the answer: %w", ctx.Err())
	}
}

func (r *Runtime) giveNext(w http.ResponseWriter, req *http.Request) {
	select {
	case c := <-r.next:
		if c.patience > 0 {
			c.deadline = time.Now().Add(c.patience)
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", c.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:test")
		_, _ = w.Write(c.event) // a process that has gone shows by its answer missing
	case <-req.Context().Done():
	}
}

func (r *Runtime) take(w http.ResponseWriter, req *http.Request, failed bool) {
	id := req.PathValue("id")
	r.mu.Lock()
	c := r.waiting[id]
	delete(r.waiting, id)
	r.mu.Unlock()
	text, err := io.ReadAll(req.Body)
	if c == nil || err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.answer <- outcome{text, failed}
	w.WriteHeader(http.StatusAccepted)
}
