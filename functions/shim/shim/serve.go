package shim

import (
	"context"

	"github.com/stackhook/stackhook/shared/serve"
)

// Serve answers until ctx ends, then lets what is under way finish. It goes the way of every function's HTTP runtime.
func (s *Shim) Serve(ctx context.Context) error {
	return serve.HTTP(ctx, s.handler, 0, s.listener)
}
