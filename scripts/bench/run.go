package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/scripts/bench/plot"
	"github.com/stackhook/stackhook/scripts/bench/report"
)

// section is one kind of measurement, by its name for -only.
type section struct {
	key     string
	measure func(ctx context.Context, b *bench) (report.Section, error)
}

func sections() []section {
	return []section{
		{"size", measureSize},
		{"cold", measureCold},
		{"cost", measureCost},
		{"throughput", measureThroughput},
		{"memory", measureMemory},
		{"latency", measureLatency},
		{"growth", measureGrowth},
		{"clusters", measureClusters},
	}
}

func keys() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.key)
	}
	return names
}

// bench is a run.
type bench struct {
	options

	stage *stage
	told  io.Writer // how far it is
}

// times is n, or a few in a quick run.
func (b *bench) times(n, few int) int {
	if b.quick {
		return few
	}
	return n
}

func run(ctx context.Context, o options, out, complaints io.Writer) error {
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	s, err := newStage(o.bin)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("prepare cloud: %w", err)
	}
	b := &bench{options: o, stage: s, told: complaints}
	found := report.Report{Machine: machine(ctx, s.program("launch-lab"))}
	for _, one := range chosen {
		_, _ = fmt.Fprintf(complaints, "measuring %s\n", one.key)
		measured, err := one.measure(ctx, b)
		if err != nil {
			return fmt.Errorf("measure %s: %w", one.key, err)
		}
		measured.Key = one.key
		found.Sections = append(found.Sections, measured)
	}
	found.Machine.Load += " to " + loadNow()
	if err := found.Table(out); err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	if err := store(o.out, found); err != nil {
		return err
	}
	return verdict(found, o.hold)
}

// verdict is an error if limits were missed that were to be held.
func verdict(r report.Report, hold bool) error {
	if missed := r.Missed(); hold && len(missed) > 0 {
		return errors.New("missed: " + strings.Join(missed, "; "))
	}
	return nil
}

func choose(only string) ([]section, error) {
	all := sections()
	if only == "" {
		return all, nil
	}
	var chosen []section
	for key := range strings.SplitSeq(only, ",") {
		i := slices.Index(keys(), key)
		if i < 0 {
			return nil, fmt.Errorf("-only has %q; it may have %s", key, strings.Join(keys(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// store writes the results in all their forms.
func store(folder string, r report.Report) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("make folder for results: %w", err)
	}
	picture := func(w io.Writer) error { return plot.Write(w, r) }
	for name, write := range map[string]func(io.Writer) error{"table.md": r.Table, "results.json": r.JSON, "bench.txt": r.GoBench, "plot.svg": picture} {
		var text strings.Builder
		if err := write(&text); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text.String()), 0o644); err != nil { //nolint:gosec // as above
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
