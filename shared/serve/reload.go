package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/observe"
)

// lookEvery is how often requests see whether the configuration's files changed.
const lookEvery = 2 * time.Second

// reloading serves with the configuration that its files hold, also when they change. It has no goroutine: between two
// requests a Lambda does not run. One request looks and, if need be, builds; the others go on with what there is.
type reloading struct {
	source config.Source
	build  func(config.Source) (http.Handler, error)
	log    zerolog.Logger
	every  time.Duration
	seen   *observe.Function

	current atomic.Pointer[http.Handler]
	next    atomic.Int64 // when to look again, in Unix nanoseconds

	looking sync.Mutex // guards reads
	reads   *config.Reads
}

// ServeHTTP implements http.Handler.
func (r *reloading) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.look(time.Now())
	(*r.current.Load()).ServeHTTP(w, req)
}

func (r *reloading) look(now time.Time) {
	if now.UnixNano() < r.next.Load() || !r.looking.TryLock() {
		return
	}
	defer r.looking.Unlock()
	if r.reads.Changed() {
		r.exchange()
	}
	r.next.Store(time.Now().Add(r.every).UnixNano())
}

// exchange keeps what there is when the new configuration has a fault, and says so once for each change of the files.
func (r *reloading) exchange() {
	err := r.rebuild()
	r.seen.Reloaded(err)
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, fault := range faults {
			r.log.Error().Str("fault", fault.String()).Msg("the configuration changed and has a fault; the one before stays in force")
		}
		return
	}
	if err != nil {
		r.log.Error().Err(err).Msg("the configuration changed and cannot be used; the one before stays in force")
		return
	}
	r.log.Info().Msg("the configuration changed and is in force")
}

// rebuild takes a panic for an error: the request that looked has nothing to do with the change.
func (r *reloading) rebuild() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("build on the new configuration: panic: %v", cause)
		}
	}()
	recorded, reads := r.source.Record()
	r.reads = reads
	h, err := r.build(recorded)
	if err == nil {
		r.current.Store(&h)
	}
	return err
}

// Handler is the function with everything that a runtime puts around it. It is built again when its configuration's files
// change.
func (p Program) Handler(ctx context.Context, log zerolog.Logger) (http.Handler, error) {
	return p.watched(ctx, log)
}

func (p Program) watched(ctx context.Context, log zerolog.Logger) (*reloading, error) {
	seen := Observe(p.Name, log, p.Source.Getenv)
	r := &reloading{source: p.Source, log: log, every: p.every, seen: seen, build: func(src config.Source) (http.Handler, error) {
		p.Source = src
		return p.handler(ctx, log, seen)
	}}
	if r.every == 0 {
		r.every = lookEvery
	}
	if err := r.rebuild(); err != nil {
		return nil, err
	}
	return r, nil
}
