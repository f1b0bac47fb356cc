package grades

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Handle is the resource of a lab's template that takes signals.
const Handle = "signals"

// Writable says that Heat takes signals for a stack. While it is built they would count as the lab's own word that it is
// ready; while it sleeps or is deleted Heat refuses them, and while it wakes nobody knows.
func Writable(s openstack.Stack) bool {
	switch s.Action {
	case "SUSPEND", "DELETE":
		return false
	case "CREATE", "RESUME":
		return s.Status != "IN_PROGRESS"
	}
	return true
}

// soon says that a stack will be writable when Heat is done with it.
func soon(s openstack.Stack) bool {
	return !Writable(s) && s.Status == "IN_PROGRESS" && (s.Action == "CREATE" || s.Action == "RESUME")
}

// write signals with our signature; ErrAsleep if the lab cannot take it. What fails is tried once more: of two hosts that send
// at once each must see what the other did.
func (d *delivery) write(ctx context.Context, s openstack.Stack, id, reason string, data map[string]any) error {
	if !Writable(s) {
		return ErrAsleep
	}
	ours := lab.Signal{ID: id, Reason: reason, Data: data}.Sign(d.signKey, s.ID)
	err := signal(ctx, d.cloud, s.StackRef, ours)
	if err != nil && !errors.Is(err, ErrAsleep) {
		err = signal(ctx, d.cloud, s.StackRef, ours)
	}
	return err
}

// mark is write for what need not be written: whoever reads the lab once it is up finds it out again.
func (d *delivery) mark(ctx context.Context, s openstack.Stack, id, reason string, data map[string]any) error {
	if err := d.write(ctx, s, id, reason, data); !errors.Is(err, ErrAsleep) {
		return err
	}
	return nil
}

func signal(ctx context.Context, cloud Cloud, ref openstack.StackRef, s lab.Signal) error {
	err := cloud.Signal(ctx, ref, Handle, openstack.Signal{ID: s.ID, Status: "SUCCESS", Reason: s.Reason, Data: s.Data})
	switch openstack.CodeOf(err) {
	case "":
		return nil
	case openstack.Gone, openstack.Refused: // it has begun to sleep or to end since it was read
		return fmt.Errorf("%w: %w", ErrAsleep, err)
	default:
		return fmt.Errorf("write %s down: %w", s.ID, err)
	}
}

// read is what is written down at a lab, by it and by us.
func (g *grader) read(s openstack.Stack, k *known) Written {
	entry := g.entries[lab.Tagged(s.Tags, lab.TagLab)]
	w := Written{Signals: lab.ReadSigned(s.Outputs, g.signKey, s.ID, entry, g.now()), After: map[string]int{}}
	for _, sent := range w.Sent {
		var noted struct {
			After *int `json:"after"`
		}
		if json.Unmarshal(signalled(s.Outputs)[sentID(sent.Result)], &noted) == nil && noted.After != nil {
			w.After[sent.Result] = *noted.After
		}
	}
	return k.with(s, w, g.now())
}

// sentID is the id under which a delivery is written down: its own, so that two hosts do not write over each other.
func sentID(result string) string { return "sent-" + result }

func sentData(d delivered) map[string]any {
	return map[string]any{"score": d.Score, "at": d.At.Unix(), "result": d.Result, "after": d.after}
}

func parkedData(p lab.Parking) map[string]any {
	return map[string]any{"reason": p.Reason, "at": p.At.Unix()}
}

func resultData(r lab.Result) map[string]any {
	return map[string]any{"check": r.Check, "passed": r.Passed, "score": r.Score, "message": r.Message, "at": r.At.Unix()}
}

// signalled are all signals as they are.
func signalled(outputs map[string]any) map[string]json.RawMessage {
	text, _ := outputs[lab.SignalsOutput].(string)
	var data map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &data) != nil {
		return nil
	}
	return data
}

// reported counts the results that are written down. More than lab.ReadSignals gives are: it leaves old ones out.
func reported(outputs map[string]any) int {
	n := 0
	for id := range signalled(outputs) {
		if strings.HasPrefix(id, lab.ResultID("")) {
			n++
		}
	}
	return n
}
