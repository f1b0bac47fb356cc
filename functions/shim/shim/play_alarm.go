package shim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

// alarm posts what Aodh or Alertmanager would post to the address that the cluster's alarms hold.
func (p *player) alarm(w http.ResponseWriter, r *http.Request) {
	name, direction := r.PostFormValue("cluster"), r.PostFormValue("direction")
	sender, state := r.PostFormValue("sender"), r.PostFormValue("state")
	if name == "" || strings.ContainsAny(name, "/?#%") {
		badForm(w, r, "cluster", "is not the name of a cluster")
		return
	}
	if direction != "out" && direction != "in" {
		badForm(w, r, "direction", "is neither out nor in")
		return
	}
	body, ok := notification(sender, state, name, direction, time.Now())
	if !ok {
		badForm(w, r, "state", "is none that this sender reports")
		return
	}
	address := p.shim.ScaleURL(p.cluster(name), direction)
	a, err := p.send(r.Context(), http.MethodPost, address, "", body)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	a.Curl = curl(http.MethodPost, address, body, false)
	function.JSON(w, r, http.StatusOK, a)
}

// cluster is the name that the configuration has for a stack, or the stack's own.
func (p *player) cluster(stack string) string {
	for name, c := range p.shim.cfg.Clusters {
		if c.Stack == stack {
			return name
		}
	}
	return stack
}

// notification is a body as the sender makes it, never the same twice: a repeat is recognised and changes nothing.
func notification(sender, state, cluster, direction string, now time.Time) ([]byte, bool) {
	var v any
	switch {
	case sender == "aodh" && slices.Contains([]string{"alarm", "ok", "insufficient data"}, state):
		v = aodh(state, cluster, direction, now)
	case sender == "alertmanager" && slices.Contains([]string{"firing", "resolved"}, state):
		v = alertmanager(state, cluster, direction, now)
	default:
		return nil, false
	}
	body, err := json.MarshalIndent(v, "", "  ")
	return body, err == nil
}

// aodh is the body of aodh/notifier/rest.py, with its seven keys.
func aodh(state, cluster, direction string, now time.Time) map[string]any {
	// CPU time in nanoseconds, as Gnocchi measures it: above the upper threshold, or below the lower one.
	value := 250e9 + float64(now.UnixNano()%1e9)
	if direction == "in" {
		value = 20e9 + float64(now.UnixNano()%1e9)
	}
	previous, disposition, due := "ok", "outside", "1 samples outside threshold"
	switch state {
	case "ok":
		previous, disposition, due = "alarm", "inside", "1 samples inside threshold"
	case "insufficient data":
		disposition, due = "unknown", "1 datapoints are unknown"
	}
	return map[string]any{
		"alarm_name": cluster + "-alarm_" + direction, "alarm_id": "d0b5e6b4-6c4e-4d8b-9a0e-" + fingerprint(cluster, direction)[:12],
		"severity": "low", "previous": previous, "current": state,
		"reason":      fmt.Sprintf("Transition to %s due to %s, most recent: %.1f", state, due, value),
		"reason_data": map[string]any{"type": "threshold", "disposition": disposition, "count": 1, "most_recent": value},
	}
}

// alertmanager is the body of notify/webhook/webhook.go, version 4.
func alertmanager(state, cluster, direction string, now time.Time) map[string]any {
	name := map[string]string{"out": "NodesTooBusy", "in": "NodesIdle"}[direction]
	labels := map[string]string{"alertname": name, "cluster": cluster, "scale": direction}
	ends := "0001-01-01T00:00:00Z"
	if state == "resolved" {
		ends = now.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{
		"version": "4", "groupKey": `{}:{alertname="` + name + `", cluster="` + cluster + `"}`, "truncatedAlerts": 0,
		"status": state, "receiver": "stackhook", "groupLabels": map[string]string{"alertname": name}, "commonLabels": labels,
		"commonAnnotations": map[string]string{"summary": name + " on " + cluster}, "externalURL": "http://alertmanager.example.org:9093",
		"alerts": []any{map[string]any{
			"status": state, "labels": labels, "annotations": map[string]string{"summary": name + " on " + cluster},
			"startsAt": now.Add(-2 * time.Minute).UTC().Format(time.RFC3339Nano), "endsAt": ends,
			"generatorURL": "http://prometheus.example.org:9090/graph", "fingerprint": fingerprint(cluster, direction),
		}},
	}
}

// fingerprint is the same for the same alarm.
func fingerprint(cluster, direction string) string {
	sum := sha256.Sum256([]byte(cluster + "\x00" + direction))
	return hex.EncodeToString(sum[:8])
}
