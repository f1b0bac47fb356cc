package scalecluster

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/stackhook/stackhook/shared/alarm"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
)

// pause answers POST /{cluster}/pause and /resume: people hold alarms back, in one direction or in all, and let them go on. It
// writes the tags of the stack, so it is refused while an update runs.
func (s *scaler) pause(op cluster.Op) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			wrongMethod(w, r, http.MethodPost, "Only POST pauses and resumes a cluster; send the request as POST and without redirects.")
			return
		}
		name, who, ok := s.letIn(w, r)
		if !ok {
			return
		}
		request, signal, o, err := pauseOf(r, who, op)
		if err != nil {
			function.Fail(w, r, err)
			return
		}
		decision, err := s.decide(r.Context(), who, s.target(name), request, false)
		if err != nil {
			failTo(w, r, signal, name, who, err)
			return
		}
		answerTo(w, r, signal, o, name, answerOf(decision))
	}
}

// pauseOf reads what is to be held back: the direction in the query or in the body, or all. Whoever holds a credential of the
// cluster itself is an alarm, and could silence the others.
func pauseOf(r *http.Request, who caller.Caller, op cluster.Op) (cluster.Request, alarm.Signal, options, error) {
	if who.Kind != caller.API && who.Kind != caller.Keystone {
		return cluster.Request{}, alarm.Signal{}, options{}, &function.Error{
			Code: "forbidden", Status: http.StatusForbidden, Public: "Only people may pause a cluster: use an API token, or a Keystone token in X-Auth-Token.",
		}
	}
	direction, err := directionOf(r)
	if err != nil {
		return cluster.Request{}, alarm.Signal{}, options{}, err
	}
	signal := named(r, alarm.Signal{Sender: alarm.Person, Wish: true, State: alarm.Alarm}, who)
	o, err := optionsOf(r, signal)
	if err != nil {
		return cluster.Request{}, signal, o, err
	}
	request := cluster.Request{Op: op, Key: signal.Key, KeyLife: signal.KeyLife, Who: nameOf(who), Person: true, DryRun: o.dryRun}
	switch direction {
	case "", "all":
		request.Pause.All = true
	case "in":
		request.Pause.In = true
	case "out":
		request.Pause.Out = true
	default:
		return request, signal, o, badRequest("bad_direction", `"direction" is none of "in", "out" and "all".`)
	}
	return request, signal, o, nil
}

// directionOf is what the query says, or else the body.
func directionOf(r *http.Request) (string, error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, function.MaxBody))
	if err != nil {
		return "", err //nolint:wrapcheck // Fail knows what a body too large is
	}
	var body struct {
		Direction string `json:"direction"`
		Reason    string `json:"reason"` // for the sender's own records
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if len(bytes.TrimSpace(text)) > 0 && decoder.Decode(&body) != nil {
		return "", badRequest(alarm.BadField, `Only "direction" ("in", "out" or "all") and "reason" (text) are understood.`)
	}
	if query := r.URL.Query().Get("direction"); query != "" {
		return query, nil
	}
	return body.Direction, nil
}

// nameOf is what is recorded of a person.
func nameOf(who caller.Caller) string {
	if who.Kind == caller.Keystone {
		return "OpenStack user"
	}
	return who.Name
}
