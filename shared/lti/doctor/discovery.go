package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/dial"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	// discoveryTimeout and discoverySize are those of a registration, which reads the same document.
	discoveryTimeout = 5 * time.Second
	discoverySize    = 256 << 10
)

func registrations(ctx context.Context, c *config.Config, client *http.Client) []finding {
	return each(c.LTI.Registration, func(r config.Registration) []finding {
		who := fmt.Sprintf("registration %q: ", r.Issuer)
		return []finding{discovery(ctx, who, r.Issuer, client)}
	})
}

// discovery looks at the platform's description where OpenID Connect Discovery 1.0 §4 has it. LTI lets a platform keep it
// elsewhere and pass the address with each registration, so that none there is no fault; a wrong one would be.
func discovery(ctx context.Context, who, issuer string, client *http.Client) finding {
	if client == nil {
		client = dial.Client(onThisMachine(issuer), discoveryTimeout)
	}
	answer, err := ask(ctx, client, strings.TrimSuffix(issuer, "/")+discoveryPath)
	if err != nil {
		return fix("%sits discovery document cannot be fetched (%s); correct issuer, or let this machine reach it", who, err.Error())
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return described(who, issuer, answer)
	case http.StatusNotFound:
		return ok("%shas no discovery document there; that is fine if the platform passes its own address", who)
	}
	return fix("%sanswers %d at %s; tell the platform's people", who, answer.StatusCode, discoveryPath)
}

func ask(ctx context.Context, client *http.Client, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request for discovery document: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "stackhook")
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch discovery document: %w", err)
	}
	return answer, nil
}

// described looks at what a registration would trip over (OpenID Connect Discovery 1.0 §3, §4.3).
func described(who, issuer string, answer *http.Response) finding {
	text, err := dial.Read(answer.Body, discoverySize)
	if err != nil {
		return fix("%sits discovery document cannot be read (%s); tell the platform's people", who, err.Error())
	}
	var document struct {
		Issuer   string `json:"issuer"`
		Endpoint string `json:"registration_endpoint"`
	}
	if json.Unmarshal(text, &document) != nil {
		return fix("%sits discovery document is not the JSON that it should be; tell the platform's people", who)
	}
	if document.Issuer != issuer {
		return fix("%sits discovery document says %.200q; correct issuer, to the last slash", who, document.Issuer)
	}
	endpoint, err := url.Parse(document.Endpoint)
	if err != nil || endpoint.Hostname() == "" || endpoint.Scheme != "https" && (endpoint.Scheme != "http" || !onThisMachine(document.Endpoint)) {
		return fix("%sits discovery document has no registration_endpoint, or not by https; let the platform offer dynamic registration", who)
	}
	return ok("%sits discovery document can be used", who)
}

// onThisMachine says that address names the loopback interface, where a developer's platform may be.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
