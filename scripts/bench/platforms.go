package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/cgi" //nolint:gosec // G504 is about Go before 1.6.3
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/shared/serve/servetest"
)

// fnAnswer takes the client's answer out of Fn's.
func fnAnswer(a answer, err error) (answer, error) {
	if err != nil {
		return a, err
	}
	a.Status, err = strconv.Atoi(a.Header.Get("Fn-Http-Status"))
	if err != nil {
		return a, fmt.Errorf("read Fn-Http-Status: %w", err)
	}
	return a, nil
}

// onLambda plays the Runtime API.
func onLambda(ctx context.Context, program string, env []string) (*instance, error) {
	api, err := servetest.Listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("play Lambda: %w", err)
	}
	p, err := begin(exec.CommandContext(ctx, program), append(env, "AWS_LAMBDA_RUNTIME_API="+api.Address))
	if err != nil {
		return nil, errors.Join(err, api.Close())
	}
	ask := func(ctx context.Context, r request) (answer, error) {
		text, err := api.Invoke(ctx, r.event())
		if err != nil {
			return answer{}, p.explained(fmt.Errorf("invoke: %w: %s", err, text))
		}
		return decoded(text)
	}
	return &instance{process: p, ask: ask, end: func() { p.stop(); _ = api.Close() }}, nil
}

// decoded is an answer in the JSON of Lambda and OpenWhisk.
func decoded(text []byte) (answer, error) {
	var a answer
	var seen struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(text, &seen); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	a.Status, a.Body = seen.StatusCode, seen.Body
	return a, nil
}

// onCGI starts a process for each request. There is none to look at in between.
func onCGI(_ context.Context, program string, env []string) (*instance, error) {
	return &instance{
		ask: func(ctx context.Context, r request) (answer, error) {
			var log bytes.Buffer
			server := &cgi.Handler{Path: program, Root: "/cgi-bin/run", Env: env, Stderr: &log}
			got := httptest.NewRecorder()
			asked := httptest.NewRequestWithContext(ctx, r.Method, "/cgi-bin/run"+r.Path, strings.NewReader(r.Body))
			for name, value := range r.headers() {
				asked.Header.Set(name, value)
			}
			server.ServeHTTP(got, asked)
			if got.Code >= 500 {
				return answer{}, fmt.Errorf("the answer is %d; the log: %s", got.Code, log.String())
			}
			return answer{Status: got.Code, Header: got.Header(), Body: got.Body.String()}, nil
		},
		end: func() {},
	}, nil
}

// onWhisk plays OpenWhisk's ActionLoop proxy: a line in on standard input, a line out on descriptor 3.
func onWhisk(ctx context.Context, program string, env []string) (*instance, error) {
	answers, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe for answers: %w", err)
	}
	defer func() { _ = writer.Close() }() // the program has its own
	cmd := exec.CommandContext(ctx, program)
	cmd.ExtraFiles = []*os.File{writer}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open pipe for requests: %w", err), answers.Close())
	}
	p, err := begin(cmd, append(env, "__OW_WAIT_FOR_ACK=1", "__OW_EXECUTION_ENV=openwhisk/action-golang"))
	if err != nil {
		return nil, errors.Join(err, answers.Close())
	}
	end := func() { p.stop(); _ = answers.Close() }
	lines := bufio.NewReader(answers)
	if ack, err := lines.ReadString('\n'); err != nil || ack != "{\"ok\":true}\n" {
		end()
		return nil, p.explained(fmt.Errorf("the first line is %q, %w", ack, err))
	}
	ask := func(_ context.Context, r request) (answer, error) {
		if _, err := in.Write(r.activation()); err != nil {
			return answer{}, p.explained(fmt.Errorf("send: %w", err))
		}
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return answer{}, p.explained(fmt.Errorf("read answer: %w", err))
		}
		return decoded(text)
	}
	return &instance{process: p, ask: ask, end: end}, nil
}
