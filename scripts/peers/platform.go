package peers

import (
	"encoding/json"
	"testing"
)

// PlatformOptions shape a Platform.
type PlatformOptions struct {
	// Host is its public name; without Certificate it has none but its loopback address.
	Host        string       `json:"host"`
	Certificate *Certificate `json:"tls,omitempty"`
	ClientID    string       `json:"clientId"`
	Deployment  string       `json:"deployment"`
	Tool        Tool         `json:"tool"`
}

// Certificate is a server's certificate and key, as PEM.
type Certificate struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// Tool is where a platform finds the tool.
type Tool struct {
	Login  string `json:"login"`
	Launch string `json:"launch"`
	JWKS   string `json:"jwks"` // fetched by the platform itself, without a browser
}

// Platform is an LTI 1.3 platform that shares nothing with us: a process of its own, on jose. Its course page is at
// Issuer + "/", with what is wished in the query:
//
//	user, role=instructor, lab, link, locale   who opens what
//	deep=1, multiple=1                         a deep linking request; the answer is verified and shown by /return
//	storage=_parent, storage=NAME              platform storage, by the course page or a frame of that name
//	blocks=2                                   so many blocks on the page: iframes #tool, #tool2, …
//
// The same query at /start redirects to the tool's login without a course page, as a block that opens in a new window. Its login
// and its key set are at Open edX's addresses, too.
type Platform struct {
	Issuer   string // its public address
	Loopback string // the same without TLS, for what is not a browser
	program  *Program
}

// StartPlatform starts a platform; the test's end ends it.
func StartPlatform(tb testing.TB, o PlatformOptions) *Platform {
	tb.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tb.Fatalf("write the platform's options: %v", err)
	}
	p := &Platform{program: Start(tb, "platform.js", string(text))}
	if err := p.program.read(p); err != nil {
		tb.Fatalf("start the platform: %v", err)
	}
	return p
}

// SetTool tells the platform where the tool is, if that was not known at its start.
func (p *Platform) SetTool(tb testing.TB, t Tool) {
	tb.Helper()
	if err := p.program.Do("tool", map[string]any{"tool": t}, nil); err != nil {
		tb.Fatalf("tell the platform of the tool: %v", err)
	}
}

// Rotate gives the platform a new key; the old one is gone at once.
func (p *Platform) Rotate(tb testing.TB) {
	tb.Helper()
	if err := p.program.Do("rotate", nil, nil); err != nil {
		tb.Fatalf("rotate the platform's key: %v", err)
	}
}

// Asked are the requests so far, such as "GET /jwks.json".
func (p *Platform) Asked(tb testing.TB) []string {
	tb.Helper()
	var asked []string
	if err := p.program.Do("asked", nil, &asked); err != nil {
		tb.Fatalf("ask the platform: %v", err)
	}
	return asked
}
