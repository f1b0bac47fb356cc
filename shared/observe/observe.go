// Package observe is what is told of every function alike, whatever it does: its requests, its calls to OpenStack, its
// configuration, in metrics and in traces. function.Wrap puts a Function into the context of each request, and the door to
// OpenStack finds it there, so that no function can forget to count. A nil *Function counts nothing.
package observe

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/trace"
)

// Function is one function of this process.
type Function struct {
	// Registry has the metrics; the function adds its own.
	Registry *metrics.Registry
	// Tracer is nil where traces are off.
	Tracer *trace.Tracer

	name                                             string
	requests, calls, logins, retries, reloads, spans *metrics.Counter
	inFlight, faulty                                 *metrics.Gauge
	requestTimes, callTimes                          *metrics.Histogram
}

// The values of labels that say how something went.
const (
	ok     = "ok"
	failed = "failed"
)

// New is the function of that name, built from that version. Each metric has the name as a label, so that one page can show
// several functions.
func New(name, version string) *Function {
	r := metrics.NewRegistry()
	f := &Function{
		Registry: r, name: name,
		requests:     r.Counter("stackhook_requests_total", "Requests that were answered, by the class of the status code and the code of the problem, which is empty without one.", "function", "class", "problem"),
		requestTimes: r.Histogram("stackhook_request_seconds", "Time from a request to its answer.", metrics.Bounds(), "function"),
		inFlight:     r.Gauge("stackhook_requests_in_flight", "Requests that are being answered.", "function"),
		calls:        r.Counter("stackhook_openstack_calls_total", "Requests to OpenStack, by their route without ids and the status of the answer; none without an answer.", "function", "service", "method", "route", "status"),
		callTimes:    r.Histogram("stackhook_openstack_call_seconds", "Time from a request to OpenStack to the head of its answer.", metrics.Bounds(), "function", "service", "method"),
		logins:       r.Counter("stackhook_openstack_logins_total", "Logins to OpenStack, validations of callers' tokens among them.", "function", "result"),
		retries:      r.Counter("stackhook_openstack_retries_total", "Requests to OpenStack that were sent again with a new token after a 401.", "function"),
		reloads:      r.Counter("stackhook_reloads_total", "Changes of the configuration's files that were taken up, or could not be.", "function", "result"),
		faulty:       r.Gauge("stackhook_configuration_faulty", "1 while the configuration's files hold something that cannot be used, and the one before stays in force.", "function"),
		spans:        r.Counter("stackhook_trace_spans_total", "Spans that the collector took, and those that were dropped.", "function", "result"),
	}
	f.requests.Add(0, name, class(http.StatusOK), "")
	f.inFlight.Set(0, name)
	f.retries.Add(0, name)
	f.faulty.Set(0, name)
	for _, result := range []string{ok, failed} {
		f.logins.Add(0, name, result)
		f.reloads.Add(0, name, result)
	}
	r.Gauge("stackhook_build_info", "1, with the version that the program was built from.", "function", "version").Set(1, name, version)
	return f
}

type key struct{}

// In is ctx for what f does.
func In(ctx context.Context, f *Function) context.Context {
	if f == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, f)
}

// Of is the function that ctx belongs to, or nil.
func Of(ctx context.Context) *Function {
	f, _ := ctx.Value(key{}).(*Function)
	return f
}

// Metrics is the registry of ctx's function, or one that nobody reads.
func Metrics(ctx context.Context) *metrics.Registry {
	if f := Of(ctx); f != nil {
		return f.Registry
	}
	return metrics.NewRegistry()
}

// Begin opens a request's span and counts it as under way; Answered ends both.
func (f *Function) Begin(ctx context.Context, h http.Header) (context.Context, *trace.Span) {
	if f == nil {
		return ctx, nil
	}
	f.inFlight.Add(1, f.name)
	return f.Tracer.Begin(In(ctx, f), h)
}

// Answered counts a request that Begin opened. problem is the code of the problem document, if it was one.
func (f *Function) Answered(status int, problem string, took time.Duration) {
	if f == nil {
		return
	}
	f.inFlight.Add(-1, f.name)
	f.requests.Add(1, f.name, class(status), problem)
	f.requestTimes.Observe(took, f.name)
}

func class(status int) string {
	const hundred = 100
	return strconv.Itoa(status/hundred) + "xx"
}

// Called counts one request to OpenStack; status is 0 without an answer.
func (f *Function) Called(service, method, route string, status int, took time.Duration) {
	if f == nil {
		return
	}
	answer := "none"
	if status > 0 {
		answer = strconv.Itoa(status)
	}
	f.calls.Add(1, f.name, service, method, route, answer)
	f.callTimes.Observe(took, f.name, service, method)
}

// LoggedIn counts a login.
func (f *Function) LoggedIn(err error) {
	if f != nil {
		f.logins.Add(1, f.name, result(err))
	}
}

// Retried counts a request to OpenStack that is sent again.
func (f *Function) Retried() {
	if f != nil {
		f.retries.Add(1, f.name)
	}
}

// Reloaded counts a change of the configuration's files; err says why it was not taken up.
func (f *Function) Reloaded(err error) {
	if f == nil {
		return
	}
	f.reloads.Add(1, f.name, result(err))
	faulty := int64(0)
	if err != nil {
		faulty = 1
	}
	f.faulty.Set(faulty, f.name)
}

// Exported counts spans.
func (f *Function) Exported(taken, dropped int) {
	f.spans.Add(int64(taken), f.name, ok)
	f.spans.Add(int64(dropped), f.name, "dropped")
}

func result(err error) string {
	if err != nil {
		return failed
	}
	return ok
}
