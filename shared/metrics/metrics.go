// Package metrics counts and measures, and shows its numbers to Prometheus in the text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): a HELP and a TYPE line for each metric, then a line for
// each set of its labels' values, always in the same order. Read takes one metric out of somebody else's. It is all we need of
// a client library.
//
// A metric is made once: who asks a registry for a name again gets the same one, so that a function that is built anew on a
// changed configuration goes on counting. Write shows several registries as one.
//
// Numbers belong to their process and begin with it.
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
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

// family is one metric.
type family interface {
	// about are its name, its help and its type.
	about() (name, help, kind string)
	// samples are its lines without the name: what follows it, {a="x"} 1, in order.
	samples() []string
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
	return add(r, &Counter{newTable(heading{name, help, "counter"}, labels)})
}

// Gauge adds a gauge. Names and labels are not checked.
func (r *Registry) Gauge(name, help string, labels ...string) *Gauge {
	return add(r, &Gauge{newTable(heading{name, help, "gauge"}, labels)})
}

// Func adds a counter that is kept elsewhere. Of two with one name the later one is read.
func (r *Registry) Func(name, help string, read func() int64) {
	add(r, &outside{heading: heading{name, help, "counter"}}).read.Store(&read)
}

// add gives the metric that has f's name already, or adds f. A name that stands for two types of metrics is a slip that no
// caller could put right.
func add[F family](r *Registry, f F) F {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, _, _ := f.about()
	for _, known := range r.families {
		if same, _, _ := known.about(); same == name {
			known, ok := known.(F)
			if !ok {
				panic("metrics: " + name + " is two types of metrics")
			}
			return known
		}
	}
	r.families = append(r.families, f)
	return f
}

// heading is what stands above a metric's lines.
type heading struct{ name, help, kind string }

func (h heading) about() (name, help, kind string) { return h.name, h.help, h.kind }

type outside struct {
	heading

	read atomic.Pointer[func() int64]
}

func (o *outside) samples() []string {
	read := o.read.Load()
	if read == nil { // it was added this moment
		return nil
	}
	return []string{" " + strconv.FormatInt((*read)(), 10)}
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

// Add adds to the number of one set of values; n may be less than 0.
func (g *Gauge) Add(n int64, values ...string) {
	g.change(values, func(was int64) int64 { return was + n })
}

// Number is one set of values and what is known of it.
type Number struct {
	Values []string
	N      int64
}

// Replace sets all numbers at once; sets of values that are not among them are shown no more.
func (g *Gauge) Replace(numbers []Number) {
	g.mu.Lock()
	clear(g.counts)
	g.mu.Unlock()
	for _, n := range numbers {
		g.Set(n.N, n.Values...)
	}
}

// table holds a metric's numbers by the labels as they are written.
type table struct {
	heading

	labels []string
	mu     *sync.Mutex
	counts map[string]*int64
}

func newTable(h heading, labels []string) table {
	t := table{heading: h, labels: labels, mu: &sync.Mutex{}, counts: map[string]*int64{}}
	if len(labels) == 0 {
		t.counts[""] = new(int64)
	}
	return t
}

func (t *table) change(values []string, next func(was int64) int64) {
	var own room
	key := written(own[:0], t.labels, values)
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.counts[string(key)]
	if n == nil && len(t.counts) >= mostSets {
		key = others(t.labels)
		n = t.counts[string(key)]
	}
	if n == nil {
		n = new(int64)
		t.counts[string(key)] = n
	}
	*n = next(*n)
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// room is enough for most labels, so that nothing has to be made to look them up.
type room [160]byte

// written appends the labels with their values, as in {a="x",b="y"}; a value that is missing is empty.
func written(text []byte, labels, values []string) []byte {
	if len(labels) == 0 {
		return text
	}
	text = append(text, '{')
	for i, label := range labels {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, label...), '=', '"')
		if i < len(values) {
			text = appendEscaped(text, values[i])
		}
		text = append(text, '"')
	}
	return append(text, '}')
}

// appendEscaped looks first: almost no value has anything to escape.
func appendEscaped(text []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c == '"' || c == '\\' || c == '\n' || c >= utf8.RuneSelf {
			return append(text, labelEscapes.Replace(strings.ToValidUTF8(value, "\uFFFD"))...)
		}
	}
	return append(text, value...)
}

// others is the set that stands for all after the first thousand.
func others(labels []string) []byte {
	return written(nil, labels, slices.Repeat([]string{Other}, len(labels)))
}

func (t *table) samples() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := make([]string, 0, len(t.counts))
	for _, labels := range slices.Sorted(maps.Keys(t.counts)) {
		lines = append(lines, labels+" "+strconv.FormatInt(*t.counts[labels], 10))
	}
	return lines
}

// WriteTo writes the exposition.
func (r *Registry) WriteTo(w io.Writer) (int64, error) { return Write(w, r) }

// Write writes the exposition of all the registries. Metrics of the same name stand together, as the format wants it; their
// labels have to differ.
func Write(w io.Writer, registries ...*Registry) (int64, error) {
	var names []string
	byName := map[string][]family{}
	for _, r := range registries {
		r.mu.Lock()
		for _, f := range r.families {
			name, _, _ := f.about()
			if byName[name] == nil {
				names = append(names, name)
			}
			byName[name] = append(byName[name], f)
		}
		r.mu.Unlock()
	}
	var text bytes.Buffer
	for _, name := range names {
		_, help, kind := byName[name][0].about()
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", name, helpEscapes.Replace(help), name, kind)
		for _, f := range byName[name] {
			for _, sample := range f.samples() {
				text.WriteString(name + sample + "\n")
			}
		}
	}
	n, err := text.WriteTo(w)
	if err != nil {
		return n, fmt.Errorf("write metrics: %w", err)
	}
	return n, nil
}
