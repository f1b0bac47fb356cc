package scalecluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/trace"
)

const (
	// sessionsMetric is what Octavia's PROMETHEUS listener calls the sessions of a member, whose id is in the label member
	// (octavia/cmd/prometheus_proxy.py). A pool that several listeners use has a line for each.
	sessionsMetric  = "octavia_member_current_sessions"
	sessionsTimeout = 2 * time.Second
	maxExposition   = 8 << 20
)

// sessions are how many each member of the load balancer has, by its id. They are a help and no more: without them time
// ends a drain, so what goes wrong is logged, and the map is empty.
func sessions(ctx context.Context, address string) map[string]int {
	out := map[string]int{}
	text, err := exposition(ctx, address)
	if err != nil {
		logging.From(ctx).Warn().Err(err).Msg("the load balancer's sessions cannot be read: time alone ends the drain")
		return out
	}
	odd := map[string]bool{}
	for _, s := range metrics.Read(text, sessionsMetric) {
		member := s.Labels["member"]
		if !(s.Value >= 0 && s.Value < math.MaxInt32) {
			odd[member] = true // no number of sessions: nothing is known
			continue
		}
		out[member] += int(math.Ceil(s.Value))
	}
	for member := range odd {
		delete(out, member)
	}
	if len(out) == 0 {
		logging.From(ctx).Warn().Str("metric", sessionsMetric).Msg("the load balancer shows no sessions of members: time alone ends the drain")
	}
	return out
}

func exposition(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	answer, err := trace.Client(dial.Own(sessionsTimeout)).Do(r)
	if err != nil {
		return "", fmt.Errorf("get sessions: %w", unaddressed(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get sessions: answered %d", answer.StatusCode)
	}
	text, err := dial.Read(answer.Body, maxExposition)
	return string(text), err //nolint:wrapcheck // says what was read
}

// unaddressed is a client's error without the address, in which an operator may have put a password.
func unaddressed(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
