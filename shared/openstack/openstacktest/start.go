package openstacktest

import (
	"context"
	"time"
)

// TB is the part of testing.TB that Start needs; it keeps package testing out of programs that use New.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Option changes the options of Start.
type Option func(*Options)

// NoOctavia leaves Octavia out of the catalog, so that clients find LBaaSv2.
func NoOctavia() Option { return func(o *Options) { o.NoOctavia = true } }

// SilentGuests keeps the guests from signalling their wait conditions.
func SilentGuests() Option { return func(o *Options) { o.SilentGuests = true } }

// StartAt sets the test clock's first instant.
func StartAt(t time.Time) Option { return func(o *Options) { o.Start = t } }

// TokenLife sets how long tokens are good.
func TokenLife(d time.Duration) Option { return func(o *Options) { o.TokenLife = d } }

// PatchWindow sets the real time within which two PATCHes lose one.
func PatchWindow(d time.Duration) Option { return func(o *Options) { o.PatchWindow = d } }

// CreateWindow sets the real time within which creates of one name all succeed.
func CreateWindow(d time.Duration) Option { return func(o *Options) { o.CreateWindow = d } }

// Start runs a fake cloud on a test clock for the length of a test.
func Start(tb TB, opts ...Option) *Cloud {
	tb.Helper()
	var o Options
	for _, opt := range opts {
		opt(&o)
	}
	c, err := New(o)
	if err != nil {
		tb.Fatalf("start the fake cloud: %v", err)
	}
	tb.Cleanup(c.Close)
	return c
}

func contextWith(ctx context.Context, q *request) context.Context {
	return context.WithValue(ctx, requestKey{}, q)
}
