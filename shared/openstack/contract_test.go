package openstack_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// The contract suite: what we rely on in OpenStack, one row a behaviour. `go test` runs it on the fake cloud and
// `go test -tags integration` on the real one that OS_CLOUD or OS_* name, so that the fake cannot drift away from what
// it stands for. A row that fails on the real cloud alone is a wrong belief; one that fails on the fake alone, a bug there.

// row is one behaviour.
type row struct {
	name string
	run  func(h *harness)
}

// contract is the whole suite.
func contract() []row {
	var rows []row
	for _, part := range [][]row{createRows(), templateRows(), updateRows(), groupRows(), scalingRows(), actionRows(), deleteRows(), signalRows(), serviceRows(), volumeRows(), siteRows(), drainRows(), releaseRows()} {
		rows = append(rows, part...)
	}
	return rows
}

// harness is what a row needs of a cloud.
type harness struct {
	t     *testing.T // the row's own
	cloud *openstack.Cloud
	// another is a second client of the same user, with a transport of the row's choice; nil is the usual one.
	another func(t *testing.T, transport http.RoundTripper) *openstack.Cloud
	// pass lets time go by: the fake's clock, or ours.
	pass func(ctx context.Context, d time.Duration)
	// raw is for requests that the client never sends. The path is relative to Heat's, Nova's or Cinder's endpoint.
	raw func(t *testing.T, service, method, path string, body any) answer
	// deleteVolume removes a volume that outlived its stack; nil where all ends with the row.
	deleteVolume func(ctx context.Context, id string) error
	// token is a fresh token of the same user, trusted one of a trust that the user gave to themselves.
	token, trusted func(t *testing.T) string
}

// answer is a raw reply.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, release := range map[string]openstacktest.Release{"zed": openstacktest.Zed, "2025.1": openstacktest.Epoxy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range contract() {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					h := onFake(t, release)
					r.run(h)
				})
			}
		})
	}
}

// onFake is a fake cloud of the row's own.
func onFake(t *testing.T, release openstacktest.Release) *harness {
	t.Helper()
	// Guests do not boot in the real test cloud. The window is wide, since the tests share the machine with others.
	fake := openstacktest.Start(t, openstacktest.Of(release), openstacktest.SilentGuests(), openstacktest.PatchWindow(150*time.Millisecond))
	cloud, err := openstack.New(openstack.Options{Getenv: lookup(fake.Env())})
	if err != nil {
		t.Fatalf("make the client: %v", err)
	}
	return &harness{
		t:     t,
		cloud: cloud,
		another: func(t *testing.T, transport http.RoundTripper) *openstack.Cloud {
			t.Helper()
			other, err := openstack.New(openstack.Options{Getenv: lookup(fake.Env()), Transport: transport})
			if err != nil {
				t.Fatalf("make another client: %v", err)
			}
			return other
		},
		pass:  func(_ context.Context, d time.Duration) { fake.Advance(d) },
		token: func(*testing.T) string { return fake.Token() }, trusted: func(*testing.T) string { return fake.TrustToken(false) },
		raw: func(t *testing.T, service, method, path string, body any) answer {
			t.Helper()
			base := map[string]string{"heat": "/heat/v1/" + fake.ProjectID(), "nova": "/nova/v2.1", "cinder": "/cinder/v3/" + fake.ProjectID()}[service]
			return rawRequest(t, fake.Token(), method, fake.URL()+base+path, body)
		},
	}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// rawRequest follows no redirect.
func rawRequest(t *testing.T, token, method, url string, body any) answer {
	t.Helper()
	var text []byte // Cinder refuses a GET that has a body
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer reply.Body.Close()
	got := answer{status: reply.StatusCode, header: reply.Header}
	content, _ := io.ReadAll(reply.Body)
	_ = json.Unmarshal(content, &got.body)
	return got
}

// fresh is a stack name that nobody has.
func fresh() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return "contract-" + hex.EncodeToString(b)
}

// make creates a stack, to be deleted at the end of the row.
func (h *harness) make(t *testing.T, s openstack.NewStack) openstack.StackRef {
	t.Helper()
	if s.Name == "" {
		s.Name = fresh()
	}
	ref, err := h.cloud.CreateStack(t.Context(), s)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	t.Cleanup(func() { h.remove(ref) })
	return ref
}

// remove deletes a stack whose test may be over.
func (h *harness) remove(ref openstack.StackRef) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = h.cloud.DeleteStack(ctx, ref)
}

// built creates a stack and waits until it is made.
func (h *harness) built(t *testing.T, s openstack.NewStack) openstack.StackRef {
	t.Helper()
	ref := h.make(t, s)
	if got := h.settled(t, ref); got.State() != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s: %s", got.State(), got.Reason)
	}
	return ref
}

// read reads the stack.
func (h *harness) read(t *testing.T, ref openstack.StackRef) openstack.Stack {
	t.Helper()
	s, err := h.cloud.Stack(t.Context(), ref)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return s
}

// settled waits until Heat is done with the stack.
func (h *harness) settled(t *testing.T, ref openstack.StackRef) openstack.Stack {
	t.Helper()
	return h.until(t, ref, func(s openstack.Stack) bool { return !s.Busy() })
}

// until reads the stack again and again.
func (h *harness) until(t *testing.T, ref openstack.StackRef, good func(openstack.Stack) bool) openstack.Stack {
	t.Helper()
	var s openstack.Stack
	h.eventually(t, func() bool { s = h.read(t, ref); return good(s) }, "the stack stays as it is")
	return s
}

// eventually waits up to two minutes.
func (h *harness) eventually(t *testing.T, good func() bool, otherwise string) {
	t.Helper()
	const pause = 400 * time.Millisecond
	for range 2 * time.Minute / pause {
		if good() {
			return
		}
		h.pass(t.Context(), pause)
	}
	t.Fatal(otherwise)
}

// patched updates the stack and waits for the end of it.
func (h *harness) patched(t *testing.T, ref openstack.StackRef, change openstack.StackChange) openstack.Stack {
	t.Helper()
	if err := h.cloud.PatchStack(t.Context(), ref, change); err != nil {
		t.Fatalf("patch: %v", err)
	}
	return h.settled(t, ref)
}

// acted carries an action out and waits for the end of it.
func (h *harness) acted(t *testing.T, ref openstack.StackRef, action openstack.Action) openstack.Stack {
	t.Helper()
	if err := h.cloud.Act(t.Context(), ref, action); err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	// The 200 may come before the status changes.
	word := strings.ToUpper(string(action))
	return h.until(t, ref, func(s openstack.Stack) bool { return s.Action == word && !s.Busy() })
}

// physical maps resource names to ids.
func (h *harness) physical(t *testing.T, ref openstack.StackRef, depth int) map[string]string {
	t.Helper()
	list, err := h.cloud.Resources(t.Context(), ref, depth)
	if err != nil {
		t.Fatalf("resources: %v", err)
	}
	out := map[string]string{}
	for _, r := range list {
		name := r.Name
		if r.Parent != "" {
			name = r.Parent + "/" + name
		}
		out[name] = r.PhysicalID
	}
	return out
}

// wantState checks a stack's status.
func wantState(t *testing.T, s openstack.Stack, want string) {
	t.Helper()
	if s.State() != want {
		t.Errorf("state is %s (%s), want %s", s.State(), s.Reason, want)
	}
}

// wantError checks Heat's error body.
func (a answer) wantError(t *testing.T, status int, kind string) {
	t.Helper()
	detail, _ := a.body["error"].(map[string]any)
	if a.status != status || detail["type"] != kind || detail["message"] == "" || a.body["title"] == "" || a.body["code"] != float64(status) {
		t.Errorf("answer is %d %v, want %d of type %s", a.status, a.body, status, kind)
	}
}
