package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

const forbidden = http.StatusForbidden

// mostVerified is the processor time of a launch that holds.
const mostVerified = 300 * time.Microsecond

// someClusters get the alarms: those of one cluster are decided one after another.
const someClusters = 100

// kind is one kind of request to a function.
type kind struct {
	name, function string
	status         int
	count, few     int
	verified       bool // a launch that holds, and asks OpenStack nothing
	make           func(ctx context.Context, i *instance, number int) (request, error)
}

func (s *stage) kinds() []kind {
	always := func(r request) func(context.Context, *instance, int) (request, error) {
		return func(context.Context, *instance, int) (request, error) { return r, nil }
	}
	signed := func(user func(number int) string) func(context.Context, *instance, int) (request, error) {
		return func(_ context.Context, _ *instance, number int) (request, error) { return launch(user(number)), nil }
	}
	same := func(int) string { return learner }
	return []kind{
		{"refused launch", "launch-lab", forbidden, 10_000, 50, false, always(refused())},
		{"verified LTI 1.1 launch, lab not on offer", "launch-lab", forbidden, 5000, 50, true, func(context.Context, *instance, int) (request, error) {
			return launchOf(learner, "lab", "other"), nil
		}},
		{"verified LTI 1.3 launch, lab not on offer", "launch-lab", forbidden, 2000, 50, true, func(ctx context.Context, i *instance, _ int) (request, error) {
			return s.launch13(ctx, i, map[string]string{"lab": "other"})
		}},
		{"LTI 1.1 launch, lab is there", "launch-lab", http.StatusOK, 4000, 50, false, signed(same)},
		{"LTI 1.1 launch, new lab", "launch-lab", http.StatusOK, 1000, 50, false, signed(func(number int) string { return fmt.Sprint("newcomer-", number) })},
		{"LTI 1.3 launch, lab is there", "launch-lab", http.StatusOK, 2000, 50, false, func(ctx context.Context, i *instance, _ int) (request, error) {
			return s.launch13(ctx, i, nil)
		}},
		{"status call", "view-lab", http.StatusOK, 6000, 50, false, always(s.status())},
		{"alarm decision", "scale-cluster", http.StatusOK, 4000, 50, false, func(_ context.Context, _ *instance, number int) (request, error) {
			return alarm(clusterName(number % someClusters)), nil
		}},
	}
}

func measureCost(ctx context.Context, b *bench) (report.Section, error) {
	s := report.Section{
		Title: "What a request costs",
		Note: "Processor time is user and system time of the function's own process on HTTP, logging included; allocations are those of the handler, without\n" +
			"net/http's server; calls are to OpenStack.",
	}
	from := 0
	for _, k := range b.stage.kinds() {
		row, err := b.cost(ctx, k, from)
		if err != nil {
			return s, fmt.Errorf("%s: %w", k.name, err)
		}
		s.Rows, from = append(s.Rows, row), from+1_000_000
	}
	return s, nil
}

func (b *bench) cost(ctx context.Context, k kind, from int) (report.Row, error) {
	i, err := b.stage.serve(ctx, k.function)
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	n := b.times(k.count, k.few)
	requests, err := k.requests(ctx, i, from, n+2*warming)
	if err != nil {
		return report.Row{}, err
	}
	told := counted{k.status, requests[n:]}
	work := load{address: i.address, lines: 4, status: k.status, next: each(requests[:n])}
	b.stage.cloud.ResetCalls()
	before, err := i.processor()
	if err != nil {
		return report.Row{}, err
	}
	if _, _, err := work.run(ctx); err != nil {
		return report.Row{}, i.explained(err)
	}
	after, err := i.processor()
	if err != nil {
		return report.Row{}, err
	}
	calls := len(b.stage.cloud.Calls())
	allocs, err := b.stage.allocationsOf(ctx, k.function, told)
	if err != nil {
		return report.Row{}, err
	}
	processor := took("processor", "cpu-ns", (after-before)/time.Duration(n))
	if k.verified {
		processor = processor.AtMost(float64(mostVerified))
	}
	return report.Row{Name: k.name, Runs: n, Figures: []report.Figure{
		processor, {Name: "allocations", Unit: "allocs", Value: math.Round(allocs)}, {Name: "calls", Unit: "calls", Value: float64(calls) / float64(n)},
	}}, nil
}

// requests are made before anything is measured.
func (k kind) requests(ctx context.Context, i *instance, from, n int) ([]request, error) {
	list := make([]request, n)
	for number := range list {
		var err error
		if list[number], err = k.make(ctx, i, from+number); err != nil {
			return nil, err
		}
	}
	return list, nil
}
