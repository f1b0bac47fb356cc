package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// mostAnswer is how long the slowest of a hundred answers may take from clouds that need 200 ms for each of theirs.
const mostAnswer = time.Second

func measureLatency(ctx context.Context, b *bench) (report.Section, error) {
	// A new lab is the fake cloud's hardest work, and it has the same processors.
	seconds := map[string]int{"LTI 1.1 launch, lab is there": 100, "LTI 1.1 launch, new lab": 20, "status call": 100, "alarm decision": 100}
	s := report.Section{
		Title: "Answers from slow clouds",
		Note:  "100 requests a second, 20 where each makes a new lab, whether those before were answered or not; each reply of OpenStack takes that long.",
	}
	defer b.stage.cloud.ClearFaults()
	number := 0
	for _, delay := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond} {
		b.stage.cloud.ClearFaults()
		b.stage.cloud.Inject(openstacktest.Fault{Latency: delay})
		for _, k := range b.stage.kinds() {
			second, measured := seconds[k.name]
			if !measured {
				continue
			}
			number++
			row, err := b.slow(ctx, k, second, 10_000_000*number)
			if err != nil {
				return s, fmt.Errorf("%s at %s: %w", k.name, delay, err)
			}
			row.Name += "/" + delay.String()
			if delay == 200*time.Millisecond {
				row.Figures[1] = row.Figures[1].AtMost(float64(mostAnswer))
			}
			s.Rows = append(s.Rows, row)
		}
	}
	return s, nil
}

// slow logs in and warms up first: the login is once in a token's life.
func (b *bench) slow(ctx context.Context, k kind, second, from int) (report.Row, error) {
	i, err := b.stage.serve(ctx, k.function)
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	n := b.times(5*second, second/5)
	requests, err := k.requests(ctx, i, from, n+warming)
	if err != nil {
		return report.Row{}, err
	}
	warm := load{address: i.address, lines: warming, status: http.StatusOK, next: each(requests[n:])}
	if _, _, err := warm.run(ctx); err != nil {
		return report.Row{}, i.explained(err)
	}
	measured := rate{load: load{address: i.address, lines: 2 * second, status: k.status, next: each(requests[:n])}, second: second, count: n}
	times, err := measured.run(ctx)
	if err != nil {
		return report.Row{}, i.explained(err)
	}
	return report.Row{Name: k.name, Runs: n, Figures: []report.Figure{
		took("p50", "p50-ns", percentile(times, 50)), took("p99", "p99-ns", percentile(times, 99)),
	}}, nil
}
