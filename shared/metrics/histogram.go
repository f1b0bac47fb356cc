package metrics

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Histogram counts durations by how long they were, in seconds, for each set of values of its labels.
type Histogram struct {
	heading

	labels []string
	bounds []time.Duration
	les    []string // the bounds as they are written
	mu     sync.Mutex
	sets   map[string]*set
}

// set is one set of values.
type set struct {
	buckets []int64 // those up to each bound and longer than the one before; the last are the rest
	sum     time.Duration
}

// Bounds for what a person waits for, and for what is built meanwhile. A quantile is exact to a bucket: they are close together
// where it matters, at the second that an answer may take and at the limits of gateways.
func Bounds() []time.Duration {
	return []time.Duration{
		5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
		500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 25 * time.Second,
	}
}

// LongBounds are those for minutes.
func LongBounds() []time.Duration {
	return []time.Duration{
		10 * time.Second, 20 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second, 2 * time.Minute, 3 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour,
	}
}

// Histogram adds a histogram with these bounds, in order. Its name ends in _seconds; names and labels are not checked.
func (r *Registry) Histogram(name, help string, bounds []time.Duration, labels ...string) *Histogram {
	h := &Histogram{heading: heading{name, help, "histogram"}, labels: labels, bounds: bounds, sets: map[string]*set{}}
	for _, b := range bounds {
		h.les = append(h.les, seconds(b))
	}
	return add(r, h)
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

// Observe counts one duration for one set of values, given in the order of the labels.
func (h *Histogram) Observe(d time.Duration, values ...string) {
	d = max(d, 0)
	var own room
	key := written(own[:0], h.labels, values)
	place, _ := slices.BinarySearch(h.bounds, d) // le: a duration that is a bound belongs to it
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sets[string(key)]
	if s == nil && len(h.sets) >= mostSets/len(h.bounds) { // each set is as many lines as there are bounds
		key = others(h.labels)
		s = h.sets[string(key)]
	}
	if s == nil {
		s = &set{buckets: make([]int64, len(h.bounds)+1)}
		h.sets[string(key)] = s
	}
	s.buckets[place]++
	s.sum += d
}

func (h *Histogram) samples() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, labels := range slices.Sorted(maps.Keys(h.sets)) {
		s, sum := h.sets[labels], int64(0)
		open := "{"
		if labels != "" {
			open = strings.TrimSuffix(labels, "}") + ","
		}
		for i, n := range s.buckets {
			sum += n
			le := "+Inf"
			if i < len(h.les) {
				le = h.les[i]
			}
			lines = append(lines, "_bucket"+open+`le="`+le+`"} `+strconv.FormatInt(sum, 10))
		}
		lines = append(lines, "_sum"+labels+" "+seconds(s.sum), "_count"+labels+" "+strconv.FormatInt(sum, 10))
	}
	return lines
}
