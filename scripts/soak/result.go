package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/stackhook/stackhook/scripts/load/stand"
	"github.com/stackhook/stackhook/scripts/load/traffic"
)

// result is what a soak came to.
type result struct {
	Load      traffic.Report  `json:"load"`
	Account   traffic.Account `json:"account"`
	Open      int             `json:"open_pages"` // neither ready nor failed in the end
	Processes []growth        `json:"processes"`
}

// growth is one process early and late.
type growth struct {
	Process         string      `json:"process"`
	Early           stand.Usage `json:"early"`
	Late            stand.Usage `json:"late"`
	EarlyGoroutines int         `json:"early_goroutines"` // of its twin, which is as old
	LateGoroutines  int         `json:"late_goroutines"`
}

// What a process may grow by and still be called flat: Go gives memory back late, and the number of connections at rest is that
// of the last moment's requests.
const (
	moreRSS        = 6 << 10 // KiB
	moreFiles      = 24
	moreThreads    = 8
	moreGoroutines = 48 // two for each connection
)

// grew names what grew, if anything.
func (g growth) grew() []string {
	var list []string
	for _, m := range []struct {
		what        string
		early, late int
		more        int
	}{
		{"memory (KiB)", g.Early.RSS, g.Late.RSS, moreRSS},
		{"open files", g.Early.Files, g.Late.Files, moreFiles},
		{"threads", g.Early.Threads, g.Late.Threads, moreThreads},
		{"goroutines", g.EarlyGoroutines, g.LateGoroutines, moreGoroutines},
	} {
		if m.late > m.early+m.more {
			list = append(list, fmt.Sprintf("%s: %s from %d to %d", g.Process, m.what, m.early, m.late))
		}
	}
	return list
}

// verdict is an error if anything grew, or was wrong, or was lost.
func (r result) verdict() error {
	var faults []string
	for _, g := range r.Processes {
		faults = append(faults, g.grew()...)
	}
	all := r.Load.All()
	for what, n := range map[string]int{
		"wrong answers": all.Wrong, "stacks lost": r.Account.Lost, "stacks doubled": r.Account.Doubled, "pages untrue": r.Account.Untrue, "pages without an end": r.Open,
	} {
		if n > 0 {
			faults = append(faults, fmt.Sprintf("%s: %d", what, n))
		}
	}
	if all.Requests == 0 {
		faults = append(faults, "nothing was sent")
	}
	if len(faults) > 0 {
		return fmt.Errorf("not flat, or not right: %s", strings.Join(faults, "; "))
	}
	return nil
}

func (r result) table(w io.Writer) {
	r.Load.Table(w)
	_, _ = fmt.Fprintf(w, "%s; %d pages open\n\n", r.Account, r.Open)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "after 1/6 and at the end\tMiB\t\tthreads\t\tfiles\t\tgoroutines\t\t")
	for _, g := range r.Processes {
		_, _ = fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%d\t%d\t%d\t%d\t%d\t%d\t\n", g.Process, float64(g.Early.RSS)/1024, float64(g.Late.RSS)/1024,
			g.Early.Threads, g.Late.Threads, g.Early.Files, g.Late.Files, g.EarlyGoroutines, g.LateGoroutines)
	}
	_ = t.Flush()
}
