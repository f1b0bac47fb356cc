package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const settings = `public_url: https://hooks.example.org
store: memory
naming_key: hunter2, a naming key for tests, long enough
seal_keys: [{id: "1", secret: "hunter2, a sealing key for tests, long enough"}]
tend: {rate: 100}
labs:
  web:
    title: Web
    template: labs/web.yaml
    parameters: {signalling: false}
`

// office is the program on a fake cloud.
type office struct {
	t    *testing.T
	fake *openstacktest.Cloud
	env  map[string]string
}

func open(t *testing.T) *office {
	t.Helper()
	fake := openstacktest.Start(t)
	env := fake.Env()
	env[config.Variable] = settings
	return &office{t: t, fake: fake, env: env}
}

// run types a command; in is standard input.
func (o *office) run(in string, args ...string) (code int, out, complaints string) {
	o.t.Helper()
	var printed, complained strings.Builder
	code = run(o.t.Context(), args, system{source: config.Map(o.env), in: strings.NewReader(in), out: &printed, complains: &complained, now: o.fake.Now})
	return code, printed.String(), complained.String()
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	o := open(t)
	quota := openstacktest.NoQuota()
	quota.FloatingIPs = 3
	o.fake.SetQuota(quota)
	code, out, complaints := o.run("", "preflight", "-lab", "web", "-learners", "3")
	if code != 0 || !strings.Contains(out, "room for 3 of them") || complaints != "" {
		t.Errorf("%d: %s%s", code, out, complaints)
	}
	code, out, _ = o.run("", "preflight", "-lab", "web", "-learners", "5")
	if code != 1 || !strings.Contains(out, "Learner 4 is the first without a lab: the cloud is short of floating_ips.") || !strings.Contains(out, "floating_ips 1 of 3") {
		t.Errorf("%d: %s", code, out)
	}
	code, out, _ = o.run("", "preflight", "-lab", "web", "-learners", "5", "-json")
	var f roster.Forecast
	if err := json.Unmarshal([]byte(out), &f); code != 1 || err != nil || f.RunsOut == nil || f.RunsOut.Learner != 4 {
		t.Errorf("%d: %s %v", code, out, err)
	}
	if n := len(o.fake.Stacks()); n > 0 {
		t.Errorf("made %d stacks", n)
	}
}

func TestPrebuild(t *testing.T) {
	t.Parallel()
	o := open(t)
	file := filepath.Join(t.TempDir(), "class.csv")
	if err := os.WriteFile(file, []byte("user_id,name\n1,Ann\n2,Bo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"prebuild", "-lab", "web", "-tenant", "academy", "-context", "course", "-roster"}
	code, out, complaints := o.run("", append(args, file)...)
	if code != 0 || !strings.Contains(out, "begun now: 2, there before: 0.") || complaints != "" {
		t.Errorf("%d: %s%s", code, out, complaints)
	}
	o.fake.Settle()
	quota := openstacktest.NoQuota()
	quota.Servers = 3
	o.fake.SetQuota(quota)
	code, out, _ = o.run("1\n2\n3\n4\n", append(args, "-")...)
	for _, want := range []string{"begun now: 1, there before: 2.", "without a lab: 1. The clouds are full; the last is short of servers"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("%d: %s, want %s", code, out, want)
		}
	}
	if n := len(o.fake.Stacks()); n != 3 {
		t.Errorf("%d stacks", n)
	}
	if strings.Contains(out, "Ann") || strings.Contains(out, "hunter2") {
		t.Errorf("printed %s", out)
	}
}

// TestComplaints has a sentence for each thing that can be typed wrong, and asks no cloud.
func TestComplaints(t *testing.T) {
	t.Parallel()
	o := open(t)
	for args, want := range map[string]string{
		"":                               "preflight -lab web",
		"build -lab web":                 "Write one command first",
		"-lab web":                       "Write one command first",
		"preflight -lab web extra":       "Write one command first",
		"preflight -learners 3":          "-lab must",
		"preflight -lab web":             "-learners must",
		"preflight -lab web -learners x": "invalid value",
		"preflight -lab no -learners 3":  "There is no lab",
		"prebuild -lab web -roster -":    "-tenant must",
		"prebuild -lab web -tenant a":    "-roster must",
		"prebuild -lab web -tenant a -roster /nowhere/class.csv": "-roster cannot be read",
		"prebuild -lab web -tenant a -roster -":                  "has no learners",
	} {
		code, out, complaints := o.run("", strings.Fields(args)...)
		if code != 2 || !strings.Contains(complaints, want) || out != "" {
			t.Errorf("%q: %d, %q, %q; want %q", args, code, out, complaints, want)
		}
	}
	if calls := o.fake.CallNames(); len(calls) > 0 {
		t.Errorf("asked %v", calls)
	}
	for _, help := range []string{"help", "-help", "--help", "prebuild -h"} {
		if code, _, text := o.run("", strings.Fields(help)...); code != 0 || !strings.Contains(text, "Exit code") || !strings.Contains(text, "-roster") {
			t.Errorf("%s: %d %s", help, code, text)
		}
	}
}

// TestTroubleIsTold names the cloud's own answer to the operator.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.fake.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	code, _, complaints := o.run("1\n", "prebuild", "-lab", "web", "-tenant", "a", "-roster", "-")
	if code != 1 || !strings.Contains(complaints, "did not answer as it should") || !strings.Contains(complaints, "503") {
		t.Errorf("%d: %s", code, complaints)
	}
}
