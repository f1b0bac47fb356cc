package tender_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

// tireless is a catalogue whose labs never sleep: what is due of them is due by the list alone.
func tireless() shelves {
	s := catalogue()
	e := s["web"]
	e.IdleTimeout = 0
	s["web"] = e
	return s
}

// class fills the first cloud with labs, and some of them are due: ended ones, and doubles.
func class(tb testing.TB, f *field, labs, ended, doubled int) {
	tb.Helper()
	var makers sync.WaitGroup
	next := make(chan int)
	for range 8 {
		makers.Go(func() {
			for i := range next {
				o := owner("web", strconv.Itoa(i))
				until := f.now().Add(30 * time.Hour)
				if i < ended {
					until = f.now().Add(time.Hour)
				}
				name := o.Stack
				if i >= labs-doubled {
					o = owner("web", strconv.Itoa(i-doubled))
				}
				_, err := f.clients[0].CreateStack(context.Background(), openstack.NewStack{Name: name, Template: tiny, Tags: lab.Lease{Until: until}.Retag(o.Tags())})
				if err != nil {
					tb.Error(err)
				}
			}
		})
	}
	for i := range labs {
		next <- i
	}
	close(next)
	makers.Wait()
	f.advance(10 * time.Second)
}

// live is how much of the heap is in use.
func live() uint64 {
	var m runtime.MemStats
	for range 2 { // pools let go of what they hold at the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A class of 10,000 labs: one page for each 200, and for each change one list and one delete; some bytes of memory a lab.
func TestClassOfTenThousand(t *testing.T) { //nolint:paralleltest // it looks at the heap of the whole process
	const ended, doubled = 25, 10
	var during uint64
	peek := &meddling{after: func() { during = live() }}
	f := open(t, 1, func(p *tender.Parts) {
		peek.Cloud = p.Sites[0].Cloud
		p.Sites[0].Cloud = peek
		p.Catalogue = tireless()
	})
	class(t, f, manyLabs, ended, doubled)
	f.advance(90*time.Minute + unnoted)
	f.fakes[0].ResetCalls() // they take room, too
	before := live()
	began := time.Now()
	report, calls := f.pass(t)
	took := time.Since(began)
	wantCounts := map[string]int{"delete": ended, "delete_spare": doubled}
	if fmt.Sprint(report.Counts) != fmt.Sprint(wantCounts) || report.Labs != manyLabs || report.Failed+report.Left != 0 {
		t.Errorf("%+v", report)
	}
	pages := manyLabs/200 + 1 // and one list of those who have several
	if len(calls) < pages || len(calls) > pages+1+2*(ended+doubled) || len(writes(calls)) != ended+doubled {
		t.Errorf("%d calls, %d of them writes", len(calls), len(writes(calls)))
	}
	grown := int64(during) - int64(before)
	if most := int64(manyLabs)*mostBytes + 1<<20; grown > most {
		t.Errorf("the heap grew by %d bytes while %d labs were listed, more than %d", grown, manyLabs, most)
	}
	t.Logf("%d labs: %s, %d calls, heap +%d KiB (%d bytes a lab)", manyLabs, took.Round(time.Millisecond), len(calls), grown>>10, grown/manyLabs)
	f.settle()
	if _, calls = f.pass(t); len(writes(calls)) > 0 || slices.ContainsFunc(calls, func(c string) bool { return strings.Contains(c, "{}") }) {
		t.Errorf("the second pass: %d calls", len(calls))
	}
}

// mostBytes is what a lab may cost in memory: its place in the census, and in the list's own record of what it has shown.
const mostBytes = 250

func BenchmarkPassOfTenThousand(b *testing.B) {
	f := open(b, 1, func(p *tender.Parts) { p.Catalogue = tireless() })
	class(b, f, 10_000, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		report, calls := f.pass(b)
		if report.Labs != 10_000 || len(calls) > 51 {
			b.Fatalf("%d labs, %d calls", report.Labs, len(calls))
		}
	}
}
