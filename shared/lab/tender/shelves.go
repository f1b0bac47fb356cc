package tender

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
)

// readClaims matches the cloud's ready-made labs with the claims on them. The labs were listed before: whatever was claimed
// until now is seen. Without the claims no ready-made lab is touched, as one that seems to be nobody's might be somebody's.
func (p *pass) readClaims(v *view) {
	v.shelves = p.shelfKeys(v)
	if len(v.shelves) == 0 && p.inventory == nil || p.NewStack == nil {
		v.shelves = nil
		return
	}
	pairs, err := p.Sites[v.site].Cloud.KeyPairs(p.ctx)
	if err == nil {
		v.pairs = pairs
		v.marks, err = pool.Marks(p.ctx, listed(pairs))
	}
	if err != nil {
		p.missed(v.site, err)
		v.shelves = nil
		return
	}
	for _, s := range v.warm {
		h := p.heldOf(v.site, s)
		h.Claim = v.claimed(s)
		p.inventory.stack(h)
		if _, due := p.due(h, lab.Gather([]lab.Held{h}, p.entryOf(h), p.now), p.entryOf(h)); due {
			v.queue.add(item{cloud: v.site, ref: s.StackRef, alone: true, claim: h.Claim})
		}
	}
}

// listed are key pairs that were listed before.
type listed []openstack.KeyPair

// KeyPairs are they.
func (l listed) KeyPairs(context.Context) ([]openstack.KeyPair, error) { return l, nil }

// claimed is when the stack was claimed; zero: it was not. Of a claim that does not tell it counts as long ago.
func (v *view) claimed(s openstack.Stack) time.Time {
	for _, m := range v.marks {
		if m.Name != pool.ClaimName(s.ID) {
			continue
		}
		if m.At.IsZero() {
			return s.Created
		}
		return m.At
	}
	return time.Time{}
}

// shelfKeys are the labs that are, or were, kept ready-made in this cloud.
func (p *pass) shelfKeys(v *view) []string {
	keys := map[string]bool{}
	for _, key := range p.Catalogue.Keys() {
		if v.site == 0 && p.entry(key).Warm > 0 {
			keys[key] = true
		}
	}
	for _, s := range v.warm {
		keys[lab.Tagged(s.Tags, lab.TagWarm)] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// refill brings the ready-made labs of one cloud to their number.
func (p *pass) refill(v *view) {
	room := p.room(v)
	for _, key := range v.shelves {
		e := p.entry(key)
		want := pool.Want{Lab: key, Revision: e.Revision}
		if v.site == 0 {
			want.Count = e.Warm
		}
		// What the list says is enough to see that there is nothing to do.
		plan := pool.PlanFor(want, v.warm, v.marks)
		if short := plan.Create - room; short > 0 {
			want.Count -= short
			plan.Create -= short
			p.left(short)
		}
		if plan.Create == 0 && len(plan.Remove) == 0 {
			continue
		}
		room -= p.shelf(v, want)
	}
}

// room is how many labs may be begun here without getting into the way of learners.
func (p *pass) room(v *view) int {
	site, room := p.Sites[v.site], math.MaxInt
	if site.MaxBuilds > 0 {
		room = min(room, max(0, site.MaxBuilds-v.builds))
	}
	if site.Capacity > 0 {
		room = min(room, max(0, site.Capacity-v.labs))
	}
	return room
}

// shelf does what is to be done for one lab, and says how many it began with.
func (p *pass) shelf(v *view, want pool.Want) (begun int) {
	refill := pool.Refill{
		Cloud: p.Sites[v.site].Cloud, Now: p.Now, New: p.NewStack, DryRun: p.dryRun, Pace: func(context.Context) bool { return p.may(v) },
	}
	report, err := refill.Run(p.because(doReady, ""), want, v.marks)
	if err != nil {
		p.missed(v.site, err)
	}
	for _, c := range report.Changes {
		h := lab.Held{Cloud: p.Sites[v.site].Name, Name: c.Stack.Name, ID: c.Stack.ID, Tags: []string{lab.TagLab + want.Lab}}
		if c.Created {
			begun++
			p.change(h, doReady, "fewer are ready-made than the catalogue says", c.Err)
			continue
		}
		p.change(h, string(lab.TendRetire), "more are ready-made than the catalogue says", c.Err)
	}
	if !p.dryRun {
		p.left(report.Missing)
	}
	return begun
}

// claimLife is how old a claim must be before it is given back: whoever made it has written by then whose the lab is, and
// nobody goes by a list any more that shows the lab as free.
const claimLife = 5 * time.Minute

// returnClaims gives back the claims whose lab is somebody's by now, or gone.
func (p *pass) returnClaims(v *view) {
	if v.shelves == nil && p.inventory == nil {
		return
	}
	waiting := map[string]bool{}
	for _, s := range v.warm {
		waiting[strings.ReplaceAll(s.ID, "-", "")] = true
	}
	for _, m := range v.marks {
		if waiting[m.Stack] || p.now.Sub(m.At) <= claimLife {
			continue
		}
		if !p.may(v) {
			p.left(1)
			continue
		}
		var err error
		if !p.dryRun {
			err = p.Sites[v.site].Cloud.DeleteKeyPair(p.because(doClaim, ""), m.Name)
		}
		if openstack.CodeOf(err) != openstack.Gone {
			p.change(lab.Held{Cloud: p.Sites[v.site].Name, Name: m.Name}, doClaim, "the lab that was claimed with it is somebody's, or gone", err)
		}
	}
}

// keep takes note of a ready-made lab; its sentences and links are not needed.
func (v *view) keep(s openstack.Stack) {
	v.warm = append(v.warm, openstack.Stack{StackRef: s.StackRef, Action: s.Action, Status: s.Status, Created: s.Created, Updated: s.Updated, Tags: s.Tags})
}
