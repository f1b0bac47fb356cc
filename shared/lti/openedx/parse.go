package openedx

import (
	"regexp"
	"strings"
)

// A label stands at the beginning of a line or after white space or markup, never inside an address, and is followed by
// a separator or by the end of its line. All five releases' words are here, and the keys of our own configuration.
var label = regexp.MustCompile(`(?im)(?:^|[\s"'*|,;{>•-])(?:` +
	`(?P<client>client(?:[ _-]?id)?)` +
	`|(?P<deployment>deployment(?:[ _-]?id)?|deployments)` +
	`|(?P<keyset>(?:(?:platform|public) )?(?:key[ _-]?set|jwks)[ _-]?ur[il])` +
	`|(?P<token>(?:(?:oauth2?|access|oauth2? access)[ _-])?token[ _-]?ur[il])` +
	`|(?P<login>(?:oidc[ _-])?(?:callback|login|auth|authentication|authorization|authentication request)[ _-]?ur[il])` +
	`|(?P<issuer>issuer|iss))` +
	`["'*]*[ \t]*(?:[:=|]|\r?$)`)

// value is the first word after a label that is not quotes or markup.
var value = regexp.MustCompile("^[\\s:=\"'`*|\\[<]*([^\\s\"'`*|<>]+)")

// Parse reads what Studio shows for an LTI 1.3 block from a text in any form: its lines as they are, the value behind or
// below its label, everything on one line, a table, or key=value. Its error is a Faults.
func Parse(text string) (Values, error) {
	var v Values
	var faults Faults
	fields := map[string]*string{
		"client": &v.ClientID, "deployment": &v.Deployment, "keyset": &v.KeysetURL, "token": &v.TokenURL, "login": &v.LoginURL, "issuer": &v.Issuer,
	}
	found := label.FindAllStringSubmatchIndex(text, -1)
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		got := value.FindStringSubmatch(text[at[1]:end])
		if got == nil {
			continue // a label without a value is a value that is missing
		}
		into := fields[named(at)]
		word := strings.TrimRight(got[1], ",;]})")
		if *into != "" && *into != word {
			faults = append(faults, Fault{spoken(named(at)), "stands twice, with different values: paste one block alone."})
			continue
		}
		*into = word
	}
	if faults = append(v.check(), faults...); len(faults) > 0 {
		return Values{}, faults
	}
	v.Issuer = v.issuer()
	return v, nil
}

// named is the name of the group that a match of label took part in.
func named(at []int) string {
	for i, name := range label.SubexpNames() {
		if name != "" && at[2*i] >= 0 {
			return name
		}
	}
	return ""
}

// spoken is a group's label in Studio.
func spoken(name string) string {
	return map[string]string{
		"client": labelClient, "deployment": labelDeployment, "keyset": labelKeyset, "token": labelAccess, "login": labelLogin, "issuer": labelIssuer,
	}[name]
}
