// Package metrics counts, and shows its counters to Prometheus in the text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): a HELP and a TYPE line for each counter, then a line for
// each of its label's values, always in the same order. It is all we need of a client library.
//
// A counter belongs to its process and begins at zero with it.
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
	// Other stands for all values of a label after the first hundred, so that nobody can fill our memory or Prometheus's.
	Other      = "other"
	mostValues = 100
)

// Registry is what one scrape shows. Its methods may be called at once.
type Registry struct {
	mu       sync.Mutex
	families []family
}

type family struct {
	name, help string
	samples    func() map[string]int64 // by the labels as they are written
}

// NewRegistry is a registry without counters.
func NewRegistry() *Registry { return &Registry{} }

// Counter is a number that only grows, or one for each value of a label.
type Counter struct {
	label  string
	mu     sync.Mutex
	counts map[string]int64
}

// Counter adds a counter. An empty label makes it a single number, which is shown from the beginning. Names and labels are
// not checked: they are constants of the caller's.
func (r *Registry) Counter(name, help, label string) *Counter {
	c := &Counter{label: label, counts: map[string]int64{}}
	if label == "" {
		c.counts[""] = 0
	}
	r.add(family{name, help, c.samples})
	return c
}

// Func adds a counter that is kept elsewhere.
func (r *Registry) Func(name, help string, read func() int64) {
	r.add(family{name, help, func() map[string]int64 { return map[string]int64{"": read()} }})
}

func (r *Registry) add(f family) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.families = append(r.families, f)
}

// Add counts n for one value of the label; a counter without a label has none to tell apart. Adding 0 shows the value
// before it has happened, adding less does nothing: counters do not fall.
func (c *Counter) Add(value string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.label == "" {
		value = ""
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	if _, known := c.counts[value]; !known && len(c.counts) >= mostValues {
		value = Other
	}
	c.counts[value] += max(n, 0)
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func (c *Counter) samples() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	written := make(map[string]int64, len(c.counts))
	for value, n := range c.counts {
		labels := ""
		if c.label != "" {
			labels = fmt.Sprintf(`{%s="%s"}`, c.label, labelEscapes.Replace(value))
		}
		written[labels] = n
	}
	return written
}

// WriteTo writes the exposition.
func (r *Registry) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	families := slices.Clone(r.families)
	r.mu.Unlock()
	var text bytes.Buffer
	for _, f := range families {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s counter\n", f.name, helpEscapes.Replace(f.help), f.name)
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
