package roster

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// builder is one prebuild at work.
type builder struct {
	Result
	*Planner
	class class
	place int // the cloud at work; all before it are full
	room  int // labs that it still takes
	slots int // of them that may be begun before its builds are counted again
	known bool
	begun bool // something was sent to it
	// underWay are the class's labs that were being built at the start, by cloud. They may not have taken their part of the
	// quotas yet, or have: cautious says that room was kept for them.
	underWay []int
	cautious bool
}

func (p *Planner) builder(c class) *builder {
	b := &builder{Planner: p, class: c, Result: Result{Lab: c.shelf.Entry.Key, Learners: len(c.owners), Clouds: make([]Built, len(p.Sites))}, underWay: make([]int, len(p.Sites))}
	for i, site := range p.Sites {
		b.Clouds[i].Cloud = site.Name
	}
	if !c.opens.IsZero() {
		b.Opens = &c.opens
	}
	if !c.lease.Until.IsZero() {
		b.Until = &c.lease.Until
	}
	return b
}

// missing are the owners who have no lab in any cloud, in the roster's order: one paged list a cloud.
func (b *builder) missing(ctx context.Context) ([]lab.Owner, error) {
	has := map[string]openstack.Stack{}
	for i, site := range b.Sites {
		for s, err := range site.Cloud.StacksWhere(ctx, openstack.StackFilter{Tags: courseTags(b.class.owners[0])}) {
			if err != nil {
				return nil, trouble(site, err)
			}
			base := lab.BaseOf(s.Tags)
			if base == "" || lab.Tagged(s.Tags, lab.TagKind) != "" {
				continue
			}
			if other, double := has[base]; !double || other.Action == "DELETE" {
				has[base] = s
			}
			if s.Action == "CREATE" && s.Busy() {
				b.underWay[i]++
			}
		}
	}
	var missing []lab.Owner
	for _, owner := range b.class.owners {
		s, there := has[owner.Stack]
		switch {
		case !there:
			missing = append(missing, owner)
		case s.Action == "DELETE":
			b.Leaving++
		default:
			b.There++
			if s.Status == "FAILED" {
				b.Broken++
			}
		}
	}
	b.Left = len(missing)
	return missing, nil
}

// courseTags are what all labs of the kind have in one course.
func courseTags(owner lab.Owner) []string {
	own := "learner="
	var tags []string
	for _, tag := range owner.Tags() {
		if !strings.HasPrefix(tag, own) && !strings.HasPrefix(tag, lab.TagOwner) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// build begins one owner's lab in the first cloud that takes it. begin ends when no more may be begun.
func (b *builder) build(ctx, begin context.Context, owner lab.Owner) error {
	for ; b.place < len(b.Sites); b.next() {
		if err := b.turn(begin); err != nil {
			return err
		}
		if b.room <= 0 {
			continue
		}
		made, err := b.create(ctx, owner)
		switch {
		case openstack.CodeOf(err) == openstack.Quota:
			b.Short = []Resource{Stacks}
			continue
		case err != nil:
			return trouble(b.Sites[b.place], err)
		}
		if made {
			b.Built++
			b.Clouds[b.place].Built++
		} else {
			b.There++ // somebody was faster
		}
		b.room--
		b.slots--
		return nil
	}
	b.Full = !b.cautious
	return stopped{}
}

// next goes on to the next cloud.
func (b *builder) next() {
	b.place++
	b.known, b.begun = false, false
}

// turn waits until one more lab may be begun in the cloud at work.
func (b *builder) turn(begin context.Context) error {
	site := b.Sites[b.place]
	if !b.known {
		b.measure(begin, site)
	}
	if b.room <= 0 {
		return nil
	}
	if b.begun && b.Sleep(begin, time.Second/time.Duration(b.Rate)) != nil {
		return stopped{}
	}
	b.begun = true
	for site.MaxBuilds > 0 && b.slots <= 0 {
		n, err := site.Cloud.CountStacks(begin, openstack.StackFilter{AnyTags: []string{lab.Tag}, Action: "CREATE", Status: "IN_PROGRESS"})
		switch {
		case begin.Err() != nil:
			return stopped{}
		case err != nil:
			return trouble(site, err)
		}
		if b.slots = site.MaxBuilds - n; b.slots <= 0 && b.Sleep(begin, look) != nil {
			return stopped{}
		}
	}
	if begin.Err() != nil {
		return stopped{}
	}
	return nil
}

// look is how often a cloud that builds as much as it may is asked whether it is done with something.
const look = 5 * time.Second

// measure finds out how many labs the cloud still takes. One that does not tell is tried: it refuses what it has no room
// for.
func (b *builder) measure(ctx context.Context, site Site) {
	share := b.share(ctx, site, b.class.shelf.Entry.Key)
	b.known, b.room, b.slots = true, math.MaxInt, 0
	if share.Fits != nil {
		b.room, b.Short = max(0, *share.Fits-b.underWay[b.place]), share.Short
		b.cautious = b.cautious || b.underWay[b.place] > 0
	}
}

// create makes an owner's lab, as a launch does: the plain create first, and EnsureStack for what can go wrong with it. Made
// is false if the stack was there.
func (b *builder) create(ctx context.Context, owner lab.Owner) (made bool, err error) {
	cloud := b.Sites[b.place].Cloud
	name, tags := b.stack(b.class, owner)
	request := b.Catalogue.NewStack(name, owner.Lab, tags, "")
	_, err = cloud.CreateStack(ctx, request)
	failed, ours := errors.AsType[*openstack.Error](err)
	switch {
	case err == nil:
		return true, nil
	case openstack.CodeOf(err) == openstack.Conflict:
		return false, nil
	case !ours || failed.Code != openstack.Unavailable || failed.Status == http.StatusTooManyRequests:
		return false, err //nolint:wrapcheck // it says what was tried, and its code counts
	}
	_, _, err = cloud.EnsureStack(ctx, request)
	return err == nil, err //nolint:wrapcheck // as above
}
