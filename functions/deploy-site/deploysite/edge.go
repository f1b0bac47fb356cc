package deploysite

import (
	"context"
	"errors"
	"io"
	"iter"
	"mime"
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
	stacks
	catalogue
	Resources(ctx context.Context, ref openstack.StackRef, depth int) ([]openstack.Resource, error)
	Servers(ctx context.Context, ids ...string) ([]openstack.Server, error)
	LoadBalancer(ctx context.Context, id string) (openstack.LoadBalancer, error)
	Members(ctx context.Context, poolID string) ([]openstack.Member, error)
}

// stacks is Heat's part.
type stacks interface {
	EnsureStack(ctx context.Context, s openstack.NewStack) (ref openstack.StackRef, created bool, err error)
	FindStack(ctx context.Context, name string) (openstack.Stack, error)
	Stack(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	StackParameters(ctx context.Context, ref openstack.StackRef) (openstack.Stack, error)
	PatchStack(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) error
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
	Act(ctx context.Context, ref openstack.StackRef, action openstack.Action) error
	Events(ctx context.Context, ref openstack.StackRef, since string) ([]openstack.Event, error)
	Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error)
	Stacks(ctx context.Context, tags ...string) iter.Seq2[openstack.Stack, error]
	ValidateTemplate(ctx context.Context, template string, files map[string]string) error
	PreviewStack(ctx context.Context, s openstack.NewStack) ([]openstack.Resource, error)
	PreviewNested(ctx context.Context, ref openstack.StackRef, change openstack.StackChange) ([]openstack.ChangedResource, error)
}

// catalogue is what a site can be made of.
type catalogue interface {
	Flavors(ctx context.Context) ([]openstack.Flavor, error)
	HasImage(ctx context.Context, ref string) (bool, error)
	ImageIDs(ctx context.Context, name string) ([]string, error)
	KeyPair(ctx context.Context, name string) (openstack.KeyPair, error)
	FindNetwork(ctx context.Context, ref string) (openstack.Network, error)
	FindSubnet(ctx context.Context, ref string) (openstack.Subnet, error)
	HasVolumeType(ctx context.Context, ref string) (bool, error)
	Volumes(ctx context.Context, metadata map[string]string) ([]openstack.Volume, error)
	Room(ctx context.Context) (openstack.Room, error)
	BalancerRoom(ctx context.Context) (int, error)
	Balancing(ctx context.Context, lbaas bool) (openstack.Balancing, error)
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

// act answers a request for a site; its answer says its own status.
type act func(ctx context.Context, r *http.Request, v visit) (any, error)

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
		logging.Note(r.Context(), logging.Caller, string(who.Kind)+" "+who.Name)
		if v.name != "" {
			logging.Note(r.Context(), "site", v.name)
			if faults := site.CheckName(v.name); len(faults) > 0 {
				function.Fail(w, r, invalid(faults))
				return
			}
		}
		next(w, r.WithContext(logging.Because(r.Context(), why(r))), v)
	}
}

// why is the reason of what a request writes: nothing is done here that somebody did not ask for.
func why(r *http.Request) string {
	act := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if act == r.PathValue("name") {
		return strings.ToLower(r.Method)
	}
	return act
}

// one is a request for one site.
func (d *deployer) one(w http.ResponseWriter, r *http.Request, v visit) {
	switch r.Method {
	case http.MethodPut:
		d.answer(d.put)(w, r, v)
	case http.MethodDelete:
		d.answer(d.remove)(w, r, v)
	default:
		d.show(w, r, v)
	}
}

// An answer may say its own status and headers.
type (
	withStatus  interface{ Status() int }
	withHeaders interface{ Headers(http.Header) }
)

// answer writes what next says.
func (d *deployer) answer(next act) func(http.ResponseWriter, *http.Request, visit) {
	return func(w http.ResponseWriter, r *http.Request, v visit) {
		out, err := next(r.Context(), r, v)
		if err != nil {
			function.Fail(w, r, v.explain(err))
			return
		}
		if h, ok := out.(withHeaders); ok {
			h.Headers(w.Header())
		}
		status := http.StatusOK
		if s, ok := out.(withStatus); ok {
			status = s.Status()
		}
		function.JSON(w, r, status, out)
	}
}

// spec reads the body, in YAML or JSON, fills it and lists everything that is wrong with it.
func (d *deployer) spec(r *http.Request) (site.Spec, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, function.MaxBody))
	if err != nil {
		return site.Spec{}, err //nolint:wrapcheck // the edge knows it by its type
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var spec site.Spec
	var faults []site.Fault
	switch {
	case err != nil:
		err = errNoType
	case kind == "application/yaml" || kind == "text/yaml" || kind == "application/x-yaml":
		spec, faults, err = site.ReadYAML(body)
	case kind == "application/json":
		spec, faults, err = site.ReadJSON(body)
	default:
		err = errNoType
	}
	switch {
	case errors.Is(err, errNoType):
		return site.Spec{}, &function.Error{
			Code: "content_type", Status: http.StatusUnsupportedMediaType,
			Public: "A site is described in YAML or JSON; say which with the header Content-Type: application/yaml or application/json.",
		}
	case err != nil:
		return site.Spec{}, &function.Error{
			Code: "bad_spec", Status: http.StatusBadRequest, Err: err,
			Public: "The body is not a document that can be read; correct it and send the request again.",
		}
	}
	spec = spec.Fill(d.defaults)
	if faults = append(faults, missingOnce(faults, site.Check(spec))...); len(faults) > 0 {
		return site.Spec{}, invalid(faults)
	}
	return spec, nil
}

var errNoType = errors.New("no content type of a spec")

// missingOnce are the faults of fields, or of their parts, that have none yet: what could not be read is not also missing.
func missingOnce(read, checked []site.Fault) []site.Fault {
	return slices.DeleteFunc(checked, func(f site.Fault) bool {
		return slices.ContainsFunc(read, func(r site.Fault) bool { return f.Field == r.Field || strings.HasPrefix(f.Field, r.Field+".") })
	})
}

func invalid(faults []site.Fault) *function.Error {
	list := make([]function.Fault, len(faults))
	for i, f := range faults {
		list[i] = function.Fault{Field: f.Field, Message: f.Message}
	}
	slices.SortStableFunc(list, func(a, b function.Fault) int { return strings.Compare(a.Field, b.Field) })
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
