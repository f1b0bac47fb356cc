package alarm

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// groupLife is how long two bodies about the same alerts are one notification. Alertmanagers of a cluster deliver twice
// within seconds (prometheus/alertmanager#1005); the next wish of a group comes after group_interval, 5 min by default.
const groupLife = 2 * time.Minute

// Labels of an alert that say what it wants; an alert rule sets them.
const (
	labelDirection = "scale"      // out, in or replace
	labelBy        = "scale_by"   // number of nodes
	labelNode      = "scale_node" // the node to replace
)

// annotationValue is the annotation that carries the measure, as in `scale_value: "{{ $value }}"`. It is no label: an
// alert whose labels change is another alert.
const annotationValue = "scale_value"

// group is Alertmanager's body (notify/webhook/webhook.go, template/template.go).
type group struct {
	Version  string `json:"version"`
	GroupKey string `json:"groupKey"`
	Receiver string `json:"receiver"`
	Alerts   []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    string            `json:"startsAt"`
		Fingerprint string            `json:"fingerprint"`
	} `json:"alerts"`
}

func parseAlertmanager(body []byte) (Signal, error) {
	var g group
	if err := json.Unmarshal(body, &g); err != nil {
		return Signal{}, &Error{BadField, "A key of the Alertmanager notification has a value of another type than Alertmanager sends."}
	}
	if g.Version != "4" {
		return Signal{}, &Error{Schema, `Only version "4" of Alertmanager's webhook body is understood.`}
	}
	s := Signal{Sender: Alertmanager, Name: cut(g.Receiver), State: OK, KeyLife: groupLife}
	var parts []string
	for _, a := range g.Alerts {
		parts = append(parts, a.Fingerprint+" "+a.StartsAt+" "+a.Status)
		// The group's status is "firing" if any alert fires, so each is looked at.
		if a.Status != "firing" {
			continue
		}
		if s.State != Alarm {
			s.State, s.Reason = Alarm, cut(first(a.Annotations["summary"], a.Annotations["description"], a.Labels["alertname"]))
		}
		if err := s.want(a.Labels, a.Annotations[annotationValue]); err != nil {
			return Signal{}, err
		}
	}
	slices.Sort(parts)
	s.Key = digest(append([]string{"alertmanager", g.GroupKey}, parts...)...)
	return s, nil
}

// want adds what one firing alert asks for. Out wins over in, and the largest step of the winning direction counts: it
// is worse to have too few nodes than too many. The value is that of the alert whose direction was taken first.
func (s *Signal) want(labels map[string]string, measure string) error {
	direction := Direction(labels[labelDirection])
	if direction != "" && direction != Out && direction != In && direction != Replace {
		return &Error{BadField, `The label "scale" of an alert is none of "out", "in" and "replace".`}
	}
	if direction == Replace {
		s.replace(labels[labelNode])
		return nil
	}
	by := 0
	if text := labels[labelBy]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return &Error{BadField, `The label "scale_by" of an alert is not a whole number of 1 or more.`}
		}
		by = n
	}
	value := finite(measure)
	if measure != "" && value == nil {
		return &Error{BadField, `The annotation "scale_value" of an alert is not a number.`}
	}
	switch {
	case s.Direction == Out && direction == In:
	case s.Direction == In && direction == Out, s.Direction == Replace && direction != "":
		s.Direction, s.By, s.Value, s.Nodes = direction, by, value, nil
	default:
		s.Direction, s.By = Direction(first(string(direction), string(s.Direction))), max(s.By, by)
		if s.Value == nil {
			s.Value = value
		}
	}
	return nil
}

// replace adds a node to be made anew. In a group that wants another size as well, the size goes first; the alert comes again.
func (s *Signal) replace(node string) {
	if s.Direction != "" && s.Direction != Replace {
		return
	}
	s.Direction = Replace
	if node != "" && len(s.Nodes) < maxNodes {
		s.Nodes = append(s.Nodes, cut(node))
	}
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
