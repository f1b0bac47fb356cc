package alarm_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/alarm"
)

// sane parses a body twice and checks what holds for every signal there is. It is false for a body that is refused.
func sane(t *testing.T, header http.Header, body []byte) (alarm.Signal, bool) {
	t.Helper()
	s, err := alarm.Parse(header, body)
	again, errAgain := alarm.Parse(header, body)
	if (err == nil) != (errAgain == nil) || s.Key != again.Key {
		t.Errorf("two readings of one body: %+v, %v and %+v, %v", s, err, again, errAgain)
	}
	if err != nil {
		codes := []string{alarm.MediaType, alarm.NotJSON, alarm.Schema, alarm.BadField}
		if bad, ok := errors.AsType[*alarm.Error](err); !ok || bad.Message == "" || !slices.Contains(codes, bad.Code) {
			t.Errorf("refused by %v", err)
		}
		return s, false
	}
	for what, good := range map[string]bool{
		"sender":    slices.Contains([]alarm.Sender{alarm.Aodh, alarm.Alertmanager, alarm.CloudEvents, alarm.Person}, s.Sender),
		"state":     slices.Contains([]alarm.State{alarm.Alarm, alarm.OK, alarm.Unknown}, s.State),
		"direction": slices.Contains([]alarm.Direction{"", alarm.Out, alarm.In}, s.Direction),
		"wish":      !s.Wish || s.State == alarm.Alarm,
		"by":        s.By >= 0 && (s.By == 0 || s.Percent == nil),
		"percent":   s.Percent == nil || *s.Percent >= 0 && *s.Percent <= alarm.MaxPercent,
		"min_step":  s.MinStep >= 0 && (s.MinStep == 0 || s.Percent != nil),
		"to":        s.To == nil || *s.To >= 0 && s.By == 0 && s.Percent == nil && s.Direction == "" && len(s.Nodes) == 0,
		"nodes":     len(s.Nodes) <= 100,
		"value":     s.Value == nil || !math.IsNaN(*s.Value) && !math.IsInf(*s.Value, 0),
		"key":       (s.Key == "") == (s.Sender == alarm.Person),
		"key life":  (s.Key != "") == (s.KeyLife > 0),
		"name":      short(s.Name),
		"reason":    short(s.Reason),
	} {
		if !good {
			t.Errorf("%s of %+v", what, s)
		}
	}
	return s, true
}

// short says that a text fits on a line of a log.
func short(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= 200 && !strings.ContainsAny(text, "\r\n")
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever else Aodh says, its state alone decides whether it is an alarm; what is no state is refused.
func FuzzAodh(f *testing.F) {
	f.Add("alarm", "ok", "id", "name", "Transition to alarm", []byte(`{"type":"threshold","most_recent":80.0}`))
	f.Add("insufficient data", "ok", "id", "name", "", []byte(`{"type":"event","event":{"message_id":"m"}}`))
	f.Add("ok", "ok", "", "", "Remaining as ok", []byte(`{"type":"loadbalancer_member_health","most_recent":{"id":"x"}}`))
	f.Add("ALARM", "", "\x00", "a\nb", "", []byte(`null`))
	states := map[string]alarm.State{"alarm": alarm.Alarm, "ok": alarm.OK, "insufficient data": alarm.Unknown}
	f.Fuzz(func(t *testing.T, current, previous, id, name, reason string, data []byte) {
		if !json.Valid(data) {
			data = []byte("null")
		}
		body := asJSON(t, map[string]any{
			"alarm_name": name, "alarm_id": id, "severity": "low", "previous": previous, "current": current, "reason": reason, "reason_data": json.RawMessage(data),
		})
		s, ok := sane(t, typed(jsonType), body)
		if state, known := states[current]; ok != known || ok && (s.State != state || s.Sender != alarm.Aodh || s.Wish) {
			t.Errorf("%s: %+v, %v", body, s, ok)
		}
	})
}

// An alert that fires makes an alarm, out wins over in, and the order of the alerts does not matter.
func FuzzAlertmanager(f *testing.F) {
	f.Add("g", "firing", "out", "2", "81", "f1", "resolved", "in", "", "", "f2")
	f.Add("g", "firing", "in", "", "", "f1", "firing", "out", "3", "", "f1")
	f.Add("", "resolved", "up", "0", "NaN", "", "", "", "-1", "1e999", "")
	f.Fuzz(func(t *testing.T, group, status1, scale1, by1, value1, print1, status2, scale2, by2, value2, print2 string) {
		one, two := alertOf(status1, scale1, by1, value1, print1), alertOf(status2, scale2, by2, value2, print2)
		body := func(alerts ...any) []byte {
			return asJSON(t, map[string]any{"version": "4", "status": "firing", "groupKey": group, "receiver": "r", "alerts": alerts})
		}
		s, ok := sane(t, typed(jsonType), body(one, two))
		turned, okTurned := sane(t, typed(jsonType), body(two, one))
		if ok != okTurned || s.Key != turned.Key || s.State != turned.State || s.Direction != turned.Direction || s.By != turned.By {
			t.Errorf("in turn %+v, %v, and %+v, %v", s, ok, turned, okTurned)
		}
		if !ok {
			return
		}
		fires := status1 == "firing" || status2 == "firing"
		grows := status1 == "firing" && scale1 == "out" || status2 == "firing" && scale2 == "out"
		if (s.State == alarm.Alarm) != fires || grows != (s.Direction == alarm.Out) || s.Sender != alarm.Alertmanager {
			t.Errorf("%s: %+v", body(one, two), s)
		}
	})
}

func alertOf(status, scale, by, value, fingerprint string) map[string]any {
	labels := map[string]string{}
	for name, text := range map[string]string{"scale": scale, "scale_by": by} {
		if text != "" {
			labels[name] = text
		}
	}
	return map[string]any{
		"status": status, "labels": labels, "annotations": map[string]string{"scale_value": value}, "startsAt": "2026-11-23T10:00:00Z", "fingerprint": fingerprint,
	}
}

// A CloudEvent in headers is known by its source and id, whatever it carries.
func FuzzBinaryEvent(f *testing.F) {
	f.Add("1.0", "id", "/source", "type", jsonType, []byte(`{"direction":"out"}`))
	f.Add("1.0", "%E2%82%AC", "s", "t", "application/json; charset=utf-8", []byte(`{"alarm_id":"x","current":"ok"}`))
	f.Add("0.3", "%zz", "", "", "text/plain", []byte(``))
	f.Fuzz(func(t *testing.T, version, id, source, kind, contentType string, body []byte) {
		header := http.Header{"Content-Type": {contentType}, "Ce-Specversion": {version}, "Ce-Id": {id}, "Ce-Source": {source}, "Ce-Type": {kind}}
		s, ok := sane(t, header, body)
		if !ok || s.Sender != alarm.CloudEvents {
			return // refused, or no event by its headers
		}
		header.Set("Content-Type", jsonType)
		other, okOther := sane(t, header, []byte(`{"direction":"in"}`))
		structured := typed("application/cloudevents+json")
		if strings.HasPrefix(contentType, "application/cloudevents") {
			return // the body says who it is
		}
		name, errName := url.PathUnescape(id)
		from, errFrom := url.PathUnescape(source)
		same, okSame := sane(t, structured, asJSON(t, map[string]any{"specversion": "1.0", "id": name, "source": from, "type": "t", "data": map[string]any{}}))
		if !okOther || other.Key != s.Key || errName != nil || errFrom != nil {
			t.Errorf("another body makes another event: %+v and %+v, %v", s, other, okOther)
		}
		if utf8.ValidString(name) && utf8.ValidString(from) && (!okSame || same.Key != s.Key) {
			t.Errorf("another mode makes another event: %+v and %+v, %v", s, same, okSame)
		}
	})
}

// A CloudEvent as one document: raw, and with the data put into it in both of its forms, which then say the same.
func FuzzStructuredEvent(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"direction":"out"}}`), []byte(`{"alarm_id":"x","current":"alarm"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"e30="}`), []byte(`{"to":3}`))
	f.Add([]byte(`{"specversion":"1.0","id":1}`), []byte(`[]`))
	header := typed("application/cloudevents+json")
	f.Fuzz(func(t *testing.T, raw, data []byte) {
		if s, ok := sane(t, header, raw); ok && s.Sender != alarm.CloudEvents {
			t.Errorf("%s: %+v", raw, s)
		}
		if !json.Valid(data) || string(data) == "null" {
			return
		}
		event := map[string]any{"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
		event["data"] = json.RawMessage(data)
		plain, ok := sane(t, header, asJSON(t, event))
		delete(event, "data")
		event["data_base64"] = base64.StdEncoding.EncodeToString(data)
		coded, okCoded := sane(t, header, asJSON(t, event))
		if ok != okCoded || plain.State != coded.State || plain.Direction != coded.Direction || plain.By != coded.By || plain.Key != coded.Key {
			t.Errorf("%s is %+v, %v, and in base64 %+v, %v", data, plain, ok, coded, okCoded)
		}
	})
}

// A person's wish is what it says, or refused: no fraction is rounded, and no key that is not known is left out.
func FuzzPerson(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"direction":"out"}`, `{"direction":"in","by":2,"reason":"r"}`, `{"to":3}`, `{"direction":"in","nodes":["1","2"]}`, `{"percent":30,"min_step":2}`,
		`{"percent":0}`, `{"percent":2.5}`, `{"by":1e2}`, `{"to":-0}`, `{"bye":1,"by":1}`,
	} {
		f.Add([]byte(seed), "3")
	}
	f.Fuzz(func(t *testing.T, body []byte, number string) {
		if s, ok := sane(t, typed(jsonType), body); ok && s.Sender == alarm.Person && !s.Wish {
			t.Errorf("%s: %+v", body, s)
		}
		for _, key := range []string{"by", "percent", "to"} {
			text := `{"` + key + `":` + number + `}`
			if !json.Valid([]byte(text)) || strings.ContainsAny(number, `,:"`) {
				continue
			}
			s, ok := sane(t, typed(jsonType), []byte(text))
			if n, err := strconv.Atoi(strings.TrimSpace(number)); ok && number != "null" && strings.TrimSpace(number) != "null" &&
				(err != nil || n != map[string]int{"by": s.By, "percent": deref(s.Percent), "to": deref(s.To)}[key]) {
				t.Errorf("%s: %+v", text, s)
			}
		}
	})
}

func deref(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}
