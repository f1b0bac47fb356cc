// Package report is what a run of the benchmarks found: sections of rows of figures, some with a limit that they are to
// hold. It is written for people (a table), programs (JSON) and benchstat (the Go benchmark format).
package report

import "slices"

// Report is one run.
type Report struct {
	Machine  Machine   `json:"machine"`
	Sections []Section `json:"sections"`
}

// Machine says where and when a run was made: figures of two machines cannot be compared.
type Machine struct {
	When    string `json:"when"` // UTC, RFC 3339
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Load    string `json:"load"` // of the last minute, before and after
	Go      string `json:"go"`
	Version string `json:"version"` // of the programs
}

// Section is one kind of measurement.
type Section struct {
	Key   string `json:"key"` // as -only names it
	Title string `json:"title"`
	Note  string `json:"note"` // how it was measured
	Rows  []Row  `json:"rows"`
}

// Row is one thing that was measured, by all figures that were taken of it.
type Row struct {
	Name    string   `json:"name"` // words with a slash between dimensions: launch-lab/http
	Figures []Figure `json:"figures"`
	// Samples are the single measurements behind the first figure, in its unit, if they were kept.
	Samples []float64 `json:"-"`
	// Runs is how often it was measured.
	Runs int `json:"runs"`
}

// Figure is one number. Unit is a unit of the Go benchmark format and decides how the table writes the number: it ends in
// ns, bytes, percent, or anything else for plain numbers.
type Figure struct {
	Name  string  `json:"name"` // the column's
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Limit *Limit  `json:"limit,omitempty"`
}

// Limit is what a figure is to hold.
type Limit struct {
	Bound float64 `json:"bound"`
	Least bool    `json:"least,omitempty"` // the bound is the least, not the most
	Held  bool    `json:"held"`
}

// AtMost is the figure with the most that it may be.
func (f Figure) AtMost(bound float64) Figure {
	f.Limit = &Limit{Bound: bound, Held: f.Value <= bound}
	return f
}

// AtLeast is the figure with the least that it may be.
func (f Figure) AtLeast(bound float64) Figure {
	f.Limit = &Limit{Bound: bound, Least: true, Held: f.Value >= bound}
	return f
}

// Missed are the names of all figures that do not hold their limits.
func (r Report) Missed() []string {
	var names []string
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			for _, f := range row.Figures {
				if f.Limit != nil && !f.Limit.Held {
					names = append(names, s.Key+": "+row.Name+", "+f.Name)
				}
			}
		}
	}
	return names
}

// Section is the section of that key, if it was measured.
func (r Report) Section(key string) (Section, bool) {
	i := slices.IndexFunc(r.Sections, func(s Section) bool { return s.Key == key })
	if i < 0 {
		return Section{}, false
	}
	return r.Sections[i], true
}

// Figure is the row's figure in that column, if it has one.
func (r Row) Figure(name string) (Figure, bool) {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return Figure{}, false
	}
	return r.Figures[i], true
}
