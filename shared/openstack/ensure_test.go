package openstack_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// step is the next answer to a list or a create.
type step struct {
	status int
	body   string
	lose   bool // the request takes effect, its answer never comes
}

func listed(stacks ...map[string]any) step {
	text, _ := json.Marshal(map[string]any{"stacks": stacks})
	return step{status: 200, body: string(text)}
}

func listedStack(id, state, created string) map[string]any {
	return map[string]any{"id": id, "stack_name": "lab", "stack_status": state, "creation_time": created}
}

const (
	noon  = "2026-11-22T12:00:00Z"
	later = "2026-11-22T12:00:05Z"
)

func TestEnsureStack(t *testing.T) {
	t.Parallel()
	var (
		none     = listed()
		there    = listed(listedStack("s1", "CREATE_IN_PROGRESS", noon))
		made     = step{status: 201, body: `{"stack": {"id": "s1"}}`}
		exists   = step{status: 409, body: heatError(409, "StackExists", "The Stack (lab) already exists.")}
		internal = step{status: 500, body: `{}`}
		lost     = step{lose: true}
	)
	const list, create = "heat GET /stacks", "heat POST /stacks"
	tests := []struct {
		name    string
		lists   []step
		creates []step
		id      string
		created bool
		code    openstack.Code
		calls   []string
	}{
		{name: "new", lists: []step{none}, creates: []step{made}, id: "s1", created: true, calls: []string{list, create}},
		{name: "there", lists: []step{there}, id: "s1", calls: []string{list}},
		{name: "failed ones are adopted too", lists: []step{listed(listedStack("s1", "CREATE_FAILED", noon))}, id: "s1", calls: []string{list}},
		{
			name: "two of one name", id: "s1", calls: []string{list},
			lists: []step{listed(listedStack("s2", "CREATE_COMPLETE", later), listedStack("s1", "CREATE_IN_PROGRESS", noon))},
		},
		{
			name: "two of one name at the same second", id: "s1", calls: []string{list},
			lists: []step{listed(listedStack("s2", "CREATE_COMPLETE", noon), listedStack("s1", "CREATE_COMPLETE", noon))},
		},
		{
			name: "the older is on its way out", id: "s2", calls: []string{list},
			lists: []step{listed(listedStack("s1", "DELETE_IN_PROGRESS", noon), listedStack("s2", "CREATE_COMPLETE", later))},
		},
		{name: "being deleted", lists: []step{listed(listedStack("s1", "DELETE_IN_PROGRESS", noon))}, code: openstack.Busy, calls: []string{list}},
		{name: "deletion failed", lists: []step{listed(listedStack("s1", "DELETE_FAILED", noon))}, code: openstack.Busy, calls: []string{list}},
		{name: "another was faster", lists: []step{none, there}, creates: []step{exists}, id: "s1", calls: []string{list, create, list}},
		{name: "name not free yet", lists: []step{none, none}, creates: []step{exists}, code: openstack.Busy, calls: []string{list, create, list}},
		{name: "answer lost, stack made", lists: []step{none, there}, creates: []step{lost}, id: "s1", calls: []string{list, create, list}},
		{name: "answer lost, nothing made", lists: []step{none, none}, creates: []step{lost, made}, id: "s1", created: true, calls: []string{list, create, list, create}},
		{name: "error, stack made", lists: []step{none, there}, creates: []step{internal}, id: "s1", calls: []string{list, create, list}},
		{name: "error, then made late", lists: []step{none, none, there}, creates: []step{internal, exists}, id: "s1", calls: []string{list, create, list, create, list}},
		{name: "errors only", lists: []step{none, none, none}, creates: []step{internal, lost}, code: openstack.Unavailable, calls: []string{list, create, list, create, list}},
		{name: "list fails", lists: []step{internal}, code: openstack.Unavailable, calls: []string{list}},
		{name: "second list fails", lists: []step{none, internal}, creates: []step{lost}, code: openstack.Unavailable, calls: []string{list, create, list}},
		{name: "refused", lists: []step{none}, creates: []step{{status: 400, body: heatError(400, "StackValidationFailed", "x")}}, code: openstack.Refused, calls: []string{list, create}},
		{name: "slowed down", lists: []step{none}, creates: []step{{status: 429}}, code: openstack.Unavailable, calls: []string{list, create}},
		{name: "answer without id", lists: []step{none}, creates: []step{{status: 201, body: `{}`}}, code: openstack.Broken, calls: []string{list, create}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.handle("GET /heat/v1/p1/stacks", scripted(t, tt.lists))
			p.handle("POST /heat/v1/p1/stacks", scripted(t, tt.creates))
			ctx := counting(t)
			ref, created, err := p.cloud(t).EnsureStack(ctx, openstack.NewStack{Name: "lab", Template: "t"})
			wantCode(t, err, tt.code)
			if created != tt.created || ref.ID != tt.id || err == nil && ref.Name != "lab" {
				t.Errorf("got %+v, created %t; want %s, %t", ref, created, tt.id, tt.created)
			}
			wantCalls(ctx, t, append([]string{"keystone POST /auth/tokens"}, tt.calls...)...)
		})
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", scripted(t, []step{
		listed(listedStack("s2", "CREATE_IN_PROGRESS", noon), listedStack("s1", "CREATE_IN_PROGRESS", noon)),
		listed(),
	}))
	cloud := p.cloud(t)
	ctx := counting(t)
	got, err := cloud.Settle(ctx, openstack.StackRef{Name: "lab", ID: "s2"})
	if want := (openstack.StackRef{Name: "lab", ID: "s1"}); err != nil || got != want {
		t.Errorf("settle: got %+v, %v; want %+v", got, err, want)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "heat GET /stacks")
	_, err = cloud.Settle(ctx, openstack.StackRef{Name: "lab", ID: "s2"})
	wantCode(t, err, openstack.Gone)
}

func scripted(t *testing.T, steps []step) http.HandlerFunc {
	t.Helper()
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(steps) == 0 {
			t.Errorf("unexpected %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		next := steps[0]
		steps = steps[1:]
		if next.lose {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(next.status)
		_, _ = w.Write([]byte(next.body))
	}
}
