package tender

import (
	"context"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Query picks labs of the fleet. What is empty picks all.
type Query struct {
	Cloud, Lab string
	State      lab.State
	// After is the Next of the page before.
	After string
	Limit int
}

// Fleet is one page of all labs, oldest first within each cloud in the clouds' order, with totals over all pages.
type Fleet struct {
	At   time.Time `json:"at"`
	Labs []Row     `json:"labs"`
	// Next asks for the next page; empty after the last.
	Next   string        `json:"next,omitempty"`
	Totals Totals        `json:"totals"`
	Clouds []CloudReport `json:"clouds"`
}

// Row is one lab as operators see it. Owner is the code that course staff know the learner by; nobody has a name here.
type Row struct {
	Ref        string     `json:"ref"` // names it in a request
	Cloud      string     `json:"cloud"`
	Name       string     `json:"name"`
	Lab        string     `json:"lab"`
	Owner      string     `json:"owner,omitempty"`
	State      lab.State  `json:"state"`
	Reason     lab.Reason `json:"reason,omitempty"`
	Created    time.Time  `json:"created"`
	AgeSeconds int64      `json:"age_seconds"`
	Until      *time.Time `json:"until,omitempty"`
	Generation int        `json:"generation"`
	ReadyMade  bool       `json:"ready_made"` // waits for an owner
	// HoursAtMost is since its creation, and with what its owner had before: a lab that slept was up for less.
	HoursAtMost float64 `json:"hours_at_most"`
}

// Totals are over all labs that the query picks.
type Totals struct {
	Labs        int            `json:"labs"`
	ReadyMade   int            `json:"ready_made"`
	States      map[string]int `json:"states"`
	ByLab       map[string]int `json:"by_lab"`
	HoursAtMost float64        `json:"hours_at_most"`
}

const (
	// usualRows and mostRows are how many rows a page has.
	usualRows = 200
	mostRows  = 1000
)

// Fleet lists labs and changes nothing: one call a cloud for each 200 stacks. A cloud that does not answer is named as such,
// and what it has is not counted.
func (t *Tender) Fleet(ctx context.Context, q Query) Fleet {
	if q.Limit <= 0 {
		q.Limit = usualRows
	}
	q.Limit = min(q.Limit, mostRows)
	f := Fleet{At: t.Now().UTC(), Labs: []Row{}, Totals: Totals{States: map[string]int{}, ByLab: map[string]int{}}}
	r := roll{Tender: t, query: q, fleet: &f, open: q.After == "", notes: map[string]time.Time{}}
	for i, site := range t.Sites {
		report := CloudReport{Name: site.Name}
		for s, err := range site.Cloud.StacksWhere(ctx, openstack.StackFilter{Tags: []string{lab.Tag}}) {
			if err != nil {
				report.Error = openstack.CodeOf(err)
				break
			}
			if r.call(t.heldOf(i, s)) {
				report.Stacks++
			}
		}
		f.Clouds = append(f.Clouds, report)
	}
	r.extend()
	return f
}

// roll is a list of the fleet under way.
type roll struct {
	*Tender

	query Query
	fleet *Fleet
	open  bool                 // the page's place has come
	notes map[string]time.Time // ends that were noted while labs slept, by stack id
}

// call takes in one stack; false if it is no lab that was asked for.
func (r *roll) call(h lab.Held) bool {
	if h.Kind() == lab.NoteLease {
		if until := lab.LeaseOf(h.Tags).Until; until.After(r.notes[lab.Tagged(h.Tags, lab.TagOf)]) {
			r.notes[lab.Tagged(h.Tags, lab.TagOf)] = until
		}
	}
	if h.Kind() != "" || !ours(h) {
		return false
	}
	row := r.row(h)
	wanted := (r.query.Cloud == "" || r.query.Cloud == row.Cloud) && (r.query.Lab == "" || r.query.Lab == row.Lab) &&
		(r.query.State == "" || r.query.State == row.State)
	if wanted {
		r.fleet.Totals.add(row)
		switch {
		case !r.open:
		case len(r.fleet.Labs) < r.query.Limit:
			r.fleet.Labs = append(r.fleet.Labs, row)
		case r.fleet.Next == "":
			r.fleet.Next = r.fleet.Labs[len(r.fleet.Labs)-1].Ref
		}
	}
	r.open = r.open || row.Ref == r.query.After
	return wanted
}

func (t *Totals) add(row Row) {
	t.Labs++
	if row.ReadyMade {
		t.ReadyMade++
	}
	t.States[string(row.State)]++
	t.ByLab[row.Lab]++
	t.HoursAtMost += row.HoursAtMost
}

func (r *roll) row(h lab.Held) Row {
	now, key := r.fleet.At, lab.Tagged(h.Tags, lab.TagLab)
	status := lab.Overview(h.Stack, r.entry(key), now)
	age := max(0, now.Sub(h.Stack.Created))
	row := Row{
		Ref: h.Cloud + ":" + h.Name + ":" + h.ID, Cloud: h.Cloud, Name: h.Name, Lab: key, State: status.State, Reason: status.Reason,
		Owner: lab.OwnerIn(h.Tags).Code(), Created: h.Stack.Created.UTC(), AgeSeconds: int64(age / time.Second), Generation: h.Gen(),
		ReadyMade: lab.BaseOf(h.Tags) == "" && lab.Tagged(h.Tags, lab.TagWarm) != "", HoursAtMost: age.Hours(),
	}
	if !status.ExpiresAt.IsZero() {
		row.Until = &status.ExpiresAt
	}
	return row
}

// extend moves the ends of labs that were extended while they slept: the notes of it come after the labs.
func (r *roll) extend() {
	for i := range r.fleet.Labs {
		row := &r.fleet.Labs[i]
		_, _, id := splitRef(row.Ref)
		if until, noted := r.notes[id]; noted && (row.Until == nil || until.After(*row.Until)) {
			row.Until = &until
		}
	}
}

// splitRef takes a reference apart: cloud:name:id.
func splitRef(ref string) (cloud, name, id string) {
	rest, id := cutLast(ref)
	cloud, name = cutLast(rest)
	return cloud, name, id
}

func cutLast(s string) (before, after string) {
	i := max(0, strings.LastIndexByte(s, ':'))
	return s[:i], strings.TrimPrefix(s[i:], ":")
}
