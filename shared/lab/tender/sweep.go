package tender

import (
	"slices"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// sweep reads one cloud's list and queues what may be due. Of owners with several stacks it only learns that they have.
func (p *pass) sweep(v *view) {
	site := p.Sites[v.site]
	filter := openstack.StackFilter{Tags: []string{lab.Tag}}
	if p.inventory != nil {
		filter.Tags = nil // also those that have lost their tags
	}
	for s, err := range site.Cloud.StacksWhere(p.ctx, filter) {
		if err != nil {
			p.missed(v.site, err)
			return
		}
		if v.seen = true; p.looking.Err() != nil {
			p.cut(v.site)
			return
		}
		p.see(v, s)
	}
	v.whole, v.seen = true, true
	p.readClaims(v)
}

// see takes in one stack of the list.
func (p *pass) see(v *view, s openstack.Stack) {
	h := p.heldOf(v.site, s)
	if !ours(h) {
		p.inventory.stack(h)
		return
	}
	base, e := lab.BaseOf(h.Tags), p.entryOf(h)
	warm := base == "" && lab.Tagged(h.Tags, lab.TagWarm) != ""
	p.seen(v.site, h.Kind() == "" && !warm, warm)
	switch {
	case h.Kind() == lab.NoteGrade:
		p.grade(h)
	case h.Kind() == "" && !warm:
		p.state(e.Key, lab.View(h.Stack, e, p.now).State)
	}
	if h.Kind() == "" {
		v.labs++
		if h.Stack.Status == "IN_PROGRESS" && (h.Stack.Action == "CREATE" || h.Stack.Action == "INIT") {
			v.builds++
		}
	}
	if warm {
		v.keep(s)
		return
	}
	p.inventory.stack(h)
	p.census.see(base)
	if do, due := p.due(h, lab.Gather([]lab.Held{h}, e, p.now), e); due {
		v.queue.add(item{cloud: v.site, ref: s.StackRef, base: base, alone: true, check: mayKeep(do)})
	}
}

// mayKeep says that the stack is only to be read, for all that the list tells.
func mayKeep(do string) bool {
	return do == string(lab.TendCheck) || do == doExamine || do == doDeliver
}

// ours says that the stack is a lab of somebody, a ready-made one, or a note about one. Clusters and sites carry our tag
// too.
func ours(h lab.Held) bool {
	return lab.Tagged(h.Tags, lab.TagLab) != "" || lab.Tagged(h.Tags, lab.TagKind) != "" || lab.Tagged(h.Tags, lab.TagWarm) != ""
}

// due says whether to do anything about the stack, and what, or to read it to find out. What was done or read a short time
// ago rests.
func (p *pass) due(h lab.Held, home lab.Home, e lab.Entry) (do string, due bool) {
	tending := lab.Tend(h, home, e, nil, p.now).Do
	do = string(tending)
	switch {
	case h.Kind() == lab.NoteGrade && tending == lab.TendKeep && p.Grades != nil && outboxDue(h, p.now):
		do = doOutbox
	case tending == lab.TendKeep && p.examinable(h, e):
		do = doExamine
	case tending == lab.TendCheck && !h.Stack.Patchable() && kept(home, h):
		return string(lab.TendKeep), false
	case tending == lab.TendCheck:
		do = reading(h)
	case tending == lab.TendKeep, tending == lab.TendReport:
		return do, false
	}
	rests, tried := p.memory.resting(idOf(h.ID), do, p.now)
	if rests && tried {
		p.resting()
	}
	return do, !rests
}

// ownersAtOnce is how many owners one list gathers; their names stand in the request's address.
const ownersAtOnce = 100

// several gathers the owners with several stacks, and queues those that anything is due of. What was queued of their stacks
// one by one is dropped: only all of them together tell.
func (p *pass) several() {
	for _, v := range p.sites {
		v.queue.items = slices.DeleteFunc(v.queue.items, func(i item) bool { return !p.census.alone(i.base) })
	}
	bases := p.census.several()
	for len(bases) > 0 && p.beginning.Err() == nil {
		n := min(ownersAtOnce, len(bases))
		p.batch(bases[:n])
		bases = bases[n:]
	}
	p.left(len(bases))
}

// batch judges some owners by all their stacks.
func (p *pass) batch(bases []string) {
	held, err := p.gather(bases)
	if err != nil {
		p.left(len(bases))
		return
	}
	for _, base := range bases {
		p.owner(held[base])
	}
}

// owner queues an owner of whom anything is due.
func (p *pass) owner(held []lab.Held) {
	if len(held) == 0 {
		return
	}
	e := p.entryOf(held[0])
	home := lab.Gather(held, e, p.now)
	due, check := false, true
	for _, h := range held {
		if do, now := p.due(h, home, e); now {
			due, check = true, check && mayKeep(do)
		}
	}
	if due {
		first := held[0]
		p.sites[first.Order].queue.add(item{cloud: first.Order, ref: refOf(first), base: lab.BaseOf(first.Tags), check: check})
	}
}

// gather lists all stacks of some owners in every cloud that has answered, by their base names.
func (p *pass) gather(bases []string) (map[string][]lab.Held, error) {
	tags := make([]string, len(bases))
	for i, base := range bases {
		tags[i] = lab.TagOwner + base
	}
	held := map[string][]lab.Held{}
	for _, v := range p.sites {
		if !v.seen {
			continue
		}
		for s, err := range p.Sites[v.site].Cloud.StacksWhere(p.ctx, openstack.StackFilter{AnyTags: tags}) {
			if err != nil {
				return nil, failed("gather the stacks of owners", err)
			}
			h := p.heldOf(v.site, s)
			held[lab.BaseOf(h.Tags)] = append(held[lab.BaseOf(h.Tags)], h)
		}
	}
	return held, nil
}
