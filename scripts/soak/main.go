// Command soak lets a class work for half an hour, and looks whether anything grows: memory, threads, open files, goroutines.
// Two processes of each function, a Redis and HAProxy run on loopback, the cloud is the fake one.
//
//	go run ./scripts/soak -for 30m
//
// The first instances run from beginning to end and are looked at after a sixth of the time and at the end. Go counts
// goroutines for nobody who asks from outside, so the second instances tell theirs with their last words after that sixth
// (SIGQUIT, between two requests), and the first ones at the end.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/stackhook/stackhook/scripts/load/stand"
	"github.com/stackhook/stackhook/scripts/load/traffic"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	last := flag.Duration("for", 30*time.Minute, "how long")
	rate := flag.Float64("rate", 20, "requests a second")
	learners := flag.Int("learners", 400, "so many learners at most")
	asJSON := flag.String("json", "", "also write the result to this `file`")
	flag.Parse()
	result, err := run(ctx, *last, *rate, *learners, os.Stdout)
	if err == nil && *asJSON != "" {
		err = write(*asJSON, result)
	}
	if err == nil {
		err = result.verdict()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func write(file string, r result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// soak is one run.
type soak struct {
	fake   *openstacktest.Cloud
	cloud  *openstack.Cloud
	stand  *stand.Stand
	driver *traffic.Driver
	out    io.Writer
}

func run(ctx context.Context, last time.Duration, rate float64, learners int, out io.Writer) (r result, err error) {
	s := &soak{out: out}
	if s.fake, err = openstacktest.New(openstacktest.Options{Wall: true, Build: func(string) time.Duration { return 500 * time.Millisecond }}); err != nil {
		return r, fmt.Errorf("start the fake cloud: %w", err)
	}
	defer s.fake.Close()
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return r, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	say(out, "building and starting two instances of each function\n")
	if s.stand, err = stand.Start(ctx, stand.Options{Dir: dir, Env: s.fake.Env(), Instances: 2}); err != nil {
		return r, fmt.Errorf("set up: %w", err)
	}
	defer func() { _ = s.stand.Close(context.WithoutCancel(ctx)) }() // what ended by SIGQUIT says so
	if err := s.prepare(ctx, rate, learners); err != nil {
		return r, err
	}
	return s.soak(ctx, last)
}

func (s *soak) prepare(ctx context.Context, rate float64, learners int) error {
	env := s.fake.Env()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		return fmt.Errorf("open the fake cloud: %w", err)
	}
	s.cloud = cloud
	if err := s.stand.Furnish(ctx, cloud, "debian-12", "m1.small"); err != nil {
		return err //nolint:wrapcheck // says all
	}
	if err := s.stand.Site(ctx, "soaked"); err != nil {
		return err //nolint:wrapcheck // says all
	}
	c, err := s.stand.Config()
	if err != nil {
		return err //nolint:wrapcheck // says all
	}
	house, err := traffic.NewHouse(c, "", "soaked")
	if err != nil {
		return fmt.Errorf("read the stand's configuration: %w", err)
	}
	if err := house.Play(ctx); err != nil {
		return err //nolint:wrapcheck // says all
	}
	pace := traffic.DefaultPace()
	pace.Rate, pace.Learners = rate, learners
	s.driver = traffic.NewDriver(house, pace)
	return nil
}

// soak is the run in two legs: a sixth, and the rest.
func (s *soak) soak(ctx context.Context, last time.Duration) (r result, err error) {
	early, long := s.stand.Instance(2), s.stand.Instance(1)
	s.leg(ctx, last/6)
	for i, p := range long {
		g := growth{Process: p.Name}
		if g.Early, err = p.Usage(); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
		if g.EarlyGoroutines, err = early[i].Goroutines(ctx); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
		if err := early[i].Start(); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
		r.Processes = append(r.Processes, g)
	}
	for _, p := range early {
		if err := p.Up(ctx); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
	}
	select { // HAProxy looks twice a second
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
	s.leg(ctx, last-last/6)
	for i, p := range long {
		if r.Processes[i].Late, err = p.Usage(); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
	}
	r.Open = s.driver.Settle(ctx, time.Minute)
	r.Load = s.driver.Report()
	if r.Account, err = s.driver.Account(ctx, s.cloud); err != nil {
		return r, fmt.Errorf("look at the cloud: %w", err)
	}
	for i, p := range long {
		if r.Processes[i].LateGoroutines, err = p.Goroutines(ctx); err != nil {
			return r, err //nolint:wrapcheck // says all
		}
	}
	r.table(s.out)
	return r, nil
}

// leg is load for so long, with a line each minute.
func (s *soak) leg(ctx context.Context, last time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		minute := time.NewTicker(time.Minute)
		defer minute.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-minute.C:
				all := s.driver.Report().All()
				rss := 0
				for _, p := range s.stand.Instance(1) {
					if u, err := p.Usage(); err == nil {
						rss += u.RSS
					}
				}
				say(s.out, "%s  %d requests, %d later, %d wrong, p99 %d ms; first instances %.1f MiB\n",
					time.Now().Format(time.TimeOnly), all.Requests, all.Later, all.Wrong, all.P99, float64(rss)/1024)
			}
		}
	}()
	s.driver.Run(ctx)
	<-over
}

func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
