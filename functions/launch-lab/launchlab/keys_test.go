package launchlab_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// S09: our key set is there for everybody, and may be kept for a while.
func TestS09KeySet(t *testing.T) {
	t.Parallel()
	s := start13(t)
	for _, agent := range []string{"Python-urllib/3.11", "", "curl/8"} {
		r := httptest.NewRequest(http.MethodGet, "/jwks.json", nil)
		r.Header.Set("User-Agent", agent)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := s.serve(r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%q: %d %v", agent, w.Code, w.Header())
		}
		body := w.Body.String()
		if !strings.Contains(body, `"kty":"RSA"`) || !strings.Contains(body, `"alg":"RS256"`) || strings.Contains(body, `"d":`) {
			t.Errorf("key set %s", body)
		}
	}
	s.nothingDone(t)
}

func TestS09NoKeysIsAnEmptySet(t *testing.T) {
	t.Parallel()
	w := start(t).serve(httptest.NewRequest(http.MethodGet, "/jwks.json", nil))
	if w.Code != http.StatusOK || w.Body.String() != `{"keys":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// described is a cartridge as a platform reads it: by namespace, whatever the prefixes are.
type described struct {
	XMLName     xml.Name `xml:"http://www.imsglobal.org/xsd/imslticc_v1p0 cartridge_basiclti_link"`
	Title       string   `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 title"`
	Description string   `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 description"`
	Launch      string   `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 launch_url"`
	Secure      string   `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 secure_launch_url"`
	Custom      struct {
		Properties []prop `xml:"http://www.imsglobal.org/xsd/imslticm_v1p0 property"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 custom"`
	Extensions struct {
		Platform   string `xml:"platform,attr"`
		Properties []prop `xml:"http://www.imsglobal.org/xsd/imslticm_v1p0 property"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 extensions"`
	Vendor struct {
		Code string `xml:"http://www.imsglobal.org/xsd/imslticp_v1p0 code"`
		Name string `xml:"http://www.imsglobal.org/xsd/imslticp_v1p0 name"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 vendor"`
}

type prop struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

func (s *site) cartridge(t *testing.T, address string) (described, string) {
	t.Helper()
	w := s.serve(httptest.NewRequest(http.MethodGet, address, nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/xml; charset=utf-8" {
		t.Fatalf("%d %s\n%s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	var d described
	if err := xml.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatalf("%v\n%s", err, w.Body)
	}
	return d, w.Body.String()
}

func TestCartridge(t *testing.T) {
	t.Parallel()
	s := start(t)
	d, text := s.cartridge(t, "/cartridge.xml")
	if d.Title == "" || d.Launch != launchURL || d.Secure != launchURL || len(d.Custom.Properties) != 0 || d.Vendor.Code == "" || d.Vendor.Name == "" {
		t.Errorf("%+v", d)
	}
	if d.Extensions.Platform == "" || len(d.Extensions.Properties) != 1 || d.Extensions.Properties[0] != (prop{"privacy_level", "anonymous"}) {
		t.Errorf("extensions %+v", d.Extensions)
	}
	last := 0 // the schema is a sequence
	for _, element := range []string{
		"<?xml", "<blti:title>", "<blti:description>", "<blti:extensions", "<blti:launch_url>", "<blti:secure_launch_url>", "<blti:vendor>",
	} {
		at := strings.Index(text, element)
		if at < last {
			t.Errorf("%s is missing or in the wrong place", element)
		}
		last = at
	}
	if strings.Contains(text, secret) || strings.Contains(text, key) {
		t.Error("the cartridge holds a consumer")
	}
	s.nothingDone(t)
}

func TestCartridgeOfALab(t *testing.T) {
	t.Parallel()
	const title = `Web & <servers> "basics" ]]> 'é'`
	s := startWith(t, strings.Replace(configuration, "title: Web server basics", "title: "+yamlText(title)+"\n    description: "+yamlText("a <b> & c"), 1))
	d, text := s.cartridge(t, "/cartridge.xml?lab=web")
	if d.Title != title || d.Description != "a <b> & c" || len(d.Custom.Properties) != 1 || d.Custom.Properties[0] != (prop{"lab", "web"}) {
		t.Errorf("%+v\n%s", d, text)
	}
	if strings.Contains(text, "<servers>") {
		t.Error("the title is markup")
	}
	// What it says is what launches: with the parameter, the lab of the cartridge.
	labPage(t, s.serve(request(launch("u1").With("custom_"+d.Custom.Properties[0].Name, d.Custom.Properties[0].Value))))
	for _, lab := range []string{"nowhere", "<x>", "../web", "secret"} {
		problemPage(t, s.serve(httptest.NewRequest(http.MethodGet, "/cartridge.xml?"+url.Values{"lab": {lab}}.Encode(), nil)), http.StatusNotFound, "not_found")
	}
}

func yamlText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Without TLS, on a developer's own machine, there is no secure address to tell.
func TestCartridgeOnLoopback(t *testing.T) {
	t.Parallel()
	s := startWith(t, strings.Replace(configuration, "https://hooks.example.org", "http://127.0.0.1:8080/hooks", 1))
	if d, _ := s.cartridge(t, "/cartridge.xml"); d.Launch != "http://127.0.0.1:8080/hooks/launch-lab/launch" || d.Secure != "" {
		t.Errorf("%+v", d)
	}
}
