package tender

import (
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Report is what a pass did.
type Report struct {
	DryRun bool      `json:"dry_run"`
	At     time.Time `json:"at"`
	TookMS int64     `json:"took_ms"`
	Calls  int       `json:"calls"` // to OpenStack
	// Stacks are those of ours that were listed, Labs those of learners among them, Ready the ready-made ones that wait.
	Stacks int `json:"stacks"`
	Labs   int `json:"labs"`
	Ready  int `json:"ready"`
	// Counts are the changes that were sent, by kind; in a dry run those that would be.
	Counts map[string]int `json:"counts"`
	Failed int            `json:"failed"`
	// Left is what is due and was not come to; the next pass goes on with it. Resting is what failed a short time ago.
	Left    int `json:"left"`
	Resting int `json:"resting"`
	// Changes are the first of them, and Truncated says that there are more.
	Changes   []Change      `json:"changes"`
	Truncated bool          `json:"truncated,omitempty"`
	Findings  []lab.Finding `json:"findings,omitempty"`
	Clouds    []CloudReport `json:"clouds"`
	// States are how many labs are in each state, by the list alone, and by the lab's key; Waiting are the grades that are kept
	// for their course sites. Both are for metrics.
	States  map[Kept]int `json:"-"`
	Waiting Waiting      `json:"-"`
}

// Kept is a lab by its key, in a state.
type Kept struct {
	Lab   string
	State lab.State
}

// Waiting are the grades in outboxes.
type Waiting struct {
	Grades, GivenUp int
	Oldest          time.Time // zero if none waits
}

// Whole says that all clouds were seen to the end of their lists.
func (r Report) Whole() bool {
	return !slices.ContainsFunc(r.Clouds, func(c CloudReport) bool { return c.Error != "" || c.Cut })
}

// CloudReport is what a pass saw of one cloud. With Error set it saw nothing or not all of it, and left the rest alone.
type CloudReport struct {
	Name   string         `json:"name"`
	Stacks int            `json:"stacks"`
	Error  openstack.Code `json:"error,omitempty"`
	// Cut says that the list took too long: what comes after its first Stacks, the newest, is left to a pass with more time.
	Cut bool `json:"cut,omitempty"`
}

// Change is one change that was sent, or would be.
type Change struct {
	Cloud string `json:"cloud"`
	Name  string `json:"name"`
	ID    string `json:"id,omitempty"`
	Lab   string `json:"lab,omitempty"`
	Owner string `json:"owner,omitempty"` // the code that course staff know the learner by
	Do    string `json:"do"`
	Why   string `json:"why"`
	// Result is done, would_do or failed; Error is the code of a failure.
	Result string         `json:"result"`
	Error  openstack.Code `json:"error,omitempty"`
}

// The results of a change.
const (
	resultDone   = "done"
	resultWould  = "would_do"
	resultFailed = "failed"
)

// What a pass does besides what package lab decides.
const (
	doReady   = "build_ready"
	doClaim   = "delete_claim"
	doDeliver = "deliver_grade"
	doOutbox  = "deliver_kept_grade"
	doExamine = "run_checks"
	doRead    = "read"
)

const mostChanges = 500

// tally gathers a report from several goroutines.
type tally struct {
	mu sync.Mutex
	Report
}

func newTally(dryRun bool, at time.Time, sites []Site) *tally {
	t := &tally{Report: Report{DryRun: dryRun, At: at.UTC(), Counts: map[string]int{}, States: map[Kept]int{}, Changes: []Change{}, Clouds: make([]CloudReport, len(sites))}}
	for i, site := range sites {
		t.Clouds[i].Name = site.Name
	}
	return t
}

// change enters a change with its outcome.
func (t *tally) change(h lab.Held, do, why string, err error) {
	c := Change{
		Cloud: h.Cloud, Name: h.Name, ID: h.ID, Lab: lab.Tagged(h.Tags, lab.TagLab), Do: do, Why: why, Result: resultDone,
		Owner: lab.Owner{Learner: lab.Tagged(h.Tags, "learner=")}.Code(),
	}
	switch {
	case err != nil:
		c.Result, c.Error = resultFailed, openstack.CodeOf(err)
	case t.DryRun:
		c.Result = resultWould
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.Failed++
	} else {
		t.Counts[do]++
	}
	if len(t.Changes) < mostChanges {
		t.Changes = append(t.Changes, c)
	} else {
		t.Truncated = true
	}
}

// seen counts one listed stack of ours.
func (t *tally) seen(site int, learners, ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Stacks++
	t.Clouds[site].Stacks++
	if learners {
		t.Labs++
	}
	if ready {
		t.Ready++
	}
}

// state counts a learner's lab.
func (t *tally) state(key string, state lab.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.States[Kept{key, state}]++
}

// grade counts an outbox. One whose grade has arrived is a note of it, and has its end in a tag.
func (t *tally) grade(h lab.Held) {
	if lab.Tagged(h.Tags, "until=") != "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if lab.Tagged(h.Tags, "parked=") != "" {
		t.Waiting.GivenUp++
		return
	}
	t.Waiting.Grades++
	if t.Waiting.Oldest.IsZero() || h.Stack.Created.Before(t.Waiting.Oldest) {
		t.Waiting.Oldest = h.Stack.Created
	}
}

// missed enters that a cloud was not seen as a whole.
func (t *tally) missed(site int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Clouds[site].Error = openstack.CodeOf(err)
}

// cut enters that there was no time to read a cloud's list to its end.
func (t *tally) cut(site int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Clouds[site].Cut = true
}

func (t *tally) left(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Left += n
}

func (t *tally) resting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Resting++
}
