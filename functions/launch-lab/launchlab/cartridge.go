package launchlab

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/config"
)

// cartridge describes us to LTI 1.1 platforms that set tools up from an address (the basic LTI link of IMS Common Cartridge,
// imslticc_v1p0): the whole deployment, or one lab of it. It holds nothing that an answer to a launch does not tell anyway;
// key and secret are given by hand.
func (t *tool) cartridge(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("lab")
	c := newCartridge(t.url + "/launch")
	if key != "" {
		if !t.launchable(key) {
			t.notFound(w, r)
			return
		}
		entry := t.config.Labs[key]
		c.Title, c.Description = entry.Title, entry.Description
		c.Custom = &properties{List: []property{{"lab", key}}}
	}
	text, err := xml.MarshalIndent(c, "", "  ")
	if err != nil {
		t.fail(w, r, fmt.Errorf("encode cartridge: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(append([]byte(xml.Header), text...)) // the platform may have gone
}

// launchable says that some LTI 1.1 consumer may launch the lab: what nobody may launch is nobody's business.
func (t *tool) launchable(key string) bool {
	return slices.ContainsFunc(t.config.LTI.Consumers, func(c config.Consumer) bool { return slices.Contains(c.Labs, key) })
}

const (
	toolName        = "Stackhook labs"
	toolDescription = "A lab of one's own for every learner, on OpenStack."
)

// cartridgeLink has its elements in the order of the schema, which is a sequence. The namespaces' prefixes are part of the
// names: some platforms look for just these.
type cartridgeLink struct {
	XMLName     xml.Name    `xml:"cartridge_basiclti_link"`
	Namespace   string      `xml:"xmlns,attr"`
	BLTI        string      `xml:"xmlns:blti,attr"`
	LTICM       string      `xml:"xmlns:lticm,attr"`
	LTICP       string      `xml:"xmlns:lticp,attr"`
	XSI         string      `xml:"xmlns:xsi,attr"`
	Schemas     string      `xml:"xsi:schemaLocation,attr"`
	Title       string      `xml:"blti:title"`
	Description string      `xml:"blti:description,omitempty"`
	Custom      *properties `xml:"blti:custom,omitempty"`
	Extensions  properties  `xml:"blti:extensions"`
	Launch      string      `xml:"blti:launch_url"`
	Secure      string      `xml:"blti:secure_launch_url,omitempty"`
	VendorCode  string      `xml:"blti:vendor>lticp:code"`
	VendorName  string      `xml:"blti:vendor>lticp:name"`
}

type properties struct {
	Platform string     `xml:"platform,attr,omitempty"`
	List     []property `xml:"lticm:property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

const schemas = "http://www.imsglobal.org/xsd/"

func newCartridge(launch string) cartridgeLink {
	c := cartridgeLink{
		Namespace: schemas + "imslticc_v1p0", BLTI: schemas + "imsbasiclti_v1p0",
		LTICM: schemas + "imslticm_v1p0", LTICP: schemas + "imslticp_v1p0", XSI: "http://www.w3.org/2001/XMLSchema-instance",
		Schemas: schemas + "imslticc_v1p0 " + schemas + "lti/ltiv1p0/imslticc_v1p0.xsd " +
			schemas + "imsbasiclti_v1p0 " + schemas + "lti/ltiv1p0/imsbasiclti_v1p0.xsd",
		Title: toolName, Description: toolDescription, Launch: launch,
		// Canvas asks how much of a learner it should tell; who a learner is we take from user_id alone.
		Extensions: properties{"canvas.instructure.com", []property{{"privacy_level", "anonymous"}}},
		VendorCode: "stackhook", VendorName: "Stackhook",
	}
	if strings.HasPrefix(launch, "https://") {
		c.Secure = launch
	}
	return c
}
