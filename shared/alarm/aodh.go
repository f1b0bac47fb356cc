package alarm

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Lives of Aodh's keys. A threshold alarm repeats the very same body at each evaluation (60 s by default), and each
// repeat is a new wish; an event has an id of its own and is delivered again only by mistake.
const (
	aodhRepeat = 30 * time.Second
	aodhEvent  = 24 * time.Hour
)

// notification is Aodh's body (aodh/notifier/rest.py).
type notification struct {
	Name       string          `json:"alarm_name"`
	ID         string          `json:"alarm_id"`
	Previous   string          `json:"previous"`
	Current    string          `json:"current"`
	Reason     string          `json:"reason"`
	ReasonData json.RawMessage `json:"reason_data"`
}

// reasonData holds what is of use in any of its forms: threshold, event, composite, loadbalancer_member_health. A form
// that is not known, or has other types in it, is no reason to refuse an alarm.
type reasonData struct {
	Type       string          `json:"type"`
	MostRecent json.RawMessage `json:"most_recent"`
	Event      struct {
		MessageID string `json:"message_id"`
	} `json:"event"`
	// Members are the members of a load balancer's pool that are broken, as Octavia shows them.
	Members []struct {
		ID string `json:"id"`
	} `json:"unhealthy_members"`
}

func parseAodh(body []byte) (Signal, error) {
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		return Signal{}, &Error{BadField, "A key of the Aodh notification has a value of another type than Aodh sends."}
	}
	s := Signal{Sender: Aodh, Name: cut(n.Name), Reason: cut(n.Reason)}
	switch n.Current {
	case "alarm":
		s.State = Alarm
	case "ok":
		s.State = OK
	case "insufficient data":
		s.State = Unknown
	default:
		return Signal{}, &Error{BadField, `"current" is none of "alarm", "ok" and "insufficient data".`}
	}
	var data reasonData
	if json.Unmarshal(n.ReasonData, &data) != nil {
		data = reasonData{}
	}
	s.Value = number(data.MostRecent)
	s.Repeats = n.Previous == n.Current && data.Type != "event" // another event is no repeat of this one
	if data.Type == "loadbalancer_member_health" {
		s.Direction = Replace
		for _, m := range data.Members[:min(len(data.Members), maxNodes)] {
			if m.ID != "" {
				s.Nodes = append(s.Nodes, cut(m.ID))
			}
		}
	}
	s.Key, s.KeyLife = digest("aodh", n.ID, n.Previous, n.Current, n.Reason), aodhRepeat
	if data.Type == "event" && data.Event.MessageID != "" {
		s.Key, s.KeyLife = digest("aodh-event", n.ID, data.Event.MessageID), aodhEvent
	}
	return s, nil
}

// number is the value of a JSON number, nil of anything else. Of a pool's members, most_recent is one of them.
func number(raw json.RawMessage) *float64 { return finite(string(raw)) }

// finite is the number a text spells, nil if it spells none that can be compared.
func finite(text string) *float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}
