package grades_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"iter"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

// template is the least that a lab must have to be graded.
const template = `
heat_template_version: 2018-08-31
parameters:
  grading: {type: string, default: ""}
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
  tool_keys: {current_file: tool.pem}
  consumers:
    - {key: academy, secret: ` + outcometest.Secret + `, labs: [web], outcome_hosts: ["HOST"]}
  platforms:
    - issuer: ISSUER
      client_id: ` + outcometest.ClientID + `
      deployments: ["1"]
      auth_url: ISSUER/auth
      token_url: ISSUER/token
      jwks_url: ISSUER/jwks.json
      labs: [web]
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    checks: [{name: up}, {name: tls}, {name: cache, weight: 2}]
`

const (
	ada     = "hunter2&ada" // a sourced id: nobody's business
	adaSub  = "hunter2-ada-sub"
	adaCell = "7/" + adaSub
)

var toolKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// world is a course site, a cloud, and any number of processes that bring grades from one to the other.
type world struct {
	*openstacktest.Cloud

	t    *testing.T
	lms  *outcometest.LMS
	cfg  *config.Config
	box  *seal.Box
	log  *loggingtest.Log
	os   *openstack.Cloud
	v13  bool // grades go over LTI 1.3
	cell string
}

func begin(t *testing.T, v13 bool) *world {
	t.Helper()
	w := &world{t: t, v13: v13, cell: ada, log: loggingtest.Catch(t, "&ada", "ada-sub")}
	if v13 {
		w.cell = adaCell
	}
	w.Cloud = openstacktest.Start(t, openstacktest.StartAt(time.Now().Truncate(time.Second)))
	w.lms = outcometest.Start(t, &toolKey().PublicKey)
	w.lms.Now = w.Now
	der, err := x509.MarshalPKCS8PrivateKey(toolKey())
	if err != nil {
		t.Fatal(err)
	}
	env := maps.Clone(w.Env())
	env["STACKHOOK_CONFIG"] = strings.NewReplacer("HOST", w.lms.Host(), "ISSUER", w.lms.URL).Replace(configuration)
	src := config.Map(env)
	src.ReadFile = func(string) ([]byte, error) {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
	if w.cfg, err = src.Load(); err != nil {
		t.Fatal(err)
	}
	if w.box, err = w.cfg.Box(); err != nil {
		t.Fatal(err)
	}
	if w.os, err = openstack.New(openstack.Options{Getenv: src.Getenv}); err != nil {
		t.Fatal(err)
	}
	return w
}

// process is one more process; its client may be spoilt.
func (w *world) process(spoil func(http.RoundTripper) http.RoundTripper) grades.Grades {
	w.t.Helper()
	client := w.lms.Client(20 * time.Second)
	if spoil != nil {
		client.Transport = spoil(client.Transport)
	}
	g, err := grades.New(w.cfg, grades.Options{Client: client, Now: w.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// ctx is a request's, with a log.
func (w *world) ctx() context.Context {
	return logging.WithRequest(w.t.Context(), logging.New(w.log, "test"), "test")
}

func owner(learner string) lab.Owner {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: learner}.Hide([]byte("naming-key-hunter2-hunter2-hunte-01"))
}

// destination is where the grade of ada's launch goes.
func (w *world) destination() grades.Destination {
	if !w.v13 {
		return grades.DestinationOf(lti.Launch{Version: "1.1", Tenant: "academy", Outcome: lti.Outcome{URL: w.lms.OutcomeURL(), SourcedID: ada}})
	}
	return grades.DestinationOf(lti.Launch{
		Version: "1.3", Issuer: w.lms.URL, ClientID: outcometest.ClientID, User: adaSub, ResourceLink: "link",
		Scores: lti.Scores{LineItem: w.lms.LineItem(), Scopes: []string{lti.ScopeScore}},
	})
}

func (w *world) sealed(base string) string {
	w.t.Helper()
	sealed, err := grades.Seal(w.box, base, w.destination(), w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return sealed
}

// lab makes a lab of ada's that is up.
func (w *world) lab() openstack.StackRef {
	w.t.Helper()
	o := owner("ada")
	return w.labOf(o, 0, w.sealed(o.Stack))
}

func (w *world) labOf(o lab.Owner, gen int, grading string) openstack.StackRef {
	w.t.Helper()
	tags := append(o.Tags(), lab.TagOwner+o.Stack)
	if gen > 0 {
		tags = append(tags, lab.TagGen+"1")
	}
	ref, err := w.os.CreateStack(w.t.Context(), openstack.NewStack{
		Name: lab.NameOf(o.Stack, gen), Template: template, Tags: tags, Parameters: map[string]any{"grading": grading},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Advance(2 * time.Second)
	if err := w.os.Signal(w.t.Context(), ref, grades.Handle, openstack.Signal{ID: "ready", Status: "SUCCESS"}); err != nil {
		w.t.Fatal(err)
	}
	w.Settle()
	if got := w.read(ref); got.State() != "CREATE_COMPLETE" {
		w.t.Fatalf("the lab is %s: %s", got.State(), got.Reason)
	}
	w.ResetCalls()
	return ref
}

func (w *world) read(ref openstack.StackRef) openstack.Stack {
	w.t.Helper()
	s, err := w.os.Stack(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) signals(ref openstack.StackRef) lab.Signals {
	return lab.ReadSignals(w.read(ref).Outputs, w.Now())
}

// calls are those since the last look, without Keystone's.
func (w *world) calls() []string {
	var list []string
	for _, name := range w.CallNames() {
		if !strings.HasPrefix(name, "identity ") {
			list = append(list, name)
		}
	}
	w.ResetCalls()
	return list
}

func passed(id, check string) lab.Result {
	return lab.Result{ID: id, Check: check, Passed: true, Score: 1}
}

// record has one result recorded by g, and time pass until it shows.
func (w *world) record(g grades.Grades, ref openstack.StackRef, results ...lab.Result) grades.Report {
	w.t.Helper()
	report, err := g.Record(w.ctx(), w.os, w.read(ref), results...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Advance(time.Second)
	return report
}

func (w *world) deliver(g grades.Grades, ref openstack.StackRef) grades.Report {
	w.t.Helper()
	report, err := g.Deliver(w.ctx(), w.os, w.read(ref))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Advance(time.Second)
	return report
}

func (w *world) leave(g grades.Grades, ref openstack.StackRef) grades.Report {
	w.t.Helper()
	report, err := g.Leave(w.ctx(), w.os, w.read(ref))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Settle()
	return report
}

// outbox is the stack that keeps ada's grade, and whether one waits in it to be sent.
func (w *world) outbox() (openstack.Stack, bool) {
	w.t.Helper()
	s, err := w.os.FindStack(w.t.Context(), "grade"+strings.TrimPrefix(owner("ada").Stack, "lab"))
	if openstack.CodeOf(err) == openstack.Gone || s.Action == "DELETE" {
		return s, false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s, lab.Tagged(s.Tags, grades.TagUntil) == ""
}

// versions are those of LTI over which grades go: true is 1.3.
func versions() map[string]bool { return map[string]bool{"LTI 1.1": false, "LTI 1.3": true} }

// errDead is what a process that was killed hears.
var errDead = errors.New("the process is dead")

// life counts the calls of a process, to a cloud and to course sites, and ends with one of them: before it is made, or
// before its answer comes.
type life struct {
	mu        sync.Mutex
	calls     int
	last      int  // the call with which it ends; the first is 1
	delivered bool // that call is made, and its answer lost
}

// step says whether the next call is made, and whether its answer is heard.
func (l *life) step() (made, heard bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	return l.calls < l.last || l.calls == l.last && l.delivered, l.calls < l.last
}

func (l *life) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls >= l.last
}

// hasty gives up on the first grades that it carries after a moment.
type hasty struct {
	http.RoundTripper

	grades *atomic.Int32 // how many are left
}

func (h hasty) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/token") || h.grades.Add(-1) < 0 {
		return h.RoundTripper.RoundTrip(r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 100*time.Millisecond)
	defer cancel()
	return h.RoundTripper.RoundTrip(r.WithContext(ctx))
}

// mortal is a transport to course sites of a process that dies.
type mortal struct {
	http.RoundTripper

	life *life
}

func (m mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	made, heard := m.life.step()
	if !made {
		return nil, errDead
	}
	answer, err := m.RoundTripper.RoundTrip(r)
	if !heard {
		if err == nil {
			answer.Body.Close()
		}
		return nil, errDead
	}
	return answer, err
}

// mortalCloud is a cloud as a process that dies sees it.
type mortalCloud struct {
	grades.Cloud

	life *life
}

func try[T any](l *life, call func() (T, error)) (T, error) {
	var none T
	made, heard := l.step()
	if !made {
		return none, errDead
	}
	got, err := call()
	if !heard {
		return none, errDead
	}
	return got, err
}

func (m mortalCloud) FindStack(ctx context.Context, name string) (openstack.Stack, error) {
	return try(m.life, func() (openstack.Stack, error) { return m.Cloud.FindStack(ctx, name) })
}

func (m mortalCloud) Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error] {
	if made, heard := m.life.step(); !made || !heard {
		return func(yield func(openstack.Stack, error) bool) { yield(openstack.Stack{}, errDead) }
	}
	return m.Cloud.Stacks(ctx, tags...)
}

func (m mortalCloud) Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error) {
	return try(m.life, func() (openstack.Stack, error) { return m.Cloud.Stack(ctx, ref) })
}

func (m mortalCloud) Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error) {
	return try(m.life, func() (map[string]any, error) { return m.Cloud.Metadata(ctx, ref, resource) })
}

func (m mortalCloud) Signal(ctx context.Context, ref openstack.StackRef, resource string, s openstack.Signal) error {
	_, err := try(m.life, func() (struct{}, error) { return struct{}{}, m.Cloud.Signal(ctx, ref, resource, s) })
	return err
}

func (m mortalCloud) CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error) {
	return try(m.life, func() (openstack.StackRef, error) { return m.Cloud.CreateStack(ctx, s) })
}

func (m mortalCloud) PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error {
	_, err := try(m.life, func() (struct{}, error) { return struct{}{}, m.Cloud.PatchStack(ctx, ref, change) })
	return err
}

func (m mortalCloud) DeleteStack(ctx context.Context, ref openstack.StackRef) error {
	_, err := try(m.life, func() (struct{}, error) { return struct{}{}, m.Cloud.DeleteStack(ctx, ref) })
	return err
}
