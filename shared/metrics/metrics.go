// Package metrics counts and measures, and shows its numbers to Prometheus in the text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): a HELP and a TYPE line for each metric, then a line for
// each set of its labels' values, always in the same order. Read takes one metric out of somebody else's. It is all we need of
// a client library.
//
// Numbers belong to their process and begin with it.
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	// ContentType is that of the exposition.
	ContentType = "text/plain; version=0.0.4; charset=utf-8"
	// Other stands for all values of a metric's labels after the first thousand sets, so that nobody can fill our memory or
	// Prometheus's.
	Other    = "other"
	mostSets = 1000
)

// Registry is what one scrape shows. Its methods may be called at once.
type Registry struct {
	mu       sync.Mutex
	families []family
}

type family struct {
	name, help, kind string
	samples          func() map[string]int64 // by the labels as they are written
}

// NewRegistry is a registry without metrics.
func NewRegistry() *Registry { return &Registry{} }

// Counter is a number that only grows, or one for each set of values of its labels.
type Counter struct{ table }

// Gauge is a number that goes up and down, or one for each set of values of its labels.
type Gauge struct{ table }

// Counter adds a counter. Without labels it is a single number, which is shown from the beginning. Names and labels are
// not checked: they are constants of the caller's.
func (r *Registry) Counter(name, help string, labels ...string) *Counter {
	c := &Counter{newTable(labels)}
	r.add(family{name, help, "counter", c.samples})
	return c
}

// Gauge adds a gauge. Names and labels are not checked.
func (r *Registry) Gauge(name, help string, labels ...string) *Gauge {
	g := &Gauge{newTable(labels)}
	r.add(family{name, help, "gauge", g.samples})
	return g
}

// Func adds a counter that is kept elsewhere.
func (r *Registry) Func(name, help string, read func() int64) {
	r.add(family{name, help, "counter", func() map[string]int64 { return map[string]int64{"": read()} }})
}

func (r *Registry) add(f family) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.families = append(r.families, f)
}

// Add counts n for one set of values, given in the order of the labels. Adding 0 shows the set before it has happened,
// adding less does nothing: counters do not fall.
func (c *Counter) Add(n int64, values ...string) {
	c.change(values, func(was int64) int64 { return was + max(n, 0) })
}

// Set says what the number is now for one set of values, given in the order of the labels.
func (g *Gauge) Set(n int64, values ...string) {
	g.change(values, func(int64) int64 { return n })
}

// table holds a metric's numbers by the labels as they are written.
type table struct {
	labels []string
	mu     *sync.Mutex
	counts map[string]int64
}

func newTable(labels []string) table {
	t := table{labels: labels, mu: &sync.Mutex{}, counts: map[string]int64{}}
	if len(labels) == 0 {
		t.counts[""] = 0
	}
	return t
}

func (t *table) change(values []string, next func(was int64) int64) {
	key := t.written(values)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.counts[key]; !known && len(t.counts) >= mostSets {
		key = t.written(slices.Repeat([]string{Other}, len(t.labels)))
	}
	t.counts[key] = next(t.counts[key])
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// written are the labels with their values, as in {a="x",b="y"}; a value that is missing is empty.
func (t *table) written(values []string) string {
	if len(t.labels) == 0 {
		return ""
	}
	pairs := make([]string, len(t.labels))
	for i, label := range t.labels {
		value := ""
		if i < len(values) {
			value = strings.ToValidUTF8(values[i], "\uFFFD")
		}
		pairs[i] = label + `="` + labelEscapes.Replace(value) + `"`
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func (t *table) samples() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}

// WriteTo writes the exposition.
func (r *Registry) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	families := slices.Clone(r.families)
	r.mu.Unlock()
	var text bytes.Buffer
	for _, f := range families {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", f.name, helpEscapes.Replace(f.help), f.name, f.kind)
		samples := f.samples()
		for _, labels := range slices.Sorted(maps.Keys(samples)) {
			fmt.Fprintf(&text, "%s%s %d\n", f.name, labels, samples[labels])
		}
	}
	n, err := text.WriteTo(w)
	if err != nil {
		return n, fmt.Errorf("write metrics: %w", err)
	}
	return n, nil
}
