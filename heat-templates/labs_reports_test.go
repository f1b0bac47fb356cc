package heattemplates_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// W20: a long job with the page closed keeps its lab awake; an idle one, and an open terminal that nobody uses, do not.
func TestW20HeartbeatOfALabInUse(t *testing.T) {
	t.Parallel()
	const rdp = "  sl  local_address rem_address   st\n   0: 0100007F:0D3D 0200007F:C350 "
	for name, row := range map[string]struct {
		do    func(*machine)
		beats int
		busy  bool
	}{
		"idle":               {func(*machine) {}, 0, false},
		"says it is busy":    {func(m *machine) { m.write("/run/lab/busy", "") }, 1, true},
		"computes":           {func(m *machine) { m.write("/proc/loadavg", "0.10 0.50 0.30 2/90 7\n") }, 1, true},
		"computed a little":  {func(m *machine) { m.write("/proc/loadavg", "0.90 0.49 0.30 2/90 7\n") }, 0, false},
		"key just typed":     {func(m *machine) { m.typed(time.Minute) }, 1, false},
		"terminal left open": {func(m *machine) { m.typed(11 * time.Minute) }, 0, false},
		"remote desktop":     {func(m *machine) { m.write("/proc/net/tcp6", rdp+"01 more\n") }, 1, false},
		"desktop is only on": {func(m *machine) { m.write("/proc/net/tcp", rdp+"0A more\n") }, 0, false},
		"key on the console": {func(m *machine) { m.looked("24", "25") }, 1, false},
		"console left alone": {func(m *machine) { m.looked("24", "24") }, 0, false},
		"first look":         {func(m *machine) { m.looked("", "24") }, 0, false},
		"another port": {func(m *machine) {
			m.write("/proc/net/tcp", strings.ReplaceAll(rdp, "0D3D", "0D3E")+"01 more\n")
		}, 0, false},
		"busy, not yet ready": {func(m *machine) { m.write("/run/lab/busy", ""); m.gone("/var/lib/lab/ready") }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, "curl")
			m.install(settings(o, "#!/bin/sh\n"))
			m.write("/var/lib/lab/ready", "")
			row.do(m)
			before := time.Now().Unix()
			if out, code := m.run("", "lab-heartbeat", "once"); code != 0 {
				t.Fatalf("code %d: %s", code, out)
			}
			heard := o.heard()
			if len(heard) != row.beats {
				t.Fatalf("heard %+v", heard)
			}
			for _, s := range heard {
				data, _ := s.Data.(map[string]any)
				at, _ := data["at"].(float64)
				if int64(at) < before || int64(at) > time.Now().Unix() || data["busy"] != row.busy || s.ID != fmt.Sprintf("beat-%d", int64(at)/300%4) || s.Status != "SUCCESS" {
					t.Errorf("heard %+v", s)
				}
			}
		})
	}
}

// typed has somebody press a key in a terminal some time ago.
func (m *machine) typed(ago time.Duration) {
	m.t.Helper()
	m.write("/dev/pts/3", "")
	if err := os.Chtimes(filepath.Join(m.root, "/dev/pts/3"), time.Now().Add(-ago), time.Now()); err != nil {
		m.t.Fatal(err)
	}
}

// looked leaves the number of interrupts that the last look at the keyboard saw, and what there are now.
func (m *machine) looked(before, now string) {
	m.t.Helper()
	if before != "" {
		m.write("/var/lib/lab/interrupts", before+"\n")
	}
	m.write("/proc/interrupts", "           CPU0       CPU1\n  0:         45         99   IO-APIC   2-edge      timer\n  1:         "+now+"          0   IO-APIC   1-edge      i8042\n")
}

func (m *machine) gone(name string) {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.root, name)); err != nil {
		m.t.Fatal(err)
	}
}

func TestLabCheckReports(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		argv    []string
		refuse  []int
		body    string // of each report; empty: none is made
		reports int
		code    int
	}{
		"passed":        {[]string{"web-up", "passed"}, nil, `{"check":"web-up","passed":true,"score":1,"message":""}`, 1, 0},
		"failed":        {[]string{"web", "failed"}, nil, `{"check":"web","passed":false,"score":0,"message":""}`, 1, 0},
		"in part":       {[]string{"web", "failed", ".5", "Almost \"there\",\nC:\\ – über 🎉"}, nil, `{"check":"web","passed":false,"score":0.5,"message":"Almost \"there\", C:\\ – über 🎉"}`, 1, 0},
		"long":          {[]string{"web", "failed", "0", strings.Repeat("é", 600) + strings.Repeat("x", 1200)}, nil, `{"check":"web","passed":false,"score":0,"message":"` + strings.Repeat("x", 1000) + `"}`, 1, 0},
		"tried again":   {[]string{"web", "passed"}, []int{503, 429}, `{"check":"web","passed":true,"score":1,"message":""}`, 3, 0},
		"never taken":   {[]string{"web", "passed"}, slices.Repeat([]int{500}, 9), `{"check":"web","passed":true,"score":1,"message":""}`, 4, 1},
		"refused":       {[]string{"web", "passed"}, []int{404}, `{"check":"web","passed":true,"score":1,"message":""}`, 1, 1},
		"neither":       {[]string{"web", "maybe"}, nil, "", 0, 2},
		"more than all": {[]string{"web", "passed", "1.5"}, nil, "", 0, 2},
		"no number":     {[]string{"web", "passed", "1, \"check\": 2"}, nil, "", 0, 2},
		"no name":       {[]string{"a\"b", "passed"}, nil, "", 0, 2},
		"nothing":       {nil, nil, "", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, "curl")
			m.install(settings(o, "#!/bin/sh\n"))
			o.answers(row.refuse...)
			if out, code := m.run("", append([]string{"lab-check"}, row.argv...)...); code != row.code {
				t.Errorf("code %d: %s", code, out)
			}
			if len(o.reported()) != row.reports {
				t.Fatalf("reported %+v", o.reported())
			}
			for _, r := range o.reported() {
				if !sameJSON(t, r.Body, row.body) || len(r.Key) != 36 || r.Key != o.reported()[0].Key {
					t.Errorf("reported %+v, want %s", r, row.body)
				}
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Errorf("%s: %v", a, err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestLabCheckThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	m := newMachine(t, "curl")
	set := settings(o, "#!/bin/sh\n")
	set["report_url"] = ""
	m.install(set)
	if out, code := m.run("", "lab-check", "web", "passed"); code != 0 || !strings.Contains(out, "nobody asked") || len(o.reported()) != 0 {
		t.Errorf("code %d: %s; reported %+v", code, out, o.reported())
	}
}
