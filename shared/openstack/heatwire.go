package openstack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// moment reads Heat's times: RFC 3339, in some releases without the Z, null or empty while there is none.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil || s == "" {
		return err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return &json.UnmarshalTypeError{Value: "time " + s, Type: reflect.TypeFor[time.Time](), Offset: int64(len(text))} // without a Type it cannot be printed
}

// splitState parts e.g. CREATE_IN_PROGRESS after the action, which never has an underscore (heat/engine/stack.py ACTIONS).
func splitState(state string) (action, status string) {
	action, status, _ = strings.Cut(state, "_")
	return action, status
}

// stackWire is a stack as Heat sends it, in lists and alone.
type stackWire struct {
	ID         string         `json:"id"`
	Name       string         `json:"stack_name"`
	State      string         `json:"stack_status"`
	Reason     string         `json:"stack_status_reason"`
	Created    moment         `json:"creation_time"`
	Updated    moment         `json:"updated_time"`
	Tags       []string       `json:"tags"`
	Parameters map[string]any `json:"parameters"`
	Outputs    []struct {
		Key   string `json:"output_key"`
		Value any    `json:"output_value"`
	} `json:"outputs"`
}

func (w stackWire) stack() Stack {
	s := Stack{
		StackRef: StackRef{Name: w.Name, ID: w.ID},
		Reason:   w.Reason,
		Created:  w.Created.Time,
		Updated:  w.Updated.Time,
		// Heat keeps the "" by which tags are taken away as one empty tag (seen on Zed).
		Tags: slices.DeleteFunc(w.Tags, func(tag string) bool { return tag == "" }),
	}
	s.Action, s.Status = splitState(w.State)
	if w.Parameters != nil {
		s.Parameters = make(map[string]string, len(w.Parameters))
		for name, value := range w.Parameters {
			s.Parameters[name] = printed(value)
		}
	}
	if w.Outputs != nil {
		s.Outputs = make(map[string]any, len(w.Outputs))
		for _, o := range w.Outputs {
			s.Outputs[o.Key] = o.Value
		}
	}
	return s
}

// printed is a parameter's text. Heat sends strings (heat/engine/api.py format_stack maps str over them); anything else
// is shown as JSON rather than lost.
func printed(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// resourceWire is a resource in lists and previews.
type resourceWire struct {
	Name       string `json:"resource_name"`
	Type       string `json:"resource_type"`
	PhysicalID string `json:"physical_resource_id"`
	State      string `json:"resource_status"`
	Action     string `json:"resource_action"`
	Reason     string `json:"resource_status_reason"`
	Parent     string `json:"parent_resource"`
	Created    moment `json:"creation_time"`

	Properties map[string]any `json:"properties"`

	Links []link `json:"links"`
}

func (w resourceWire) resource() Resource {
	r := Resource{
		Stack: stackOf(w.Links),
		Name:  w.Name, Type: w.Type, PhysicalID: w.PhysicalID, Reason: w.Reason, Parent: w.Parent, Created: w.Created.Time,
		Properties: w.Properties,
	}
	if w.Action != "" { // previews send the two halves apart
		r.Action, r.Status = w.Action, strings.TrimPrefix(w.State, w.Action+"_")
		return r
	}
	r.Action, r.Status = splitState(w.State)
	return r
}

// stackOf reads the stack of a resource from the address that Heat links it to: …/stacks/{name}/{id}.
func stackOf(links []link) StackRef {
	for _, l := range links {
		parts := strings.Split(l.Href, "/")
		if l.Rel != "stack" || len(parts) < 3 {
			continue
		}
		name, err := url.PathUnescape(parts[len(parts)-2])
		if err == nil {
			return StackRef{Name: name, ID: parts[len(parts)-1]}
		}
	}
	return StackRef{}
}

// eventWire is an event in a list.
type eventWire struct {
	ID         string `json:"id"`
	Time       moment `json:"event_time"`
	Resource   string `json:"resource_name"`
	State      string `json:"resource_status"`
	Reason     string `json:"resource_status_reason"`
	PhysicalID string `json:"physical_resource_id"`
}

func (w eventWire) event() Event {
	e := Event{ID: w.ID, Time: w.Time.Time, Resource: w.Resource, Reason: w.Reason, PhysicalID: w.PhysicalID}
	e.Action, e.Status = splitState(w.State)
	return e
}
