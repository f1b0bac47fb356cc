package traffic

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/once/oncetest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// mood is what the gate does with what it carries.
type mood int32

const (
	calm     mood = iota
	refusing      // no connection is taken
	noAsking      // reset with the first byte of a request
	noAnswer      // reset with the first byte of an answer: the request was done
	silent        // everything is taken and nothing carried
)

// gate carries connections to the cloud, as its mood of the moment is.
type gate struct {
	to   string
	mood atomic.Int32
	l    net.Listener
}

func openGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{to: to, l: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go g.carry(conn)
		}
	}()
	return g
}

func (g *gate) is(m mood) bool { return mood(g.mood.Load()) == m }

func (g *gate) carry(in net.Conn) {
	out, err := net.Dial("tcp", g.to)
	if err != nil || g.is(refusing) {
		reset(in)
		return
	}
	go g.copy(out, in, noAsking)
	g.copy(in, out, noAnswer)
}

// copy carries one way, until the mood is against it.
func (g *gate) copy(to, from net.Conn, against mood) {
	defer reset(to)
	defer reset(from)
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || g.is(against) || g.is(refusing) {
			return
		}
		if g.is(silent) {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

const labText = `heat_template_version: 2018-08-31
resources:
  word: {type: OS::Heat::RandomString, properties: {length: 24}}
  signals: {type: OS::Heat::WaitConditionHandle}
outputs:
  lab_url: {value: {list_join: ["", ["http://127.0.0.1/", {get_attr: [word, value]}]]}}
`

const settings = `public_url: PUBLIC
naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: load, secret: hunter2-hunter2-hunter2-hunter2-seal}]
store: REDIS
replicas: 2
templates_dir: DIR
lti:
  consumers: [{key: load, secret: hunter2-hunter2-hunter2-hunter2-lti, labs: [load]}]
  platforms: [{issuer: "ISSUER", client_id: load, deployments: ["1"], auth_url: "ISSUER/auth", jwks_url: "ISSUER/jwks.json", tenant: load, labs: [load]}]
labs: {load: {title: A word, template: lab.yaml, idle_timeout: 1h, access: [{kind: url, output: lab_url, title: Read it}]}}
api: {tokens: [{name: load, token: hunter2-hunter2-hunter2-hunter2-api, may: [sites]}]}
`

// house is two instances of all functions with one Redis, taken by turns, and the gate between them and a fake cloud.
type house struct {
	*Driver
	gate  *gate
	fake  *openstacktest.Cloud
	cloud *openstack.Cloud
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func build(t *testing.T) *house {
	t.Helper()
	h := &house{fake: openstacktest.Start(t, func(o *openstacktest.Options) {
		o.Wall, o.Build = true, func(string) time.Duration { return 50 * time.Millisecond }
	})}
	at, err := url.Parse(h.fake.URL())
	if err != nil {
		t.Fatal(err)
	}
	h.gate = openGate(t, at.Host)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(labText), 0o600); err != nil {
		t.Fatal(err)
	}
	front := free(t)
	text := strings.NewReplacer("PUBLIC", "http://"+front, "ISSUER", "http://"+free(t), "DIR", dir, "REDIS", oncetest.Start(t).Address()).Replace(settings)
	env := h.fake.Env()
	if h.cloud, err = openstack.New(openstack.Options{Getenv: func(name string) string { return h.fake.Env()[name] }}); err != nil {
		t.Fatal(err)
	}
	env["OS_AUTH_URL"] = strings.Replace(env["OS_AUTH_URL"], at.Host, h.gate.l.Addr().String(), 1)
	env["OS_ORCHESTRATION_ENDPOINT_OVERRIDE"] = "http://" + h.gate.l.Addr().String() + "/heat"
	env[config.Variable] = text
	var instances []http.Handler
	for range 2 {
		s, err := shim.New(t.Context(), shim.Options{Source: config.Map(env), Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		instances = append(instances, s.Handler())
	}
	var turn atomic.Int64
	l, err := net.Listen("tcp", front)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { instances[turn.Add(1)%2].ServeHTTP(w, r) })}
	t.Cleanup(func() { server.Close() })
	go server.Serve(l)
	c, err := config.Map(env).Load()
	if err != nil {
		t.Fatal(err)
	}
	doors, err := NewHouse(c, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := doors.Play(t.Context()); err != nil {
		t.Fatal(err)
	}
	pace := DefaultPace()
	pace.Again = 0
	h.Driver = NewDriver(doors, pace)
	return h
}

// come are so many learners whom nobody has seen before.
func (h *house) come(n int) (list []*learner) {
	for i := range n {
		list = append(list, h.comes([]Act{Launch11, Launch13}[i%2]))
	}
	return list
}

// all lets each of so many learners do it, all at once.
func all(learners []*learner, do func(*learner)) {
	var wg sync.WaitGroup
	for _, l := range learners {
		wg.Go(func() { do(l) })
	}
	wg.Wait()
}

// The faults of `make faults` that a network can have, in short: a class launches by both versions while the way to the cloud is
// bad, its pages ask on, and when it is good again everybody comes to the one lab of their own. Not an answer is wrong.
func TestFaultsInShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mood  mood
		meet  func(h *house)
		wants int // answers that say when to come back, at least
	}{
		"calm":                {mood: calm},
		"connections refused": {mood: refusing, wants: 12},
		"requests reset":      {mood: noAsking, wants: 12},
		"answers reset":       {mood: noAnswer, wants: 12},
		"silence":             {mood: silent, wants: 12},
		"tokens revoked":      {mood: calm, meet: func(h *house) { h.fake.RevokeTokens() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			all(h.come(2), func(l *learner) { h.launch(t.Context(), l) }) // so that there is a token
			if n := h.Settle(t.Context(), time.Minute); n > 0 {
				t.Errorf("%d pages are open before", n)
			}
			h.Phase("during")
			h.gate.mood.Store(int32(c.mood))
			if c.meet != nil {
				c.meet(h)
			}
			all(h.come(6), func(l *learner) { h.launch(t.Context(), l); h.look(t.Context(), l) })
			r := h.Phase("after")
			if got := r.All(); got.Wrong+got.Told > 0 || got.Later < c.wants || c.wants == 0 && got.Later > 0 {
				t.Errorf("during: %+v %v, want %d later at least", got, r.Why, c.wants)
			}
			h.gate.mood.Store(int32(calm))
			if n := h.Settle(t.Context(), time.Minute); n > 0 {
				t.Errorf("%d pages are open in the end", n)
			}
			if r := h.Report(); r.All().Wrong+r.All().Told > 0 {
				t.Errorf("after: %+v %v", r.All(), r.Why)
			}
			a, err := h.Account(t.Context(), h.cloud)
			if err != nil || a.Learners != len(h.class()) || a.Stacks != a.Learners || a.Lost+a.Doubled+a.Failed+a.Untrue > 0 {
				t.Errorf("%+v, %v", a, err)
			}
			if err := h.Remove(t.Context(), h.cloud); err != nil {
				t.Error(err)
			}
		})
	}
}
