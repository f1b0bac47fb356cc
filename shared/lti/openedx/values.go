package openedx

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Values are the five that Studio shows for an LTI 1.3 block, and the issuer, which it does not show.
type Values struct {
	ClientID, Deployment          string
	KeysetURL, TokenURL, LoginURL string
	// Issuer is the address of the LMS unless it is set to something else with LTI_BASE or LTI_API_BASE.
	Issuer string
}

// Fault is one value to correct.
type Fault struct {
	Label   string // as Studio prints it
	Message string // a sentence that follows the label
}

// Faults is everything wrong with what was pasted.
type Faults []Fault //nolint:errname // it is the list of them

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Label + " " + fault.Message
	}
	return strings.Join(lines, "\n")
}

// The labels of the present release, in Studio's order.
const (
	labelClient     = "Client ID"
	labelDeployment = "Deployment ID"
	labelKeyset     = "Keyset URL"
	labelAccess     = "Access Token URL"
	labelLogin      = "Login URL"
	labelIssuer     = "Issuer" // never shown there
)

// longest is what the LTI standard allows for an identifier (LTI 1.3, 5.3.3 and 5.3.5).
const longest = 255

// check gives every fault of the values, in Studio's order.
func (v Values) check() Faults {
	var faults Faults
	add := func(label, format string, args ...any) {
		faults = append(faults, Fault{label, fmt.Sprintf(format, args...)})
	}
	for _, id := range v.identifiers() {
		switch {
		case id[1] == "":
			add(id[0], "is missing: copy it from the LTI block in Studio, where the line begins with %q.", id[0]+":")
		case len(id[1]) > longest:
			add(id[0], "is longer than %d characters: copy it again, and nothing after it.", longest)
		case strings.ContainsFunc(id[1], unprintable):
			add(id[0], "holds a character that is not ASCII: copy it again, and nothing around it.")
		}
	}
	home, _ := url.Parse(v.LoginURL) // nil, or without a host, if that is one of the faults
	for _, address := range v.addresses() {
		if message := checkAddress(address[0], address[1], home); message != "" {
			add(address[0], "%s", message)
		}
	}
	if len(v.Issuer) > longest || strings.ContainsFunc(v.Issuer, unprintable) {
		add(labelIssuer, "must be at most %d ASCII characters without a blank: leave it out, unless the LMS has its LTI_BASE set.", longest)
	}
	return faults
}

func (v Values) identifiers() [][2]string {
	return [][2]string{{labelClient, v.ClientID}, {labelDeployment, v.Deployment}}
}

func (v Values) addresses() [][2]string {
	return [][2]string{{labelKeyset, v.KeysetURL}, {labelAccess, v.TokenURL}, {labelLogin, v.LoginURL}}
}

// unprintable is what neither an id nor an address holds: blanks, control characters, and all that is not ASCII.
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// checkAddress says what is wrong with one of the three addresses, which an LMS has on one host.
func checkAddress(label, text string, home *url.URL) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return fmt.Sprintf("is missing: copy it from the LTI block in Studio, where the line begins with %q.", label+":")
	case err != nil || strings.ContainsFunc(text, unprintable) || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "":
		return "is not an address: copy it whole, from https:// to the end of its line."
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must begin with https://, because it is not this machine: give the LMS TLS, then copy it again."
	case home != nil && home.Host != "" && !strings.EqualFold(u.Host, home.Host):
		return fmt.Sprintf("is on %s, but the Login URL is on %s: copy all five from one block.", u.Host, home.Host)
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// origin is an address without its path.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// issuer is what the id_token's iss will be, compared byte for byte: the LMS itself, as far as the addresses tell.
func (v Values) issuer() string { return cmp.Or(v.Issuer, origin(v.LoginURL)) }

// Hints are what looks odd and may yet be right.
func (v Values) Hints() []string {
	var hints []string
	usual := map[string]string{labelKeyset: "/api/lti_consumer/v1/public_keysets/", labelAccess: "/api/lti_consumer/v1/token/", labelLogin: "/api/lti_consumer/v1/launch/"}
	for _, address := range v.addresses() {
		if !strings.Contains(address[1], usual[address[0]]) {
			hints = append(hints, fmt.Sprintf("%s does not contain %s, as Open edX's does. If it is another one's value, copy it again.", address[0], usual[address[0]]))
		}
	}
	// A token URL and a key set both end in the block's or the configuration's own id.
	if key, token := last(v.KeysetURL), last(v.TokenURL); len(hints) == 0 && key != token {
		hints = append(hints, "Keyset URL and Access Token URL end differently: are they of one block?")
	}
	return slices.Clip(hints)
}

func last(address string) string {
	address = strings.TrimRight(address, "/")
	return address[strings.LastIndexByte(address, '/')+1:]
}
