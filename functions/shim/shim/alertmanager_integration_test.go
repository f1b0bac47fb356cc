//go:build integration

package shim_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack"
)

const (
	hookToken  = "alertmanager-hunter2-hunter2-hunt-01"
	fleetToken = "operator-hunter2-hunter2-hunter2-01"
)

// patience is how long one change of a stack may take on a machine that others use, too.
const patience = 5 * time.Minute

// fleet is a cluster on a real cloud and a shim that has it in its configuration.
type fleet struct {
	caller

	cloud *openstack.Cloud
	log   lines
	name  string
	ref   openstack.StackRef
	pool  string
}

// newFleet makes a cluster of so many nodes. entry is its entry of the configuration.
func newFleet(t *testing.T, size int, entry string) *fleet {
	t.Helper()
	_, cloud := realCloud(t)
	f := &fleet{caller: caller{t: t}, cloud: cloud, name: "fleet-" + strings.ToLower(rand.Text()[:8])}
	f.serve(entry)
	f.build(size)
	return f
}

// serve starts a shim with the entry; a second one takes the place of the first.
func (f *fleet) serve(entry string) {
	f.t.Helper()
	f.log = lines{loggingtest.Catch(f.t)}
	s, err := shim.Start(f.t.Context(), shim.Options{Source: f.source(entry), Listen: "127.0.0.1:0", Log: f.log})
	if err != nil {
		f.t.Fatalf("start the shim: %v", err)
	}
	f.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.t.Errorf("close the shim: %v", err)
		}
	})
	f.s = s
}

// text is a configuration with the entry.
func (f *fleet) text(entry string) string {
	return "naming_key: naming-key-hunter2-hunter2-hunte-01\n" +
		"seal_keys: [{id: one, secret: seal-secret-hunter2-hunter2-hunte-0}]\n" +
		"api: {tokens: [{name: operator, token: " + fleetToken + ", may: [clusters]}]}\n" +
		"clusters:\n  " + f.name + ": " + entry + "\n"
}

// source is the real cloud's environment with that configuration.
func (f *fleet) source(entry string) config.Source {
	text := f.text(entry)
	src, _ := realCloud(f.t)
	getenv := src.Getenv
	src.Getenv = func(name string) string {
		if name == config.Variable {
			return text
		}
		return getenv(name)
	}
	return src
}

// build makes the stack. Its pool has no health monitor: there are no amphorae that would tell how a member is, and a
// member nobody tells anything of is not in service, and goes without a drain.
func (f *fleet) build(size int, more ...map[string]any) {
	f.t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { removeStack(f.t, f.cloud, f.name) })
	parameters := map[string]any{"image": "debian-12", "flavor": "m1.tiny", "app_count": size}
	for _, m := range more {
		maps.Copy(parameters, m)
	}
	f.ref, err = f.cloud.CreateStack(f.t.Context(), openstack.NewStack{
		Name: f.name, Template: withoutMonitor(f.t, template.Text), Files: template.Files, Tags: []string{"stackhook"},
		Parameters: parameters,
	})
	if err != nil {
		f.t.Fatalf("create the cluster: %v", err)
	}
	f.settled("CREATE_COMPLETE", size)
	stack, err := f.cloud.Stack(f.t.Context(), f.ref)
	if err != nil {
		f.t.Fatal(err)
	}
	f.pool, _ = stack.Outputs["pool_id"].(string)
}

func withoutMonitor(t *testing.T, template string) string {
	t.Helper()
	without := regexp.MustCompile(`(?s)\n  monitor:\n.*?\n\n`).ReplaceAllString(template, "\n")
	if without == template {
		t.Fatal("cluster.yaml has no monitor to leave out")
	}
	return without
}

// settled waits until the stack is in the state and has so many nodes.
func (f *fleet) settled(state string, size int) {
	f.t.Helper()
	want := state + " " + strconv.Itoa(size)
	until(f.t, f.name+" is "+want, patience, func() (string, bool) {
		s, err := f.cloud.StackParameters(f.t.Context(), f.ref)
		if err != nil {
			return err.Error(), false // a busy cloud may miss its time
		}
		if s.Status == "FAILED" {
			f.t.Fatalf("the cluster is %s: %s", s.State(), s.Reason)
		}
		got := s.State() + " " + s.Parameters["app_count"]
		return got, got == want
	})
}

// fleetNode is one of the nodes of a fleetView.
type fleetNode struct{ Name, Server, Address string }

// fleetView is what the tests read of GET /{cluster}.
type fleetView struct {
	State string
	Nodes int
	List  []fleetNode

	Decisions []struct {
		Direction, Code, By string
		From, To            int
	}
}

func (f *fleet) view() fleetView {
	f.t.Helper()
	got := f.call(http.MethodGet, "http://"+f.s.Addr()+"/scale-cluster/"+f.name+"?nodes=1", "", "", "Authorization", "Bearer "+fleetToken)
	var v fleetView
	got.decode(f.t, &v)
	return v
}

// ring is the memory of the cluster, newest first, in short.
func (v fleetView) ring() []string {
	var out []string
	for _, d := range v.Decisions {
		out = append(out, fmt.Sprintf("%s %d to %d: %s by %s", d.Direction, d.From, d.To, d.Code, d.By))
	}
	return out
}

func (v fleetView) names() []string {
	var out []string
	for _, n := range v.List {
		out = append(out, n.Name)
	}
	return out
}

// fits says whether the pool has the nodes' addresses and no others, all with a weight.
func (f *fleet) fits(v fleetView) bool {
	f.t.Helper()
	list, err := f.cloud.Members(f.t.Context(), f.pool)
	if err != nil {
		f.t.Fatal(err)
	}
	var have, want []string
	for _, m := range list {
		have = append(have, fmt.Sprint(m.Address, " ", m.Weight > 0))
	}
	for _, n := range v.List {
		want = append(want, n.Address+" true")
	}
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(have, want)
}

// answered counts what the shim answered to a sender, by code, passes after "+".
func (l lines) answered(sender string) map[string]int {
	counts := map[string]int{}
	for line := range strings.Lines(l.String()) {
		v := decodeLine(line)
		word, ok := v["decision"].(string)
		if !ok || v["function"] != "scale-cluster" || v["sender"] != sender {
			continue
		}
		counts[word]++
		if pass, ok := v["pass"].(string); ok {
			counts["+"+pass]++
		}
	}
	return counts
}

// daemon runs a program of the machine until the test is over. What it says is told if the test fails.
func daemon(t *testing.T, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%v (scripts/test-openstack installs it)", err)
	}
	var said bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended; then that is what it says
		giveUp := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		giveUp.Stop()
		if t.Failed() {
			const most = 3000
			t.Logf("%s said at last:\n%s", program, said.String()[max(0, said.Len()-most):])
		}
	})
}

// port is one that is free now.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// local serves on a port of its own until it is closed or the test is over.
func local(t *testing.T, h http.HandlerFunc) (address string, server *http.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	}()
	t.Cleanup(func() { server.Close() })
	return l.Addr().String(), server
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// gauge is an application whose load the test sets.
type gauge struct{ bits atomic.Uint64 }

func (g *gauge) set(v float64) { g.bits.Store(math.Float64bits(v)) }

func (g *gauge) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE app_load gauge\napp_load %g\n", math.Float64frombits(g.bits.Load()))
}

const alertRules = `
groups:
  - name: cluster
    rules:
      - alert: Busy
        expr: max(app_load) > 80
        labels: {scale: out}
        annotations: {summary: The nodes are busy, scale_value: "{{ $value }}"}
      - alert: Idle
        expr: max(app_load) < 20
        labels: {scale: in}
        annotations: {summary: The nodes are idle, scale_value: "{{ $value }}"}
`

// watchers are two Alertmanagers that know each other, as people run them for availability. By their own order the second
// waits for the first to have told; with no time to wait for, both tell.
func watchers(t *testing.T, hook string) []string {
	t.Helper()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "alertmanager.yml"), `
route: {receiver: stackhook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 3s}
receivers:
  - name: stackhook
    webhook_configs:
      - {url: "`+hook+`", send_resolved: true, http_config: {authorization: {credentials: `+hookToken+`}}}
`)
	web, gossip := []string{port(t), port(t)}, []string{port(t), port(t)}
	for i := range web {
		daemon(t, "prometheus-alertmanager", "--config.file="+file, "--storage.path="+filepath.Join(dir, strconv.Itoa(i)),
			"--web.listen-address="+web[i], "--cluster.listen-address="+gossip[i], "--cluster.advertise-address="+gossip[i],
			"--cluster.peer="+gossip[1-i], "--cluster.peer-timeout=0s", "--cluster.settle-timeout=5s")
	}
	return web
}

// prometheus scrapes the target and tells the Alertmanagers.
func prometheus(t *testing.T, target string, tell []string) {
	t.Helper()
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), alertRules)
	file := write(t, filepath.Join(dir, "prometheus.yml"), `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ["`+rules+`"]
scrape_configs: [{job_name: app, static_configs: [{targets: ["`+target+`"]}]}]
alerting: {alertmanagers: [{static_configs: [{targets: ["`+strings.Join(tell, `", "`)+`"]}]}]}
`)
	daemon(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+port(t))
}

// notified is how many notifications by webhook an Alertmanager has sent that it was answered, and how many it gave up on.
func notified(t *testing.T, web string) (sent, failed float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+web+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	reply, err := client.Do(r)
	if err != nil {
		return 0, 0 // it is not up yet
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	value := func(metric string) float64 {
		found := regexp.MustCompile(`(?m)^` + metric + `\{integration="webhook"\} (\S+)`).FindSubmatch(text)
		if found == nil {
			return 0
		}
		v, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	total, failed := value("alertmanager_notifications_total"), value("alertmanager_notifications_failed_total")
	return total - failed, failed
}

// TestRealAlertmanager lets Prometheus and two Alertmanagers scale a cluster: out by a step that its measure sets, and in
// by a drain. What they say twice is done once, and an alert that is over scales nothing.
func TestRealAlertmanager(t *testing.T) {
	f := newFleet(t, 1, `{min: 1, max: 5, steps_out: [{at: 80, by: 1}, {at: 90, by: 2}], drain: {timeout: 6s},
    cooldown_out: 0s, cooldown_in: 0s, # so that nothing but the notification itself says that it was seen
    auth: [{kind: bearer, token: `+hookToken+`}]}`)
	var load gauge
	load.set(50)
	target, _ := local(t, load.ServeHTTP)
	tell := watchers(t, f.s.URL()+"/scale-cluster/"+f.name+"/auto")
	prometheus(t, target, tell)

	load.set(95)
	begun := time.Now()
	until(t, "both Alertmanagers have told, and were told that it was seen", patience, func() (string, bool) {
		one, _ := notified(t, tell[0])
		two, _ := notified(t, tell[1])
		counts := f.log.answered("alertmanager")
		return fmt.Sprint(one, " and ", two, " sent: ", counts), counts["scaled"] == 1 && counts["duplicate"] >= 3 && one > 0 && two > 0
	})
	load.set(50)
	f.settled("UPDATE_COMPLETE", 3)
	t.Logf("from the load to three nodes: %s", time.Since(begun).Round(100*time.Millisecond))
	until(t, "the alert is over", time.Minute, func() (string, bool) {
		counts := f.log.answered("alertmanager")
		return fmt.Sprint(counts), counts["not_alarm"] > 0
	})
	v := f.view()
	if ring := v.ring(); v.Nodes != 3 || !f.fits(v) || !slices.Equal(ring, []string{"out 1 to 3: scaled by alertmanager stackhook"}) {
		t.Errorf("after the growth: %+v", v)
	}

	ring := v.ring()
	for gone, left := range [][]string{{"1", "2"}, {"2"}} { // each time by an alert of its own
		f.drained(v, &load, gone+1)
		v = f.view()
		ring = append([]string{fmt.Sprintf("reconcile %d to %d: removed by alertmanager stackhook", len(left)+1, len(left))}, ring...)
		if v.Nodes != len(left) || !slices.Equal(v.names(), left) || !f.fits(v) || !slices.Equal(v.ring(), ring) {
			t.Errorf("with %d of 3 gone: %+v", gone+1, v)
		}
	}
	counts := f.log.answered("alertmanager")
	for _, address := range tell {
		sent, failed := notified(t, address)
		t.Logf("an Alertmanager sent %g notifications, %g of them in vain", sent+failed, failed)
	}
	t.Logf("answers to Alertmanager: %v", counts)
	if counts["scaled"] != 1 || counts["draining"] != 2 || counts["+removed"] != 2 {
		t.Errorf("answers: %v", counts)
	}
}

// drained follows one node out, the nth: first weight 0, while its server is there, and then gone, with the alarm's repeats as
// the clock, until the alert is over.
func (f *fleet) drained(before fleetView, load *gauge, nth int) {
	t := f.t
	load.set(10)
	begun := time.Now()
	leaving := before.List[0]
	var seen time.Time
	until(t, "the first node has weight 0 in Octavia", patience, func() (string, bool) {
		list, err := f.cloud.Members(t.Context(), f.pool)
		if err != nil {
			return err.Error(), false
		}
		for _, m := range list {
			if m.Weight == 0 && m.Address == leaving.Address {
				seen = time.Now()
			}
		}
		return fmt.Sprint(list), !seen.IsZero()
	})
	if servers, err := f.cloud.Servers(t.Context(), leaving.Server); err != nil || len(servers) != 1 {
		t.Errorf("the server of the node on its way out: %v, %v", servers, err)
	}
	// The alarm goes on for a while after the removal, and takes nobody else.
	said := 0
	until(t, "the node is removed, and the alarm's repeats are told that it was seen", patience, func() (string, bool) {
		counts := f.log.answered("alertmanager")
		if counts["+removed"] >= nth && said == 0 {
			said = counts["duplicate"]
		}
		return fmt.Sprint(counts), said > 0 && counts["duplicate"] >= said+4 || counts["draining"] > nth
	})
	over := f.log.answered("alertmanager")["not_alarm"]
	load.set(50)
	f.settled("UPDATE_COMPLETE", before.Nodes-1)
	t.Logf("from the load to weight 0: %s, to one node less: %s", seen.Sub(begun).Round(100*time.Millisecond), time.Since(begun).Round(100*time.Millisecond))
	until(t, "the alert is over", time.Minute, func() (string, bool) {
		counts := f.log.answered("alertmanager")
		return fmt.Sprint(counts), counts["not_alarm"] > over
	})
}
