package openstack

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
)

// defaultTimeout bounds one request. A real Nova and Neutron were seen to hang for 120 s under load; a function has to
// answer long before that.
const defaultTimeout = 15 * time.Second

// pooledTransport keeps more idle connections per host than net/http's two: with 32 requests at once those two cost half
// the throughput and leave thousands of sockets in TIME_WAIT (measured).
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
		ForceAttemptHTTP2:     true,
	}
}

// httpClient counts every request and never follows a redirect: Heat answers 302 to a bare stack name, which we do not
// ask for, and any other redirect is a login page in front of the cloud.
func httpClient(base http.RoundTripper, timeout time.Duration) http.Client {
	return http.Client{
		Transport: counted{base},
		Timeout:   timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// counted reports each request, also the second one after a 401, to the request's facts, and tells OpenStack our request
// id so that its logs and ours can be read together.
type counted struct{ base http.RoundTripper }

func (t counted) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if route, ok := ctx.Value(routeKey{}).(string); ok {
		logging.CountCall(ctx, route)
	}
	if id := openStackRequestID(logging.RequestID(ctx)); id != "" {
		r = r.Clone(ctx)
		r.Header.Set("X-Openstack-Request-Id", id)
	}
	return t.base.RoundTrip(r)
}

type routeKey struct{}

// withRoute names the request for the count: the URL alone cannot tell a stack's name from a word of the API.
func withRoute(ctx context.Context, route string) context.Context {
	return context.WithValue(ctx, routeKey{}, route)
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
