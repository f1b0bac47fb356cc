package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
)

func TestRequestLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := logging.WithRequest(t.Context(), logging.New(&out, "launch-lab"), "r1")
	logging.CountCall(ctx, "keystone POST /auth/tokens")
	logging.CountCall(ctx, "heat POST /stacks")
	logging.Note(ctx, "reason", "first")
	logging.Note(ctx, "stack", "lab-1f")
	logging.Note(ctx, "reason", "last")
	logging.From(ctx).Info().EmbedObject(logging.FactsOf(ctx)).Msg("request")

	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("log line %q: %v", out.String(), err)
	}
	for key, want := range map[string]any{
		"function": "launch-lab", "request_id": "r1", "message": "request", "calls": float64(2), "reason": "last", "stack": "lab-1f",
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if strings.Count(out.String(), `"reason"`) != 1 {
		t.Errorf("a note stands twice: %s", out.String())
	}
	if got, want := logging.Calls(ctx), []string{"keystone POST /auth/tokens", "heat POST /stacks"}; !slices.Equal(got, want) {
		t.Errorf("calls are %v, want %v", got, want)
	}
	if got := logging.RequestID(ctx); got != "r1" {
		t.Errorf("request id is %q", got)
	}
}

func TestWithoutRequest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	logging.CountCall(ctx, "heat GET /stacks")
	logging.Note(ctx, "a", "b")
	logging.From(ctx).Info().Msg("dropped")
	logging.From(ctx).Info().EmbedObject(logging.FactsOf(ctx)).Msg("dropped")
	if logging.Calls(ctx) != nil || logging.RequestID(ctx) != "" {
		t.Error("a context without a request has facts")
	}
}

func TestFactsFromManyGoroutines(t *testing.T) {
	t.Parallel()
	ctx := logging.WithRequest(t.Context(), logging.New(&bytes.Buffer{}, "f"), "r")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { logging.CountCall(ctx, "heat GET /stacks"); logging.Note(ctx, "k", "v") })
	}
	wg.Wait()
	if got := len(logging.Calls(ctx)); got != 50 {
		t.Errorf("%d calls counted, want 50", got)
	}
}

// Each name by itself: a line is searched only if it holds one in the form of a secret.
func TestEachNameIsRedacted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"password", "secret", "token", "oauth_signature", "id_token", "sig", "Password"} {
		for _, text := range []string{name + "=S3CRETs3cret", `{"` + name + `":"S3CRETs3cret"}`, `{"` + name + `": "S3CRETs3cret"}`} {
			var out bytes.Buffer
			log := logging.New(&out, "f")
			log.Error().Err(errors.New(text)).Msg("call failed")
			if strings.Contains(out.String(), "S3CRET") {
				t.Errorf("the log shows %s: %s", name, out.String())
			}
		}
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"query of a failed request": `Get "https://heat.example.org/v1/stacks?sig=S3CRETs3cret&x=1": dial tcp: refused`,
		"query of a path":           `POST /scale/out?sig=S3CRETs3cret answered 500`,
		"bearer":                    `sent Authorization: Bearer S3CRETs3cret`,
		"basic":                     `header map[Authorization:[Basic S3CRETs3cret=]]`,
		"token header":              `X-Auth-Token: S3CRETs3cret`,
		"token header map":          `map[X-Subject-Token:[S3CRETs3cret]]`,
		"userinfo":                  `redis://: no; https://user:S3CRETs3cret@redis.example.org/0`,
		"form":                      `oauth_signature=S3CRETs3cret&roles=Learner`,
		"JSON":                      `{"auth": {"password": "S3CRETs3cret"}}`,
		"cookie":                    `Set-Cookie: S3CRETs3cret; Path=/`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := logging.New(&out, "f")
			log.Error().Err(errors.New(text)).Msg("call failed")
			if strings.Contains(out.String(), "S3CRET") {
				t.Errorf("the log shows it: %s", out.String())
			}
			if !json.Valid(out.Bytes()) {
				t.Errorf("the line is no JSON any more: %s", out.String())
			}
		})
	}
}

func TestHarmlessTextStays(t *testing.T) {
	t.Parallel()
	const text = `stack lab-1f: is it there? no token, none; sign in at https://lms.example.org/login`
	var out bytes.Buffer
	log := logging.New(&out, "f")
	log.Info().Str("text", text).Msg("m")
	if !strings.Contains(out.String(), text) {
		t.Errorf("changed: %s", out.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestBrokenWriter(t *testing.T) {
	t.Parallel()
	log := logging.New(brokenWriter{}, "f")
	log.Info().Msg("survives")
}

// Work of its own counts its own calls, whether or not a request asked for it, and knows who did.
func TestApartCountsForItself(t *testing.T) {
	t.Parallel()
	request := logging.WithRequest(t.Context(), zerolog.Nop(), "id")
	logging.Note(request, logging.Caller, "ci")
	for name, ctx := range map[string]context.Context{"of a request": request, "of nobody's": t.Context()} {
		apart := logging.Apart(ctx)
		logging.CountCall(apart, "heat GET /stacks")
		if len(logging.Calls(apart)) != 1 || len(logging.Calls(ctx)) != 0 || logging.Noted(apart, logging.Caller) != logging.Noted(ctx, logging.Caller) {
			t.Errorf("%s: %v beside %v, by %q", name, logging.Calls(apart), logging.Calls(ctx), logging.Noted(apart, logging.Caller))
		}
	}
}
