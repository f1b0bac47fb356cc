package alarm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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

func parse(t *testing.T, body string) alarm.Signal {
	t.Helper()
	s, err := alarm.Parse(jsonType, []byte(body))
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
		{"aodh-member", alarm.Aodh, alarm.Alarm, "", 0, -1, 30 * time.Second},
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
		"aodh-threshold", "aodh-repeat", "aodh-ok", "aodh-insufficient", "aodh-event", "aodh-composite", "aodh-member",
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
	} {
		row.want.Sender, row.want.State = alarm.Person, alarm.Alarm
		got := parse(t, row.body)
		gotTo, wantTo := got.To, row.want.To
		got.To, row.want.To = nil, nil
		if got != row.want || (gotTo == nil) != (wantTo == nil) || gotTo != nil && *gotTo != *wantTo {
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
		{"application/cloudevents+json", `{"data":{}}`, alarm.MediaType},
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
		{jsonType, `{"alarm_id":"x","current":"ALARM"}`, alarm.BadField},
		{jsonType, `{"alarm_id":1,"current":"alarm"}`, alarm.BadField},
		{jsonType, firing(`{"scale":"up"}`), alarm.BadField},
		{jsonType, firing(`{"scale_by":"many"}`), alarm.BadField},
		{jsonType, firing(`{"scale_by":"0"}`), alarm.BadField},
		{jsonType, firing(`[]`), alarm.BadField},
	} {
		_, err := alarm.Parse(row.contentType, []byte(row.body))
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
		f.Add(jsonType, b)
	}
	f.Add(jsonType, []byte(`{"to":3}`))
	f.Add("text/plain", []byte(``))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		s, err := alarm.Parse(contentType, body)
		if err != nil {
			if _, ok := errors.AsType[*alarm.Error](err); !ok {
				t.Errorf("not an *Error: %v", err)
			}
			return
		}
		if s.Sender == "" || s.State == "" || s.By < 0 || s.Sender != alarm.Person && s.Key == "" {
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
