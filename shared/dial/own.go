package dial

import (
	"net/http"
	"time"
)

// Own calls addresses that the operator has set, so any: those of services within are what it is for. It has the other
// limits of Client: no redirects, which would be somebody else's choice, short headers, and an end after timeout, the body's
// last byte included. It goes through the environment's proxy, which is the operator's, too.
func Own(timeout time.Duration) *http.Client {
	client := Client(true, timeout)
	client.Transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 32 << 10, DisableKeepAlives: true,
	}
	return client
}
