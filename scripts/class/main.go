// Command class looks ahead at a whole class: whether the clouds have room for its labs, and its labs built before the
// learners come. It reads the functions' own configuration.
//
//	STACKHOOK_CONFIG=stackhook.yaml go run ./scripts/class preflight -lab web -learners 120
//	STACKHOOK_CONFIG=stackhook.yaml go run ./scripts/class prebuild -lab web -tenant academy -context course-v1:Org+Course+Run -roster class.csv
//
// The exit code is 0 if the whole class has its labs, or room for them; 1 if not; 2 for what the person who typed it can
// correct.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/roster"
)

const usage = `Looks ahead at a whole class. It reads the configuration that STACKHOOK_CONFIG names, and the clouds as the functions do.

  go run ./scripts/class preflight -lab web -learners 120

says how many of 120 further labs the clouds have room for, and which resource runs out at which learner. It makes nothing.

  go run ./scripts/class prebuild -lab web -tenant academy -context course-v1:Org+Course+Run -roster class.csv

builds the labs of a class before it comes, as many a second as tend.rate says and no more at once than a cloud's max_builds.
Learners who launch enter them. The lease counts from the start of the course's window, if that is ahead. What is there is left
alone, so that the command may be interrupted and repeated. The roster has one learner a line in its first column: the id that
the platform sends, LTI 1.1's user_id or LTI 1.3's sub.

Exit code: 0 the whole class has its labs, or room for them; 1 it has not; 2 something has to be corrected.

`

// system is what the program needs of the machine.
type system struct {
	source         config.Source
	in             io.Reader
	out, complains io.Writer
	now            function.Clock
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], system{source: config.OS(), in: os.Stdin, out: os.Stdout, complains: os.Stderr, now: time.Now})
	stop()
	os.Exit(code)
}

const (
	whole = 0 // the class is served
	short = 1
	wrong = 2
)

func run(ctx context.Context, args []string, s system) int {
	o, err := parse(args, s.complains)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return whole
	case err != nil:
		return wrong // flag has said why
	}
	if sentence := o.check(); sentence != "" {
		return s.complain(wrong, sentence)
	}
	planner, err := s.planner()
	if err != nil {
		return s.complain(wrong, err.Error())
	}
	if o.command == prebuild {
		return s.prebuild(ctx, planner, o)
	}
	return s.preflight(ctx, planner, o)
}

func (s system) complain(code int, sentence string) int {
	_, _ = fmt.Fprintln(s.complains, sentence)
	return code
}

// planner is the configuration's.
func (s system) planner() (*roster.Planner, error) {
	c, err := s.source.Load()
	if err != nil {
		return nil, err //nolint:wrapcheck // sentences for a person
	}
	clouds, err := keeper.Open(c, s.source.Getenv)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	k, err := keeper.New(c, clouds, s.now)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return roster.Open(c, k, s.source.Getenv, s.now) //nolint:wrapcheck // as above
}

// refused says what a planner refuses.
func (s system) refused(err error) int {
	if known, ok := errors.AsType[*function.Error](err); ok {
		if known.Err == nil {
			return s.complain(wrong, known.Public)
		}
		_, _ = fmt.Fprintln(s.complains, known.Err) // the operator's to know
		return s.complain(short, known.Public)
	}
	return s.complain(wrong, err.Error())
}

func (s system) preflight(ctx context.Context, p *roster.Planner, o options) int {
	f, err := p.Preflight(ctx, o.lab, o.learners)
	if err != nil {
		return s.refused(err)
	}
	s.report(o, f, forecast(f))
	if f.Fits < f.Learners {
		return short
	}
	return whole
}

func (s system) prebuild(ctx context.Context, p *roster.Planner, o options) int {
	learners, err := s.learners(o.roster)
	if err != nil {
		return s.refused(err)
	}
	r, err := p.Prebuild(ctx, roster.Roster{Tenant: o.tenant, Context: o.context, Lab: o.lab, Learners: learners})
	if r.Learners > 0 {
		s.report(o, r, outcome(r))
	}
	switch {
	case err != nil:
		return s.refused(err)
	case r.Left > 0 || r.Leaving > 0:
		return short
	}
	return whole
}

// learners reads the roster.
func (s system) learners(file string) ([]string, error) {
	in := s.in
	if file != "-" {
		opened, err := os.Open(file) //nolint:gosec // named by the person who typed the command
		if err != nil {
			return nil, fmt.Errorf("-roster cannot be read: %w", err)
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	return roster.ReadLearners(in) //nolint:wrapcheck // sentences for a person
}

// report is for a program with -json, else for a person.
func (s system) report(o options, whole any, text string) {
	if !o.json {
		_, _ = io.WriteString(s.out, text)
		return
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	_ = e.Encode(whole)
}
