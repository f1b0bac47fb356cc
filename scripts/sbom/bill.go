package main

import (
	"fmt"
	"io"

	"github.com/CycloneDX/cyclonedx-go"
)

// write gives a program's bill of materials. It has neither a serial number nor a time, which would differ from build to build.
func write(out io.Writer, program, version string, modules []module) error {
	parts := make([]cyclonedx.Component, 0, len(modules))
	refs := make([]string, 0, len(modules))
	for _, m := range modules {
		parts = append(parts, m.component())
		refs = append(refs, m.purl())
	}
	bill := cyclonedx.NewBOM()
	own := "pkg:golang/github.com/stackhook/stackhook@" + version + "#functions/" + program
	bill.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: own, PackageURL: own, Type: cyclonedx.ComponentTypeApplication, Name: program, Version: version, Licenses: under("Apache-2.0"),
	}}
	bill.Components = &parts
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: own, Dependencies: &refs}}
	encoder := cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bill, cyclonedx.SpecVersion1_6); err != nil { // what most readers know by now
		return fmt.Errorf("write bill of %s: %w", program, err)
	}
	return nil
}

func (m module) component() cyclonedx.Component {
	c := cyclonedx.Component{
		BOMRef: m.purl(), PackageURL: m.purl(), Type: cyclonedx.ComponentTypeLibrary, Name: m.path, Version: m.version,
		Scope: cyclonedx.ScopeRequired, Licenses: under(m.licence),
	}
	if m.sum != "" { // a hash of Go's own kind, for which the format has no name
		c.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: m.sum}}
	}
	return c
}

// purl is the module's package URL (https://github.com/package-url/purl-spec, type golang).
func (m module) purl() string { return "pkg:golang/" + m.path + "@" + m.version }

func under(expression string) *cyclonedx.Licenses {
	return &cyclonedx.Licenses{{Expression: expression}}
}
