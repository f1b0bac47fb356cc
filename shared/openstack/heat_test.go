package openstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

var lab = openstack.StackRef{Name: "lab-1", ID: "s1"}

// sent is what one call put on the wire.
type sent struct{ Method, Path, Query, Body string }

// record answers everything below Heat with body and keeps the last request.
func record(t *testing.T, p *peer, prefix string, status int, body string) *sent {
	t.Helper()
	last := &sent{}
	p.handle(prefix, func(w http.ResponseWriter, r *http.Request) {
		*last = sent{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery}
		if r.ContentLength != 0 {
			text, _ := json.Marshal(bodyOf(t, r))
			last.Body = string(text)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	return last
}

func TestHeatWrites(t *testing.T) {
	t.Parallel()
	const base = "/heat/v1/p1/stacks"
	full := openstack.NewStack{
		Name: "lab-1", Template: "heat_template_version: wallaby", Files: map[string]string{"node.yaml": "x"},
		Parameters: map[string]any{"count": 2, "list": []int{1}}, Tags: []string{"stackhook", "lab=web"}, Timeout: 90*time.Second + 1,
	}
	const fullBody = `{"disable_rollback":true,"files":{"node.yaml":"x"},"parameters":{"count":2,"list":[1]},"stack_name":"lab-1",` +
		`"tags":"stackhook,lab=web","template":"heat_template_version: wallaby","timeout_mins":2}`
	tests := []struct {
		name string
		call func(context.Context, *openstack.Cloud) error
		want sent
		as   string // in the count
	}{
		{
			"create", func(ctx context.Context, c *openstack.Cloud) error { _, err := c.CreateStack(ctx, full); return err },
			sent{"POST", base, "", fullBody},
			"heat POST /stacks",
		},
		{
			"preview", func(ctx context.Context, c *openstack.Cloud) error { _, err := c.PreviewStack(ctx, full); return err },
			sent{"POST", base + "/preview", "", fullBody},
			"heat POST /stacks/preview",
		},
		{
			"patch", func(ctx context.Context, c *openstack.Cloud) error {
				return c.PatchStack(ctx, lab, openstack.StackChange{
					Parameters: map[string]any{"count": 3}, Tags: []string{"a", "b"}, Converge: true, Template: "t", Files: map[string]string{"f": "g"},
				})
			},
			sent{"PATCH", base + "/lab-1/s1", "", `{"converge":true,"files":{"f":"g"},"parameters":{"count":3},"tags":"a,b","template":"t"}`},
			"heat PATCH /stacks/{}/{}",
		},
		{
			"patch nothing", func(ctx context.Context, c *openstack.Cloud) error {
				return c.PatchStack(ctx, lab, openstack.StackChange{})
			},
			sent{"PATCH", base + "/lab-1/s1", "", `{}`},
			"heat PATCH /stacks/{}/{}",
		},
		{
			"patch away the tags", func(ctx context.Context, c *openstack.Cloud) error {
				return c.PatchStack(ctx, lab, openstack.StackChange{Tags: []string{}})
			},
			sent{"PATCH", base + "/lab-1/s1", "", `{"tags":""}`},
			"heat PATCH /stacks/{}/{}",
		},
		{
			"preview change", func(ctx context.Context, c *openstack.Cloud) error {
				_, err := c.PreviewChange(ctx, lab, openstack.StackChange{Parameters: map[string]any{"count": 3}})
				return err
			},
			sent{"PATCH", base + "/lab-1/s1/preview", "", `{"parameters":{"count":3}}`},
			"heat PATCH /stacks/{}/{}/preview",
		},
		{
			"validate", func(ctx context.Context, c *openstack.Cloud) error {
				return c.ValidateTemplate(ctx, "t", map[string]string{"f": "g"})
			},
			sent{"POST", "/heat/v1/p1/validate", "", `{"files":{"f":"g"},"template":"t"}`},
			"heat POST /validate",
		},
		{
			"delete", func(ctx context.Context, c *openstack.Cloud) error { return c.DeleteStack(ctx, lab) },
			sent{"DELETE", base + "/lab-1/s1", "", ""},
			"heat DELETE /stacks/{}/{}",
		},
		{
			"suspend", func(ctx context.Context, c *openstack.Cloud) error { return c.Act(ctx, lab, openstack.Suspend) },
			sent{"POST", base + "/lab-1/s1/actions", "", `{"suspend":null}`},
			"heat POST /stacks/{}/{}/actions",
		},
		{
			"signal", func(ctx context.Context, c *openstack.Cloud) error {
				return c.Signal(ctx, lab, "handle", openstack.Signal{ID: "1", Status: "SUCCESS", Data: map[string]int{"n": 1}})
			},
			sent{"POST", base + "/lab-1/s1/resources/handle/signal", "", `{"data":{"n":1},"id":"1","status":"SUCCESS"}`},
			"heat POST /stacks/{}/{}/resources/{}/signal",
		},
		{
			"names are escaped", func(ctx context.Context, c *openstack.Cloud) error {
				return c.DeleteStack(ctx, openstack.StackRef{Name: "a/b?c", ID: "s1"})
			},
			sent{"DELETE", base + "/a%2Fb%3Fc/s1", "", ""},
			"heat DELETE /stacks/{}/{}",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			last := record(t, p, "/heat/", http.StatusOK, `{"stack": {"id": "s1"}}`)
			ctx := counting(t)
			if err := tt.call(ctx, p.cloud(t)); err != nil {
				t.Fatal(err)
			}
			if *last != tt.want {
				t.Errorf("sent:\n got %+v\nwant %+v", *last, tt.want)
			}
			wantCalls(ctx, t, "keystone POST /auth/tokens", tt.as)
		})
	}
}

func TestHalfARefIsRefused(t *testing.T) {
	t.Parallel()
	cloud := newPeer(t).cloud(t)
	for _, ref := range []openstack.StackRef{{}, {Name: "lab"}, {ID: "s1"}, {Name: "..", ID: "s1"}} {
		ctx := counting(t)
		wantCode(t, cloud.DeleteStack(ctx, ref), openstack.Refused)
		wantCalls(ctx, t)
	}
}

func TestTagsThatWouldSplitAreRefused(t *testing.T) {
	t.Parallel()
	cloud := newPeer(t).cloud(t)
	ctx := counting(t)
	for _, tag := range []string{"a,b", ""} {
		_, err := cloud.CreateStack(ctx, openstack.NewStack{Name: "x", Tags: []string{tag}})
		wantCode(t, err, openstack.Refused)
		wantCode(t, cloud.PatchStack(ctx, lab, openstack.StackChange{Tags: []string{tag}}), openstack.Refused)
		for _, err := range cloud.Stacks(ctx, tag) {
			wantCode(t, err, openstack.Refused)
		}
	}
	wantCalls(ctx, t)
}

func TestReadStack(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	last := record(t, p, "/heat/", http.StatusOK, `{"stack": {"id": "s1", "stack_name": "lab-1", "stack_status": "UPDATE_IN_PROGRESS",
		"stack_status_reason": "why", "creation_time": "2026-11-22T12:00:00Z", "updated_time": "2026-11-22T12:00:05", "tags": ["a"],
		"parameters": {"count": "2", "odd": [1, 2], "none": null},
		"outputs": [{"output_key": "ip", "output_value": "10.0.0.1"}, {"output_key": "n", "output_value": 3}, {"output_key": "soon", "output_value": null, "output_error": "x"}]}}`)
	got, err := p.cloud(t).Stack(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	want := openstack.Stack{
		StackRef: lab, Action: "UPDATE", Status: "IN_PROGRESS", Reason: "why", Tags: []string{"a"},
		Created: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Updated: time.Date(2026, 11, 22, 12, 0, 5, 0, time.UTC),
		Parameters: map[string]string{"count": "2", "odd": "[1,2]", "none": ""},
		Outputs:    map[string]any{"ip": "10.0.0.1", "n": 3.0, "soon": nil},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stack:\n got %+v\nwant %+v", got, want)
	}
	if !got.Busy() || got.State() != "UPDATE_IN_PROGRESS" {
		t.Errorf("busy %t, state %s", got.Busy(), got.State())
	}
	if want := (sent{"GET", "/heat/v1/p1/stacks/lab-1/s1", "", ""}); *last != want {
		t.Errorf("sent: got %+v, want %+v", *last, want)
	}
	if _, err := p.cloud(t).StackParameters(t.Context(), lab); err != nil || last.Query != "resolve_outputs=false" {
		t.Errorf("query: got %q, %v", last.Query, err)
	}
}

func TestDeletedStackIsGone(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	record(t, p, "/heat/", http.StatusOK, `{"stack": {"id": "s1", "stack_name": "lab-1", "stack_status": "DELETE_COMPLETE"}}`)
	_, err := p.cloud(t).Stack(t.Context(), lab)
	wantCode(t, err, openstack.Gone)
}

func TestAnswersWithoutTheirObjectAreBroken(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	for _, prefix := range []string{"/heat/", "/octavia/", "/nova/"} {
		record(t, p, prefix, http.StatusOK, `{}`)
	}
	cloud := p.cloud(t)
	_, err := cloud.Stack(t.Context(), lab)
	wantCode(t, err, openstack.Broken)
	_, err = cloud.LoadBalancer(t.Context(), "lb1")
	wantCode(t, err, openstack.Broken)
	_, err = cloud.Console(t.Context(), "v1")
	wantCode(t, err, openstack.Broken)
}

// pagedStacks lists n stacks as Heat does: after the marker, at most limit.
func pagedStacks(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		marker, err := strconv.Atoi(r.URL.Query().Get("marker"))
		if err != nil {
			marker = -1 // an unknown marker counts as none
		}
		page := []any{}
		for i := marker + 1; i < n && len(page) < limit; i++ {
			page = append(page, map[string]any{"id": strconv.Itoa(i), "stack_name": fmt.Sprint("s", i), "stack_status": "CREATE_COMPLETE"})
		}
		reply(w, http.StatusOK, map[string]any{"stacks": page})
	}
}

func TestStacksArePaged(t *testing.T) {
	t.Parallel()
	for n, requests := range map[int]int{0: 1, 3: 1, 199: 1, 200: 2, 512: 3} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.handle("GET /heat/v1/p1/stacks", pagedStacks(n))
			ctx := counting(t)
			got := 0
			for s, err := range p.cloud(t).Stacks(ctx) {
				if err != nil || s.ID != strconv.Itoa(got) {
					t.Fatalf("stack %d: got %s, %v", got, s.ID, err)
				}
				got++
			}
			if got != n {
				t.Errorf("stacks: got %d, want %d", got, n)
			}
			want := []string{"keystone POST /auth/tokens"}
			for range requests {
				want = append(want, "heat GET /stacks")
			}
			wantCalls(ctx, t, want...)
		})
	}
}

func TestStacksByTag(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	last := record(t, p, "/heat/", http.StatusOK, noStacks)
	for range p.cloud(t).Stacks(t.Context(), "stackhook", "lab=web") {
		t.Error("got a stack")
	}
	if want := "limit=200&sort_dir=asc&sort_keys=creation_time&tags=stackhook%2Clab%3Dweb"; last.Query != want {
		t.Errorf("query: got %s, want %s", last.Query, want)
	}
}

func TestStacksCanBeLeftEarly(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", pagedStacks(512))
	ctx := counting(t)
	for range p.cloud(t).Stacks(ctx) {
		break
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "heat GET /stacks")
}

func TestMarkerThatIsForgottenEndsTheList(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = "limit=200"
		pagedStacks(300)(w, r)
	})
	got := 0
	for range p.cloud(t).Stacks(t.Context()) {
		got++
	}
	if got != 200 {
		t.Errorf("stacks: got %d, want each of the page once", got)
	}
}

func TestListErrorEndsTheSequence(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusServiceUnavailable, ""))
	var errs []error
	for _, err := range p.cloud(t).Stacks(t.Context()) {
		errs = append(errs, err)
	}
	if len(errs) != 1 {
		t.Fatalf("got %d results, want 1", len(errs))
	}
	wantCode(t, errs[0], openstack.Unavailable)
}

func TestResourcesEventsMetadata(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	const base = "/heat/v1/p1/stacks/lab-1/s1"
	resources := record(t, p, "GET "+base+"/resources", http.StatusOK, `{"resources": [
		{"resource_name": "0", "resource_type": "node.yaml", "physical_resource_id": "n0", "resource_status": "CREATE_COMPLETE",
		 "resource_status_reason": "state changed", "parent_resource": "group", "creation_time": "2026-11-22T12:00:00Z"},
		{"resource_name": "group", "resource_type": "OS::Heat::ResourceGroup", "physical_resource_id": "", "resource_status": "UPDATE_IN_PROGRESS", "creation_time": null}]}`)
	events := record(t, p, "GET "+base+"/events", http.StatusOK, `{"events": [{"id": "e1", "event_time": "2026-11-22T12:00:00Z", "resource_name": "lab-1",
		"resource_status": "CREATE_IN_PROGRESS", "resource_status_reason": "Stack CREATE started", "physical_resource_id": "s1"}]}`)
	record(t, p, "GET "+base+"/resources/handle/metadata", http.StatusOK, `{"metadata": {"1": {"status": "SUCCESS", "data": 5}}}`)
	cloud := p.cloud(t)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

	gotResources, err := cloud.Resources(t.Context(), lab, 2)
	wantResources := []openstack.Resource{
		{Name: "0", Type: "node.yaml", PhysicalID: "n0", Action: "CREATE", Status: "COMPLETE", Reason: "state changed", Parent: "group", Created: noon},
		{Name: "group", Type: "OS::Heat::ResourceGroup", Action: "UPDATE", Status: "IN_PROGRESS"},
	}
	if err != nil || !reflect.DeepEqual(gotResources, wantResources) || resources.Query != "nested_depth=2" {
		t.Errorf("resources: got %+v, %v, query %s", gotResources, err, resources.Query)
	}
	gotEvents, err := cloud.Events(t.Context(), lab, "e0")
	wantEvents := []openstack.Event{{
		ID: "e1", Time: noon, Resource: "lab-1", Action: "CREATE", Status: "IN_PROGRESS", Reason: "Stack CREATE started", PhysicalID: "s1",
	}}
	if err != nil || !reflect.DeepEqual(gotEvents, wantEvents) || events.Query != "marker=e0&sort_dir=asc&sort_keys=event_time" {
		t.Errorf("events: got %+v, %v, query %s", gotEvents, err, events.Query)
	}
	gotMetadata, err := cloud.Metadata(t.Context(), lab, "handle")
	if want := map[string]any{"1": map[string]any{"status": "SUCCESS", "data": 5.0}}; err != nil || !reflect.DeepEqual(gotMetadata, want) {
		t.Errorf("metadata: got %v, %v", gotMetadata, err)
	}
}

func TestPreviews(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	record(t, p, "POST /heat/v1/p1/stacks/preview", http.StatusOK, `{"stack": {"resources": [
		{"resource_name": "net", "resource_type": "OS::Neutron::Net", "resource_action": "INIT", "resource_status": "COMPLETE"},
		[{"resource_name": "0", "resource_type": "node.yaml"}, [{"resource_name": "server", "resource_type": "OS::Nova::Server"}]]]}}`)
	record(t, p, "PATCH /heat/v1/p1/stacks/lab-1/s1/preview", http.StatusOK, `{"resource_changes": {
		"unchanged": [{"resource_name": "net"}], "updated": [{"resource_name": "group"}], "replaced": [], "added": [{"resource_name": "a"}, {"resource_name": "b"}], "deleted": []}}`)
	got, err := p.cloud(t).PreviewStack(t.Context(), openstack.NewStack{Name: "x"})
	want := []openstack.Resource{
		{Name: "net", Type: "OS::Neutron::Net", Action: "INIT", Status: "COMPLETE"}, {Name: "0", Type: "node.yaml"}, {Name: "server", Type: "OS::Nova::Server"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("preview: got %+v, %v", got, err)
	}
	change, err := p.cloud(t).PreviewChange(t.Context(), lab, openstack.StackChange{})
	wantChange := openstack.Preview{Unchanged: []string{"net"}, Updated: []string{"group"}, Added: []string{"a", "b"}}
	if err != nil || !reflect.DeepEqual(change, wantChange) {
		t.Errorf("preview change: got %+v, %v", change, err)
	}
}
