package main

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/registration"
)

const configuration = `
public_url: https://hooks.example.org
naming_key: naming-test-secret-hunter2-12-abcdefgh
seal_keys: [{id: "1", secret: sealing-test-secret-hunter2-12-abcdefg}]
lti: {registration: [{issuer: "https://lms.example.org", labs: [web]}]}
labs: {web: {title: Web, template: labs/web.yaml}}
`

func TestPrintedLinkOpens(t *testing.T) {
	t.Parallel()
	src := config.Map(map[string]string{config.Variable: configuration})
	var out bytes.Buffer
	if err := run(src, []string{"https://lms.example.org"}, &out); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(out.String()))
	if err != nil || u.Host != "hooks.example.org" || u.Path != "/launch-lab/register" {
		t.Fatalf("%q, %v", out.String(), err)
	}
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	box, err := c.Box()
	if err != nil {
		t.Fatal(err)
	}
	r := registration.Registrar{Issuers: map[string][]string{"https://lms.example.org": nil}, Box: box, Now: time.Now}
	if q, err := r.Read(u.Query().Get("link"), "https://lms.example.org/c", ""); err != nil || q.Link.Issuer != "https://lms.example.org" {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestLinksForListedIssuersOnly(t *testing.T) {
	t.Parallel()
	src := config.Map(map[string]string{config.Variable: configuration})
	for _, args := range [][]string{{}, {"https://lms.example.org/"}, {"https://evil.example.org"}, {"a", "b"}} {
		var out bytes.Buffer
		if err := run(src, args, &out); err == nil || out.Len() > 0 {
			t.Errorf("%q: printed %q", args, out.String())
		}
	}
}
