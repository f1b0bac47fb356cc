package gradelab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestR9RepeatsAreOne(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	body := `{"check":"up","passed":true}`
	first := h.post(body, "Idempotency-Key", "run-1")
	h.Advance(time.Second)
	again := h.post(body, "Idempotency-Key", "run-1")
	if first.Recorded[0].ID != again.Recorded[0].ID || again.Grade.Did != "nothing" {
		t.Errorf("%s, %s", first.text, again.text)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got := h.post(body, "Idempotency-Key", "run-2"); got.status != http.StatusAccepted {
				t.Errorf("%d %s", got.status, got.text)
			}
		})
	}
	all.Wait()
	if got := h.signals(ref).Results; len(got) != 2 {
		t.Errorf("%+v", got)
	}
	// Without a key, the same report counts once a minute.
	h.Advance(time.Duration(60-h.Now().Second()) * time.Second)
	one, two := h.post(body), h.post(body)
	h.Advance(time.Minute)
	three, other := h.post(body), h.post(`{"check":"up","passed":true,"message":"x"}`)
	if one.Recorded[0].ID != two.Recorded[0].ID || one.Recorded[0].ID == three.Recorded[0].ID || three.Recorded[0].ID == other.Recorded[0].ID {
		t.Errorf("%s %s %s %s", one.text, two.text, three.text, other.text)
	}
	if got := h.lms.Changes("ada"); !slices.Equal(got, []float64{0.25}) {
		t.Errorf("the grade was %v", got)
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	for i, row := range []struct {
		body         string
		calls        int
		busy, active bool
	}{
		{`{"heartbeat": true}`, 2, false, false}, // the first one looks where the lab is
		{`{"busy": true}`, 1, true, true},
		{`{"busy": false}`, 1, false, false},
		{`{"active": true}`, 1, false, true},
		{`busy=true`, 1, true, true},
	} {
		h.Advance(5 * time.Minute)
		h.ResetCalls()
		got := h.post(row.body)
		if got.status != http.StatusAccepted || !got.Heartbeat || got.Grade != nil || len(got.Recorded) > 0 {
			t.Errorf("%d: %d %s", i, got.status, got.text)
		}
		if n := h.calls(); n != row.calls {
			t.Errorf("%d: %d calls", i, n)
		}
		at := h.Now().Truncate(time.Second)
		sig := h.signals(ref)
		if !sig.Beat.Equal(at) || sig.Busy != row.busy || sig.Active.Equal(at) != row.active {
			t.Errorf("%s: %+v at %v", row.body, sig, at)
		}
	}
	got := h.post(`[{"busy": true}, {"check": "up", "passed": true}]`)
	if !got.Heartbeat || len(got.Recorded) != 1 {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// A signal while a lab is being built would count as its own word that it is ready.
func TestLabThatIsBeingBuilt(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.begin(base)
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"up","passed":true}`} {
		if got := h.post(body); got.status != http.StatusServiceUnavailable || got.Code != "lab_building" || got.header.Get("Retry-After") != "30" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	h.Advance(time.Minute)
	if s, _ := h.Stack(base); s.State != "CREATE_IN_PROGRESS" {
		t.Errorf("the lab is %s", s.State)
	}
}

func TestLabThatSleepsAndEnds(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusAccepted {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if err := h.os.Act(t.Context(), ref, openstack.Suspend); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusConflict || got.Code != "lab_asleep" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "sent" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if err := h.os.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.Settle()
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"up","passed":true}`} {
		if got := h.post(body); got.status != http.StatusGone || got.Code != "lab_gone" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	// A new one under the same name is found.
	h.lab()
	if got := h.post(`{"heartbeat": true}`); got.status != http.StatusAccepted {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	var batch []map[string]any
	for range 50 {
		batch = append(batch, map[string]any{"check": "up", "passed": false, "message": strings.Repeat("é", 600)})
	}
	body, _ := json.Marshal(batch)
	for i := range 5 {
		got := h.post(string(body), "Idempotency-Key", fmt.Sprint("run ", i))
		h.Advance(11 * time.Second)
		switch {
		case i < 4 && got.status != http.StatusAccepted:
			t.Fatalf("batch %d: %d %s", i, got.status, got.text)
		case i == 4 && (got.status != http.StatusTooManyRequests || got.Code != "results_full"):
			t.Errorf("batch %d: %d %s", i, got.status, got.text)
		}
	}
	if got := h.signals(ref).Results[0].Message; len([]rune(got)) != 500 || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d: %s", len([]rune(got)), got)
	}
}

func TestR9CourseSiteAndCloudInTrouble(t *testing.T) {
	t.Parallel()
	h := start(t)
	ref := h.lab()
	h.lms.Feel(outcometest.Broken)
	if got := h.post(`{"check":"up","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "postponed" {
		t.Errorf("%d %s", got.status, got.text)
	}
	h.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	for _, body := range []string{`{"heartbeat": true}`, `{"check":"tls","passed":true}`} {
		if got := h.post(body); got.status != http.StatusServiceUnavailable || got.Code != "cloud_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	h.ClearFaults()
	h.Advance(2 * time.Minute)
	if got := h.post(`{"check":"tls","passed":true}`); got.status != http.StatusAccepted || got.Grade.Did != "sent" || got.Grade.Score != 0.5 {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := h.signals(ref); len(got.Results) != 2 {
		t.Errorf("%+v", got)
	}
}

// A lab in the second cloud is found; a first one that does not answer may be the one that has it.
func TestClouds(t *testing.T) {
	t.Parallel()
	h, second := start(t), start(t)
	second.lab()
	src := config.Map(map[string]string{"STACKHOOK_CONFIG": strings.Replace(configuration, "HOST", h.lms.Host(), 1)})
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	g, err := grades.New(c, grades.Options{Client: second.lms.Client(20 * time.Second), Now: second.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, down := range []bool{true, false} {
		handler, err := gradelab.New(c, []grades.Cloud{h.os, second.os}, g, second.Now)
		if err != nil {
			t.Fatal(err)
		}
		h.handler = function.Wrap("grade-lab", logging.New(h.log, "grade-lab"), handler)
		path := second.path
		if down {
			h.Inject(openstacktest.Fault{Service: "heat", Status: 503})
			path = second.ticket("lab-ffffffffffffffffff")
		}
		got := h.send(http.MethodPost, path, `{"heartbeat": true}`)
		if down && (got.status != http.StatusServiceUnavailable) || !down && got.status != http.StatusAccepted {
			t.Errorf("down %v: %d %s", down, got.status, got.text)
		}
		h.ClearFaults()
	}
}
