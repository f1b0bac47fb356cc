package logging_test

import (
	"io"
	"testing"

	"github.com/stackhook/stackhook/shared/logging"
)

// BenchmarkLine is the line that ends a refused request.
func BenchmarkLine(b *testing.B) {
	log := logging.New(io.Discard, "launch-lab").With().Str("request_id", "CWMVD5VGN2NSZZJXKDGXWV4MKQ").Logger()
	b.ReportAllocs()
	for b.Loop() {
		log.Info().Str("method", "POST").Str("path", "/launch").Int("code", 403).Int64("ms", 0).Int("calls", 0).
			Str("consumer", "academy").Str("check", "lti_signature").Str("cause", "the signature is not the consumer's").Msg("request")
	}
}
