package metrics_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/metrics"
)

func written(t *testing.T, r *metrics.Registry) string {
	t.Helper()
	var text strings.Builder
	n, err := r.WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Errorf("%d bytes of %d, %v", n, text.Len(), err)
	}
	return text.String()
}

func TestR14Exposition(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	if got := written(t, r); got != "" {
		t.Errorf("empty: %q", got)
	}
	launches := r.Counter("b_total", "Launches, by C:\\code\nof all.", "code")
	single := r.Counter("a_total", "One number.")
	r.Counter("c_total", "Nothing yet.", "code")
	r.Func("d_total", "Kept elsewhere.", func() int64 { return 7 })
	launches.Add(2, "z")
	launches.Add(1, "a\"b\\c\nd")
	launches.Add(0, "seen")
	launches.Add(1, "z")
	launches.Add(-5, "z")
	launches.Add(1, "\xff")
	launches.Add(1, "\xfe")
	single.Add(3, "ignored")
	want := `# HELP b_total Launches, by C:\\code\nof all.
# TYPE b_total counter
b_total{code="a\"b\\c\nd"} 1
b_total{code="seen"} 0
b_total{code="z"} 3
b_total{code="` + "\uFFFD" + `"} 2
# HELP a_total One number.
# TYPE a_total counter
a_total 3
# HELP c_total Nothing yet.
# TYPE c_total counter
# HELP d_total Kept elsewhere.
# TYPE d_total counter
d_total 7
`
	for range 3 {
		if got := written(t, r); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestR14SingleNumberBeginsAtZero(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	r.Counter("a_total", "One number.")
	if got := written(t, r); !strings.HasSuffix(got, "\na_total 0\n") {
		t.Errorf("got %s", got)
	}
}

func TestR14GaugesAndPairs(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	pairs := r.Counter("a_total", "Pairs.", "direction", "code")
	pairs.Add(1, "out", "scaled")
	pairs.Add(2, "in", "at_min")
	pairs.Add(1, "in")
	size := r.Gauge("b", "Sizes.", "cluster")
	size.Set(3, "academy")
	size.Set(2, "academy")
	empty := r.Gauge("c", "One.")
	empty.Set(-1)
	want := `# HELP a_total Pairs.
# TYPE a_total counter
a_total{direction="in",code=""} 1
a_total{direction="in",code="at_min"} 2
a_total{direction="out",code="scaled"} 1
# HELP b Sizes.
# TYPE b gauge
b{cluster="academy"} 2
# HELP c One.
# TYPE c gauge
c -1
`
	if got := written(t, r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestR14ValuesAreBounded(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	c := r.Counter("a_total", "Many.", "value")
	for i := range 3000 {
		c.Add(1, fmt.Sprintf("v%04d", i))
	}
	c.Add(1, "v0000")
	got := written(t, r)
	if lines := strings.Count(got, "a_total{"); lines != 1001 {
		t.Errorf("%d values", lines)
	}
	for _, line := range []string{`a_total{value="v0000"} 2`, `a_total{value="v0999"} 1`, `a_total{value="other"} 2000`} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("missing %s", line)
		}
	}
}

func TestR14AtOnce(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	c := r.Counter("a_total", "Many.", "value")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 100 {
				c.Add(1, strconv.Itoa(i%4))
			}
			r.Func(fmt.Sprintf("f%d_total", i), "Another.", func() int64 { return 1 })
			written(t, r)
		})
	}
	wg.Wait()
	for i := range 4 {
		if line := fmt.Sprintf("a_total{value=\"%d\"} 400\n", i); !strings.Contains(written(t, r), line) {
			t.Errorf("missing %s", line)
		}
	}
}

// A histogram's buckets hold all that is as long or shorter, and the last of them everything.
func TestR14Histogram(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	h := r.Histogram("a_seconds", "Durations.", []time.Duration{100 * time.Millisecond, time.Second}, "f")
	for _, d := range []time.Duration{-time.Second, 100 * time.Millisecond, 101 * time.Millisecond, time.Second, time.Minute} {
		h.Observe(d, "x")
	}
	h.Observe(time.Millisecond, "w")
	r.Histogram("b_seconds", "Without labels.", []time.Duration{time.Second}).Observe(time.Second)
	r.Histogram("c_seconds", "Nothing yet.", metrics.Bounds())
	want := `# HELP a_seconds Durations.
# TYPE a_seconds histogram
a_seconds_bucket{f="w",le="0.1"} 1
a_seconds_bucket{f="w",le="1"} 1
a_seconds_bucket{f="w",le="+Inf"} 1
a_seconds_sum{f="w"} 0.001
a_seconds_count{f="w"} 1
a_seconds_bucket{f="x",le="0.1"} 2
a_seconds_bucket{f="x",le="1"} 4
a_seconds_bucket{f="x",le="+Inf"} 5
a_seconds_sum{f="x"} 61.201
a_seconds_count{f="x"} 5
# HELP b_seconds Without labels.
# TYPE b_seconds histogram
b_seconds_bucket{le="1"} 1
b_seconds_bucket{le="+Inf"} 1
b_seconds_sum 1
b_seconds_count 1
# HELP c_seconds Nothing yet.
# TYPE c_seconds histogram
`
	if got := written(t, r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for i := range 500 {
		h.Observe(time.Second, strconv.Itoa(i))
	}
	got := written(t, r)
	if n := strings.Count(got, "a_seconds_count{"); n > 501 || !strings.Contains(got, `a_seconds_count{f="other"}`) {
		t.Errorf("%d sets", n)
	}
	for _, bounds := range [][]time.Duration{metrics.Bounds(), metrics.LongBounds()} {
		if !slices.IsSorted(bounds) {
			t.Errorf("bounds %v", bounds)
		}
	}
}

// Whoever asks for a metric again goes on with it, and several registries are one page.
func TestR14OnceAndTogether(t *testing.T) {
	t.Parallel()
	a, b := metrics.NewRegistry(), metrics.NewRegistry()
	for range 2 {
		a.Counter("n_total", "Things.", "f").Add(1, "a")
		a.Func("f_total", "Outside.", func() int64 { return 1 })
	}
	a.Func("f_total", "Outside.", func() int64 { return 7 })
	a.Gauge("only", "Here.").Add(2)
	a.Gauge("only", "Here.").Add(-3)
	b.Counter("n_total", "Things.", "f").Add(5, "b")
	g := b.Gauge("g", "States.", "s")
	g.Set(1, "old")
	g.Replace([]metrics.Number{{Values: []string{"new"}, N: 2}})
	var text strings.Builder
	if _, err := metrics.Write(&text, a, b); err != nil {
		t.Fatal(err)
	}
	want := `# HELP n_total Things.
# TYPE n_total counter
n_total{f="a"} 2
n_total{f="b"} 5
# HELP f_total Outside.
# TYPE f_total counter
f_total 7
# HELP only Here.
# TYPE only gauge
only -1
# HELP g States.
# TYPE g gauge
g{s="new"} 2
`
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a counter was taken for a gauge")
		}
	}()
	a.Gauge("n_total", "Things.", "f")
}

type closed struct{}

var errClosed = errors.New("closed")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestR14FailingWriterIsSaid(t *testing.T) {
	t.Parallel()
	r := metrics.NewRegistry()
	r.Counter("a_total", "One.")
	if _, err := r.WriteTo(closed{}); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkCount is what a call to OpenStack leaves behind.
func BenchmarkCount(b *testing.B) {
	r := metrics.NewRegistry()
	calls := r.Counter("calls_total", "", "function", "service", "method", "route", "status")
	times := r.Histogram("call_seconds", "", metrics.Bounds(), "function", "service", "method")
	b.ReportAllocs()
	for b.Loop() {
		calls.Add(1, "view-lab", "heat", "GET", "/stacks/{}/{}", "200")
		times.Observe(20*time.Millisecond, "view-lab", "heat", "GET")
	}
}
