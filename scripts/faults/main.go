// Command faults plays what goes wrong around the functions while a class is at work on them, and counts what that did: answers
// that were wrong, stacks lost or doubled, how long until all was right again. Two processes of each function, a Redis and
// HAProxy run on loopback; between them and the cloud stands Toxiproxy.
//
//	go run ./scripts/faults                                         the fake cloud
//	OS_CLOUD=devcloud go run ./scripts/faults -daemons              the test cloud of scripts/openstack-up, whose daemons are killed
//
// It needs root: one of the faults is a full disk.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/stackhook/stackhook/scripts/load/stand"
	"github.com/stackhook/stackhook/scripts/load/traffic"
	"github.com/stackhook/stackhook/shared/config"
)

// options are what was typed.
type options struct {
	only    *regexp.Regexp
	list    bool
	daemons bool
	json    string
	during  time.Duration
	// patience is how long all may take to be right again.
	patience time.Duration
	quiet    bool // no alarms
	bin      string
	pace     traffic.Pace
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	case o.list:
		for _, s := range scenes() {
			fmt.Printf("%-8s %s\n", s.kind, s.name)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	rows, err := run(ctx, o, config.OS().Getenv, os.Stdout)
	stop()
	if err == nil && o.json != "" {
		err = write(o.json, rows)
	}
	if err == nil {
		err = verdict(rows)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func parse(args []string, complaints io.Writer) (options, error) {
	o := options{pace: traffic.DefaultPace()}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.BoolVar(&o.list, "list", false, "name the faults and stop")
	flags.BoolVar(&o.daemons, "daemons", false, "also kill daemons of the cloud, which must be that of scripts/openstack-up and nobody else's at the time")
	flags.DurationVar(&o.during, "during", 15*time.Second, "how long a fault lasts")
	flags.DurationVar(&o.patience, "patience", 4*time.Minute, "how long to wait until all is right again; that it takes longer is no failure")
	flags.Float64Var(&o.pace.Rate, "rate", 10, "requests a second")
	flags.IntVar(&o.pace.Learners, "learners", 25, "learners for each fault, at most")
	flags.StringVar(&o.bin, "bin", "", "`folder` of programs that are built, such as bin after make build; else they are built")
	flags.BoolVar(&o.quiet, "no-alarms", false, "make no cluster and send no alarms: for a cloud that is slow to make one")
	flags.StringVar(&o.json, "json", "", "also write the rows to this `file`")
	flags.Func("only", "play only faults whose name matches this `pattern`", func(text string) (err error) {
		o.only, err = regexp.Compile(text)
		return err //nolint:wrapcheck // flag says which flag
	})
	return o, flags.Parse(args) //nolint:wrapcheck // flag has printed it
}

func write(file string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600) //nolint:gosec // named by the person who typed the command
	}
	if err != nil {
		return fmt.Errorf("write the rows: %w", err)
	}
	return nil
}

// hall is where faults are played.
type hall struct {
	root, dir, cloudsYAML string
	during, patience      time.Duration
	weather               *weather
	sky                   *sky
	stand                 *stand.Stand
	house                 *traffic.House
	out                   io.Writer
}

func run(ctx context.Context, o options, getenv func(string) string, out io.Writer) (rows []row, err error) {
	h, err := build(ctx, o, getenv, out)
	if err != nil {
		return nil, err
	}
	defer h.close(ctx)
	for _, s := range scenes() {
		if s.kind == daemons && (!o.daemons || h.sky.fake != nil) || o.only != nil && !o.only.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		r, err := h.play(ctx, s, o.pace)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, r)
	}
	table(out, rows)
	return rows, nil
}

func build(ctx context.Context, o options, getenv func(string) string, out io.Writer) (h *hall, err error) {
	h = &hall{during: o.during, patience: o.patience, out: out, cloudsYAML: getenv("OS_CLIENT_CONFIG_FILE")}
	if h.cloudsYAML == "" {
		h.cloudsYAML = filepath.Join(getenv("HOME"), ".config/openstack/clouds.yaml")
	}
	defer func() {
		if err != nil {
			h.close(ctx)
		}
	}()
	if h.root, err = filepath.Abs("."); err != nil {
		return h, fmt.Errorf("find the repository: %w", err)
	}
	if h.dir, err = os.MkdirTemp("", "faults"); err != nil {
		return h, fmt.Errorf("make a folder: %w", err)
	}
	say(out, "building Toxiproxy and the functions\n")
	if h.weather, err = newWeather(ctx, h.root, h.dir); err != nil {
		return h, err
	}
	if h.sky, err = newSky(ctx, getenv("OS_CLOUD"), h.cloudsYAML, h.weather); err != nil {
		return h, err
	}
	if h.stand, err = stand.Start(ctx, stand.Options{Dir: h.dir, Env: h.sky.env, Instances: 2, Bin: o.bin}); err != nil {
		return h, fmt.Errorf("set up: %w", err)
	}
	if o.quiet {
		delete(o.pace.Shares, traffic.Alarm)
	} else if err := h.stand.Furnish(ctx, h.sky.cloud, "cirros", "m1.tiny"); err != nil {
		return h, err //nolint:wrapcheck // says all
	}
	c, err := h.stand.Config()
	if err != nil {
		return h, err //nolint:wrapcheck // says all
	}
	if h.house, err = traffic.NewHouse(c, "", ""); err != nil {
		return h, fmt.Errorf("read the stand's configuration: %w", err)
	}
	return h, h.house.Play(ctx) //nolint:wrapcheck // says all
}

func (h *hall) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // after Ctrl-C, too
	defer cancel()
	if h.stand != nil {
		if err := h.stand.Unfurnish(ctx, h.sky.cloud); err != nil {
			say(h.out, "%v\n", err)
		}
		_ = h.stand.Close(ctx) // the table has said what ended badly
	}
	if h.sky != nil && h.sky.fake != nil {
		h.sky.fake.Close()
	}
	if h.weather != nil {
		h.weather.close()
	}
	if h.dir != "" {
		_ = syscall.Unmount(filepath.Join(h.dir, "full"), 0) // it may not be there
		_ = os.RemoveAll(h.dir)                              //nolint:gosec // made by us
	}
}

func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
