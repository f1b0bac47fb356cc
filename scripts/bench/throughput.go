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

// contender is a server and what it is asked.
type contender struct {
	name    string
	address string
	status  int
	request request
	least   float64 // share of the bare server's throughput on the same request; 0 for that server
}

func measureThroughput(ctx context.Context, b *bench) (report.Section, error) {
	s := report.Section{
		Title: "Throughput beside a bare net/http server",
		Note: "Requests a second over 16 connections, keep-alive, generator and fake cloud on the same processors; each beside a net/http server that writes hello,\n" +
			"asked the same in turn; medians.",
	}
	launching, err := b.stage.serve(ctx, "launch-lab")
	if err != nil {
		return s, err
	}
	defer launching.end()
	viewing, err := b.stage.serve(ctx, "view-lab")
	if err != nil {
		return s, err
	}
	defer viewing.end()
	bare, address, err := startHello(ctx)
	if err != nil {
		return s, err
	}
	defer bare.stop()
	for _, c := range []contender{
		{"refused launch", launching.address, forbidden, refused(), leastRefused},
		{"status call", viewing.address, http.StatusOK, b.stage.status(), leastStatus},
	} {
		rows, err := b.beside(ctx, c, contender{c.name + ", asked of hello", address, http.StatusOK, c.request, 0})
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, rows...)
	}
	return s, nil
}

// beside measures the two in turn, so that whatever else the machine does meets both.
func (b *bench) beside(ctx context.Context, ours, bare contender) ([]report.Row, error) {
	var mine, theirs []float64
	for range b.times(5, 1) {
		for _, c := range []struct {
			contender

			speeds *[]float64
		}{{bare, &theirs}, {ours, &mine}} {
			speed, err := b.speed(ctx, c.contender)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			*c.speeds = append(*c.speeds, speed)
		}
	}
	figure := func(speeds []float64) report.Figure {
		return report.Figure{Name: "requests a second", Unit: "req/s", Value: middle(speeds)}
	}
	share := report.Figure{Name: "share of hello", Unit: "percent", Value: 100 * middle(mine) / middle(theirs)}
	return []report.Row{
		{Name: bare.name, Runs: len(theirs), Samples: theirs, Figures: []report.Figure{figure(theirs)}},
		{Name: ours.name, Runs: len(mine), Samples: mine, Figures: []report.Figure{figure(mine), share.AtLeast(ours.least)}},
	}, nil
}

func (b *bench) speed(ctx context.Context, c contender) (float64, error) {
	lasts := time.Duration(b.times(2000, 100)) * time.Millisecond
	answered, took, err := load{address: c.address, lines: 16, status: c.status, next: lasting(c.request, lasts)}.run(ctx)
	return float64(answered) / took.Seconds(), err
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
