package serve

import (
	"slices"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/trace"
)

// Observe is a function of this process as it is watched: its metrics and, if the environment names a collector, its traces.
// A fault in those variables leaves traces off and is logged: nobody waits for a lab because of it.
func Observe(name string, log zerolog.Logger, getenv func(string) string) *observe.Function {
	seen := observe.New(name, Version())
	tracer, err := trace.New(getenv, trace.Options{
		Name: name, Version: Version(), Inline: freezes(getenv), Sent: seen.Exported,
		Failed: func(err error) { log.Warn().Err(err).Msg("traces are not delivered, and dropped until they are") },
	})
	if err != nil {
		log.Warn().Err(err).Msg("traces are off")
	}
	seen.Tracer = tracer
	return seen
}

// freezes says that nothing runs here between two requests: the platform stops the process, or it ends.
func freezes(getenv func(string) string) bool {
	chosen, err := choose(getenv)
	return err == nil && slices.Contains([]string{onLambda, onCGI, onOpenWhisk, onFn}, chosen)
}
