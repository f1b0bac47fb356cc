//go:build integration

package shim_test

import (
	"testing"
)

func killedBetweenCalls(t *testing.T) {}

const engineEntry = `{min: 1, max: 6, cooldown_out: 0s, cooldown_in: 0s, stuck_timeout: 15s, drain: {timeout: 1s}}`

func engineKilled(t *testing.T, l *loop) {}
