package openstacktest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const tiny = `
heat_template_version: 2018-03-02
parameters: {note: {type: string, default: none}}
resources: {word: {type: OS::Heat::RandomString}}
`

func TestStatusFaults(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]openstack.Code{
		403: openstack.Forbidden, 429: openstack.Unavailable, 500: openstack.Unavailable, 503: openstack.Unavailable, 404: openstack.Gone,
	} {
		fake, cloud := start(t)
		fake.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: "/stacks*", Status: status, Times: 1})
		_, err := cloud.FindStack(t.Context(), "x")
		wantCode(t, err, want)
		_, err = cloud.FindStack(t.Context(), "x")
		wantCode(t, err, openstack.Gone)
	}
}

func TestDropReplyTakesEffect(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	fake.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", DropReply: true, Times: 1})
	_, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "a", Template: tiny})
	wantCode(t, err, openstack.Unavailable)
	if len(fake.Stacks()) != 1 {
		t.Error("the stack is not there")
	}
	fake.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, PathPattern: "/stacks", DropReply: true, Times: 1})
	if _, _, err = cloud.EnsureStack(t.Context(), openstack.NewStack{Name: "b", Template: tiny}); err != nil {
		t.Errorf("ensure after a lost answer: %v", err)
	}
	if len(fake.Stacks()) != 2 {
		t.Errorf("stacks are %v", fake.Stacks())
	}
}

func TestLostUpdate(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, openstack.NewStack{Name: "a", Template: tiny})
	fake.Settle()
	fake.Inject(openstacktest.Fault{LostUpdate: true, Method: http.MethodPatch, Times: 1})
	for _, want := range []string{"none", "mine"} {
		if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: map[string]any{"note": "mine"}}); err != nil {
			t.Fatal(err)
		}
		s, err := cloud.Stack(t.Context(), ref)
		if err != nil || s.Parameters["note"] != want {
			t.Errorf("note is %q, %v; want %q", s.Parameters["note"], err, want)
		}
	}
}

// Two creates that both got in: all who look find the same one.
func TestDoubleCreate(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	first := create(t, cloud, openstack.NewStack{Name: "a", Template: tiny})
	fake.Advance(time.Second)
	fake.Inject(openstacktest.Fault{Method: http.MethodPost, PathPattern: "/stacks", DoubleCreate: true, Times: 1})
	second := create(t, cloud, openstack.NewStack{Name: "a", Template: tiny})
	if found, err := cloud.FindStack(t.Context(), "a"); err != nil || found.StackRef != first || second == first {
		t.Errorf("found %v, %v; made %v and %v", found.StackRef, err, first, second)
	}
	_, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "a", Template: tiny})
	wantCode(t, err, openstack.Conflict)
}

func TestCreateWindow(t *testing.T) {
	t.Parallel()
	fake := openstacktest.Start(t, openstacktest.CreateWindow(1500*time.Millisecond)) // wide, since tests share the machine with others
	refs := make([]openstack.StackRef, 3)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range refs {
		cloud := client(t, fake.Env())                        // each a process of its own: one client would not race with itself
		if _, err := cloud.Project(t.Context()); err != nil { // the login takes no part of the window
			t.Fatal(err)
		}
		all.Go(func() {
			<-start
			ref, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "a", Template: tiny})
			if err != nil {
				t.Error(err)
			}
			refs[i] = ref
		})
	}
	close(start)
	all.Wait()
	if refs[0] == refs[1] || refs[1] == refs[2] {
		t.Errorf("made %v, want three", refs)
	}
	_, err := client(t, fake.Env()).CreateStack(t.Context(), openstack.NewStack{Name: "a", Template: tiny})
	wantCode(t, err, openstack.Conflict)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	fake.Inject(openstacktest.Fault{Service: "heat", Latency: 80 * time.Millisecond})
	begin := time.Now()
	_, err := cloud.FindStack(t.Context(), "x")
	wantCode(t, err, openstack.Gone)
	if took := time.Since(begin); took < 80*time.Millisecond {
		t.Errorf("took %s", took)
	}
	fake.ClearFaults()
}

func TestFailServer(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	fake.FailServer("server", 1)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	s := wantState(t, cloud, ref, "CREATE_FAILED")
	if want := `Resource CREATE failed: ResourceInError: resources.nodes.resources`; !strings.HasPrefix(s.Reason, want) || !strings.Contains(s.Reason, "No valid host was found") {
		t.Errorf("reason is %q", s.Reason)
	}
	if !slices.ContainsFunc(fake.Servers(), func(s openstacktest.Server) bool { return s.Status == "ERROR" }) {
		t.Errorf("servers are %v", fake.Servers())
	}
	if err := cloud.PatchStack(t.Context(), ref, openstack.StackChange{}); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	wantState(t, cloud, ref, "UPDATE_COMPLETE")
	if len(fake.Servers()) != 2 {
		t.Errorf("servers are %v, want two", fake.Servers())
	}
}

func TestCallLog(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, openstack.NewStack{Name: "lab-0a", Template: tiny})
	fake.Settle()
	if _, err := cloud.Metadata(t.Context(), ref, "word"); err != nil {
		t.Fatal(err)
	}
	want := []string{"identity POST /auth/tokens", "heat POST /stacks", "heat GET /stacks/{}/{}/resources/{}/metadata"}
	if got := fake.CallNames(); !slices.Equal(got, want) {
		t.Errorf("calls are %q, want %q", got, want)
	}
	if got := fake.Calls()[1]; got.Service != "heat" || got.Path != "/stacks" || !got.Time.Before(fake.Now()) {
		t.Errorf("call is %+v", got)
	}
	fake.ResetCalls()
	if len(fake.Calls()) != 0 {
		t.Error("the log is not empty")
	}
}
