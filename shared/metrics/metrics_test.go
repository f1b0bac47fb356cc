package metrics_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

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
