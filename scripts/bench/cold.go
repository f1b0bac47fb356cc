package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// The limits, generous for a noisy machine.
const (
	mostSize  = 12_000_000 // Lambda reads a program at every cold start
	mostCold  = 25 * time.Millisecond
	mostWarm  = time.Millisecond
	mostFirst = 25_000_000 // bytes of memory after the first answer
)

func measureSize(_ context.Context, b *bench) (report.Section, error) {
	s := report.Section{Title: "Size of the programs", Note: "As make build leaves them: stripped, statically linked, one file."}
	for _, scene := range b.stage.scenes() {
		info, err := os.Stat(b.stage.program(scene.function))
		if err != nil {
			return s, fmt.Errorf("look at program: %w; make build makes it", err)
		}
		s.Rows = append(s.Rows, report.Row{Name: scene.function, Runs: 1, Figures: []report.Figure{size("size", float64(info.Size())).AtMost(mostSize)}})
	}
	return s, nil
}

func measureCold(ctx context.Context, b *bench) (report.Section, error) {
	n := b.times(20, 1)
	s := report.Section{
		Title: "Cold start and warm requests",
		Note: fmt.Sprintf("Of %d starts each, from the program's start to its first good answer, the login at Keystone included; calls are to OpenStack for that first\n"+
			"request and a second. A CGI program is started for every request.", n),
	}
	number := 0
	for _, scene := range b.stage.scenes() {
		for _, r := range runtimes() {
			row, err := b.starts(ctx, r, scene, n, &number)
			if err != nil {
				return s, err
			}
			s.Rows = append(s.Rows, row)
		}
	}
	for _, r := range runtimes() {
		if r.name == "cgi" {
			continue // there is no warm process
		}
		row, err := b.overhead(ctx, r)
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

// starts measures one function in one runtime. No two launches are of the same learner.
func (b *bench) starts(ctx context.Context, r runtime, of scene, n int, number *int) (report.Row, error) {
	var cold, warm []time.Duration
	b.stage.cloud.ResetCalls()
	for range n {
		*number += 2
		took, err := b.start(ctx, r, of.function, of.request(*number), of.request(*number+1))
		if err != nil {
			return report.Row{}, err
		}
		cold, warm = append(cold, took[0]), append(warm, took[1])
	}
	calls := float64(len(b.stage.cloud.Calls())) / float64(n)
	row := report.Row{Name: of.function + "/" + r.name, Runs: n, Samples: samples(cold), Figures: []report.Figure{
		took("median", "ns", percentile(cold, 50)).AtMost(float64(mostCold)), took("p95", "p95-ns", percentile(cold, 95)),
		took("second request", "second-ns", percentile(warm, 50)),
		{Name: "calls", Unit: "calls", Value: calls},
	}}
	return row, nil
}

// start gives how long each answer took, the first from the program's start.
func (b *bench) start(ctx context.Context, r runtime, function string, requests ...request) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	begun := time.Now()
	i, err := b.stage.run(ctx, r, function)
	if err != nil {
		return nil, err
	}
	defer i.end()
	var times []time.Duration
	for _, r := range requests {
		a, err := i.ask(ctx, r)
		if err == nil {
			err = a.good()
		}
		if err != nil {
			return nil, i.failed(fmt.Errorf("ask %s, %s after it was begun: %w", function, time.Since(begun).Round(time.Millisecond), err))
		}
		times = append(times, time.Since(begun))
		begun = time.Now()
	}
	return times, nil
}

// overhead is what a request costs that asks OpenStack nothing: the runtime's way in and out, and a look at the signature.
func (b *bench) overhead(ctx context.Context, r runtime) (report.Row, error) {
	i, err := b.stage.run(ctx, r, "launch-lab")
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	n := b.times(300, 10)
	var times []time.Duration
	for range n + warming {
		forged := refused()
		begun := time.Now()
		a, err := i.ask(ctx, forged)
		if err != nil || a.Status != forbidden {
			return report.Row{}, fmt.Errorf("ask with a forged launch on %s: %d %w", r.name, a.Status, err)
		}
		times = append(times, time.Since(begun))
	}
	times = slices.Clone(times[warming:])
	return report.Row{Name: "refused launch, warm/" + r.name, Runs: n, Samples: samples(times), Figures: []report.Figure{
		took("median", "ns", percentile(times, 50)).AtMost(float64(mostWarm)), took("p95", "p95-ns", percentile(times, 95)),
	}}, nil
}
