package openstack

import (
	"context"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/observe"
)

// session hands out the one connection of a Cloud and sees to it that a single login serves all who wait for it.
type session struct {
	login func(context.Context) (*connection, error)
	// renewable says that a new token can be had. A caller's own token cannot be renewed.
	renewable bool

	mu      sync.Mutex
	current *connection
	flight  *flight // the login under way, if any
}

// flight is one login. Its results are written before done is closed and never after.
type flight struct {
	done chan struct{}
	conn *connection
	err  error
	// abandoned says that the one who logged in ran out of its own time: nothing is known about the credentials, the
	// next in line tries.
	abandoned bool
}

// connect returns a usable connection other than stale, which is nil at first and the refused one after a 401.
//
// The login runs on the time of the caller who needs it first, not in a goroutine of its own: a function's process may be
// frozen as soon as it has answered.
func (s *session) connect(ctx context.Context, stale *connection) (*connection, error) {
	for {
		conn, under, mine := s.join(stale)
		if conn != nil {
			return conn, nil
		}
		if mine {
			return s.run(ctx, under)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-under.done:
		}
		if !under.abandoned {
			return under.conn, under.err
		}
	}
}

// join gives the current connection if it will do, else the login to wait for; mine if the caller must perform it.
func (s *session) join(stale *connection) (conn *connection, under *flight, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current != stale && s.current.fresh(time.Now()) {
		return s.current, nil, false
	}
	if s.flight == nil {
		s.flight = &flight{done: make(chan struct{})}
		mine = true
	}
	return nil, s.flight, mine
}

func (s *session) run(ctx context.Context, own *flight) (*connection, error) {
	own.abandoned = true // unless the login comes back, which a panic in it would prevent
	defer s.land(own)
	own.conn, own.err = s.login(ctx)
	observe.Of(ctx).LoggedIn(own.err)
	own.abandoned = own.err != nil && ctx.Err() != nil
	return own.conn, own.err
}

func (s *session) land(own *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own.conn != nil {
		s.current = own.conn
	}
	s.flight = nil
	close(own.done)
}
