// Command load sends functions on this machine's loopback the load of a class, and judges every answer: launches with real
// signatures, LTI 1.1 and 1.3, what their pages ask, heartbeats, alarms, looks at sites. It reads the functions' own
// configuration.
//
//	STACKHOOK_CONFIG=stackhook.yaml go run ./scripts/load -rate 20 -for 30s
//
// The exit code is 0 if every answer was right or an honest refusal; 1 if one was wrong, or a stack was lost or doubled; 2 for
// what the person who typed it can correct.
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
	"time"

	"github.com/stackhook/stackhook/scripts/load/traffic"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
)

const usage = `Sends functions the load of a class, and judges every answer. It reads the configuration that STACKHOOK_CONFIG names.

  STACKHOOK_CONFIG=stackhook.yaml go run ./scripts/load -rate 20 -for 30s

It launches as the first of lti.consumers; by LTI 1.3 as well, if an entry of lti.platforms with the same tenant has an issuer on
loopback, where it then plays the platform; alarms go to the first cluster with a bearer token, and an API token for sites
looks at those. Only this machine's loopback is loaded, whatever -target or public_url say.

With OS_CLOUD or OS_* the cloud itself is asked in the end whether each learner has the one lab that they were told of; -remove
then deletes these labs.

Exit code: 0 all right, or honestly refused; 1 an answer was wrong, or a lab lost or doubled; 2 something has to be corrected.

`

// system is what the program needs of the machine.
type system struct {
	source         config.Source
	out, complains io.Writer
}

// options are what was typed.
type options struct {
	target, site, json string
	last, settle       time.Duration
	remove             bool
	pace               traffic.Pace
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], system{source: config.OS(), out: os.Stdout, complains: os.Stderr})
	stop()
	os.Exit(code)
}

const (
	good  = 0
	bad   = 1
	wrong = 2 // typed
)

func run(ctx context.Context, args []string, s system) int {
	o, err := parse(args, s.complains)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return good
	case err != nil:
		return wrong // flag has said why
	}
	c, err := s.source.Load()
	if err != nil {
		return s.complain(wrong, err)
	}
	house, err := traffic.NewHouse(c, o.target, o.site)
	if err != nil {
		return s.complain(wrong, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := house.Play(ctx); err != nil {
		return s.complain(wrong, err)
	}
	driver := traffic.NewDriver(house, o.pace)
	s.send(ctx, driver, o.last)
	return s.end(context.WithoutCancel(ctx), driver, o)
}

func (s system) complain(code int, err error) int {
	_, _ = fmt.Fprintln(s.complains, "load:", err)
	return code
}

func parse(args []string, complaints io.Writer) (options, error) {
	o := options{pace: traffic.DefaultPace()}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.StringVar(&o.target, "target", "", "`address` to send to instead of public_url, such as http://127.0.0.1:8080; signatures stay those of public_url")
	flags.Float64Var(&o.pace.Rate, "rate", o.pace.Rate, "requests a second, 1000 at most")
	flags.IntVar(&o.pace.Concurrency, "concurrency", o.pace.Concurrency, "requests under way at once; what is due beyond that is held back and counted")
	flags.IntVar(&o.pace.Learners, "learners", o.pace.Learners, "different learners at most; each has one lab")
	flags.DurationVar(&o.last, "for", 30*time.Second, "how long requests are sent")
	flags.DurationVar(&o.settle, "settle", time.Minute, "how long the pages are followed then, until their labs are ready")
	flags.StringVar(&o.site, "site", "", "`name` of a site to look at; else the list alone")
	flags.BoolVar(&o.remove, "remove", false, "delete the learners' labs in the end")
	flags.StringVar(&o.json, "json", "", "also write the result to this `file`, - for standard output")
	flags.Usage = func() {
		_, _ = io.WriteString(complaints, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err //nolint:wrapcheck // flag has printed it
	}
	if sentence := o.check(flags.NArg()); sentence != "" {
		_, _ = fmt.Fprintln(complaints, sentence)
		return o, errors.New("wrong flags")
	}
	return o, nil
}

// check is a sentence about what is wrong, or empty.
func (o options) check(arguments int) string {
	switch {
	case arguments > 0:
		return "load takes flags alone; -help lists them."
	case o.pace.Rate <= 0 || o.pace.Rate > 1000:
		return "-rate must be above 0 and at most 1000 requests a second."
	case o.pace.Concurrency < 1 || o.pace.Concurrency > 1000:
		return "-concurrency must be from 1 to 1000."
	case o.pace.Learners < 1:
		return "-learners must be 1 or more."
	case o.last <= 0:
		return "-for must be a time such as 30s."
	}
	return ""
}

// send is the load, with a line every five seconds.
func (s system) send(ctx context.Context, d *traffic.Driver, last time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		line := time.NewTicker(5 * time.Second)
		defer line.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-line.C:
				r := d.Report()
				all := r.All()
				_, _ = fmt.Fprintf(s.complains, "%4.0f s  %d requests: %d right, %d later, %d failed, %d wrong; p99 %d ms\n",
					r.Seconds, all.Requests, all.Right, all.Later, all.Told, all.Wrong, all.P99)
			}
		}
	}()
	d.Run(ctx)
	<-over
}

// result is what the program reports as JSON.
type result struct {
	Load    traffic.Report   `json:"load"`
	Open    int              `json:"open_pages"` // whose lab is neither ready nor failed
	Account *traffic.Account `json:"account,omitempty"`
}

func (s system) end(ctx context.Context, d *traffic.Driver, o options) int {
	r := result{Load: d.Phase("after")}
	r.Open = d.Settle(ctx, o.settle)
	after := d.Report()
	r.Load.Table(s.out)
	_, _ = fmt.Fprintf(s.out, "%d pages still open\n", r.Open)
	if s.source.Getenv("OS_CLOUD") != "" || s.source.Getenv("OS_AUTH_URL") != "" {
		if err := s.account(ctx, d, &r, o.remove); err != nil {
			return s.complain(bad, err)
		}
	}
	if o.json != "" {
		if err := s.write(o.json, r); err != nil {
			return s.complain(bad, err)
		}
	}
	if r.Load.All().Wrong+after.All().Wrong > 0 || r.Account != nil && r.Account.Lost+r.Account.Doubled > 0 {
		return bad
	}
	return good
}

func (s system) account(ctx context.Context, d *traffic.Driver, r *result, remove bool) error {
	cloud, err := openstack.New(openstack.Options{Cloud: s.source.Getenv("OS_CLOUD"), Getenv: s.source.Getenv})
	if err != nil {
		return fmt.Errorf("open the cloud: %w", err)
	}
	account, err := d.Account(ctx, cloud)
	if err != nil {
		return fmt.Errorf("look at the cloud: %w", err)
	}
	r.Account = &account
	_, _ = fmt.Fprintln(s.out, account)
	if remove {
		return d.Remove(ctx, cloud) //nolint:wrapcheck // says all
	}
	return nil
}

func (s system) write(file string, r result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	text = append(text, '\n')
	if file == "-" {
		_, err = s.out.Write(text)
	} else {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
