package tendlabs_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/tend-labs/tendlabs"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/checks"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

// machine plays a lab's machine, on which scripts are run.
type machine struct {
	mu     sync.Mutex
	ran    []checks.Target
	script string
	result lab.Result
	err    error
}

func (m *machine) run(_ context.Context, t checks.Target, script string) (lab.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ran, m.script = append(m.ran, t), script
	m.result.Check = t.Check
	return m.result, m.err
}

// results are those that the lab's stack holds.
func (h *house) results(t *testing.T, ref openstack.StackRef) []lab.Result {
	t.Helper()
	s, err := h.client.Stack(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return lab.ReadSignals(s.Outputs, h.Now()).Results
}

// A check's script runs on the lab's machine, as the learner, with the pinned host key, until it has passed; what came of it
// is written down once each time that it changes.
func TestScripts(t *testing.T) {
	t.Parallel()
	m := &machine{err: errors.New("the machine does not answer")}
	h := open(t, func(p *tendlabs.Parts) { p.Run = m.run })
	ref := h.labOf(t, "graded", "testdata/graded.yaml", "u1")
	pass := func() tender.Report {
		t.Helper()
		r := answer[report](t, h.send("POST", "/", operator, ""), 200)
		h.Advance(5*time.Minute + time.Second)
		return r.Report
	}
	if r := pass(); r.Failed != 1 || len(h.results(t, ref)) != 0 {
		t.Errorf("a machine that does not answer: %+v", r)
	}
	m.err, m.result = nil, lab.Result{Message: "There is no file called done."}
	pass()
	pass()
	if got := h.results(t, ref); len(got) != 1 || got[0].Passed || got[0].Check != "done" || got[0].Message != m.result.Message {
		t.Errorf("failed twice in the same way: %+v", got)
	}
	m.result = lab.Result{Passed: true, Score: 1}
	pass()
	if got := h.results(t, ref); len(got) != 2 || !got[0].Passed {
		t.Errorf("passed: %+v", got)
	}
	ran := len(m.ran)
	if r := pass(); len(m.ran) != ran || len(r.Changes) != 0 {
		t.Errorf("run again after it has passed: %+v", r.Changes)
	}
	target := m.ran[0]
	_, isKey := target.Key.Public().(ed25519.PublicKey)
	if target.Address != "203.0.113.7" || target.User != "learner" || target.HostKey != "ssh-ed25519 AAAATEST" || !isKey || target.Time <= 0 || !strings.Contains(m.script, "test -f done") {
		t.Errorf("%+v, script %q", target, m.script)
	}
}
