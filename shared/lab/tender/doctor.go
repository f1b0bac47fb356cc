package tender

import (
	"context"

	"github.com/stackhook/stackhook/shared/lab"
)

// Doctor is a pass that also looks at stacks that have lost their tags, at key pairs and at floating IPs, and names every
// divergence with its cause. What a pass can heal it heals; the rest is told to the operator.
func (t *Tender) Doctor(ctx context.Context, o Options) Report {
	return t.pass(ctx, o, &inventory{})
}

// examine names what is not as it should be. Of a cloud that did not answer nothing is said: what seems to be left over may
// be somebody's there.
func (p *pass) examine() {
	if p.inventory == nil {
		return
	}
	p.each(p.takeStock)
	p.Findings = lab.Examine(p.inventory.Inventory, p.entry, p.now)
	for _, h := range p.inventory.bare {
		p.Findings = append(p.Findings, lab.Finding{
			What: lab.Ownerless, Cloud: h.Cloud, Name: h.Name, ID: h.ID, Heal: lab.TendReport,
			Operator: "It is named as one of ours and has lost its tags, as an update with openstack stack update without --existing does. Nothing deletes it, and its learner cannot reach it. Give it back its tags, or delete it.",
		})
	}
}

// takeStock reads what a cloud has besides stacks.
func (p *pass) takeStock(v *view) {
	if !v.whole {
		p.inventory.drop(v.site)
		return
	}
	addresses, err := p.Sites[v.site].Cloud.FloatingIPs(p.ctx)
	if err != nil {
		p.missed(v.site, err)
	}
	p.inventory.things(p.Sites[v.site].Name, v.pairs, v.marks, addresses)
}
