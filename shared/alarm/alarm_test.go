package alarm_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/alarm"
)

const jsonType = "application/json"

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// typed are the headers of a body of this type.
func typed(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

func parse(t *testing.T, body string) alarm.Signal {
	t.Helper()
	s, err := alarm.Parse(typed(jsonType), []byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	return s
}

// Every kind of body that Aodh and Alertmanager send is read, whatever is in its reason_data.
func TestSenders(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		file      string
		sender    alarm.Sender
		state     alarm.State
		direction alarm.Direction
		by        int
		value     float64
		life      time.Duration
	}{
		{"aodh-threshold", alarm.Aodh, alarm.Alarm, "", 0, 80, 30 * time.Second},
		{"aodh-repeat", alarm.Aodh, alarm.Alarm, "", 0, 80, 30 * time.Second},
		{"aodh-ok", alarm.Aodh, alarm.OK, "", 0, 12, 30 * time.Second},
		{"aodh-insufficient", alarm.Aodh, alarm.Unknown, "", 0, -1, 30 * time.Second},
		{"aodh-event", alarm.Aodh, alarm.Alarm, "", 0, -1, 24 * time.Hour},
		{"aodh-composite", alarm.Aodh, alarm.Alarm, "", 0, -1, 30 * time.Second},
		{"aodh-member", alarm.Aodh, alarm.Alarm, alarm.Replace, 0, -1, 30 * time.Second},
		{"aodh-prometheus", alarm.Aodh, alarm.Alarm, "", 0, 93.5, 30 * time.Second},
		{"alertmanager-firing", alarm.Alertmanager, alarm.Alarm, alarm.Out, 2, -1, 2 * time.Minute},
		{"alertmanager-resolved", alarm.Alertmanager, alarm.OK, "", 0, -1, 2 * time.Minute},
	} {
		t.Run(row.file, func(t *testing.T) {
			t.Parallel()
			s := parse(t, string(read(t, row.file)))
			if s.Sender != row.sender || s.State != row.state || s.Direction != row.direction || s.By != row.by || s.KeyLife != row.life {
				t.Errorf("got %+v", s)
			}
			if s.Name == "" || s.Key == "" {
				t.Errorf("no name or no key: %+v", s)
			}
			if row.value < 0 && s.Value != nil || row.value >= 0 && (s.Value == nil || *s.Value != row.value) {
				t.Errorf("value %v, want %v", s.Value, row.value)
			}
		})
	}
}

// A delivery has the key of its copy, and no other notification has it.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	for _, name := range []string{
		"aodh-threshold", "aodh-repeat", "aodh-ok", "aodh-insufficient", "aodh-event", "aodh-composite", "aodh-member", "aodh-prometheus",
		"alertmanager-firing", "alertmanager-resolved",
	} {
		body := string(read(t, name))
		key := parse(t, body).Key
		if again := parse(t, body).Key; again != key {
			t.Errorf("%s: keys %s and %s of one body", name, key, again)
		}
		if other, taken := keys[key]; taken {
			t.Errorf("%s has the key of %s", name, other)
		}
		keys[key] = name
	}
	body := string(read(t, "alertmanager-firing"))
	later := strings.Replace(body, "10:00:00Z", "11:00:00Z", 1)
	if parse(t, body).Key == parse(t, later).Key {
		t.Error("an alert that began again has the key of the one before")
	}
	// Two Alertmanagers of one cluster list the same alerts in their own order.
	one := `{"version":"4","status":"firing","groupKey":"g","alerts":[{"status":"firing","fingerprint":"a"},{"status":"firing","fingerprint":"b"}]}`
	two := `{"version":"4","status":"firing","groupKey":"g","alerts":[{"status":"firing","fingerprint":"b"},{"status":"firing","fingerprint":"a"}]}`
	if parse(t, one).Key != parse(t, two).Key {
		t.Error("the order of alerts changes the key")
	}
}

func TestPerson(t *testing.T) {
	t.Parallel()
	three := 3
	for _, row := range []struct {
		body string
		want alarm.Signal
	}{
		{``, alarm.Signal{}},
		{" \n", alarm.Signal{}},
		{`{}`, alarm.Signal{}},
		{`{"direction":"out"}`, alarm.Signal{Direction: alarm.Out}},
		{`{"direction":"in","by":2,"reason":"exam  is\nover"}`, alarm.Signal{Direction: alarm.In, By: 2, Reason: "exam is over"}},
		{`{"to":3}`, alarm.Signal{To: &three}},
		{`{"direction":"in","nodes":["2","0"]}`, alarm.Signal{Direction: alarm.In, Nodes: []string{"2", "0"}}},
	} {
		row.want.Sender, row.want.Wish, row.want.State = alarm.Person, true, alarm.Alarm
		got := parse(t, row.body)
		gotTo, wantTo := got.To, row.want.To
		got.To, row.want.To = nil, nil
		if !reflect.DeepEqual(got, row.want) || (gotTo == nil) != (wantTo == nil) || gotTo != nil && *gotTo != *wantTo {
			t.Errorf("Parse(%s) = %+v to %v, want %+v to %v", row.body, got, gotTo, row.want, wantTo)
		}
	}
}

// Out wins over in, whatever the order of the alerts.
func TestAlertsDisagree(t *testing.T) {
	t.Parallel()
	out := `{"status":"firing","labels":{"scale":"out"}}`
	in := `{"status":"firing","labels":{"scale":"in","scale_by":"3"}}`
	for _, alerts := range []string{out + "," + in, in + "," + out, in + "," + out + "," + in} {
		s := parse(t, `{"version":"4","status":"firing","alerts":[`+alerts+`]}`)
		if s.Direction != alarm.Out || s.By != 0 {
			t.Errorf("%s: %s by %d, want out by 0", alerts, s.Direction, s.By)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	firing := func(labels string) string {
		return `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":` + labels + `}]}`
	}
	for _, row := range []struct{ contentType, body, code string }{
		{"application/x-www-form-urlencoded", "direction=out", alarm.MediaType},
		{"", `{"direction":"out"}`, alarm.MediaType},
		{"text/plain; charset", `{}`, alarm.MediaType},
		{jsonType, `{"direction":"out"`, alarm.NotJSON},
		{jsonType, `[]`, alarm.NotJSON},
		{jsonType, `null`, alarm.NotJSON},
		{jsonType, `{"direction":"out"} {}`, alarm.NotJSON},
		{jsonType, `{"foo":1}`, alarm.Schema},
		{jsonType, `{"version":"3","status":"firing","alerts":[]}`, alarm.Schema},
		{jsonType, `{"direction":"up"}`, alarm.BadField},
		{jsonType, `{"direction":"out","bye":2}`, alarm.BadField},
		{jsonType, `{"by":0}`, alarm.BadField},
		{jsonType, `{"by":1.5}`, alarm.BadField},
		{jsonType, `{"to":-1}`, alarm.BadField},
		{jsonType, `{"to":2,"by":1}`, alarm.BadField},
		{jsonType, `{"to":2,"direction":"out"}`, alarm.BadField},
		{jsonType, `{"to":2,"nodes":["1"]}`, alarm.BadField},
		{jsonType, `{"by":1,"nodes":["1"]}`, alarm.BadField},
		{jsonType, `{"nodes":["1",""]}`, alarm.BadField},
		{jsonType, `{"nodes":["1","2","1"]}`, alarm.BadField},
		{jsonType, `{"nodes":"1"}`, alarm.BadField},
		{jsonType, `{"alarm_id":"x","current":"ALARM"}`, alarm.BadField},
		{jsonType, `{"alarm_id":1,"current":"alarm"}`, alarm.BadField},
		{jsonType, firing(`{"scale":"up"}`), alarm.BadField},
		{jsonType, firing(`{"scale_by":"many"}`), alarm.BadField},
		{jsonType, firing(`{"scale_by":"0"}`), alarm.BadField},
		{jsonType, firing(`[]`), alarm.BadField},
	} {
		_, err := alarm.Parse(typed(row.contentType), []byte(row.body))
		bad, ok := errors.AsType[*alarm.Error](err)
		if !ok || bad.Code != row.code || bad.Message == "" {
			t.Errorf("Parse(%q, %s): %v, want %s", row.contentType, row.body, err, row.code)
		}
	}
}

// Texts of senders are kept short and on one line, as they go to the log and into the stack's memory.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a\\nö ", 1000)
	s := parse(t, `{"alarm_id":"x","current":"alarm","alarm_name":"`+long+`","reason":"`+long+`"}`)
	for _, text := range []string{s.Name, s.Reason} {
		if n := len([]rune(text)); n != 200 || strings.ContainsAny(text, "\n") {
			t.Errorf("%d runes: %q", n, text)
		}
	}
}

// N13: a measure comes from an annotation too, and one that is no number is refused.
func TestN13AlertmanagerValue(t *testing.T) {
	t.Parallel()
	body := func(value string) string {
		return `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"scale":"out"},"annotations":{"scale_value":"` + value + `"}}]}`
	}
	if s := parse(t, body("93.5")); s.Value == nil || *s.Value != 93.5 {
		t.Errorf("value %v, want 93.5", s.Value)
	}
	for _, value := range []string{"much", "NaN", "+Inf", "1e999"} {
		_, err := alarm.Parse(typed(jsonType), []byte(body(value)))
		if bad, ok := errors.AsType[*alarm.Error](err); !ok || bad.Code != alarm.BadField {
			t.Errorf("value %s: %v", value, err)
		}
	}
}

// binary are the headers of an event in binary mode.
func binary(changes ...string) http.Header {
	h := http.Header{
		"Content-Type": {jsonType}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"e%201"}, "Ce-Source": {"/alarms/%E2%82%AC"}, "Ce-Type": {"org.example.alarm"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		h.Set(changes[i], changes[i+1])
	}
	return h
}

// What a CloudEvent carries is read like the bare body, and is known by its source and id whatever the mode.
func TestCloudEvents(t *testing.T) {
	t.Parallel()
	threshold := string(read(t, "aodh-threshold"))
	structured := func(rest string) string {
		return `{"specversion":"1.0","id":"e 1","source":"/alarms/€","type":"org.example.alarm"` + rest + `}`
	}
	event := typed("application/cloudevents+json; charset=utf-8")
	var keys []string
	for name, row := range map[string]struct {
		header    http.Header
		body      string
		wish      bool
		state     alarm.State
		direction alarm.Direction
		from      string
	}{
		"binary, Aodh":              {binary(), threshold, false, alarm.Alarm, "", "big2-alarm-kigr7ejur37g"},
		"binary, Aodh, ok":          {binary(), string(read(t, "aodh-ok")), false, alarm.OK, "", "big2-alarm-kigr7ejur37g"},
		"binary, wish":              {binary(), `{"direction":"out","by":2}`, true, alarm.Alarm, alarm.Out, "org.example.alarm"},
		"binary, empty":             {binary("Content-Type", ""), ``, true, alarm.Alarm, "", "org.example.alarm"},
		"structured, Alertmanager":  {event, structured(`,"data":` + string(read(t, "alertmanager-firing"))), false, alarm.Alarm, alarm.Out, "stackhook"},
		"structured, base64":        {event, structured(`,"datacontenttype":"application/json","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(threshold)) + `"`), false, alarm.Alarm, "", "big2-alarm-kigr7ejur37g"},
		"structured beside headers": {binary("Content-Type", "application/cloudevents+json", "Ce-Id", "other"), structured(`,"data":{"direction":"in"}`), true, alarm.Alarm, alarm.In, "org.example.alarm"},
		"structured, no data":       {event, structured(""), true, alarm.Alarm, "", "org.example.alarm"},
	} {
		s, err := alarm.Parse(row.header, []byte(row.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Sender != alarm.CloudEvents || s.Wish != row.wish || s.State != row.state || s.Direction != row.direction || s.Name != row.from || s.KeyLife != 24*time.Hour {
			t.Errorf("%s: %+v", name, s)
		}
		keys = append(keys, s.Key)
	}
	for _, key := range keys {
		if key == "" || key != keys[0] {
			t.Errorf("one event has the keys %v", keys)
			break
		}
	}
	other, err := alarm.Parse(binary("Ce-Id", "e 2"), []byte(threshold))
	if err != nil || other.Key == keys[0] {
		t.Errorf("another event has the same key, %v", err)
	}
}

func TestCloudEventsRefused(t *testing.T) {
	t.Parallel()
	event := typed("application/cloudevents+json")
	for name, row := range map[string]struct {
		header     http.Header
		body, code string
	}{
		"batch":                {typed("application/cloudevents-batch+json"), `[]`, alarm.MediaType},
		"other format":         {typed("application/cloudevents+avro"), `x`, alarm.MediaType},
		"not JSON":             {event, `{`, alarm.NotJSON},
		"a list":               {event, `[]`, alarm.NotJSON},
		"no identity":          {event, `{"specversion":"1.0"}`, alarm.BadField},
		"old version":          {event, `{"specversion":"0.3","id":"1","source":"s","type":"t"}`, alarm.Schema},
		"no version":           {event, `{"data":{}}`, alarm.Schema},
		"data of another type": {event, `{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/xml","data":"<a/>"}`, alarm.MediaType},
		"bad base64":           {event, `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"%"}`, alarm.BadField},
		"two sorts of data":    {event, `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"e30=","data":{}}`, alarm.BadField},
		"unknown data":         {event, `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"foo":1}}`, alarm.Schema},
		"binary, no id":        {binary("Ce-Id", ""), `{}`, alarm.BadField},
		"binary, bad encoding": {binary("Ce-Id", "%zz"), `{}`, alarm.BadField},
		"binary, form":         {binary("Content-Type", "application/x-www-form-urlencoded"), `a=b`, alarm.MediaType},
		"binary, unknown data": {binary(), `{"foo":1}`, alarm.Schema},
	} {
		_, err := alarm.Parse(row.header, []byte(row.body))
		if bad, ok := errors.AsType[*alarm.Error](err); !ok || bad.Code != row.code || bad.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
	}
}

// scripts/post-alarm --cloudevent sends an event, with an id of its own each time but for --again.
func TestPostAlarmCloudEvent(t *testing.T) {
	t.Parallel()
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := alarm.Parse(r.Header, body)
		if err != nil || s.Sender != alarm.CloudEvents || s.State != alarm.Alarm {
			t.Errorf("%+v, %v", s, err)
		}
		keys = append(keys, s.Key)
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	for _, again := range []string{"", "", "--again", "--again"} {
		args := append(strings.Fields("--cloudevent "+again), server.URL)
		if out, err := exec.CommandContext(t.Context(), "../../scripts/post-alarm", args...).CombinedOutput(); err != nil {
			t.Fatalf("post-alarm %v: %v %s", args, err, out)
		}
	}
	if len(keys) != 4 || keys[0] == keys[1] || keys[1] == keys[2] || keys[2] != keys[3] {
		t.Errorf("keys %v", keys)
	}
}

// No body makes Parse panic or accept a signal that says nothing.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(jsonType, "", b)
		f.Add(jsonType, "id", b)
	}
	f.Add(jsonType, "", []byte(`{"to":3}`))
	f.Add("text/plain", "", []byte(``))
	f.Add("application/cloudevents+json", "", []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"to":3}}`))
	f.Fuzz(func(t *testing.T, contentType, id string, body []byte) {
		header := typed(contentType)
		if id != "" {
			header = binary("Content-Type", contentType, "Ce-Id", id)
		}
		s, err := alarm.Parse(header, body)
		if err != nil {
			if _, ok := errors.AsType[*alarm.Error](err); !ok {
				t.Errorf("not an *Error: %v", err)
			}
			return
		}
		if s.Sender == "" || s.State == "" || s.By < 0 || s.Sender != alarm.Person && s.Key == "" || s.Sender == alarm.Person && !s.Wish {
			t.Errorf("%+v", s)
		}
	})
}

// What scripts/post-alarm sends is what the senders send.
func TestPostAlarmScript(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args      string
		sender    alarm.Sender
		state     alarm.State
		direction alarm.Direction
	}{
		{"", alarm.Aodh, alarm.Alarm, ""},
		{"--state ok", alarm.Aodh, alarm.OK, ""},
		{"--state unknown --name a.b_c-d", alarm.Aodh, alarm.Unknown, ""},
		{"--sender alertmanager", alarm.Alertmanager, alarm.Alarm, ""},
		{"--sender alertmanager --scale in", alarm.Alertmanager, alarm.Alarm, alarm.In},
		{"--sender alertmanager --state ok", alarm.Alertmanager, alarm.OK, ""},
	} {
		body := func(more ...string) alarm.Signal {
			args := append(strings.Fields(row.args), append(more, "--print")...)
			out, err := exec.CommandContext(t.Context(), "../../scripts/post-alarm", args...).Output()
			if err != nil {
				t.Fatalf("post-alarm %v: %v", args, err)
			}
			return parse(t, string(out))
		}
		s := body()
		if s.Sender != row.sender || s.State != row.state || s.Direction != row.direction {
			t.Errorf("post-alarm %s: %+v", row.args, s)
		}
		again := body("--again")
		if body().Key == s.Key || again.Key != body("--again").Key {
			t.Errorf("post-alarm %s: keys of new and of repeated notifications", row.args)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "../../scripts/post-alarm", "--help").Output(); err != nil || !strings.Contains(string(out), "Usage:") {
		t.Errorf("--help: %v %s", err, out)
	}
}
