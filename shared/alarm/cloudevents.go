package alarm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// eventLife is how long source and id mean the same event: they are unique for ever (CloudEvents 1.0, 3.1), and brokers
// deliver again for a day or so.
const eventLife = 24 * time.Hour

// envelope is what of a CloudEvent is needed, in the words of its JSON form.
type envelope struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`
	Base64      *string         `json:"data_base64"`
}

// parseBinary reads an event whose attributes are headers (CloudEvents HTTP binding, 3.1).
func parseBinary(header http.Header, media string, body []byte) (Signal, error) {
	e := envelope{ContentType: media, Data: body}
	for name, field := range map[string]*string{"Specversion": &e.SpecVersion, "Id": &e.ID, "Source": &e.Source, "Type": &e.Type} {
		text, err := url.PathUnescape(header.Get("Ce-" + name))
		if err != nil {
			return Signal{}, &Error{BadField, "A header of the CloudEvent is not percent-encoded as it must be."}
		}
		*field = text
	}
	return e.signal()
}

// parseStructured reads an event that is one JSON document (3.2). A batch would be several requests with one answer.
func parseStructured(media string, body []byte) (Signal, error) {
	if media != "application/cloudevents+json" {
		return Signal{}, &Error{MediaType, "Of CloudEvents, single ones in JSON are understood: application/cloudevents+json, or the binary mode."}
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Signal{}, &Error{NotJSON, "The body is not one CloudEvent in JSON."}
	}
	if e.ContentType == "" {
		e.ContentType = jsonType // what "data" is unless it says otherwise (JSON format, 3.1)
	}
	if e.Base64 != nil {
		data, err := base64.StdEncoding.DecodeString(*e.Base64)
		if err != nil || len(e.Data) > 0 {
			return Signal{}, &Error{BadField, `The CloudEvent's "data_base64" is not base64, or has "data" beside it.`}
		}
		e.Data = data
	}
	return e.signal()
}

// signal is what the event's data says, under the event's own identity.
func (e envelope) signal() (Signal, error) {
	if !strings.HasPrefix(e.SpecVersion, "1.") {
		return Signal{}, &Error{Schema, "Only CloudEvents of version 1 are understood."}
	}
	if e.ID == "" || e.Source == "" || e.Type == "" {
		return Signal{}, &Error{BadField, "A CloudEvent must have an id, a source and a type."}
	}
	s := Signal{Wish: true, State: Alarm}
	if len(bytes.TrimSpace(e.Data)) > 0 {
		if media, _, err := mime.ParseMediaType(e.ContentType); err != nil || media != jsonType {
			return Signal{}, &Error{MediaType, "Send the CloudEvent's data as application/json."}
		}
		var err error
		if s, err = parseBody(e.Data); err != nil {
			return Signal{}, err
		}
	}
	s.Sender, s.Name = CloudEvents, cut(first(s.Name, e.Type))
	s.Key, s.KeyLife = digest("cloudevent", e.Source, e.ID), eventLife
	return s, nil
}
