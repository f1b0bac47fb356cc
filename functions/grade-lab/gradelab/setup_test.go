package gradelab_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

const template = `
heat_template_version: 2018-08-31
parameters:
  grading: {type: string, default: ""}
  report_url: {type: string, default: ""}
resources:
  signals: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: TOKEN_SIGNAL}}
  ready: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: signals}, timeout: 600}}
outputs:
  signals: {value: {get_attr: [ready, data]}}
`

const configuration = `
public_url: https://hooks.example.org
naming_key: naming-key-hunter2-hunter2-hunte-01
seal_keys: [{id: one, secret: seal-secret-hunter2-hunter2-hunte-0}]
lti:
  consumers:
    - {key: academy, secret: ` + outcometest.Secret + `, labs: [web], outcome_hosts: ["HOST"]}
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    checks: [{name: up}, {name: tls}, {name: cache, weight: 2}]
  run:
    title: Checked by us
    template: labs/web.yaml
    access: [{kind: ssh, host: ip, key: made, user: learner}]
    checks: [{name: up, kind: ssh, script: checks/up.sh, host: ip, user: learner, host_key: key}]
`

const base = "lab-0123456789abcdef01"

type house struct {
	*openstacktest.Cloud

	t       *testing.T
	lms     *outcometest.LMS
	os      *openstack.Cloud
	box     *seal.Box
	handler http.Handler
	log     *loggingtest.Log
	path    string // of the lab's own address
}

func start(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, Cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now().Truncate(time.Second)))}
	h.lms = outcometest.Start(t, nil)
	h.lms.Now = h.Now
	env := maps.Clone(h.Env())
	env["STACKHOOK_CONFIG"] = strings.Replace(configuration, "HOST", h.lms.Host(), 1)
	src := config.Map(env)
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	if h.os, err = openstack.New(openstack.Options{Getenv: src.Getenv}); err != nil {
		t.Fatal(err)
	}
	if h.box, err = c.Box(); err != nil {
		t.Fatal(err)
	}
	g, err := grades.New(c, grades.Options{Client: h.lms.Client(20 * time.Second), Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := gradelab.New(c, []grades.Cloud{h.os}, g, h.Now)
	if err != nil {
		t.Fatal(err)
	}
	h.path = h.ticket(base)
	h.log = loggingtest.Catch(t, h.path[len(h.path)-20:])
	h.handler = function.Wrap("grade-lab", logging.New(h.log, "grade-lab"), handler)
	return h
}

// ticket is the path of the address that the lab of that name is given.
func (h *house) ticket(stack string) string {
	h.t.Helper()
	address, err := grades.ReportURL(h.box, "https://hooks.example.org", stack, h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimPrefix(address, "https://hooks.example.org/grade-lab")
}

// begin creates the lab and leaves it under construction.
func (h *house) begin(name string) openstack.StackRef {
	h.t.Helper()
	sealed, err := grades.Seal(h.box, base, grades.Destination{Key: outcometest.Key, Outcome: h.lms.OutcomeURL(), SourcedID: "ada"}, h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	ref, err := h.os.CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: template, Parameters: map[string]any{"grading": sealed},
		Tags: []string{lab.Tag, "lab=web", lab.TagOwner + base, "learner=0123456789"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Advance(2 * time.Second)
	return ref
}

// lab makes a lab that is up.
func (h *house) lab() openstack.StackRef {
	h.t.Helper()
	ref := h.begin(base)
	if err := h.os.Signal(h.t.Context(), ref, grades.Handle, openstack.Signal{ID: "ready", Status: "SUCCESS"}); err != nil {
		h.t.Fatal(err)
	}
	h.Settle()
	h.ResetCalls()
	return ref
}

type reply struct {
	status int
	header http.Header
	text   string
	Code   string
	Errors []struct{ Field, Message string }

	Recorded  []struct{ ID, Check string }
	Heartbeat bool
	Grade     *struct {
		Did, Why string
		Score    float64
	}
}

func (h *house) send(method, path, body string, header ...string) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), text: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		h.t.Errorf("%d %q is no JSON", w.Code, got.text)
	}
	openstacktest.NoInternals(h.t, got.text, "Heat", "hunter2")
	if problem := got.header.Get("Content-Type") == "application/problem+json"; problem != (got.status >= 400) {
		h.t.Errorf("%d is %s", got.status, got.header.Get("Content-Type"))
	}
	return got
}

func (h *house) post(body string, header ...string) reply {
	h.t.Helper()
	return h.send(http.MethodPost, h.path, body, header...)
}

func (h *house) signals(ref openstack.StackRef) lab.Signals {
	h.t.Helper()
	h.Advance(time.Second)
	s, err := h.os.Stack(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return lab.ReadSignals(s.Outputs, h.Now())
}

func (h *house) calls() int {
	n := len(slices.DeleteFunc(h.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") }))
	h.ResetCalls()
	return n
}
