package lab

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Signals are what a lab and we ourselves wrote down at the lab's wait condition. Whoever is root in the lab may write there
// too, so nothing in them is worth more than that learner's own word.
type Signals struct {
	Beat    time.Time // the lab's last word
	Busy    bool      // that word was that a long job runs
	Active  time.Time // the last word that somebody, or a job, is at work in the lab
	Page    time.Time // the last time that its page was in use
	Results []Result  // newest first
	Sent    []Delivery
	Parked  []Parking
}

// Result is the outcome of one check, as the lab reported it.
type Result struct {
	ID      string    `json:"id"` // which report it is: the same one counts once
	Check   string    `json:"check"`
	Passed  bool      `json:"passed"`
	Score   float64   `json:"score"` // 0 to 1
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
}

// Delivery is a grade that the LMS took.
type Delivery struct {
	Score  float64
	At     time.Time
	Result string
}

// Parking is why a grade is not sent any more.
type Parking struct {
	Reason string
	At     time.Time
}

// SignalsOutput is the output of a lab's template that holds its signals: the data of its wait condition, by id.
const SignalsOutput = "signals"

// Untold says why the stack's output of its signals is not to be believed: then nobody knows what is written down at the lab
// before the handle's own metadata was read. Empty: the output tells all there is, if only that there is nothing.
//
// Heat looks the handle up anew each time that the data of a wait condition is read, and finds none that sleeps, wakes up late,
// is being checked, was copied to a snapshot, or failed in any way (heat/engine/stack.py, resource_by_refid). The data is an
// empty text then; of a handle that was found it is an object, if only "{}" (heat/engine/resources/openstack/heat/
// wait_condition.py, _resolve_attribute). So an object is believed in every state, and the lack of one only while the stack is
// built, when nobody can have written anything. The stack's own state does not tell: one resource may sleep when the stack is
// called RESUME_FAILED, and still when an update of it was completed later.
func (s Stack) Untold() (why string) {
	output, there := s.Outputs[SignalsOutput]
	if !there || object(output) != nil || s.coming() {
		return ""
	}
	switch {
	case s.Status == "FAILED":
		return "the handle may have failed with the stack"
	case s.Action == "SUSPEND":
		return "the handle sleeps"
	case s.Action == "RESUME":
		return "the handle may still sleep"
	}
	return "the handle is not found in " + s.state()
}

// Signal is one to write down. Reason is for the stack's event of it.
type Signal struct {
	ID     string
	Reason string
	Data   map[string]any
}

// slot is how long one id of the ring of heartbeats lasts.
const slot = 5 * time.Minute

// ring gives an id out of few, so that what is written down stays small. Heat does not keep the order of signals under one
// id that follow each other closely (seen on Heat 19), so each has a time inside and the newest counts.
func ring(prefix string, n, size int64) string {
	return prefix + strconv.FormatInt((n%size+size)%size, 10)
}

// BeatID is the id of the lab's own heartbeat at now.
func BeatID(now time.Time) string { return ring(beatPrefix, now.Unix()/int64(slot/time.Second), 4) }

// PageID is the id of the page's heartbeat at now.
func PageID(now time.Time) string { return ring(pagePrefix, now.Unix()/int64(slot/time.Second), 4) }

// SentID is the id of the n-th grade that the LMS took.
func SentID(n int) string { return ring(sentPrefix, int64(n), 8) }

// ParkedID is the id of the n-th grade that is given up.
func ParkedID(n int) string { return ring(parkedPrefix, int64(n), 4) }

// ResultID is the id under which the report id is written down.
func ResultID(id string) string { return resultPrefix + id }

const (
	beatPrefix   = "beat-"
	pagePrefix   = "page-"
	sentPrefix   = "sent-"
	parkedPrefix = "parked-"
	resultPrefix = "result-"
)

// PageSignal is the heartbeat of a page that is in use now.
func PageSignal(now time.Time) Signal {
	return Signal{ID: PageID(now), Reason: "page in use", Data: map[string]any{"at": now.Unix()}}
}

// What is read at most: more is not what any lab has to say.
const (
	mostSignalBytes = 8 << 20
	mostResults     = 150
	mostChecks      = 1000
	mostOthers      = 64
	mostRunes       = 500
)

// ReadSignals reads a stack's outputs. Whatever a lab may have written, it comes to a few values that make sense: what does
// not is left out, and a time that is still to come counts as the present.
func ReadSignals(outputs map[string]any, now time.Time) Signals {
	var s Signals
	data := object(outputs[SignalsOutput])
	for _, id := range slices.Sorted(maps.Keys(data)) {
		fields := object(data[id])
		at := moment(fields["at"], now)
		switch {
		case strings.HasPrefix(id, beatPrefix):
			s.beat(fields, at)
		case strings.HasPrefix(id, pagePrefix):
			s.Page = later(s.Page, at)
		case strings.HasPrefix(id, resultPrefix):
			if r, ok := readResult(strings.TrimPrefix(id, resultPrefix), fields, at); ok {
				s.Results = append(s.Results, r)
			}
		case strings.HasPrefix(id, sentPrefix) && len(s.Sent) < mostOthers:
			if score, ok := number(fields["score"]); ok {
				score, _ = clamp(score)
				s.Sent = append(s.Sent, Delivery{Score: score, At: at, Result: sentence(fields["result"])})
			}
		case strings.HasPrefix(id, parkedPrefix) && len(s.Parked) < mostOthers:
			if reason := sentence(fields["reason"]); reason != "" {
				s.Parked = append(s.Parked, Parking{Reason: reason, At: at})
			}
		}
	}
	s.Results = prune(s.Results)
	slices.SortStableFunc(s.Sent, func(a, b Delivery) int { return b.At.Compare(a.At) })
	slices.SortStableFunc(s.Parked, func(a, b Parking) int { return b.At.Compare(a.At) })
	return s
}

func (s *Signals) beat(fields map[string]any, at time.Time) {
	busy := truth(fields["busy"])
	if busy || truth(fields["active"]) {
		s.Active = later(s.Active, at)
	}
	switch {
	case at.After(s.Beat):
		s.Beat, s.Busy = at, busy
	case at.Equal(s.Beat):
		s.Busy = s.Busy || busy
	}
}

var wordPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// readResult is a report, if it says of which check and how it went.
func readResult(id string, fields map[string]any, at time.Time) (Result, bool) {
	check, _ := fields["check"].(string)
	if !wordPattern.MatchString(id) || !wordPattern.MatchString(check) {
		return Result{}, false
	}
	score, scored := number(fields["score"])
	_, told := fields["passed"]
	passed := truth(fields["passed"])
	switch {
	case !scored && !told:
		return Result{}, false
	case !scored && passed:
		score = 1
	case !told:
		passed = score >= 1
	}
	score, _ = clamp(score)
	return Result{ID: id, Check: check, Passed: passed, Score: score, Message: sentence(fields["message"]), At: at}, true
}

// prune is the newest results, newest first, and of each check the best one.
func prune(results []Result) []Result {
	slices.SortStableFunc(results, func(a, b Result) int { return b.At.Compare(a.At) })
	if len(results) <= mostResults {
		return results
	}
	kept := slices.Clone(results[:mostResults])
	best := map[string]Result{}
	for _, r := range results[mostResults:] {
		if b, known := best[r.Check]; !known && len(best) < mostChecks || known && r.Score > b.Score {
			best[r.Check] = r
		}
	}
	return append(kept, slices.SortedFunc(maps.Values(best), func(a, b Result) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID))
	})...)
}

// Unpack takes the signals in a stack's outputs apart where they stand, so that nobody who reads them has to.
func Unpack(outputs map[string]any) {
	data := object(outputs[SignalsOutput])
	if data == nil {
		return
	}
	for id, raw := range data {
		if fields := object(raw); fields != nil {
			data[id] = fields
		}
	}
	outputs[SignalsOutput] = data
}

// object is v, or the JSON object in the string v; nil if it is none.
func object(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case string:
		if len(v) > mostSignalBytes {
			return nil
		}
		var fields map[string]any
		if json.Unmarshal([]byte(v), &fields) != nil {
			return nil
		}
		return fields
	}
	return nil
}

// number is v if it is a finite number, or a text that is one: shell scripts write both.
func number(v any) (float64, bool) {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case int64:
		n = float64(v)
	case int:
		n = float64(v)
	case string:
		parsed, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return 0, false
		}
		n = parsed
	default:
		return 0, false
	}
	return n, !math.IsNaN(n) && !math.IsInf(n, 0)
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		yes, err := strconv.ParseBool(strings.TrimSpace(v))
		return err == nil && yes
	case float64:
		return v == 1
	case int:
		return v == 1
	}
	return false
}

// moment is the time that v gives in Unix seconds; zero if it gives none. One that is still to come is as good as now: the
// lab's clock is not ours.
func moment(v any, now time.Time) time.Time {
	seconds, ok := number(v)
	switch {
	case !ok || seconds < 1:
		return time.Time{}
	case seconds >= float64(now.Add(skew).Unix()):
		return now.Add(skew).UTC().Truncate(time.Second)
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// sentence is a text for people: one line, without control characters, and not too long.
func sentence(v any) string {
	raw, _ := v.(string)
	if len(raw) > 8*mostRunes {
		raw = raw[:8*mostRunes]
	}
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(raw, ""))
	runes := []rune(strings.TrimSpace(line))
	return string(runes[:min(mostRunes, len(runes))])
}

// Activity is when the lab was last in use, as far as is to be seen: when it came to its learner, its last launch, its page,
// and what it says itself. A launch that was too near to the one before to be written down is allowed for. A lease
// that was extended tells of a launch only if it was written down at that very moment: an extension is no use.
func (s Stack) Activity(e Entry, sig Signals, now time.Time) time.Time {
	last := later(s.Created, later(sig.Page, sig.Active))
	if sig.Busy {
		last = later(last, sig.Beat)
	}
	if e.Lifetime > 0 && !s.Lease.Until.IsZero() {
		launched := s.Lease.Until.Add(-e.Lifetime)
		plain := s.Lease.Extended == 0 && s.Lease.Given.IsZero() || s.Updated.Sub(launched).Abs() <= skew
		if plain && !launched.After(now.Add(skew)) { // or it had another lifetime then
			last = later(last, launched.Add(e.unnoted()))
		}
	}
	for _, event := range s.Events {
		if event.Self && event.Action == "RESUME" && event.Status == "COMPLETE" {
			last = later(last, event.Time)
		}
	}
	if last.After(now) {
		return now
	}
	return last
}
