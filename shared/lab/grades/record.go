package grades

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// What Record and Beat say of a lab that takes no signals.
var (
	ErrBuilding = errors.New("the lab is being built, or waking up")
	ErrAsleep   = errors.New("the lab sleeps or ends")
	ErrFull     = errors.New("the lab has as many results as are kept")
	ErrMute     = errors.New("the lab's template has no output signals")
)

// MostResults is how many results of one lab are kept: all of them are read each time that anybody looks at the lab.
const MostResults = 200

// Record is described at Grades. It is ErrBuilding while the lab cannot take them yet, ErrMute if it never will, and ErrFull beyond MostResults. A result
// whose id is written down already is the same one. In a lab that sleeps or ends results go into the outbox with the grade
// that they come to.
func (g *grader) Record(ctx context.Context, cloud Cloud, s openstack.Stack, results ...lab.Result) (Report, error) {
	k, give, err := g.memory.take(ctx, s.ID, g.now())
	if err != nil {
		return Report{}, fmt.Errorf("wait for the lab's turn: %w", err)
	}
	defer give()
	if _, there := s.Outputs[lab.SignalsOutput]; !there {
		return Report{}, ErrMute
	}
	if soon(s) {
		return Report{}, ErrBuilding
	}
	if s, err = Whole(ctx, cloud, s); err != nil {
		return Report{}, err
	}
	d := &delivery{grader: g, cloud: cloud, known: k, leaving: !Writable(s)}
	if err := d.takeDown(ctx, s, results); err != nil {
		return Report{}, err
	}
	return d.run(ctx, s)
}

// takeDown writes down the results that are new.
func (d *delivery) takeDown(ctx context.Context, s openstack.Stack, results []lab.Result) error {
	sig, there := d.read(s, d.known), reported(s.Outputs)
	for _, r := range results {
		if slices.ContainsFunc(sig.Results, func(known lab.Result) bool { return known.ID == r.ID }) {
			continue
		}
		if there >= MostResults {
			return ErrFull
		}
		r.At = d.now().Truncate(time.Second)
		err := d.write(ctx, s, lab.ResultID(r.ID), "result of "+r.Check, resultData(r))
		if errors.Is(err, ErrAsleep) {
			d.leaving, err = true, nil
		}
		if err != nil {
			return err
		}
		d.known.results = append(d.known.results, r)
		sig.Results = append(sig.Results, r)
		there++
	}
	return nil
}

// Use is what a lab says of its use: that it is Active because somebody works in it, or Busy with a long job. Neither says
// that it is up and nothing more.
type Use struct{ Active, Busy bool }

// Beat writes down a lab's heartbeat: one call.
func Beat(ctx context.Context, cloud Cloud, ref openstack.StackRef, use Use, now time.Time) error {
	reason := "idle"
	switch {
	case use.Busy:
		reason = "busy"
	case use.Active:
		reason = "in use"
	}
	return signal(ctx, cloud, ref, lab.Signal{
		ID: lab.BeatID(now), Reason: reason, Data: map[string]any{"at": now.Unix(), "busy": use.Busy, "active": use.Active},
	})
}
