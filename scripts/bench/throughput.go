package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// The least share of a bare server's throughput, in per cent.
const (
	leastRefused = 40
	leastStatus  = 20
)

// lines are the connections of throughput.
const lines = 16

// contender is a server and what it is asked.
type contender struct {
	name     string
	process  *process
	address  string
	status   int
	requests []request
	least    float64 // share of the bare server's throughput on the same requests; 0 for that server, and where there is no limit
}

func measureThroughput(ctx context.Context, b *bench) (report.Section, error) {
	s := report.Section{
		Title: "Throughput beside a bare net/http server",
		Note: "Requests a second over 16 connections, keep-alive, generator and cloud on the same processors; each beside a net/http server that writes hello,\n" +
			"asked the same in turn, half a second each; medians, of the shares too. The cloud of the status calls is none that thinks: it was asked once, and\n" +
			"gives the same bytes to every GET from then on. All status calls at one lab share what Heat is asked; where they are at sixteen labs, next to none\n" +
			"does. Processor time is user and system time of the server's own process.",
	}
	launching, err := b.stage.serve(ctx, "launch-lab")
	if err != nil {
		return s, err
	}
	defer launching.end()
	cloud, err := newReplay(ctx, b.stage.cloud)
	if err != nil {
		return s, err
	}
	defer cloud.close()
	viewing, err := cloud.before(b.stage).serve(ctx, "view-lab")
	if err != nil {
		return s, err
	}
	defer viewing.end()
	bare, address, err := startHello(ctx)
	if err != nil {
		return s, err
	}
	defer bare.stop()
	class, err := b.stage.class(ctx, lines)
	if err != nil {
		return s, err
	}
	for _, c := range []contender{
		{"refused launch", launching.process, launching.address, forbidden, []request{refused()}, leastRefused},
		{"status call", viewing.process, viewing.address, http.StatusOK, []request{b.stage.status()}, leastStatus},
		{"status call, sixteen labs", viewing.process, viewing.address, http.StatusOK, class, 0},
	} {
		rows, err := b.beside(ctx, c, contender{c.name + ", asked of hello", bare, address, http.StatusOK, c.requests, 0})
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, rows...)
	}
	return s, nil
}

// beside measures the two in turn, in many short tries: whatever else the machine does meets both, and each try is compared with the one
// just before it.
func (b *bench) beside(ctx context.Context, ours, bare contender) ([]report.Row, error) {
	var mine, theirs tries
	var shares []float64
	for i := range b.times(25, 1) {
		if err := b.try(ctx, bare, &theirs); err != nil {
			return nil, err
		}
		if err := b.try(ctx, ours, &mine); err != nil {
			return nil, err
		}
		shares = append(shares, 100*mine.speeds[i]/theirs.speeds[i])
	}
	share := report.Figure{Name: "share of hello", Unit: "percent", Value: middle(shares)}
	if ours.least > 0 {
		share = share.AtLeast(ours.least)
	}
	return []report.Row{theirs.row(bare.name), mine.row(ours.name, share)}, nil
}

// tries are what was measured of one server.
type tries struct {
	speeds    []float64     // requests a second
	answered  int           // of all tries
	processor time.Duration // for them
}

// try presses a server for a while.
func (b *bench) try(ctx context.Context, c contender, t *tries) error {
	before, err := c.process.processor()
	if err != nil {
		return err
	}
	lasts := time.Duration(b.times(500, 100)) * time.Millisecond
	answered, passed, err := load{address: c.address, lines: lines, status: c.status, next: lasting(lasts, c.requests...)}.run(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, c.process.explained(err))
	}
	after, err := c.process.processor()
	if err != nil {
		return err
	}
	t.speeds = append(t.speeds, float64(answered)/passed.Seconds())
	t.answered, t.processor = t.answered+answered, t.processor+after-before
	return nil
}

func (t tries) row(name string, more ...report.Figure) report.Row {
	figures := append([]report.Figure{
		{Name: "requests a second", Unit: "req/s", Value: middle(t.speeds)}, took("processor", "cpu-ns", t.processor/time.Duration(max(t.answered, 1))),
	}, more...)
	return report.Row{Name: name, Runs: len(t.speeds), Samples: t.speeds, Figures: figures}
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
