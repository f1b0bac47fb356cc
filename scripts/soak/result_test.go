package main

import (
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/load/stand"
	"github.com/stackhook/stackhook/scripts/load/traffic"
)

func flat() result {
	return result{
		Load:      traffic.Report{Rows: []traffic.Row{{Act: "all", Requests: 10, Right: 10}}},
		Processes: []growth{{Process: "p", Early: stand.Usage{RSS: 20 << 10, Threads: 8, Files: 12}, Late: stand.Usage{RSS: 21 << 10, Threads: 9, Files: 14}, EarlyGoroutines: 20, LateGoroutines: 25}},
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*result){
		"":                                    func(*result) {},
		"p: memory (KiB) from 20480 to 30720": func(r *result) { r.Processes[0].Late.RSS = 30 << 10 },
		"p: open files from 12 to 112":        func(r *result) { r.Processes[0].Late.Files = 112 },
		"p: threads from 8 to 80":             func(r *result) { r.Processes[0].Late.Threads = 80 },
		"p: goroutines from 20 to 200":        func(r *result) { r.Processes[0].LateGoroutines = 200 },
		"wrong answers: 1":                    func(r *result) { r.Load.Rows[0].Wrong = 1 },
		"stacks lost: 2":                      func(r *result) { r.Account.Lost = 2 },
		"stacks doubled: 3":                   func(r *result) { r.Account.Doubled = 3 },
		"pages untrue: 4":                     func(r *result) { r.Account.Untrue = 4 },
		"pages without an end: 5":             func(r *result) { r.Open = 5 },
		"nothing was sent":                    func(r *result) { r.Load.Rows[0].Requests = 0 },
	} {
		r := flat()
		spoil(&r)
		err := r.verdict()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
		var text strings.Builder
		r.table(&text)
		if !strings.Contains(text.String(), "goroutines") {
			t.Error("no table")
		}
	}
}
