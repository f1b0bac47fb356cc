package heattemplates_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// The whole of user data at a first boot, and the second boot after it.
func TestMachineIsReadyWhenItsPageIsServed(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	m := newMachine(t, "curl", "python3")
	m.program("timeout", `shift; exec "$@"`) // the real one leaves the test's process group
	port := freePort(t)
	m.env = append(m.env, "LAB_PORT="+port)
	if out, code := m.run(userData(t, settings(o, webSetup(t))), "sh"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	heard := eventually(t, func() []signal { return o.heard() })
	data, _ := heard[0].Data.(map[string]any)
	if at, _ := data["at"].(float64); heard[0].ID != "ready" || heard[0].Status != "SUCCESS" || data["host_key"] != machineKey || time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("heard %+v", heard)
	}
	if text := page(t, port); !strings.Contains(text, "<h1>Good morning</h1>") {
		t.Errorf("the page is %s", text)
	}
	if got := m.read("/home/learner/.ssh/authorized_keys"); got != learnerKey+"\n" {
		t.Errorf("authorized keys are %q", got)
	}

	m.write("/srv/lab/index.html", "mine")
	if out, code := m.run("", "lab-start"); code != 0 {
		t.Errorf("second boot: code %d: %s", code, out)
	}
	if len(o.heard()) != 1 || page(t, port) != "mine" || m.read("/home/learner/.ssh/authorized_keys") != learnerKey+"\n" {
		t.Errorf("after the second boot: %+v, the page %q, keys %q", o.heard(), page(t, port), m.read("/home/learner/.ssh/authorized_keys"))
	}
}

// With systemd, units bring the lab up at each boot, and nothing waits for them within the first one.
func TestMachineWithSystemd(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	m := newMachine(t, "curl")
	m.write("/run/systemd/system/x", "")
	m.program("systemctl", `echo "$@" >>"$LAB_ROOT/systemctl"`)
	text := userData(t, settings(o, "#!/bin/sh\n"))
	if out, code := m.run(text, "sh"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	if got, want := m.read("/systemctl"), "daemon-reload\nenable lab.service lab-heartbeat.service\nstart --no-block lab.service lab-heartbeat.service\n"; got != want {
		t.Errorf("systemctl was told %q", got)
	}
	for unit, program := range map[string]string{"lab": "lab-start", "lab-heartbeat": "lab-heartbeat"} {
		if text := m.read("/etc/systemd/system/" + unit + ".service"); !strings.Contains(text, "\nExecStart=/usr/local/bin/"+program+"\n") || !strings.Contains(text, "\nWantedBy=multi-user.target\n") {
			t.Errorf("%s.service is %q", unit, text)
		}
	}
	if info, err := os.Stat(filepath.Join(m.root, "/etc/lab/signal")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the handle's password may be read by all: %v, %v", info, err)
	}
	const most = 65535 * 3 / 4 // Nova's limit is one of base64
	if len(text) > most/2 {
		t.Errorf("user data has %d bytes, which leaves a lab's own set-up too little of %d", len(text), most)
	}
}

// Every program that an image may have for it brings a signal and a result home.
func TestMachineWithOneHTTPClient(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"curl", "python3", "wget", "busybox"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, client)
			setup := "#!/bin/sh\n"
			if client == "busybox" { // an image like cirros: all of its programs are busybox's, that which serves the page, too
				for _, name := range append(slices.Clone(basics), "wget", "nc") {
					m.program(name, "exec "+m.path+"/busybox "+name+` "$@"`)
				}
				setup = webSetup(t)
				m.env = append(m.env, "LAB_PORT="+freePort(t))
			}
			m.program("timeout", `shift; exec "$@"`) // the real one leaves the test's process group
			m.install(settings(o, setup))
			m.typed(time.Minute)
			for _, argv := range [][]string{{"lab-start"}, {"lab-check", "web", "passed"}, {"lab-heartbeat", "once"}} {
				if out, code := m.run("", argv...); code != 0 {
					t.Errorf("%v: code %d: %s", argv, code, out)
				}
			}
			if heard := o.heard(); len(heard) != 2 || heard[0].ID != "ready" || heard[0].Status != "SUCCESS" || heard[0].Reason != "the lab is ready" || !strings.HasPrefix(heard[1].ID, "beat-") {
				t.Errorf("heard %+v; %s", heard, m.read("/var/log/lab.log"))
			}
			if len(o.reported()) != 1 || o.reported()[0].Body != `{"check": "web", "passed": true, "score": 1, "message": ""}` {
				t.Errorf("reported %+v", o.reported())
			}
			o.answers(http.StatusConflict)
			if out, code := m.run("", "lab-check", "web", "failed"); code != 1 || !strings.Contains(out, "409") || len(o.reported()) != 2 {
				t.Errorf("refused: code %d: %s; reported %+v", code, out, o.reported())
			}
		})
	}
}

func TestMachineSaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		setup, ready, reason string
		timeout              int
	}{
		"last line":       {"echo first >&2; echo 'no \"disk\" at C:\\ – über' >&2; exit 3", "ready", `no "disk" at C:\  ber`, 600},
		"without a word":  {"exit 3", "ready", "the set-up ended with code 3", 600},
		"hangs":           {"echo half way >&2; sleep 50", "ready", "not set up after 1 s; half way", 31},
		"another machine": {"echo no >&2; exit 1", "", "no", 600},
		"very long":       {"printf '%0500d' 7 >&2; exit 1", "ready", strings.Repeat("0", 200), 600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, "curl")
			set := settings(o, "#!/bin/sh\n"+row.setup)
			maps.Copy(set, map[string]string{"ready": row.ready, "ready_timeout": strconv.Itoa(row.timeout)})
			m.install(set)
			if _, code := m.run("", "lab-start"); code == 0 {
				t.Error("lab-start ended well")
			}
			want := signal{ID: "ready", Status: "FAILURE", Reason: row.reason}
			if heard := o.heard(); len(heard) != 1 || heard[0] != want {
				t.Errorf("heard %+v, want %+v", heard, want)
			}
		})
	}
}

// A set-up that fails at a later boot takes nothing back: the host key in that signal is what checks are run by.
func TestMachineThatWasReadyStaysSo(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"ready", ""} {
		o := newOutside(t)
		m := newMachine(t, "curl")
		set := settings(o, "#!/bin/sh\ntest ! -e \"$LAB_ROOT/broken\"\n")
		set["ready"] = ready
		m.install(set)
		if out, code := m.run("", "lab-start"); code != 0 {
			t.Fatalf("code %d: %s", code, out)
		}
		m.write("/broken", "")
		if _, code := m.run("", "lab-start"); code != 1 {
			t.Errorf("broken: code %d", code)
		}
		for _, s := range o.heard() {
			if s.Status != "SUCCESS" || ready == "" {
				t.Errorf("heard %+v", s)
			}
		}
	}
}

// Of several machines only one may say that the lab is ready, and a lab may be told not to signal at all.
func TestMachineThatHasNothingToSay(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]map[string]string{"not the one": {"ready": ""}, "no signals": {"signal": ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, "curl")
			all := settings(o, "#!/bin/sh\n")
			maps.Copy(all, set)
			m.install(all)
			m.write("/run/lab/busy", "")
			for _, argv := range [][]string{{"lab-start"}, {"lab-heartbeat", "once"}} {
				if out, code := m.run("", argv...); code != 0 {
					t.Errorf("%v: code %d: %s", argv, code, out)
				}
			}
			if heard := o.heard(); len(heard) != 0 {
				t.Errorf("heard %+v", heard)
			}
		})
	}
}

func TestSignalIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	m := newMachine(t, "curl")
	m.install(settings(o, "#!/bin/sh\n"))
	o.answers(503, 500)
	if out, code := m.run("", "lab-signal", "ready", "SUCCESS", "up", `{"at": 1}`); code != 0 || len(o.heard()) != 1 {
		t.Errorf("code %d: %s; heard %+v", code, out, o.heard())
	}
	o.answers(500, 500, 500, 500)
	out, code := m.run("", "lab-signal", "ready", "SUCCESS", "up")
	if code != 1 || len(o.heard()) != 1 || !strings.Contains(out, "could not be told") {
		t.Errorf("code %d: %s; heard %+v", code, out, o.heard())
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("the password is in %s", out)
	}
}

// The network lab is ready when every machine behind the gate answers, and names the one that does not.
func TestGateWaitsForTheOthers(t *testing.T) {
	t.Parallel()
	template, err := heattemplates.Load("labs/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(up.Close)
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	for machines, want := range map[string]signal{
		"web " + host(up) + "\nstore " + host(up):  {Status: "SUCCESS", Reason: "the lab is ready"},
		"web " + host(up) + "\nstore " + host(web): {Status: "FAILURE", Reason: "store (" + host(web) + ") does not answer"},
	} {
		t.Run(want.Status, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			m := newMachine(t, "curl")
			gate := strings.ReplaceAll(template.Files["boot/gate.sh"], "@machines@", machines)
			m.install(settings(o, strings.ReplaceAll(gate, "lab-wait 600", "lab-wait 1")))
			m.run("", "lab-start")
			if heard := o.heard(); len(heard) != 1 || heard[0].Status != want.Status || heard[0].Reason != want.Reason {
				t.Errorf("heard %+v; %s", heard, m.read("/var/log/lab.log"))
			}
		})
	}
}
