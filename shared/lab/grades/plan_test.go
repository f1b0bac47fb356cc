package grades_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
)

var (
	zero   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	checks = []lab.Check{{Name: "up", Weight: 1}, {Name: "tls", Weight: 1}, {Name: "cache", Weight: 2}}
	there  = grades.Destination{Outcome: "https://lms.example.org/outcome"}
)

func second(n int) time.Time { return zero.Add(time.Duration(n) * time.Second) }

func got(id, check string, score float64, at int) lab.Result {
	return lab.Result{ID: id, Check: check, Passed: score == 1, Score: score, At: second(at)}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	sent := func(score float64, at int) lab.Delivery { return lab.Delivery{Score: score, At: second(at)} }
	up, cache := got("1", "up", 1, 10), got("2", "cache", 1, 20)
	for name, row := range map[string]struct {
		sig   lab.Signals
		send  bool
		score float64
		at    int
		id    string
		after map[string]int
	}{
		"nothing reported":             {lab.Signals{}, false, 0, 0, "", nil},
		"a check that is not known":    {lab.Signals{Results: []lab.Result{got("1", "else", 1, 1)}}, false, 0, 0, "", nil},
		"a first result":               {lab.Signals{Results: []lab.Result{up}}, true, 0.25, 10, "1", nil},
		"a first failure":              {lab.Signals{Results: []lab.Result{got("1", "up", 0, 10)}}, true, 0, 10, "1", nil},
		"two":                          {lab.Signals{Results: []lab.Result{cache, up}}, true, 0.75, 20, "2", nil},
		"sent":                         {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{sent(0.75, 21)}}, false, 0.75, 21, "2", nil},
		"sent before the second":       {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{sent(0.25, 11)}}, true, 0.75, 20, "2", nil},
		"failed again later":           {lab.Signals{Results: []lab.Result{cache, up, got("3", "up", 0, 30)}}, true, 0.75, 20, "2", nil},
		"passed again later":           {lab.Signals{Results: []lab.Result{cache, up, got("3", "up", 1, 30)}}, true, 0.75, 20, "2", nil},
		"rounding of what was written": {lab.Signals{Results: []lab.Result{got("1", "up", 1.0/3, 1)}, Sent: []lab.Delivery{sent(0.08333333, 2)}}, false, 1.0 / 12, 2, "1", nil},
		"a lower one came last":        {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{sent(0.75, 21), sent(0.25, 22)}}, true, 0.75, 22, "2", nil},
		"a lower one may have":         {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{sent(0.75, 30), sent(0.25, 22)}}, true, 0.75, 30, "2", nil},
		"long after the lower one":     {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{sent(0.75, 83), sent(0.25, 22)}}, false, 0.75, 83, "2", nil},
		"with the lower one in sight":  {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{{Score: 0.75, At: second(22), Result: "2"}, sent(0.25, 22)}}, false, 0.75, 22, "2", map[string]int{"2": 1}},
		"with one of two in sight":     {lab.Signals{Results: []lab.Result{cache, up}, Sent: []lab.Delivery{{Score: 0.75, At: second(22), Result: "2"}, sent(0.25, 22), sent(0.5, 21)}}, true, 0.75, 22, "2", map[string]int{"2": 1}},
		"refused for good":             {lab.Signals{Results: []lab.Result{up}, Parked: []lab.Parking{{Reason: "past_due", At: second(10)}}}, false, 0.25, 10, "1", nil},
		"refused, then better":         {lab.Signals{Results: []lab.Result{cache, up}, Parked: []lab.Parking{{Reason: "past_due", At: second(10)}}}, true, 0.75, 20, "2", nil},
		"an older result shows late":   {lab.Signals{Results: []lab.Result{got("0", "tls", 1, 5), cache}, Sent: []lab.Delivery{sent(0.5, 30)}}, true, 0.75, 30, "2", nil},
		"more was sent than is known":  {lab.Signals{Results: []lab.Result{up}, Sent: []lab.Delivery{sent(0.9, 5)}}, false, 0.9, 5, "", nil},
	} {
		due := grades.Plan(grades.Written{Signals: row.sig, After: row.after}, checks, there)
		if due.Send != row.send || due.Send && (due.Score != row.score || !due.At.Equal(second(row.at)) || due.Result != row.id) {
			t.Errorf("%s: %+v", name, due)
		}
		if due := grades.Plan(grades.Written{Signals: row.sig}, checks, grades.Destination{}); due.Send {
			t.Errorf("%s, to nowhere: %+v", name, due)
		}
	}
}

// S06: the times that a platform sees rise with the score and never otherwise, in whatever order results show, and are the
// same for the same results.
func TestS06TimesRise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var results []lab.Result
		for i := range 12 {
			check := checks[random.IntN(len(checks))].Name
			results = append(results, got(string(rune('a'+i)), check, float64(random.IntN(5))/4, random.IntN(6)))
		}
		sig := grades.Written{After: map[string]int{}}
		var last grades.Due
		for i, shown := range random.Perm(len(results)) {
			sig.Results = append(sig.Results, results[shown])
			due := grades.Plan(sig, checks, there)
			if !due.Send {
				continue
			}
			if again := grades.Plan(sig, checks, there); again != due {
				t.Fatalf("seed %d: %+v, then %+v", seed, due, again)
			}
			if len(sig.Sent) > 0 && (due.Score <= last.Score || !grades.Timestamp(due).After(grades.Timestamp(last))) {
				t.Fatalf("seed %d: %+v at %v after %+v at %v", seed, due, grades.Timestamp(due), last, grades.Timestamp(last))
			}
			last = due
			id := due.Result + string(rune('0'+len(sig.Sent)))
			sig.After[id] = len(sig.Sent)
			sig.Sent = append(sig.Sent, lab.Delivery{Score: due.Score, At: later(due.At, second(i)), Result: id})
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
