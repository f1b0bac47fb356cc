// Command coldstart measures how long each function takes from its start to its first good answer, as AWS Lambda starts
// it: bin/<function> as bootstrap, its first event through the Runtime API, the cloud behind it the fake one on loopback.
// It prints a table and fails when a program is larger than it may be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxSize of a program. Lambda reads it at every cold start.
const maxSize = 14_500_000

func main() {
	runs := flag.Int("runs", 30, "starts of each function")
	flag.Parse()
	if err := run(context.Background(), max(*runs, 1), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, runs int, out io.Writer) error {
	s, err := newStage()
	if err != nil {
		return err
	}
	defer s.cloud.Close()
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("prepare cloud: %w", err)
	}
	say(out, "%-14s %-26s %8s %8s %8s %8s %7s %6s\n", "function", "first request", "median", "fastest", "slowest", "warm", "calls", "MB")
	var faults []error
	for _, c := range s.scenes() {
		size, err := sizeOf(c.function)
		if err != nil {
			return err
		}
		var cold, warm []time.Duration
		calls := 0
		for i := range runs {
			before := len(s.cloud.Calls())
			_, took, err := s.start(ctx, c.function, c.event(2*i), c.event(2*i+1))
			if err != nil {
				return fmt.Errorf("start %s: %w", c.function, err)
			}
			cold, warm = append(cold, took[0]), append(warm, took[1])
			calls = len(s.cloud.Calls()) - before
		}
		slices.Sort(cold)
		slices.Sort(warm)
		say(out, "%-14s %-26s %8s %8s %8s %8s %7d %6.1f\n", c.function, c.does, ms(cold[len(cold)/2]), ms(cold[0]), ms(cold[len(cold)-1]), ms(warm[len(warm)/2]), calls, float64(size)/1e6)
		if size > maxSize {
			faults = append(faults, fmt.Errorf("%s has %d bytes, more than %d", c.function, size, maxSize))
		}
	}
	say(out, "\nof %d starts each, exec to answer; warm is the same process's second request; calls are to OpenStack, both together\n", runs)
	return errors.Join(faults...)
}

// say prints a line of the report; there is no one to tell when that fails.
func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func sizeOf(function string) (int64, error) {
	info, err := os.Stat(filepath.Join("bin", function))
	if err != nil {
		return 0, fmt.Errorf("look at program: %w", err)
	}
	return info.Size(), nil
}
