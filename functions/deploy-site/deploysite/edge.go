package deploysite

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// clouds is what is needed of the cloud.
type clouds interface {
	EnsureStack(ctx context.Context, s openstack.NewStack) (ref openstack.StackRef, created bool, err error)
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
}

// door is the cloud with somebody's rights: our own, which all requests of the process share, or a caller's.
type door struct {
	clouds
	shared bool
}

// visit is an authenticated request.
type visit struct {
	who  caller.Caller
	door door
	name string // of the site; empty for the list
}

// only lets through authenticated requests of these methods.
func (d *deployer) only(next func(http.ResponseWriter, *http.Request, visit), methods ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			function.Fail(w, r, &function.Error{
				Code: "method", Status: http.StatusMethodNotAllowed,
				Public: "This address takes " + strings.Join(methods, ", ") + " alone.",
			})
			return
		}
		who, ok := caller.Identify(r, d.credentials, nil)
		if !ok {
			caller.Challenge(w)
			function.Fail(w, r, &function.Error{
				Code: "unauthorized", Status: http.StatusUnauthorized,
				Public: "Say who you are: a Keystone token in X-Auth-Token, or an API token that may deploy sites.",
			})
			return
		}
		v := visit{who: who, door: d.own, name: r.PathValue("name")}
		if who.Kind == caller.Keystone {
			v.door = d.as(who.Token)
		}
		logging.Note(r.Context(), "caller", string(who.Kind)+" "+who.Name)
		if v.name != "" {
			logging.Note(r.Context(), "site", v.name)
		}
		next(w, r, v)
	}
}

// one is a request for one site.
func (d *deployer) one(w http.ResponseWriter, r *http.Request, v visit) {
	if faults := site.CheckName(v.name); len(faults) > 0 {
		function.Fail(w, r, invalid(faults))
		return
	}
	if r.Method != http.MethodPut {
		d.show(w, r, v)
		return
	}
	function.Handle(func(ctx context.Context, spec site.Spec) (answer, error) {
		out, err := d.put(ctx, v, spec)
		return out, v.explain(err)
	}).ServeHTTP(w, r)
}

func invalid(faults []site.Fault) *function.Error {
	list := make([]function.Fault, len(faults))
	for i, f := range faults {
		list[i] = function.Fault{Field: f.Field, Message: f.Message}
	}
	return function.Invalid(list...)
}

// ref is the site's stack as this process remembers it.
func (d *deployer) ref(v visit) (openstack.StackRef, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ref, ok := d.refs[v.name]
	return ref, ok && v.door.shared
}

// remember keeps the stack's id; an empty one forgets it.
func (d *deployer) remember(v visit, ref openstack.StackRef) {
	if !v.door.shared {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if ref.ID == "" {
		delete(d.refs, v.name)
		return
	}
	d.refs[v.name] = ref
}
