package alarm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Sender is the kind of system that posted.
type Sender string

// The senders that are understood.
const (
	Aodh         Sender = "aodh"
	Alertmanager Sender = "alertmanager"
	CloudEvents  Sender = "cloudevents" // whatever is in the event
	Person       Sender = "person"
)

// State is what the sender says about its alarm. A person is always in Alarm: they mean it.
type State string

// The states of an alarm. Only Alarm scales.
const (
	Alarm   State = "alarm"
	OK      State = "ok"
	Unknown State = "unknown"
)

// Direction is where a cluster's size should go.
type Direction string

// The directions. A signal without one leaves it to the address it was posted to.
const (
	Out Direction = "out"
	In  Direction = "in"
)

// Signal is one request to scale, whoever sent it.
type Signal struct {
	Sender Sender
	// Wish says that somebody wrote down what they want, in a person's form. An alarm only says how things are.
	Wish bool
	// Name is what the sender calls the alarm; for the record.
	Name string
	// Key is the same for two deliveries of one notification; empty if nothing tells them apart from two notifications.
	Key string
	// KeyLife is how long Key means the same notification: a sender that repeats itself must be heard again.
	KeyLife   time.Duration
	Direction Direction
	// By is the number of nodes to add or remove; 0 if not said.
	By int
	// Percent is the part of the cluster to add or remove, at least MinStep nodes; nil if not said.
	Percent *int
	MinStep int
	// To is the number of nodes wanted, if one was named.
	To *int
	// Nodes names those to take away, if somebody did.
	Nodes []string
	State State
	// Reason is the sender's sentence, cut to a sensible length.
	Reason string
	// Value is the measure that raised the alarm, if it was sent.
	Value *float64
}

// Error says why a body cannot be taken. Message is fit for the sender's eyes.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes of an Error. MediaType is about the Content-Type, the others about the body.
const (
	MediaType = "media_type"
	NotJSON   = "not_json"
	Schema    = "unknown_schema"
	BadField  = "bad_field"
)

// maxText bounds what of a sender's words is kept.
const maxText = 200

// Parse reads a request's body as its headers say. An empty body of any type is a person who says nothing more than the
// address does.
func Parse(header http.Header, body []byte) (Signal, error) {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case err == nil && strings.HasPrefix(media, "application/cloudevents"):
		return parseStructured(media, body)
	case header.Get("Ce-Specversion") != "":
		return parseBinary(header, media, body)
	case len(bytes.TrimSpace(body)) == 0:
		return Signal{Sender: Person, Wish: true, State: Alarm}, nil
	case err != nil || media != jsonType:
		return Signal{}, &Error{MediaType, "Send the body as application/json, or as a CloudEvent."}
	}
	return parseBody(body)
}

const jsonType = "application/json"

// parseBody tells the senders apart by the keys of their JSON.
func parseBody(body []byte) (Signal, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil || keys == nil {
		return Signal{}, &Error{NotJSON, "The body is not one JSON object."}
	}
	switch {
	case has(keys, "alarm_id", "current"):
		return parseAodh(body)
	case has(keys, "alerts", "status", "version"):
		return parseAlertmanager(body)
	case has(keys, "direction"), has(keys, "by"), has(keys, "percent"), has(keys, "to"), has(keys, "nodes"), has(keys, "reason"), len(keys) == 0:
		return parsePerson(body)
	}
	return Signal{}, &Error{Schema, `The body is not a notification of Aodh or of Alertmanager (version 4), and has none of "direction", "by", "percent", "to", "nodes" and "reason".`}
}

func has(keys map[string]json.RawMessage, names ...string) bool {
	for _, name := range names {
		if _, ok := keys[name]; !ok {
			return false
		}
	}
	return true
}

// digest makes a key of parts, which may be of any length.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// cut bounds a sender's text and takes out what does not belong on one line.
func cut(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > maxText {
		s = string(r[:maxText-1]) + "…"
	}
	return s
}
