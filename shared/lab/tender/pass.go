package tender

import (
	"context"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Options say how to pass.
type Options struct {
	// DryRun reads and decides as usual, and changes nothing.
	DryRun bool
}

// Pass looks at all labs once and does what is due, until it is done or ctx is about to end.
func (t *Tender) Pass(ctx context.Context, o Options) Report {
	return t.pass(ctx, o, nil)
}

// pass also fills the inventory, if there is one, from the list that it reads.
func (t *Tender) pass(ctx context.Context, o Options, found *inventory) Report {
	p, stop := t.begin(ctx, o)
	defer stop()
	p.inventory = found
	p.each(p.sweep)
	p.examine()
	p.several()
	p.each(p.work)
	t.memory.forget(p.now)
	return p.end()
}

// begin opens a pass; stop ends what it runs on.
func (t *Tender) begin(ctx context.Context, o Options) (p *pass, stop func()) {
	// A pass counts its own calls: thousands of names in the request's line would tell nobody anything.
	ctx = logging.Because(logging.Apart(ctx), "tend")
	look, begin, answer, cancel := phases(ctx)
	now := t.Now()
	p = &pass{
		Tender: t, ctx: answer, beginning: begin, looking: look, now: now, dryRun: o.DryRun, tally: newTally(o.DryRun, now, t.Sites), census: newCensus(),
		sites: make([]*view, len(t.Sites)),
	}
	quiet := p.open()
	return p, func() { quiet(); cancel() }
}

// end is the report.
func (p *pass) end() Report {
	p.Calls, p.TookMS = len(logging.Calls(p.ctx)), p.Tender.Now().Sub(p.now).Milliseconds()
	return p.Report
}

// pass is one pass under way.
type pass struct {
	*Tender
	*tally

	// ctx is for requests. Nothing is listed any more once looking has ended, and nothing begun once beginning has.
	ctx, looking, beginning context.Context //nolint:containedctx // they are the pass
	now                     time.Time
	dryRun                  bool
	census                  *census
	inventory               *inventory // nil unless the doctor looks
	sites                   []*view
}

// view is what a pass knows of one cloud.
type view struct {
	site int
	// whole says that the list was read to its end, seen that it was as far as there was time.
	whole, seen bool
	queue       queue
	warm        []openstack.Stack // ready-made labs without an owner
	// shelves are the keys of labs that are kept ready-made; nil if their claims are not known.
	shelves []string
	pairs   []openstack.KeyPair
	marks   []pool.Mark // the claims among them
	// labs and builds are how many labs there are, and how many of them are under construction.
	labs, builds int
	// ticks let one change a time through.
	ticks <-chan time.Time
}

// open prepares a view of every cloud, with the ticks that pace its changes.
func (p *pass) open() (stop func()) {
	stops := make([]func(), 0, len(p.Sites))
	for i := range p.Sites {
		ticks, stop := p.Ticks(p.Tend.Rate)
		p.sites[i] = &view{site: i, queue: queue{start: startOf(p.now)}, ticks: ticks}
		stops = append(stops, stop)
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// each runs fn for all clouds at once: one that is slow holds up none of the others.
func (p *pass) each(fn func(*view)) {
	var all sync.WaitGroup
	for _, v := range p.sites {
		all.Go(func() { fn(v) })
	}
	all.Wait()
}

// work does what is due in one cloud, several changes at once.
func (p *pass) work(v *view) {
	p.refill(v)
	v.queue.sort()
	p.left(v.queue.left)
	next := make(chan item)
	var workers sync.WaitGroup
	for range min(p.Tend.Parallel, len(v.queue.items)) {
		workers.Go(func() {
			for i := range next {
				p.tend(v, i)
			}
		})
	}
	for _, i := range v.queue.items {
		next <- i
	}
	close(next)
	workers.Wait()
	p.returnClaims(v)
}

// may waits for the moment when one more change may be sent to the cloud; without one what is due is left to the next
// pass. A dry run sends none and does not wait.
func (p *pass) may(v *view) bool {
	if p.dryRun {
		return p.beginning.Err() == nil
	}
	return turn(p.beginning, v.ticks)
}

// entryOf is the catalogue's entry for a stack.
func (p *pass) entryOf(h lab.Held) lab.Entry { return p.entry(lab.Tagged(h.Tags, lab.TagLab)) }
