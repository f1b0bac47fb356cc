package keeper

import (
	"maps"
	"slices"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Shelf is one lab of the catalogue and what it takes to make it.
type Shelf struct {
	Entry      lab.Entry
	Template   string
	Files      map[string]string
	Parameters map[string]any
}

// Shelf is the catalogue's lab of that key.
func (k *Keeper) Shelf(key string) (Shelf, bool) {
	s, known := k.entries[key]
	return Shelf{Entry: k.entryOf(key), Template: s.template.Text, Files: s.template.Files, Parameters: maps.Clone(s.parameters)}, known
}

// NewStack is the request that makes a lab of that key under a name of its own. grading is where its first launch wants the
// grade to go; a ready-made lab has none yet. What the template does not ask for, it is not told.
func (k *Keeper) NewStack(name, key string, tags []string, grading string) openstack.NewStack {
	s := k.entries[key]
	parameters := make(map[string]any, len(s.parameters))
	maps.Copy(parameters, s.parameters)
	if s.template.Has(grades.ReportParameter) {
		if address, err := grades.ReportURL(k.box, k.publicURL, name, k.now()); err == nil {
			parameters[grades.ReportParameter] = address
		}
	}
	if s.template.Has(grades.GradingParameter) {
		parameters[grades.GradingParameter] = grading
	}
	if madeFor(s.entry) && s.template.Has(parameterKey) {
		if public, err := k.publicKey(name); err == nil {
			parameters[parameterKey] = public
		}
	}
	return openstack.NewStack{
		Name: name, Template: s.template.Text, Files: s.template.Files, Parameters: parameters, Tags: append(slices.Clone(tags), labTag), Timeout: s.entry.BuildTimeout,
	}
}

// parameterKey is the template's parameter for the public half of a key that is made here.
const parameterKey = "public_key"
