package keeper

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
)

// shelf is one lab of the catalogue and what it takes to make it.
type shelf struct {
	entry      lab.Entry
	offer      lab.Offer
	template   heattemplates.Template
	parameters map[string]any
	needs      needs
	signals    bool // the template has a handle for signals
}

// catalogue reads every lab's template now, so that a missing one is seen at start and not by a learner.
func catalogue(all *config.Config) (map[string]shelf, error) {
	dir := all.Templates()
	shelves := make(map[string]shelf, len(all.Labs))
	for _, key := range slices.Sorted(maps.Keys(all.Labs)) {
		c := all.Labs[key]
		template, err := heattemplates.LoadFrom(dir, c.Template)
		if err != nil {
			return nil, fmt.Errorf("read template of lab %s: %w", key, err)
		}
		plan, err := planOf(template.Text)
		if err != nil {
			return nil, fmt.Errorf("read template of lab %s: %w", key, err)
		}
		parameters := make(map[string]any, len(c.Parameters))
		for name, value := range c.Parameters {
			if !template.Has(name) {
				return nil, fmt.Errorf("lab %s sets the parameter %s, which %s does not have", key, name, c.Template)
			}
			parameters[name] = value
		}
		s := shelf{entry: entryOf(key, c, plan), template: template, parameters: parameters}
		s.entry.Attached, s.entry.Revision = attaches(template), revision(template, parameters)
		s.entry.Windows = windows(c.Windows, []byte(all.NamingKey.Reveal()))
		s.signals = slices.ContainsFunc(plan, func(p lab.Part) bool { return p.Resource == grades.Handle })
		if s.needs, err = needsOf(template.Text); err != nil {
			return nil, fmt.Errorf("read template of lab %s: %w", key, err)
		}
		if madeFor(s.entry) && !template.Has(parameterKey) {
			return nil, fmt.Errorf("lab %s has a way in whose key is made, but %s has no parameter %s for it", key, c.Template, parameterKey)
		}
		s.offer = lab.Offer{Key: key, Title: c.Title, Description: c.Description, Cost: c.Cost}
		if s.offer.Picture, err = heattemplates.Picture(dir, c.Picture); err != nil {
			return nil, fmt.Errorf("read picture of lab %s: %w", key, err)
		}
		shelves[key] = s
	}
	return shelves, nil
}

func entryOf(key string, c config.Lab, plan []lab.Part) lab.Entry {
	e := lab.Entry{
		Key: key, Title: c.Title, BuildTimeout: c.BuildTimeout, Lifetime: c.Lifetime, MaxAge: c.MaxAge, Plan: plan,
		Extend: lab.Extend{By: c.Extend.By, Times: c.Extend.Times}, Expected: c.ExpectedTime,
		Ways: make([]lab.Way, len(c.Access)), IdleTimeout: c.IdleTimeout, Grace: c.Grace, Warm: c.Warm,
		Ready:  lab.Probe{Kind: lab.ProbeKind(c.Ready.Kind), Output: c.Ready.Output, Port: c.Ready.Port},
		Budget: lab.Budget{Time: c.Budget.Time, Per: c.Budget.Per, Block: c.Budget.Action == "block"},
		Checks: make([]lab.Check, len(c.Checks)),
	}
	for i, check := range c.Checks {
		e.Checks[i] = lab.Check{
			Name: check.Name, Title: check.Title, Weight: check.Weight, Script: check.Script, Host: check.Host, User: check.User, HostKey: check.HostKey,
		}
	}
	for i, a := range c.Access {
		e.Ways[i] = lab.Way{Kind: lab.Kind(a.Kind), Title: a.Title, Output: a.Output, Server: a.Server, Host: a.Host, Key: a.Key, User: a.User, Password: a.Password}
	}
	return e
}

// windows are the catalogue's, with tenants and courses as stacks and tickets have them.
func windows(configured []config.Window, namingKey []byte) []lab.Window {
	list := make([]lab.Window, len(configured))
	for i, w := range configured {
		hidden := lab.Identity{Tenant: w.Tenant, Context: w.Context}.Hide(namingKey)
		list[i] = lab.Window{Tenant: hidden.Tenant, Context: hidden.Context}
		list[i].Start, list[i].End = w.Times()
	}
	return list
}

// revision tells labs apart that were made of another template, with other files or other parameters. What our own program
// adds to the parameters does not count.
func revision(t heattemplates.Template, parameters map[string]any) string {
	const digits = 8
	sum := sha256.New()
	add := func(text string) { _, _ = fmt.Fprintf(sum, "%d:%s", len(text), text) } // a hash never fails
	add(t.Text)
	for _, name := range slices.Sorted(maps.Keys(t.Files)) {
		add(name)
		add(t.Files[name])
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		add(name)
		add(fmt.Sprint(parameters[name]))
	}
	return hex.EncodeToString(sum.Sum(nil))[:digits]
}

// attaches says whether the template, or one that it nests, attaches volumes.
func attaches(t heattemplates.Template) bool {
	const attachment = "OS::Cinder::VolumeAttachment"
	for _, text := range t.Files {
		if strings.Contains(text, attachment) {
			return true
		}
	}
	return strings.Contains(t.Text, attachment)
}

// Offers are these labs of the catalogue as an instructor may choose among them, in the order given. A key that the
// catalogue does not have is left out.
func (k *Keeper) Offers(keys []string) []lab.Offer {
	offers := make([]lab.Offer, 0, len(keys))
	for _, key := range keys {
		shelf, known := k.entries[key]
		if !known {
			continue
		}
		shelf.offer.Expected = k.entryOf(key).Expected
		offers = append(offers, shelf.offer)
	}
	return offers
}

// planOf lists a template's resources with the steps that they belong to.
func planOf(text string) ([]lab.Part, error) {
	var template struct {
		Resources map[string]struct {
			Type      string `yaml:"type"`
			Condition any    `yaml:"condition"`
		} `yaml:"resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	plan := make([]lab.Part, 0, len(template.Resources))
	for _, name := range slices.Sorted(maps.Keys(template.Resources)) {
		r := template.Resources[name]
		plan = append(plan, lab.Part{Resource: name, Step: lab.StepOf(r.Type), Optional: r.Condition != nil})
	}
	return plan, nil
}
