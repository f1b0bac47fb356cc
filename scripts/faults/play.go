package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stackhook/stackhook/scripts/load/traffic"
)

// row is what one fault did.
type row struct {
	Fault   string          `json:"fault"`
	Before  traffic.Report  `json:"before"`
	During  traffic.Report  `json:"during"`
	After   traffic.Report  `json:"after"` // until all was right, and all pages at their end
	Account traffic.Account `json:"account"`
	Open    int             `json:"open_pages"`
	// First is how many seconds after the mending of the fault began the first right answer came to a request from after that;
	// Right how many until all were right. -1: not within the patience.
	First float64 `json:"seconds_until_first_right"`
	Right float64 `json:"seconds_until_all_right"`
}

// How long a scene waits.
const (
	calm     = 5 * time.Second // all right for so long is right again
	settling = 2 * time.Minute
)

// play is one fault, from a quiet load to a quiet load, with learners of its own.
func (h *hall) play(ctx context.Context, s scene, pace traffic.Pace) (r row, err error) {
	r.Fault = s.name
	d := traffic.NewDriver(h.house, pace)
	defer func() { // after Ctrl-C, too
		if failed := d.Remove(context.WithoutCancel(ctx), h.sky.cloud); err == nil {
			err = failed
		}
	}()
	load, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() { defer close(over); d.Run(load) }()
	pause(ctx, calm)
	r.Before = d.Phase("during")
	begun := time.Now()
	err = s.begin(ctx, h)
	if err == nil && s.end != nil {
		pause(ctx, h.during-time.Since(begun))
	}
	r.During = d.Phase("after")
	mending := time.Now()
	if s.end != nil {
		if failed := s.end(ctx, h); err == nil {
			err = failed
		}
	}
	h.recover(ctx, d, &r, mending)
	stop()
	<-over
	r.Open = d.Settle(ctx, settling)
	r.After = d.Report()
	if err != nil {
		return r, err
	}
	if r.Account, err = d.Account(ctx, h.sky.cloud); err != nil {
		return r, fmt.Errorf("look at the cloud: %w", err)
	}
	say(h.out, "\n%s\n", s.name)
	r.During.Table(h.out)
	say(h.out, "then: ")
	r.After.Table(h.out)
	say(h.out, "%s; %d pages open; first right answer after %.1f s, all right after %.1f s\n", r.Account, r.Open, r.First, r.Right)
	return r, nil
}

// recover waits until all has been right for a while.
func (h *hall) recover(ctx context.Context, d *traffic.Driver, r *row, mending time.Time) {
	r.First, r.Right = -1, -1
	for mended := time.Now(); time.Since(mended) < h.patience && ctx.Err() == nil; {
		pause(ctx, 200*time.Millisecond)
		first, amiss := d.Since()
		if !first.IsZero() {
			r.First = first.Sub(mending).Seconds()
		}
		switch {
		case first.IsZero():
		case amiss.IsZero() && time.Since(mended) > calm:
			r.Right = 0
			return
		case !amiss.IsZero() && time.Since(amiss) > calm:
			r.Right = amiss.Sub(mending).Seconds()
			return
		}
	}
}

func table(w io.Writer, rows []row) {
	say(w, "\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "fault\trequests\tright\tlater\tfailed\twrong\tp50 ms\tp99 ms\tlost\tdoubled\tfailed labs\topen\tfirst right, s\tall right, s\t")
	for _, r := range rows {
		all := r.During.All()
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t\n", r.Fault, all.Requests, all.Right, all.Later, all.Told,
			all.Wrong+r.After.All().Wrong, all.P50, all.P99, r.Account.Lost, r.Account.Doubled, r.Account.Failed, r.Open, r.First, r.Right)
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w, "requests to p99: while the fault lasted, wrong also after it; the rest: in the end, -1: not within the patience")
}

// verdict is an error if anything was wrong, lost or doubled, or never right again.
func verdict(rows []row) error {
	var faults []string
	for _, r := range rows {
		counts := map[string]int{
			"wrong": r.Before.All().Wrong + r.During.All().Wrong + r.After.All().Wrong, "lost": r.Account.Lost, "doubled": r.Account.Doubled,
			"untrue": r.Account.Untrue, "open": r.Open,
		}
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			if counts[what] > 0 {
				faults = append(faults, fmt.Sprintf("%s: %d %s", r.Fault, counts[what], what))
			}
		}
		if r.First < 0 {
			faults = append(faults, r.Fault+": never right again")
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "; ")) //nolint:err113 // a sentence for a person
	}
	return nil
}
