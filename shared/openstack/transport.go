package openstack

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/trace"
)

// defaultTimeout bounds one request. A real Nova and Neutron were seen to hang for 120 s under load; a function has to
// answer long before that.
const defaultTimeout = 15 * time.Second

// pooledTransport keeps more idle connections per host than net/http's two: with 32 requests at once those two cost half
// the throughput and leave thousands of sockets in TIME_WAIT (measured). It speaks HTTP/1.1, in tests as in the programs that
// are shipped, which are built without HTTP/2.
func pooledTransport(secured *tls.Config, timeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment, // the platform's setting, not ours
		DialContext:           dialer.DialContext,
		TLSClientConfig:       secured,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: timeout,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
	}
}

// httpClient counts every request and never follows a redirect: Heat answers 302 to a bare stack name, which we do not
// ask for, and any other redirect is a login page in front of the cloud. It has no timeout: with a transport that it does not
// know, such as ours, net/http keeps that by a timer and a goroutine for each request. The request's context does it.
func httpClient(base http.RoundTripper) http.Client {
	return http.Client{
		Transport: counted{base},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// counted reports each request, also the second one after a 401, to the request's facts, its metrics and its trace, and
// tells OpenStack our request id so that its logs and ours can be read together. What changes something leaves an audit line.
type counted struct{ base http.RoundTripper }

func (t counted) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	c, named := ctx.Value(callKey{}).(call)
	if !named {
		c = call{service: "openstack", method: r.Method, path: "unnamed", op: "unnamed"}
	}
	logging.CountCall(ctx, c.route())
	span := trace.Call(ctx, c.method+" "+c.path)
	r = t.introduce(r, span)
	begun := time.Now()
	reply, err := t.base.RoundTrip(r)
	took := time.Since(begun)
	status, id := outcome(reply)
	observe.Of(ctx).Called(c.service, c.method, c.path, status, took)
	c.tell(span, r, reply, err, id)
	span.End()
	if err != nil || status >= http.StatusBadRequest {
		// The last one that failed, also where the function knows how to go on: OpenStack's own logs have it under this id.
		logging.Note(ctx, "openstack_failed", strings.TrimSpace(c.route()+" "+statusWord(status)+" "+id))
	}
	if c.writes() {
		c.audit(ctx, status, id)
	}
	return reply, err
}

// introduce says in the request's headers what it belongs to.
func (counted) introduce(r *http.Request, span *trace.Span) *http.Request {
	id := openStackRequestID(logging.RequestID(r.Context()))
	if id == "" && span == nil {
		return r
	}
	r = r.Clone(r.Context())
	if id != "" {
		r.Header.Set(headerRequest, id)
	}
	span.Inject(r.Header)
	return r
}

const headerRequest = "X-Openstack-Request-Id"

// outcome is an answer's status, 0 without one, and the id under which OpenStack logged it.
func outcome(reply *http.Response) (status int, id string) {
	if reply == nil {
		return 0, ""
	}
	return reply.StatusCode, requestIDOf(reply.Header)
}

// requestIDOf is the service's id of a request; old Novas have their own header for it. Somebody else's proxy may stand
// before the service, so that only what looks like an id is taken into logs.
func requestIDOf(h http.Header) string {
	for _, name := range []string{headerRequest, "X-Compute-Request-Id"} {
		const most = 64
		id := h.Get(name)
		if id != "" && len(id) <= most && strings.Trim(id, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return id
		}
	}
	return ""
}

func statusWord(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strconv.Itoa(status)
}

type callKey struct{}

// call is what is said of a request: the URL alone cannot tell a stack's name from a word of the API.
type call struct {
	service, method string
	path            string // without ids
	op              string // as in Error.Op
	reads           bool   // although its method does not say so
}

func (c call) route() string { return c.service + " " + c.method + " " + c.path }

// writes says that the call may change something.
func (c call) writes() bool {
	return !c.reads && c.method != http.MethodGet && c.method != http.MethodHead
}

func withCall(ctx context.Context, c call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// tell notes in a span what came of the call, in the words of OpenTelemetry's conventions.
func (c call) tell(span *trace.Span, r *http.Request, reply *http.Response, err error, id string) {
	if span == nil {
		return
	}
	span.Text("http.request.method", c.method)
	span.Text("url.template", c.path)
	span.Text("server.address", r.URL.Hostname())
	span.Text("openstack.service", c.service)
	span.Text("openstack.request_id", id)
	span.Answered(reply, err)
}

// openStackRequestID is id in the one form that oslo.middleware's request_id.py takes over as global request id,
// req-<uuid>, or empty if id holds no UUID.
func openStackRequestID(id string) string {
	digits := strings.ReplaceAll(strings.TrimPrefix(id, "req-"), "-", "")
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	digits = strings.ToLower(digits)
	return "req-" + strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}
