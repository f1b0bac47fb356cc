// Command bench measures the functions' real programs on this machine: size, cold start in every runtime, processor time
// and allocations of a request, memory, throughput beside a bare net/http server, passes over thousands of labs and
// clusters, and answers from slow clouds. The cloud is the fake one, on loopback.
//
//	make bench
//	go run ./scripts/bench -quick -only cold,cost
//
// It prints a table and writes it to -out with the figures as JSON, the plot of the README, and the Go benchmark format,
// which benchstat compares:
//
//	benchstat old/bench.txt new/bench.txt
//
// Each limit is answered with held or missed; only with -hold a missed one is a failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what was typed.
type options struct {
	quick, hold bool
	only        string
	out, bin    string
}

func start(ctx context.Context, args []string, out, complaints io.Writer) error {
	if len(args) == 2 {
		switch args[0] { // this program, started by itself
		case hello:
			return sayHello(ctx, args[1])
		case allocations:
			return countAllocations(ctx, args[1], os.Stdin, out)
		}
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.BoolVar(&o.quick, "quick", false, "measure each thing a few times only: that it works, not what it takes")
	flags.StringVar(&o.only, "only", "", "measure only these `sections`, with commas: "+strings.Join(keys(), ", "))
	flags.StringVar(&o.out, "out", "scripts/bench/results", "`folder` for the results; empty for none")
	flags.StringVar(&o.bin, "bin", "bin", "`folder` of the programs, as make build leaves them")
	flags.BoolVar(&o.hold, "hold", false, "fail if a limit is missed")
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag has printed it
	}
	return run(ctx, o, out, complaints)
}
