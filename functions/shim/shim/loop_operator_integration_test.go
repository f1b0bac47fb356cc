//go:build integration

package shim_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

const crowdEntry = `{min: 1, max: 6, cooldown_out: 0s, cooldown_in: 0s, lease: true}`

// operatorsAndCrowds lets alarms fire in crowds, and an operator work on the stack at the same time.
func operatorsAndCrowds(t *testing.T) {
	t.Helper()
	l := newLoop(t, crowdEntry)
	l.build(1)
	path := strings.TrimPrefix(l.s.ScaleURL(l.name, "out"), l.gate.url)

	l.part("forty at once, to two processes, are one step", func() {
		var crowd []notification
		for i := range 40 {
			crowd = append(crowd, aodhSays(path, "crowd", []string{"alarm", "alarm", "ok", "insufficient data"}[i%4], 90))
		}
		rand.Shuffle(len(crowd), func(i, j int) { crowd[i], crowd[j] = crowd[j], crowd[i] })
		l.heard(l.gate.deliver(crowd...))
		l.heard(l.gate.deliver(crowd...)) // and all of it again, while Heat is at work
		v := l.reaches(2)
		counts := l.gate.since(0)
		l.t.Logf("answers: %v", counts)
		if counts["out alarm: scaled"] != 1 || counts["out ok: not_alarm"] != 20 || counts["out insufficient data: not_alarm"] != 20 || len(v.Decisions) != 1 {
			l.t.Errorf("answers %v, history %v", counts, v.ring())
		}
	})
	l.part("an operator's PATCH in the middle of an update takes nothing away", func() {
		l.begins(path, "patched", 3)
		err := l.cloud.PatchStack(l.t.Context(), l.ref, openstack.StackChange{Parameters: map[string]any{"cooldown_in": 601}})
		if err != nil {
			l.t.Fatalf("the operator's PATCH: %v", err)
		}
		l.recovers(3, func() { l.order("reconcile?force=1", "") })
		s, err := l.cloud.StackParameters(l.t.Context(), l.ref)
		if err != nil || s.Parameters["cooldown_in"] != "601" {
			l.t.Errorf("what the operator wanted: %s, %v", s.Parameters["cooldown_in"], err)
		}
		// The same notification, late: it is known, although the stack was updated since.
		if got := l.gate.deliver(aodhSays(path, "crowd", "ok", 90)); got[0].code != "not_alarm" {
			l.t.Errorf("a late ok: %+v", got)
		}
	})
	l.part("an operator's PUT in the middle of an update resets the memory, and the next alarm goes on from there", func() {
		l.begins(path, "put", 4)
		l.put()
		v := l.recovers(1, l.put) // the template's own number
		if ring := v.ring(); !slices.Equal(ring, []string{"outside 1 to 1: reset by "}) {
			l.t.Errorf("history of a memory that was reset: %v", ring)
		}
		l.heard(l.gate.deliver(aodhSays(path, "after the put", "alarm", 90)))
		v = l.reaches(2)
		if ring := v.ring(); !slices.Equal(ring, []string{"out 1 to 2: scaled by aodh loop", "outside 1 to 1: reset by "}) {
			l.t.Errorf("history: %v", ring)
		}
	})
}

// heard sees to it that no notification was left without a word.
func (l *loop) heard(answers []verdict) {
	l.t.Helper()
	for _, v := range answers {
		if v.status != http.StatusOK && v.status != http.StatusAccepted || v.code == "" || v.code == "unavailable" {
			l.t.Errorf("a notification %s was answered %d %q", v.state, v.status, v.code)
		}
	}
}

// begins lets an alarm make the cluster grow to the size, and waits until Heat makes the new node.
func (l *loop) begins(path, alarm string, size int) {
	l.t.Helper()
	answer := l.gate.deliver(aodhSays(path, alarm, "alarm", 90))
	if answer[0].code != "scaled" {
		l.t.Fatalf("%s: %+v", alarm, answer)
	}
	until(l.t, fmt.Sprint("Heat makes node ", size-1), time.Minute, func() (string, bool) {
		list, err := l.cloud.Resources(l.t.Context(), l.ref, 2)
		if err != nil {
			return err.Error(), false
		}
		made := 0
		for _, r := range list {
			if r.Type == "OS::Nova::Server" {
				made++
			}
		}
		return fmt.Sprint(made, " servers"), made >= size
	})
}

// recovers waits for the size after an update that Heat may fail for what was before it, and has it sent again if so. Of one that
// overtook another it may say "Stack UPDATE cancelled", or that a row of its database is still in use.
func (l *loop) recovers(size int, again func()) fleetView {
	l.t.Helper()
	until(l.t, "Heat is done with all of it", patience, func() (string, bool) {
		s, err := l.cloud.StackParameters(l.t.Context(), l.ref)
		if err != nil {
			return err.Error(), false
		}
		if s.Status == "FAILED" {
			l.t.Logf("once more: %.200s", s.Reason)
			again()
		}
		return s.State(), s.State() == "UPDATE_COMPLETE"
	})
	return l.reaches(size)
}

// put is `openstack stack update -t`: an update that says nothing of what it does not set, so that is reset.
func (l *loop) put() {
	l.t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		l.t.Fatal(err)
	}
	g := newGnocchi(l.t)
	g.send(http.MethodPut, g.heat+"/stacks/"+l.name+"/"+l.ref.ID, map[string]any{
		"template": withoutMonitor(l.t, template.Text), "files": template.Files,
		"parameters": map[string]any{"image": "debian-12", "flavor": "m1.tiny"},
	}, nil)
}
