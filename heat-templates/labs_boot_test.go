package heattemplates_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

const (
	learnerKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM+learner lab-0123456789abcdef01"
	machineKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM+machine"
	handleUser  = "c1a7bb86ef234593979b5cb5680e1b17"
	handleToken = "gAAAAA-hunter2"
	// handlePassword has all that Heat's own have (heat/common/password_gen.py).
	handlePassword = "WKo0q!@#%^&*hunter2Bl#"
)

// signal is what a machine tells Heat.
type signal struct {
	ID, Status, Reason string
	Data               any
}

// outside is what a machine talks to: Keystone, Heat, and the address for results.
type outside struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  []int // status codes of the next answers, before any is good
	signals []signal
	reports []report
}

type report struct{ Key, Body string }

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	o.Server = httptest.NewServer(o.routes())
	t.Cleanup(o.Close)
	return o
}

func (o *outside) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", o.login)
	mux.HandleFunc("POST /signal", o.signal)
	mux.HandleFunc("POST /report", o.report)
	return mux
}

func (o *outside) refused(w http.ResponseWriter) bool {
	if len(o.refuse) == 0 {
		return false
	}
	w.WriteHeader(o.refuse[0])
	o.refuse = o.refuse[1:]
	return true
}

func (o *outside) login(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var body struct {
		Auth struct {
			Identity struct {
				Methods  []string
				Password struct{ User struct{ ID, Password string } }
			}
			Scope struct{ Project struct{ ID string } }
		}
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	user := body.Auth.Identity.Password.User
	switch {
	case o.refused(w):
	case err != nil || r.Header.Get("Content-Type") != "application/json" || body.Auth.Scope.Project.ID != "p1":
		w.WriteHeader(http.StatusBadRequest)
	case user.ID != handleUser || user.Password != handlePassword:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("X-Subject-Token", handleToken)
		w.WriteHeader(http.StatusCreated)
	}
}

func (o *outside) signal(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields() // Heat drops a signal with other keys, and says 200
	var s signal
	err := decoder.Decode(&s)
	switch {
	case o.refused(w):
	case r.Header.Get("X-Auth-Token") != handleToken:
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	default:
		o.signals = append(o.signals, s)
		fmt.Fprint(w, "null")
	}
}

func (o *outside) report(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	o.reports = append(o.reports, report{r.Header.Get("Idempotency-Key"), string(body)})
	if !o.refused(w) {
		w.WriteHeader(http.StatusAccepted)
	}
}

func (o *outside) heard() []signal {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.signals)
}

// answers are those to the next requests; after them, all is well again.
func (o *outside) answers(codes ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = codes
}

func (o *outside) reported() []report {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.reports)
}

// details are the handle's attribute, as Heat prints it.
func (o *outside) details() string {
	return `{"auth_url": "` + o.URL + `/v3/", "username": "lab-signals-kggs2bqdtldh", "user_id": "` + handleUser + `", "password": "` + handlePassword +
		`", "project_id": "p1", "domain_id": "d1", "region_name": "RegionOne", "alarm_url": "` + o.URL + `/signal"}`
}

// machine is a folder that the boot scripts take for the root of a machine's disk.
type machine struct {
	t     *testing.T
	root  string
	path  string
	env   []string
	group []int // of what runs on it
}

// basics is what every image has.
var basics = strings.Fields("sh sed tr cut grep awk date stat cat tail sleep mkdir chmod touch cksum wc ln env timeout")

// newMachine has the programs named besides the basic ones; what changes the real machine is replaced by nothing.
func newMachine(t *testing.T, programs ...string) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), path: t.TempDir()}
	for _, name := range append(programs, basics...) {
		m.link(name)
	}
	for _, name := range []string{"chown", "adduser"} {
		m.program(name, "exit 0")
	}
	m.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nlearner:x:1000:1000::/home/learner:/bin/sh\n")
	m.write("/etc/ssh/ssh_host_ed25519_key.pub", machineKey+" root@host\n")
	m.write("/proc/loadavg", "0.00 0.00 0.00 1/100 1\n")
	m.env = []string{"LAB_ROOT=" + m.root, "PATH=" + m.root + "/usr/local/bin:" + m.path, "LAB_PAUSES=0 0 0"}
	t.Cleanup(func() {
		for _, group := range m.group {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	})
	return m
}

func (m *machine) link(name string) {
	m.t.Helper()
	for _, dir := range []string{"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"} { // python3 in PATH may be a shim
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			if err := os.Symlink(filepath.Join(dir, name), filepath.Join(m.path, name)); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	}
	m.t.Fatalf("no %s here: scripts/test-deps installs what the tests need", name)
}

// program writes a program of the machine's own, in place of what is linked.
func (m *machine) program(name, script string) {
	m.t.Helper()
	_ = os.Remove(filepath.Join(m.path, name))
	writeProgram(m.t, filepath.Join(m.path, name), "#!/bin/sh\n"+script+"\n")
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(text)
}

// run runs a program to its end, with what it wrote. What it leaves behind is killed with the test.
func (m *machine) run(input string, argv ...string) (output string, code int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(m.root, "/usr/local/bin", argv[0]), argv[1:]...)
	if argv[0] == "sh" {
		cmd = exec.CommandContext(ctx, filepath.Join(m.path, "sh"), argv[1:]...)
	}
	var out strings.Builder
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = m.env, strings.NewReader(input), &out, &out
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, time.Second
	err := cmd.Run()
	m.group = append(m.group, cmd.Process.Pid)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		m.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// settings are what a template gives a machine, with a lab's own set-up.
func settings(o *outside, setup string) map[string]string {
	return map[string]string{
		"signal": o.details(), "report_url": o.URL + "/report", "public_key": learnerKey, "ready": "ready", "ready_timeout": "600", "ports": "3389", "setup": setup,
	}
}

// userData is what Heat makes of the template's str_replace.
func userData(t *testing.T, set map[string]string) string {
	t.Helper()
	template, err := heattemplates.Load("labs/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for name, text := range template.Files {
		pairs = append(pairs, "@"+strings.TrimSuffix(strings.TrimPrefix(name, "boot/"), ".sh")+"@", text)
	}
	for name, value := range set {
		pairs = append(pairs, "@"+name+"@", value)
	}
	return strings.NewReplacer(pairs...).Replace(template.Files["boot/machine.sh"])
}

// install puts the commands into their places, and leaves it to the test to start them.
func (m *machine) install(set map[string]string) {
	m.t.Helper()
	text := userData(m.t, set)
	first, _, ok := strings.Cut(text, "if [ -d \"$root/run/systemd/system\" ]")
	if !ok {
		m.t.Fatal("machine.sh does not look for systemd")
	}
	if out, code := m.run(first, "sh"); code != 0 {
		m.t.Fatalf("code %d: %s", code, out)
	}
}

func webSetup(t *testing.T) string {
	t.Helper()
	template, err := heattemplates.Load("labs/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(template.Files["boot/web.sh"], "@greeting@", "Good morning")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func page(t *testing.T, port string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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

func eventually[T any](t *testing.T, look func() []T) []T {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got := look(); len(got) > 0 {
			return got
		}
	}
	t.Fatal("nothing came")
	return nil
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
