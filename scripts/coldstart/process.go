package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/serve/servetest"
)

// start runs a function's program and gives it events, one after another. It gives the last answer's body and how long
// each answer took, the first from the program's start.
func (s *stage) start(ctx context.Context, function string, events ...[]byte) (body string, took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	api, err := servetest.Listen(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("play Lambda: %w", err)
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	var log bytes.Buffer
	process := exec.CommandContext(ctx, filepath.Join("bin", function)) //nolint:gosec // our own programs
	process.Env = append(slices.Clone(s.env), "AWS_LAMBDA_RUNTIME_API="+api.Address)
	process.Stderr = &log
	begun := time.Now()
	if err := process.Start(); err != nil {
		return "", nil, fmt.Errorf("start program: %w", err)
	}
	defer func() {
		_ = process.Process.Kill() // it waits for a next event for ever
		_ = process.Wait()
		if err != nil {
			err = fmt.Errorf("%w; its log: %s", err, log.String())
		}
	}()
	for _, event := range events {
		if body, err = ask(ctx, api, event); err != nil {
			return "", nil, err
		}
		took = append(took, time.Since(begun))
		begun = time.Now()
	}
	return body, took, nil
}

// ask gives the body of a good answer.
func ask(ctx context.Context, api *servetest.Runtime, event []byte) (string, error) {
	text, err := api.Invoke(ctx, event)
	if err != nil {
		return "", fmt.Errorf("invoke: %w: %s", err, text)
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 399 {
		return "", fmt.Errorf("the answer is %d: %s", answer.StatusCode, answer.Body)
	}
	return answer.Body, nil
}
