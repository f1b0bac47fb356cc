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

// write signals; ErrAsleep if the lab cannot take it.
func (d *delivery) write(ctx context.Context, s openstack.Stack, id, reason string, data map[string]any) error {
	if !Writable(s) {
		return ErrAsleep
	}
	return signal(ctx, d.cloud, s.StackRef, id, reason, data)
}

// mark is write for what need not be written: whoever reads the lab once it is up finds it out again and sends the same once
// more, which changes nothing.
func (d *delivery) mark(ctx context.Context, s openstack.Stack, id, reason string, data map[string]any) error {
	if err := d.write(ctx, s, id, reason, data); !errors.Is(err, ErrAsleep) {
		return err
	}
	return nil
}

func signal(ctx context.Context, cloud Cloud, ref openstack.StackRef, id, reason string, data map[string]any) error {
	err := cloud.Signal(ctx, ref, Handle, openstack.Signal{ID: id, Status: "SUCCESS", Reason: reason, Data: data})
	switch openstack.CodeOf(err) {
	case "":
		return nil
	case openstack.Gone, openstack.Refused: // it has begun to sleep or to end since it was read
		return fmt.Errorf("%w: %w", ErrAsleep, err)
	default:
		return fmt.Errorf("write %s down: %w", id, err)
	}
}

// sentID takes the ring's ids one after the other. Once all were used, the second decides, so that one id is not written
// twice in a row; it does not matter which delivery is overwritten, as the best is among those that stay.
func sentID(sent []lab.Delivery, done lab.Delivery) string {
	const ring = 8
	if len(sent) < ring {
		return lab.SentID(len(sent))
	}
	return lab.SentID(int(done.At.Unix() % ring))
}

func sentData(d lab.Delivery) map[string]any {
	return map[string]any{"score": d.Score, "at": d.At.Unix(), "result": d.Result}
}

func parkedData(p lab.Parking) map[string]any {
	return map[string]any{"reason": p.Reason, "at": p.At.Unix()}
}

func resultData(r lab.Result) map[string]any {
	return map[string]any{"check": r.Check, "passed": r.Passed, "score": r.Score, "message": r.Message, "at": r.At.Unix()}
}

// reported counts the results that are written down. More than lab.ReadSignals gives are: it leaves old ones out.
func reported(outputs map[string]any) int {
	text, _ := outputs[lab.SignalsOutput].(string)
	var data map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &data) != nil {
		return 0
	}
	n := 0
	for id := range data {
		if strings.HasPrefix(id, lab.ResultID("")) {
			n++
		}
	}
	return n
}
