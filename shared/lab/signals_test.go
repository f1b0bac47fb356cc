package lab_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/lab"
)

func signals(data map[string]any) map[string]any {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return map[string]any{lab.SignalsOutput: string(raw)}
}

func TestRow8ReadSignals(t *testing.T) {
	t.Parallel()
	now := created.Add(time.Hour)
	at := func(before time.Duration) int64 { return now.Add(-before).Unix() }
	got := lab.ReadSignals(signals(map[string]any{
		"ready":      map[string]any{"at": at(time.Hour), "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHnB root@web"},
		"beat-0":     map[string]any{"at": at(10 * time.Minute), "busy": true},
		"beat-1":     fmt.Sprintf(`{"at":%d,"busy":false}`, at(5*time.Minute)), // as a shell script sends it
		"page-3":     map[string]any{"at": strconv.FormatInt(at(20*time.Minute), 10)},
		"page-2":     map[string]any{"at": at(40 * time.Minute)},
		"result-a":   map[string]any{"check": "page", "passed": true, "at": at(time.Minute), "message": "well\tdone\n"},
		"result-b":   map[string]any{"check": "tls", "score": 0.5, "at": at(2 * time.Minute)},
		"result-c":   map[string]any{"check": "tls", "passed": "false", "score": "7", "at": at(3 * time.Minute)},
		"sent-0":     map[string]any{"score": 0.25, "at": at(9 * time.Minute), "result": "b"},
		"sent-1":     map[string]any{"score": 1, "at": at(time.Minute)},
		"parked-1":   map[string]any{"reason": "past due", "at": at(time.Minute)},
		"somebody":   "else",
		"result-bad": 7,
	}), now)
	if !got.Beat.Equal(now.Add(-5*time.Minute)) || got.Busy || !got.Active.Equal(now.Add(-10*time.Minute)) || !got.Page.Equal(now.Add(-20*time.Minute)) {
		t.Errorf("beats: %+v", got)
	}
	want := []lab.Result{
		{ID: "a", Check: "page", Passed: true, Score: 1, Message: "well done", At: now.Add(-time.Minute)},
		{ID: "b", Check: "tls", Score: 0.5, At: now.Add(-2 * time.Minute)},
		{ID: "c", Check: "tls", Score: 1, At: now.Add(-3 * time.Minute)},
	}
	if !slices.Equal(got.Results, want) {
		t.Errorf("results %+v", got.Results)
	}
	if len(got.Sent) != 2 || got.Sent[0].Score != 1 || got.Sent[1] != (lab.Delivery{Score: 0.25, At: now.Add(-9 * time.Minute), Result: "b"}) {
		t.Errorf("sent %+v", got.Sent)
	}
	if len(got.Parked) != 1 || got.Parked[0].Reason != "past due" {
		t.Errorf("parked %+v", got.Parked)
	}
	page := lab.PageSignal(now)
	if again := lab.ReadSignals(signals(map[string]any{page.ID: page.Data}), now); !again.Page.Equal(now) {
		t.Errorf("our own: %+v", again)
	}
}

// A lab is its learner's: whatever is written there does no harm.
func TestHostileSignals(t *testing.T) {
	t.Parallel()
	now := created
	for name, outputs := range map[string]map[string]any{
		"none": nil, "a number": {"signals": 7}, "no JSON": {"signals": "{"}, "a list": {"signals": "[1]"}, "null": {"signals": "null"}, "nothing": {"signals": nil},
		"deep":           {"signals": strings.Repeat(`{"beat-1":`, 20000)},
		"no times":       signals(map[string]any{"beat-1": map[string]any{"busy": true}, "page-1": map[string]any{"at": "NaN"}, "page-2": map[string]any{"at": -5}, "page-3": map[string]any{"at": []int{1}}}),
		"no results":     signals(map[string]any{"result-": map[string]any{"check": "a", "passed": true}, "result-x": map[string]any{"check": "<b>", "passed": true}, "result-y": map[string]any{"check": "a"}, "result-z": map[string]any{"check": map[string]any{"a": 1}, "passed": true}, "result-ä": map[string]any{"check": "a", "score": 1}}),
		"no score":       signals(map[string]any{"result-x": map[string]any{"check": "a", "score": "NaN"}, "result-y": map[string]any{"check": "a", "score": "Inf"}, "sent-1": map[string]any{"score": "NaN"}}),
		"a failed ready": signals(map[string]any{"ready": nil}),
		"too much":       {"signals": `{"page-1":{"at":1},"x":"` + strings.Repeat("x", 9<<20) + `"}`},
	} {
		got := lab.ReadSignals(outputs, now)
		if !got.Beat.IsZero() || !got.Page.IsZero() || !got.Active.IsZero() || len(got.Results)+len(got.Sent)+len(got.Parked) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	future := lab.ReadSignals(signals(map[string]any{"beat-1": map[string]any{"at": 1e300, "busy": true}, "page-1": map[string]any{"at": now.Add(time.Hour).Unix()}}), now)
	if most := now.Add(2 * time.Minute); !future.Beat.Equal(most) || !future.Page.Equal(most) {
		t.Errorf("times to come: %+v", future)
	}
	if got := (lab.Stack{Created: created.Add(-time.Hour)}).Activity(tended, future, now); !got.Equal(now) {
		t.Errorf("in use at %s, which is to come", got)
	}
	if got := lab.ReadSignals(signals(map[string]any{"result-x": map[string]any{"check": "a", "score": 1e9, "message": strings.Repeat("ä\x00\u202e", 5000)}}), now).Results; len(got) != 1 || got[0].Score != 1 || utf8.RuneCountInString(got[0].Message) > 500 || strings.ContainsAny(got[0].Message, "\x00\u202e") {
		t.Errorf("too much of everything: %d results", len(got))
	}
}

// However often a lab reports, what is read stays small, and the best of each check is in it.
func TestManyResults(t *testing.T) {
	t.Parallel()
	data := map[string]any{"result-best": map[string]any{"check": "early", "passed": true, "at": 1000}, "result-worse": map[string]any{"check": "early", "passed": false, "at": 1001}}
	for i := range 3000 {
		data["result-"+strconv.Itoa(i)] = map[string]any{"check": "c" + strconv.Itoa(i%500), "passed": false, "at": 2000 + i}
	}
	got := lab.ReadSignals(signals(data), created).Results
	if len(got) > 1150 {
		t.Errorf("%d results", len(got))
	}
	if score, _ := lab.Score(got, []lab.Check{{Name: "early"}}); score != 1 {
		t.Errorf("the best of an early check is lost: %v", score)
	}
	if !slices.IsSortedFunc(got[:100], func(a, b lab.Result) int { return b.At.Compare(a.At) }) {
		t.Error("not the newest first")
	}
}

// Root in a lab may signal under any id: what only we may say counts with our signature alone, for this stack, this id, and as
// it was said.
func TestSignedSignals(t *testing.T) {
	t.Parallel()
	key, stack := []byte("hunter2, and long enough for a key"), "id-1"
	e := entry
	e.Checks = []lab.Check{{Name: "ours", Script: "true"}, {Name: "theirs"}}
	sent := lab.Signal{ID: lab.SentID(1), Data: map[string]any{"score": 1.0 / 3, "at": created.Unix(), "result": "a <b> & ä"}}
	parked := lab.Signal{ID: lab.ParkedID(1), Data: map[string]any{"reason": "past due", "at": created.Unix()}}
	ours := lab.Signal{ID: lab.ResultID("a"), Data: map[string]any{"check": "ours", "passed": true, "at": created.Unix()}}
	theirs := lab.Signal{ID: lab.ResultID("b"), Data: map[string]any{"check": "theirs", "passed": true}}
	count := func(list ...lab.Signal) int {
		data := map[string]any{}
		for _, s := range list {
			data[s.ID] = s.Data
		}
		outputs := signals(data)
		got := lab.ReadSigned(outputs, key, stack, e, created)
		lab.Unpack(outputs)
		if again := lab.ReadSigned(outputs, key, stack, e, created); !reflect.DeepEqual(got, again) {
			t.Errorf("unpacked, they read %v instead of %v", again, got)
		}
		return len(got.Sent) + len(got.Parked) + len(got.Results)
	}
	if got := count(sent.Sign(key, stack), parked.Sign(key, stack), ours.Sign(key, stack).Sign(key, stack), theirs); got != 4 {
		t.Errorf("of our own and theirs %d are read", got)
	}
	if got := count(sent, parked, ours, theirs); got != 1 {
		t.Errorf("unsigned, %d are read", got)
	}
	moved, changed := sent.Sign(key, stack), sent.Sign(key, stack)
	moved.ID = lab.SentID(2)
	changed.Data["score"] = 1
	if got := count(moved, changed, ours.Sign(key, "id-2"), parked.Sign([]byte("another"), stack)); got != 0 {
		t.Errorf("moved or changed, %d are read", got)
	}
	if data := ours.Sign(nil, stack).Data; data["mac"] != nil || ours.Data["mac"] != nil {
		t.Error("signed without a key, or in place")
	}
}

func TestSignalRings(t *testing.T) {
	t.Parallel()
	beats, pages, sent := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := -20; i < 100; i++ {
		now := created.Add(time.Duration(i) * time.Minute)
		beats[lab.BeatID(now)], pages[lab.PageID(now)], sent[lab.SentID(i)] = true, true, true
	}
	if len(beats) != 4 || len(pages) != 4 || len(sent) != 8 || !beats["beat-3"] || !pages["page-0"] || !sent["sent-7"] || lab.ParkedID(5) != "parked-1" || lab.ResultID("x") != "result-x" {
		t.Errorf("%v %v %v", beats, pages, sent)
	}
	if lab.PageID(time.Unix(299, 0)) != "page-0" || lab.PageID(time.Unix(300, 0)) != "page-1" {
		t.Error("a slot is five minutes")
	}
}

func FuzzReadSignals(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"beat-1":{"at":1780000000,"busy":true}}`, `{"page-1":"{\"at\":1}"}`, `{"result-a":{"check":"x","passed":true,"score":1e400}}`,
		`{"ready":{"host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"},"sent-0":{"score":-0.0,"at":9e18}}`, `{"parked-0":{"reason":"\ud800\u202e"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		now := created
		s := lab.ReadSignals(map[string]any{lab.SignalsOutput: raw}, now)
		latest := now.Add(2 * time.Minute)
		for _, at := range []time.Time{s.Beat, s.Page, s.Active} {
			if at.After(latest) {
				t.Errorf("%q: %s is to come", raw, at)
			}
		}
		if len(s.Results) > 1150 || len(s.Sent) > 64 || len(s.Parked) > 64 {
			t.Errorf("%q: too much", raw)
		}
		checks := []lab.Check{{Name: "x", Weight: 3}}
		for _, r := range s.Results {
			checks = append(checks, lab.Check{Name: r.Check, Weight: 1})
			if r.Score < 0 || r.Score > 1 || math.IsNaN(r.Score) || r.At.After(latest) || !utf8.ValidString(r.Message) || utf8.RuneCountInString(r.Message) > 500 {
				t.Errorf("%q: %+v", raw, r)
			}
		}
		for _, d := range s.Sent {
			if d.Score < 0 || d.Score > 1 || math.IsNaN(d.Score) {
				t.Errorf("%q: %+v", raw, d)
			}
		}
		if score, known := lab.Score(s.Results, checks); known {
			if _, ok := lab.FormatScore(score); !ok {
				t.Errorf("%q: score %v", raw, score)
			}
		}
		if at := (lab.Stack{Created: now.Add(-time.Hour)}).Activity(tended, s, now); at.After(now) {
			t.Errorf("%q: in use at %s", raw, at)
		}
	})
}

// An output is believed if it is what a handle that was found gives; that it gives nothing is believed only while nobody can
// have written anything.
func TestUntold(t *testing.T) {
	t.Parallel()
	const object, empty, none = `{"result-1": {"check": "one", "passed": true}}`, "{}", ""
	told := func(output any) []any { return []any{output} }
	for name, row := range map[string]struct {
		states  []string
		outputs []any
		untold  bool
	}{
		"a handle that was found, in whatever state its stack is": {
			states: []string{
				"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED", "SUSPEND_IN_PROGRESS", "SUSPEND_COMPLETE", "SUSPEND_FAILED", "RESUME_IN_PROGRESS",
				"RESUME_COMPLETE", "RESUME_FAILED", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_FAILED", "CHECK_COMPLETE", "DELETE_FAILED",
			},
			outputs: []any{object, empty, map[string]any{}},
		},
		"a handle that sleeps": {states: []string{"SUSPEND_IN_PROGRESS", "SUSPEND_COMPLETE", "SUSPEND_FAILED"}, outputs: told(none), untold: true},
		"one that may still":   {states: []string{"RESUME_IN_PROGRESS", "RESUME_FAILED"}, outputs: told(none), untold: true},
		"one that is looked at, was copied, or failed": {
			states:  []string{"CHECK_IN_PROGRESS", "CHECK_FAILED", "SNAPSHOT_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED", "RESTORE_FAILED"},
			outputs: []any{none, nil}, untold: true,
		},
		"one that an update or a resume left as it was": {states: []string{"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "RESUME_COMPLETE"}, outputs: told(none), untold: true},
		"one whose stack could not be deleted":          {states: []string{"DELETE_FAILED"}, outputs: []any{none, nil}, untold: true},
		"what is no object":                             {states: []string{"CREATE_COMPLETE"}, outputs: []any{"[]", "null", "7", 7.0, true}, untold: true},
		"one that is being made":                        {states: []string{"INIT_IN_PROGRESS", "INIT_COMPLETE", "CREATE_IN_PROGRESS", "_"}, outputs: []any{none, nil}},
	} {
		for _, state := range row.states {
			for _, output := range row.outputs {
				s := lab.Stack{Outputs: map[string]any{lab.SignalsOutput: output}}
				s.Action, s.Status, _ = strings.Cut(state, "_")
				if why := s.Untold(); (why != "") != row.untold {
					t.Errorf("%s: %s with %#v: %q", name, state, output, why)
				}
			}
		}
	}
	for _, state := range []string{"CREATE_COMPLETE", "SUSPEND_COMPLETE", "CREATE_FAILED"} {
		s := lab.Stack{Outputs: map[string]any{"lab_url": "https://lab.example.org/"}}
		s.Action, s.Status, _ = strings.Cut(state, "_")
		if why := s.Untold(); why != "" {
			t.Errorf("a template without the output, %s: %q", state, why)
		}
	}
}

// A page does not say of a check whose results nobody could read that it was not reported.
func TestDressWithoutSignals(t *testing.T) {
	t.Parallel()
	e := lab.Entry{Checks: []lab.Check{{Name: "one"}}, IdleTimeout: time.Hour}
	s := lab.Dress(lab.Status{State: lab.Ready}, lab.Stack{}, e, nil, created)
	if s.Checks != nil || s.Score != nil || !s.SleepsAt.IsZero() {
		t.Errorf("%+v", s)
	}
	if s = lab.Dress(lab.Status{State: lab.Ready}, lab.Stack{}, e, &lab.Signals{}, created); len(s.Checks) != 1 || s.Checks[0].Reported || s.SleepsAt.IsZero() {
		t.Errorf("%+v", s)
	}
}
