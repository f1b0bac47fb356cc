package main

import (
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
)

// The lab's template is nothing but a word, and its handle.
const labText = `heat_template_version: 2018-08-31
resources:
  word: {type: OS::Heat::RandomString, properties: {length: 24}}
  signals: {type: OS::Heat::WaitConditionHandle}
outputs:
  lab_url: {value: {list_join: ["", ["http://127.0.0.1/", {get_attr: [word, value]}]]}}
`

func settings(t *testing.T, public string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(labText), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + l.Addr().String()
	l.Close()
	return strings.NewReplacer("PUBLIC", public, "ISSUER", issuer, "DIR", dir).Replace(`public_url: PUBLIC
naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: load, secret: hunter2-hunter2-hunter2-hunter2-seal}]
templates_dir: DIR
lti:
  consumers: [{key: load, secret: hunter2-hunter2-hunter2-hunter2-lti, labs: [load]}]
  platforms: [{issuer: "ISSUER", client_id: load, deployments: ["1"], auth_url: "ISSUER/auth", jwks_url: "ISSUER/jwks.json", tenant: load, labs: [load]}]
labs: {load: {title: A word, template: lab.yaml, idle_timeout: 1h, access: [{kind: url, output: lab_url, title: Read it}]}}
api: {tokens: [{name: load, token: hunter2-hunter2-hunter2-hunter2-api, may: [sites]}]}
`)
}

func typed(t *testing.T, env map[string]string, args ...string) (code int, out, complaints string) {
	t.Helper()
	var printed, complained strings.Builder
	code = run(t.Context(), args, system{source: config.Map(env), out: &printed, complains: &complained})
	return code, printed.String(), complained.String()
}

// A class at work on the shim: every answer is right, everybody has one lab in the cloud, and the report says so.
func TestLoad(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	env := map[string]string{config.Variable: settings(t, "http://"+address)}
	s, err := shim.Start(t.Context(), shim.Options{Source: config.Map(env), Listen: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	maps.Copy(env, s.Fake().Env())
	code, out, complaints := typed(t, env, "-rate", "40", "-for", "3s", "-learners", "10", "-json", "-", "-remove")
	var r result
	if at := strings.Index(out, "{\n"); at < 0 || json.Unmarshal([]byte(out[at:]), &r) != nil {
		t.Fatalf("no JSON: %s%s", out, complaints)
	}
	if code != good || r.Account == nil || r.Account.Learners < 2 || r.Account.Stacks != r.Account.Learners || r.Account.Lost+r.Account.Doubled > 0 {
		t.Errorf("%d: %+v\n%s%s", code, r.Account, out, complaints)
	}
	if all := r.Load.All(); all.Wrong > 0 || all.Right < 20 || r.Open > 0 {
		t.Errorf("%+v, %d open, %v", all, r.Open, r.Load.Why)
	}
	for _, want := range []string{"launch, LTI 1.1", "launch, LTI 1.3", "status of a page", "sites", "p99"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out+complaints, "hunter2") {
		t.Error("a secret is printed")
	}
	for _, stack := range s.Fake().Stacks() {
		if strings.HasPrefix(stack.Name, "lab-") && !strings.HasPrefix(stack.State, "DELETE") {
			t.Errorf("%s was left", stack.Name)
		}
	}
}

// TestComplaints has a sentence for what can be typed wrong, and sends nothing.
func TestComplaints(t *testing.T) {
	t.Parallel()
	env := map[string]string{config.Variable: settings(t, "https://hooks.example.org")}
	for args, want := range map[string]string{
		"":                                        "loopback",
		"-target http://192.0.2.7:8080":           "loopback",
		"-target http://localhost.example.org":    "loopback",
		"-target https://127.0.0.1":               "loopback",
		"-target 127.0.0.1:8080":                  "loopback",
		"-target http://127.0.0.1 -rate 0":        "-rate must",
		"-target http://127.0.0.1 -rate 1001":     "-rate must",
		"-target http://127.0.0.1 -concurrency 0": "-concurrency must",
		"-target http://127.0.0.1 -learners 0":    "-learners must",
		"-target http://127.0.0.1 -for 0s":        "-for must",
		"-target http://127.0.0.1 now":            "flags alone",
		"-rates 3":                                "not defined",
	} {
		if code, out, complaints := typed(t, env, strings.Fields(args)...); code != wrong || !strings.Contains(complaints, want) || out != "" {
			t.Errorf("%q: %d, %q, %q; want %q", args, code, out, complaints, want)
		}
	}
	if code, _, complaints := typed(t, nil); code != wrong || !strings.Contains(complaints, "STACKHOOK_CONFIG") {
		t.Errorf("without a configuration: %d %s", code, complaints)
	}
	if code, _, complaints := typed(t, nil, "--help"); code != good || !strings.Contains(complaints, "Exit code") || !strings.Contains(complaints, "-learners") {
		t.Errorf("help: %d %s", code, complaints)
	}
}
