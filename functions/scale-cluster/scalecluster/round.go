package scalecluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Bounds of a round, the pass over all clusters.
const (
	// roundWorkers is how many clusters have their pass at once.
	roundWorkers = 8
	// roundPass bounds one cluster's pass, so that one that hangs costs a worker and not the round.
	roundPass = 10 * time.Second
	// roundLast is before the end of the request: no pass is begun any more, so that those under way may end.
	roundLast = 5 * time.Second
	// roundAnswer is before the end: the report is written.
	roundAnswer = time.Second
	// roundRows bounds the report; an answer has at most 1 MB.
	roundRows = 2000
)

// The codes of a round's own.
const (
	notReached cluster.Code = "not_reached"
	failed     cluster.Code = "internal"
)

// round is the report of POST /reconcile.
type round struct {
	At     time.Time `json:"at"`
	DryRun bool      `json:"dry_run,omitempty"`
	Calls  int       `json:"calls"` // to OpenStack
	// Clusters is how many there are, Left how many of them were not reached: the next round begins with them.
	Clusters int                  `json:"clusters"`
	Left     int                  `json:"left"`
	Counts   map[cluster.Code]int `json:"counts"`
	// Error is the code of a list that could not be read: then only the configuration's clusters had their pass.
	Error string `json:"error,omitempty"`
	// Passes are those of all clusters, the steady ones last; Truncated says that there are more.
	Passes    []passRow `json:"passes"`
	Truncated bool      `json:"truncated,omitempty"`
	Reference string    `json:"reference"`
}

// passRow is what the round came to for one cluster.
type passRow struct {
	Cluster    string       `json:"cluster"`
	Code       cluster.Code `json:"code"`
	Reason     string       `json:"reason"`
	Applied    bool         `json:"applied"`
	From       int          `json:"from"`
	To         int          `json:"to"`
	Victims    []string     `json:"victims,omitempty"`
	RetryAfter int          `json:"retry_after,omitempty"`
}

// round answers POST /reconcile: one list, and a pass for every cluster of the configuration and every stack of ours that
// can be scaled. Only a token of the configuration may ask for it: it is done with our own rights.
func (s *scaler) round(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		wrongMethod(w, r, http.MethodPost, "Only POST does what is due; send the request as POST and without redirects.")
		return
	}
	who, ok := s.identify(r, "", nil)
	if !ok {
		unauthorized(w, r)
		return
	}
	if who.Kind != caller.API {
		function.Fail(w, r, &function.Error{
			Code: "forbidden", Status: http.StatusForbidden, Public: "Only an API token may reconcile all clusters. Post to /{cluster}/reconcile for one.",
		})
		return
	}
	o, err := optionsOf(r, timerSignal())
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	report, err := s.rounds(r.Context(), who, o)
	if err != nil {
		function.Fail(w, r, explain(err, who))
		return
	}
	status := http.StatusOK
	if slices.ContainsFunc(report.Passes, func(p passRow) bool { return p.Applied }) {
		status = http.StatusAccepted
	}
	logging.Note(r.Context(), "decision", fmt.Sprint(report.Counts))
	if !o.dryRun {
		s.counts.last.Set(s.now().Unix())
	}
	function.JSON(w, r, status, report)
}

// rounds makes a round. An error is that of the list, where nothing else could be done either.
func (s *scaler) rounds(ctx context.Context, who caller.Caller, o options) (round, error) {
	out := round{At: s.now().UTC(), DryRun: o.dryRun, Counts: map[cluster.Code]int{}, Reference: logging.RequestID(ctx)}
	// A round counts its own calls: thousands of names in the request's line would tell nobody anything.
	ctx = logging.Apart(ctx)
	answer, begin, cancel := phases(ctx)
	defer cancel()
	targets, listErr := s.everyone(begin)
	if listErr != nil {
		logging.From(ctx).Error().Err(listErr).Msg("clusters could not be listed")
		out.Error = string(openstack.CodeOf(listErr))
		if len(targets) == 0 {
			return out, listErr
		}
	}
	rows := make([]passRow, len(targets)) // without a code: not reached
	for i, t := range targets {
		rows[i].Cluster = t.name
	}
	inTurn(begin, len(targets), func(i int) { rows[i] = s.pass(answer, who, targets[i], o) })
	rows = slices.DeleteFunc(rows, func(p passRow) bool { return p.Code == notCluster })
	s.roundsAt.leave(rows)
	out.fill(rows)
	out.Calls = len(logging.Calls(ctx))
	return out, nil
}

// phases are contexts within ctx: nothing is begun once begin has ended, and nothing waited for once answer has.
func phases(ctx context.Context) (answer, begin context.Context, cancel func()) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, ctx, func() {}
	}
	answer, first := context.WithDeadline(ctx, deadline.Add(-roundAnswer))
	begin, second := context.WithDeadline(answer, deadline.Add(-roundLast))
	return answer, begin, func() { second(); first() }
}

// inTurn has some workers do the items in turn, until ctx ends.
func inTurn(ctx context.Context, items int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(roundWorkers, items) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := 0; i < items && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
}

// pass is one cluster's, as POST /{cluster}/reconcile has it. Whatever befalls it stays its own.
func (s *scaler) pass(ctx context.Context, who caller.Caller, t candidate, o options) (row passRow) {
	row.Cluster = t.name
	defer func() {
		if cause := recover(); cause != nil {
			logging.From(ctx).Error().Str("cluster", t.name).Interface("panic", fmt.Sprint(cause)).Msg("pass panicked")
			row.Code, row.Reason = failed, "The pass broke off. Give the reference to the operator; the log has the cause."
		}
		if row.Code != notCluster {
			logging.From(ctx).Info().Str("cluster", row.Cluster).Str("decision", string(row.Code)).Bool("applied", row.Applied).
				Int("from", row.From).Int("to", row.To).Str("reason", row.Reason).Msg("pass")
		}
	}()
	if t.busy {
		// The list has just said so, and asking again would change nothing.
		s.worked.put(t.stack, s.now(), 0)
		s.counts.decided(cluster.Decision{Op: cluster.OpPass, Code: cluster.Busy, DryRun: o.dryRun})
		row.Code, row.Reason = cluster.Busy, "An earlier change of the cluster is still being made; nothing was changed."
		return row
	}
	ctx, cancel := context.WithTimeout(ctx, roundPass)
	defer cancel()
	request := cluster.Request{Op: cluster.OpPass, Who: "reconcile by " + string(who.Kind), DryRun: o.dryRun, Force: o.force}
	d, err := s.decide(ctx, who, t.target, request, false)
	if err != nil {
		return s.failedPass(ctx, who, t, err)
	}
	row.Code, row.Reason, row.Applied, row.From, row.To = d.Code, d.Reason, d.Applied, d.From, d.To
	row.Victims, row.RetryAfter = d.Victims, seconds(d.RetryAfter)
	return row
}

// notCluster is the code of a stack of ours that is none; it is in no report.
const notCluster cluster.Code = "no_such_cluster"

func (s *scaler) failedPass(ctx context.Context, who caller.Caller, t candidate, err error) passRow {
	row := passRow{Cluster: t.name, Code: failed, Reason: "The pass failed. Give the reference to the operator; the log has the cause."}
	if e, ok := errors.AsType[*function.Error](explain(err, who)); ok {
		row.Code, row.Reason, row.RetryAfter = cluster.Code(e.Code), e.Public, seconds(e.RetryAfter)
	}
	if row.Code == notCluster && t.fixed == nil {
		s.roundsAt.skip(t.id)
		return row
	}
	if row.Code == notCluster {
		row.Code = "misconfigured" // one that the configuration names is reported
	}
	logging.From(ctx).Warn().Err(err).Str("cluster", t.name).Msg("pass failed")
	return row
}

// candidate is a cluster of a round; busy says that the list shows Heat at work on it.
type candidate struct {
	target
	id   string
	busy bool
}

// working says that Heat is at work on a cluster, and not for longer than it may be: that one needs a pass most.
func (s *scaler) working(t target, found openstack.Stack) bool {
	st := cluster.State{Status: found.Status, Since: cmp.Or(found.Updated, found.Created), Policy: t.policy}
	return found.Busy() && !st.Stuck(s.now())
}

// everyone are all clusters, in the order of this round, and the error of the list, if it had one: the configuration's are
// known without it.
func (s *scaler) everyone(ctx context.Context) ([]candidate, error) {
	var out []candidate
	stacks, err := s.stacksOfOurs(ctx)
	for name, c := range s.clusters {
		one := candidate{target: s.target(name)}
		if found, ok := stacks[c.Stack]; ok {
			one.id, one.busy = found.ID, s.working(one.target, found)
			delete(stacks, c.Stack)
		}
		out = append(out, one)
	}
	for name, found := range stacks {
		if _, taken := s.clusters[name]; !taken { // another cluster has its name
			out = append(out, candidate{target: s.target(name), id: found.ID, busy: s.working(s.target(name), found)})
		}
	}
	slices.SortFunc(out, func(a, b candidate) int { return strings.Compare(a.name, b.name) })
	if n := len(out); n > 0 {
		start := s.roundsAt.start(n, s.now(), func(name string) int {
			at, _ := slices.BinarySearchFunc(out, name, func(one candidate, name string) int { return strings.Compare(one.name, name) })
			return at % n
		})
		out = slices.Concat(out[start:], out[:start])
	}
	return out, err
}

// stacksOfOurs lists the stacks that carry our tag and may be clusters, by name, and keeps their ids: one request for each
// 200. Lists have no parameters, so the rest shows when they are read; labs can be told by their tags.
func (s *scaler) stacksOfOurs(ctx context.Context) (map[string]openstack.Stack, error) {
	out := map[string]openstack.Stack{}
	for found, err := range s.own.Stacks(ctx, ourTag) {
		if err != nil {
			return out, fmt.Errorf("list clusters: %w", err)
		}
		earlier, twice := out[found.Name]
		if ofLabs(found.Tags) || s.roundsAt.skipped(found.ID) || twice && earlier.Action != "DELETE" {
			continue
		}
		out[found.Name] = found
	}
	for name, found := range out {
		s.refs.put(name, found.StackRef)
	}
	return out, nil
}

// ofLabs says that a stack is a lab, waits to be one, or notes something about one.
func ofLabs(tags []string) bool {
	return slices.ContainsFunc(tags, func(tag string) bool {
		for _, prefix := range []string{lab.TagLab, lab.TagWarm, lab.TagOwner, lab.TagKind} {
			if strings.HasPrefix(tag, prefix) {
				return true
			}
		}
		return false
	})
}

// fill puts the passes into the report: what is worth reading first.
func (r *round) fill(rows []passRow) {
	for i := range rows {
		if rows[i].Code == "" {
			rows[i] = passRow{Cluster: rows[i].Cluster, Code: notReached, Reason: "There was no time left; the next round begins with it."}
			r.Left++
		}
		r.Counts[rows[i].Code]++
	}
	r.Clusters = len(rows)
	slices.SortStableFunc(rows, func(a, b passRow) int { return rankOf(a.Code) - rankOf(b.Code) })
	r.Passes, r.Truncated = rows[:min(len(rows), roundRows)], len(rows) > roundRows
}

func rankOf(c cluster.Code) int {
	switch c { //nolint:exhaustive // all others come first
	case notReached:
		return 1
	case cluster.Steady:
		return 2
	}
	return 0
}

// roundsAt is what a process remembers from one round to the next. It may forget it all.
type roundsAt struct {
	mu   sync.Mutex
	next string // the first that the last round did not reach
	// others are stacks of ours that turned out to be no clusters, by id.
	others map[string]bool
}

// maxOthers bounds what is remembered of stacks that are no clusters.
const maxOthers = 10_000

func (r *roundsAt) skip(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.others == nil || len(r.others) >= maxOthers {
		r.others = map[string]bool{}
	}
	r.others[id] = true
}

func (r *roundsAt) skipped(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.others[id]
}

// leave notes where the next round goes on. The rows are in the order in which they were to be done.
func (r *roundsAt) leave(rows []passRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = ""
	if i := slices.IndexFunc(rows, func(p passRow) bool { return p.Code == "" }); i >= 0 {
		r.next = rows[i].Cluster
	}
}

// start is where a round of n begins: where the last one of this process ended, or, as a process may live for one round
// alone, at a place that the minute chooses. The golden section spreads the places, so that none is left out for long.
func (r *roundsAt) start(n int, now time.Time, index func(name string) int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != "" {
		return index(r.next)
	}
	_, part := math.Modf(float64(now.Unix()/60) * (math.Phi - 1))
	return int(part * float64(n))
}
