package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Forecast says how far the clouds go with a class.
type Forecast struct {
	Lab      string `json:"lab"`
	Learners int    `json:"learners"`
	// Fits is how many of them get a lab; the one after them is the first to be refused, as RunsOut says.
	Fits    int       `json:"fits"`
	RunsOut *Shortage `json:"runs_out,omitempty"`
	Clouds  []Share   `json:"clouds"`
}

// Shortage is the first learner for whom no cloud has room, and what the last cloud is then short of.
type Shortage struct {
	Learner   int        `json:"learner"` // from 1
	Cloud     string     `json:"cloud"`
	Resources []Resource `json:"resources"`
}

// Share is what one cloud takes of the class.
type Share struct {
	Cloud string `json:"cloud"`
	// Labs is how many of the class it takes, the first of them First; Fits how many it would take of a larger one, and is
	// left out where nothing bounds them.
	Labs  int  `json:"labs"`
	First int  `json:"first,omitempty"`
	Fits  *int `json:"fits,omitempty"`
	// Short is what it is short of for one lab more than Fits.
	Short []Resource `json:"short,omitempty"`
	// Need is what one lab takes, Left what there is, as far as it is bounded.
	Need Amounts `json:"need,omitempty"`
	Left Amounts `json:"left,omitempty"`
	// Trouble is set where the cloud did not tell; then nothing is counted on it.
	Trouble string `json:"trouble,omitempty"`
}

// maxLearners bounds a class, so that nobody asks for the impossible by a slip.
const maxLearners = 10_000

// Preflight says how many labs of a kind the clouds still have room for, and which resource runs out at which learner. It
// makes nothing. In each cloud it asks for a preview, the flavors, the quotas (see openstack.Cloud.Room) and, where they
// are bounded, the number of labs and stacks, all clouds at once.
//
// It counts what quotas count, and what is being built as far as it has come. Room on the hypervisors is nobody's to ask for, and the ports of a cloud's DHCP servers are
// the project's only in some clouds.
func (p *Planner) Preflight(ctx context.Context, key string, learners int) (Forecast, error) {
	if learners < 1 || learners > maxLearners {
		return Forecast{}, refusal(codeBadRoster, http.StatusBadRequest, fmt.Sprintf("learners is %d; give the size of the class, from 1 to %d.", learners, maxLearners))
	}
	if _, err := p.shelf(key); err != nil {
		return Forecast{}, err
	}
	shares := make([]Share, len(p.Sites))
	var wg sync.WaitGroup
	for i, site := range p.Sites {
		wg.Go(func() { shares[i] = p.share(ctx, site, key) })
	}
	wg.Wait()
	f := Forecast{Lab: key, Learners: learners, Clouds: shares}
	f.hand()
	return f, nil
}

// hand gives the class to the clouds in their order.
func (f *Forecast) hand() {
	for i := range f.Clouds {
		share := &f.Clouds[i]
		waiting := f.Learners - f.Fits
		share.Labs = waiting
		if share.Fits != nil {
			share.Labs = min(*share.Fits, waiting)
		}
		if share.Trouble != "" {
			share.Labs = 0
		}
		if share.Labs > 0 {
			share.First = f.Fits + 1
		}
		f.Fits += share.Labs
	}
	last := len(f.Clouds) - 1
	if f.Fits < f.Learners && last >= 0 {
		f.RunsOut = &Shortage{Learner: f.Fits + 1, Cloud: f.Clouds[last].Cloud, Resources: f.Clouds[last].Short}
	}
}

// share asks one cloud what it takes.
func (p *Planner) share(ctx context.Context, site Site, key string) Share {
	share := Share{Cloud: site.Name}
	need, left, err := p.measure(ctx, site, key)
	switch {
	case openstack.CodeOf(err) == openstack.Quota: // Heat refuses the preview, too, once it has as many stacks as it may
		none := 0
		share.Fits, share.Short = &none, []Resource{Stacks}
		return share
	case err != nil:
		share.Trouble = cause(err)
		return share
	}
	share.Need, share.Left = need, left
	if labs, short := fits(need, left); labs < math.MaxInt {
		share.Fits, share.Short = &labs, short
	}
	return share
}

// cause is an error in our own words: what was tried, and its code.
func cause(err error) string {
	if e, ok := errors.AsType[*openstack.Error](err); ok {
		return e.Op + ": " + string(e.Code)
	}
	return err.Error()
}

// measure is what a lab needs in a cloud, and what is left of it there.
func (p *Planner) measure(ctx context.Context, site Site, key string) (need, left Amounts, err error) {
	var flavors []openstack.Flavor
	var room openstack.Room
	var preview []openstack.Resource
	counts := Amounts{}
	errs := make([]error, 4)
	var wg sync.WaitGroup
	wg.Go(func() {
		preview, errs[0] = site.Cloud.PreviewStack(ctx, p.Catalogue.NewStack("preflight-"+key, key, []string{lab.Tag}, ""))
	})
	wg.Go(func() { flavors, errs[1] = site.Cloud.Flavors(ctx) })
	wg.Go(func() { room, errs[2] = site.Cloud.Room(ctx) })
	wg.Go(func() { counts, errs[3] = p.counts(ctx, site, key) })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	if need, err = needOf(preview, flavors); err != nil {
		return nil, nil, err
	}
	left = amountsOf(room)
	maps.Copy(left, counts)
	return need, left, nil
}

// counts is what is left of the bounds that the configuration knows: one request for each that there is.
func (p *Planner) counts(ctx context.Context, site Site, key string) (Amounts, error) {
	left := Amounts{}
	for _, bound := range []struct {
		what   Resource
		most   int
		filter openstack.StackFilter
	}{
		{Labs, site.Capacity, openstack.StackFilter{Tags: p.labTags(key)}},
		{Stacks, site.MaxStacks, openstack.StackFilter{}},
	} {
		if bound.most == 0 {
			continue
		}
		n, err := site.Cloud.CountStacks(ctx, bound.filter)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", bound.what, err)
		}
		left[bound.what] = max(0, bound.most-n)
	}
	return left, nil
}

// labTags are the tags that every lab has, of whatever kind and owner.
func (p *Planner) labTags(key string) []string {
	tags := p.Catalogue.NewStack("count", key, []string{lab.Tag}, "").Tags
	slices.Sort(tags)
	return slices.Compact(tags)
}
