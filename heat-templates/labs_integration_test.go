//go:build integration

package heattemplates_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// patience is for a cloud on which other tests are at work.
const patience = 10 * time.Minute

func realCloud(t *testing.T) *openstack.Cloud {
	t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("no cloud to test on: set OS_CLOUD, or OS_AUTH_URL and the other OS_* variables: %v", err)
	}
	return cloud
}

// realStack is a stack on a real cloud.
type realStack struct {
	t     *testing.T
	cloud *openstack.Cloud
	ref   openstack.StackRef
}

func makeStack(t *testing.T, template heattemplates.Template, parameters map[string]any) *realStack {
	t.Helper()
	r := &realStack{t: t, cloud: realCloud(t)}
	ref, err := r.cloud.CreateStack(t.Context(), openstack.NewStack{
		Name: "template-" + strings.ToLower(rand.Text()), Template: template.Text, Files: template.Files, Parameters: parameters, Tags: []string{"stackhook"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.ref = ref
	t.Cleanup(func() {
		if t.Failed() {
			_ = r.cloud.DeleteStack(context.WithoutCancel(t.Context()), ref) // by now the test's own is over
		}
	})
	return r
}

// until reads the stack until it is as wanted.
func (r *realStack) until(what string, ok func(openstack.Stack) bool) openstack.Stack {
	r.t.Helper()
	var s openstack.Stack
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		var err error
		if s, err = r.cloud.Stack(r.t.Context(), r.ref); openstack.CodeOf(err) == openstack.Unavailable {
			continue // a busy cloud
		}
		if err != nil {
			r.t.Fatal(err)
		}
		if ok(s) {
			return s
		}
		if s.Status == "FAILED" {
			break
		}
	}
	r.t.Fatalf("%s: %s (%s), outputs %.300v", what, s.State(), s.Reason, s.Outputs)
	return s
}

func (r *realStack) settled(state string) openstack.Stack {
	r.t.Helper()
	return r.until(state, func(s openstack.Stack) bool { return s.State() == state })
}

// waiting reads the stack when Heat waits for its machines.
func (r *realStack) waiting() openstack.Stack {
	r.t.Helper()
	return r.until("Heat waits for the machines", func(openstack.Stack) bool {
		return slices.ContainsFunc(r.resources(), func(one openstack.Resource) bool { return one.Name == "ready" && one.Status == "IN_PROGRESS" })
	})
}

func (r *realStack) resources() []openstack.Resource {
	r.t.Helper()
	list, err := r.cloud.Resources(r.t.Context(), r.ref, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func (r *realStack) servers() []string {
	r.t.Helper()
	var ids []string
	for _, one := range r.resources() {
		if one.Type == "OS::Nova::Server" {
			ids = append(ids, one.PhysicalID)
		}
	}
	slices.Sort(ids)
	return ids
}

// showUserData gives the template an output for each server that holds the server's user data, as Heat makes it.
func showUserData(t *testing.T, template heattemplates.Template) (shown heattemplates.Template, machines []string) {
	t.Helper()
	var doc struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(template.Text), &doc); err != nil {
		t.Fatal(err)
	}
	for name, r := range doc.Resources {
		if r.Type == "OS::Nova::Server" {
			value, err := json.Marshal(r.Properties["user_data"])
			if err != nil {
				t.Fatal(err)
			}
			template.Text += fmt.Sprintf("  user_data_%s: {value: %s}\n", name, value)
			machines = append(machines, name)
		}
	}
	return template, machines
}

// boot runs on a machine of ours what Heat gave the lab's.
func (r *realStack) boot(s openstack.Stack, name string) *machine {
	r.t.Helper()
	m := newMachine(r.t, "curl")
	m.env[1] = "PATH=" + m.path + ":" + m.root + "/usr/local/bin"
	m.env = append(m.env, "LAB_PORT="+freePort(r.t))
	m.program("timeout", `shift; exec "$@"`)
	m.program("python3", `exec /usr/bin/python3 "$@"`)
	// What the machines of a cloud without machines cannot do.
	for _, stub := range []string{"lab-wait", "chpasswd", "systemctl", "lightdm", "startxfce4", "xrdp"} {
		m.program(stub, "exit 0")
	}
	m.write("/home/learner/.profile", "")
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("the log of %s: %s", name, m.read("/var/log/lab.log"))
		}
	})
	text, _ := s.Outputs["user_data_"+name].(string)
	text = strings.ReplaceAll(text, "/srv/notes", m.root+"/srv/notes") // the README's set-up knows no other root
	if out, code := m.run(text, "sh"); code != 0 {
		r.t.Errorf("%s: code %d: %s", name, code, out)
	}
	return m
}

// private is a network that a lab may use without making one.
const private = head + `
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.20.40.0/24}}
  router: {type: OS::Neutron::Router, properties: {external_gateway_info: {network: public}}}
  interface: {type: OS::Neutron::RouterInterface, properties: {router: {get_resource: router}, subnet: {get_resource: subnet}}}
outputs: {network: {value: {get_resource: net}}}
`

// TestRealLabs is each lab's life on a real Heat, with machines of ours in place of its own.
func TestRealLabs(t *testing.T) {
	t.Parallel()
	for name, template := range labs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := map[string]any{}
			if name == "labs/notes.yaml" {
				around := makeStack(t, heattemplates.Template{Text: private}, nil)
				parameters["network"] = around.settled("CREATE_COMPLETE").Outputs["network"]
				defer func() { _ = around.cloud.DeleteStack(t.Context(), around.ref) }()
			}
			realLife(t, template, parameters)
		})
	}
}

func realLife(t *testing.T, template heattemplates.Template, parameters map[string]any) {
	t.Helper()
	o := newOutside(t)
	maps.Copy(parameters, map[string]any{"report_url": o.URL + "/report", "public_key": learnerKey, "grading": ""})
	template, names := showUserData(t, template)
	r := makeStack(t, template, parameters)
	s := r.waiting()
	var main *machine
	for _, name := range names {
		if m := r.boot(s, name); strings.TrimSpace(m.read("/etc/lab/ready")) != "" {
			main = m
		}
	}
	up := r.settled("CREATE_COMPLETE")
	if up.Outputs["host_key"] != machineKey || !strings.Contains(fmt.Sprint(up.Outputs["signals"]), `"ready": {`) {
		t.Errorf("host key %q, signals %q; %s", up.Outputs["host_key"], up.Outputs["signals"], main.read("/var/log/lab.log"))
	}
	if main.read("/home/learner/.ssh/authorized_keys") != learnerKey+"\n" {
		t.Errorf("authorized keys are %q", main.read("/home/learner/.ssh/authorized_keys"))
	}

	r.act(openstack.Suspend, "SUSPEND_COMPLETE")
	main.write("/run/lab/busy", "")
	if out, code := main.run("", "lab-heartbeat", "once"); code == 0 {
		t.Errorf("a heartbeat got through to a lab that sleeps: %s", out)
	}
	r.act(openstack.Resume, "RESUME_COMPLETE")
	awake := r.settled("RESUME_COMPLETE")
	if !maps.EqualFunc(up.Outputs, awake.Outputs, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("outputs were %v, are %v", up.Outputs, awake.Outputs)
	}

	servers := r.servers()
	if err := r.cloud.PatchStack(t.Context(), r.ref, openstack.StackChange{Parameters: map[string]any{"grading": "sealed", "report_url": o.URL + "/elsewhere"}}); err != nil {
		t.Fatal(err)
	}
	r.settled("UPDATE_COMPLETE")
	if now := r.servers(); !slices.Equal(now, servers) {
		t.Errorf("an update of parameters made other machines: %v, were %v", now, servers)
	}
	r.later(main, o)
	r.removed(servers, up.Outputs["public_ip"])
}

func (r *realStack) act(action openstack.Action, state string) {
	r.t.Helper()
	if err := r.cloud.Act(r.t.Context(), r.ref, action); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		if s, err := r.cloud.Stack(r.t.Context(), r.ref); err != nil || s.State() == state {
			return
		}
	}
	r.t.Fatalf("never %s", state)
}

// later sends what a lab says in its further life.
func (r *realStack) later(main *machine, o *outside) {
	r.t.Helper()
	if out, code := main.run("", "lab-heartbeat", "once"); code != 0 {
		r.t.Errorf("heartbeat: code %d: %s", code, out)
	}
	if out, code := main.run("", "lab-check", "web", "passed"); code != 0 || len(o.reported()) != 1 {
		r.t.Errorf("check: code %d: %s", code, out)
	}
	if err := r.cloud.Signal(r.t.Context(), r.ref, "signals", openstack.Signal{ID: "result-1", Status: "SUCCESS", Reason: "a result", Data: map[string]any{"check": "web", "passed": true}}); err != nil {
		r.t.Fatal(err)
	}
	r.until("later signals", func(s openstack.Stack) bool {
		text := fmt.Sprint(s.Outputs["signals"])
		return strings.Contains(text, `"beat-`) && strings.Contains(text, `"busy": true`) && strings.Contains(text, `"result-1"`) && s.Outputs["host_key"] == machineKey
	})
}

// removed deletes the stack and looks for what it may have left.
func (r *realStack) removed(servers []string, address any) {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.cloud.DeleteStack(ctx, r.ref); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		s, err := r.cloud.Stack(ctx, r.ref)
		if openstack.CodeOf(err) == openstack.Gone || err == nil && s.State() == "DELETE_COMPLETE" {
			break
		}
		if err != nil || s.Status == "FAILED" || time.Now().After(end) {
			r.t.Fatalf("delete: %s (%s), %v", s.State(), s.Reason, err)
		}
	}
	// Nova still lists a server for some seconds when Heat has seen it go.
	left := r.left(servers, address)
	for end := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(end); left = r.left(servers, address) {
		time.Sleep(time.Second)
	}
	if len(left) > 0 {
		r.t.Errorf("%s are left", strings.Join(left, ", "))
	}
}

// left is what there still is of a stack that is gone.
func (r *realStack) left(servers []string, address any) (left []string) {
	r.t.Helper()
	ctx := r.t.Context()
	listed, err := r.cloud.Servers(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range listed {
		if slices.Contains(servers, s.ID) {
			left = append(left, "server "+s.ID)
		}
	}
	addresses, err := r.cloud.FloatingIPs(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range addresses {
		if a.Address == address {
			left = append(left, "address "+a.Address)
		}
	}
	pairs, err := r.cloud.KeyPairs(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range pairs {
		if strings.Contains(p.Name, r.ref.Name) || strings.Contains(p.Name, r.ref.ID) {
			left = append(left, "key pair "+p.Name)
		}
	}
	return left
}

// A machine whose set-up fails ends its lab's build at once, and operators read why.
func TestRealLabThatFails(t *testing.T) {
	t.Parallel()
	template, err := heattemplates.Load("labs/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template.Files["boot/web.sh"] = "#!/bin/sh\necho 'no \"disk\" left' >&2\nexit 1\n"
	template, _ = showUserData(t, template)
	r := makeStack(t, template, nil)
	s := r.waiting()
	r.boot(s, "web")
	for s.Status == "IN_PROGRESS" {
		time.Sleep(time.Second)
		if s, err = r.cloud.Stack(t.Context(), r.ref); err != nil {
			t.Fatal(err)
		}
	}
	if s.State() != "CREATE_FAILED" || !strings.Contains(s.Reason, `no "disk" left`) {
		t.Errorf("%s: %s", s.State(), s.Reason)
	}
	r.removed(r.servers(), nil)
}
