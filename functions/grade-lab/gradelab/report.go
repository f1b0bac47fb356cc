package gradelab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// answer is what a lab is told.
type answer struct {
	Recorded []recorded     `json:"recorded,omitempty"`
	Beat     bool           `json:"heartbeat,omitempty"`
	Grade    *grades.Report `json:"grade,omitempty"`
}

// recorded is one result as it counts.
type recorded struct {
	ID     string  `json:"id"`
	Check  string  `json:"check"`
	Passed bool    `json:"passed"`
	Score  float64 `json:"score"`
}

// report takes one report.
func (f *grader) report(w http.ResponseWriter, r *http.Request, ticket string) error {
	name, err := f.open(ticket)
	if err != nil {
		return err
	}
	logging.Note(r.Context(), "stack", name)
	logging.Note(r.Context(), logging.Caller, "lab "+name)
	entries, err := read(r)
	if err != nil {
		return err
	}
	var results []entry
	var beat bool
	var use grades.Use
	for _, e := range entries {
		if e.beats() {
			beat = true
			use.Busy, use.Active = use.Busy || said(e.Busy), use.Active || said(e.Active)
		}
		if e.Check != "" || !e.beats() {
			results = append(results, e)
		}
	}
	var out answer
	if len(results) > 0 {
		if out, err = f.record(r, name, results); err != nil {
			return err
		}
	}
	if beat {
		if err := f.beat(r.Context(), name, use); err != nil {
			return err
		}
		out.Beat = true
	}
	function.JSON(w, r, http.StatusAccepted, out)
	return nil
}

func said(truth *bool) bool { return truth != nil && *truth }

// record writes results down and has them graded.
func (f *grader) record(r *http.Request, name string, entries []entry) (answer, error) {
	ctx := logging.Because(r.Context(), "results_reported")
	p, s, err := f.read(ctx, name)
	if err != nil {
		return answer{}, err
	}
	known := f.checks[lab.Tagged(s.Tags, lab.TagLab)]
	key := f.key(r, entries)
	results := make([]lab.Result, len(entries))
	out := answer{Recorded: make([]recorded, len(entries))}
	for i, e := range entries {
		if e, err = e.check(known); err != nil {
			return answer{}, err
		}
		id := resultID(key, e.Check, i)
		results[i] = lab.Result{ID: id, Check: e.Check, Passed: *e.Passed, Score: *e.Score, Message: e.Message}
		out.Recorded[i] = recorded{id, e.Check, *e.Passed, *e.Score}
	}
	graded, err := f.grades.Record(ctx, f.clouds[p.cloud], s, results...)
	if err != nil {
		return answer{}, refusal(err)
	}
	logging.Note(ctx, "grade", string(graded.Did))
	out.Grade = &graded
	return out, nil
}

// key tells reports apart. Without the header the same report counts once a minute.
func (f *grader) key(r *http.Request, entries []entry) string {
	if given := r.Header.Get("Idempotency-Key"); given != "" {
		return given
	}
	var text strings.Builder
	text.WriteString(strconv.FormatInt(f.now().Unix()/int64(time.Minute/time.Second), 10))
	for _, e := range entries {
		for _, part := range []string{e.Check, e.Message, word(e.Passed), word(e.Score)} {
			text.WriteString("\x00" + strconv.Itoa(len(part)) + ":" + part)
		}
	}
	return text.String()
}

func word[T bool | float64](given *T) string {
	switch v := any(given).(type) {
	case *bool:
		if v != nil {
			return strconv.FormatBool(*v)
		}
	case *float64:
		if v != nil {
			return strconv.FormatFloat(*v, 'g', -1, 64)
		}
	}
	return ""
}

func resultID(key, check string, place int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(place) + ":" + check + "\x00" + key))
	return hex.EncodeToString(sum[:8])
}

// beat writes down that the lab is in use: one call, and one more for a lab that this process has not seen yet.
func (f *grader) beat(ctx context.Context, name string, use grades.Use) error {
	ctx = logging.Because(ctx, "heartbeat")
	for try := 1; ; try++ {
		_, remembered := f.found.get(name)
		p, err := f.find(ctx, name)
		if err != nil {
			return err
		}
		err = grades.Beat(ctx, f.clouds[p.cloud], p.ref, use, f.now())
		if err == nil {
			return nil
		}
		if !errors.Is(err, grades.ErrAsleep) || !remembered || try == 2 {
			return refusal(err)
		}
		if openstack.CodeOf(errors.Unwrap(err)) == openstack.Refused {
			return refusal(err)
		}
		f.found.drop(name)
	}
}
