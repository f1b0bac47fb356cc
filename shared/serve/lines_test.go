package serve

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging"
)

// Lines are gathered only where somebody comes back to write them: a platform that stops the process between two requests would keep
// them for the next one, or for ever.
func TestWhereLinesAreGathered(t *testing.T) {
	t.Parallel()
	for runtime, c := range map[string]struct {
		getenv map[string]string
		now    int // of three lines in a row, before the end of the process
	}{
		"http":      {map[string]string{}, 1},
		"azure":     {map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": "8080"}, 1},
		"lambda":    {map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}, 3},
		"openwhisk": {map[string]string{"__OW_EXECUTION_ENV": "go"}, 3},
		"fn":        {map[string]string{"FN_LISTENER": "unix:/tmp/fn.sock"}, 3},
		"cgi":       {map[string]string{"GATEWAY_INTERFACE": "CGI/1.1"}, 3},
	} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			written := &counter{}
			lines, flush := Program{Source: config.Map(c.getenv), Err: written}.lines()
			log := logging.New(lines, "test")
			for range 3 {
				log.Info().Msg(logging.Ended)
			}
			// The gatherer's own time may be up already on a busy machine; no fewer than these are written, and none is left in the end.
			if got := written.lines(); got < c.now {
				t.Errorf("%d of 3 lines are written at once, want %d", got, c.now)
			}
			if _, gathers := lines.(*logging.Gatherer); gathers != (c.now == 1) {
				t.Errorf("gathers: %t", gathers)
			}
			flush()
			if got := written.lines(); got != 3 {
				t.Errorf("%d of 3 lines are written in the end", got)
			}
		})
	}
}

// counter counts the lines written to it, also by the gatherer's timer.
type counter struct{ n atomic.Int64 }

func (c *counter) Write(text []byte) (int, error) {
	c.n.Add(int64(bytes.Count(text, []byte{'\n'})))
	return len(text), nil
}

func (c *counter) lines() int { return int(c.n.Load()) }
