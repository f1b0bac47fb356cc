package openedx_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/openedx"
)

// block is what Studio shows for a block of an LMS at home.
const (
	home   = "https://lms.example.org"
	client = "f0532860-cb34-47a9-b16c-53deb077d4de"
	keyset = home + "/api/lti_consumer/v1/public_keysets/88e45ecb-7cce-4fa0-9537-23e9f7288ad9"
	token  = home + "/api/lti_consumer/v1/token/88e45ecb-7cce-4fa0-9537-23e9f7288ad9"
	login  = home + "/api/lti_consumer/v1/launch/"
)

var want = openedx.Values{ClientID: client, Deployment: "1", KeysetURL: keyset, TokenURL: token, LoginURL: login, Issuer: home}

// pasted are the same values as people paste them.
var pasted = map[string]string{
	"Studio, release 11, on the way through a clipboard": "\nTo set up the LTI integration, you need to register the LMS in the tool with the information provided below.\n\n" +
		"Client ID: " + client + "\n\nDeployment ID: 1\n\nKeyset URL: " + keyset + "\n\nAccess Token URL: " + token + "\n\nLogin URL: " + login + "\n\n" +
		"You can configure this tool's content using LTI Deep Linking.\n",
	"Studio, release 2":        "Client: " + client + "\nDeployment ID: 1\nKeyset URL: " + keyset + "\nOAuth Token URL: " + token + "\nOIDC Callback URL: " + login,
	"value on the next line":   "Client ID:\n  " + client + "\nDeployment ID:\n  1\nKeyset URL:\n  " + keyset + "\nAccess Token URL:\n  " + token + "\nLogin URL:\n  " + login,
	"no colons":                "Client ID\r\n" + client + "\r\nDeployment ID\r\n1\r\nKeyset URL\r\n" + keyset + "\r\nAccess Token URL\r\n" + token + "\r\nLogin URL\r\n" + login,
	"all on one line":          "Client ID: " + client + " Deployment ID: 1 Keyset URL: " + keyset + " Access Token URL: " + token + " Login URL: " + login,
	"key=value":                "client_id=" + client + "\ndeployment_id=1\nkeyset_url=" + keyset + "\ntoken_url=" + token + "\nlogin_url=" + login,
	"our own keys, in YAML":    "- issuer: " + home + "\n  client_id: " + client + "\n  deployments: [\"1\"]\n  auth_url: " + login + "\n  token_url: " + token + "\n  jwks_url: " + keyset,
	"JSON":                     `{"client_id": "` + client + `", "deployment_id": "1", "jwks_url": "` + keyset + `", "token_url": "` + token + `", "login_url": "` + login + `"}`,
	"a table of Markdown":      "| Client ID | `" + client + "` |\n|---|---|\n| Deployment ID | 1 |\n| Keyset URL | <" + keyset + "> |\n| Access Token URL | " + token + " |\n| OIDC Login URL | " + login + " |",
	"bold, as a list, in caps": "- **CLIENT ID:** " + client + "\n- **DEPLOYMENT ID:** 1\n- **KEYSET URL:** " + keyset + "\n- **ACCESS TOKEN URL:** " + token + "\n- **LOGIN URL:** " + login,
	"one of them twice":        "Client ID: " + client + "\nDeployment ID: 1\nKeyset URL: " + keyset + "\nAccess Token URL: " + token + "\nLogin URL: " + login + "\nClient ID: " + client,
}

func TestR5ParsesWhateverIsPasted(t *testing.T) {
	t.Parallel()
	for name, text := range pasted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openedx.Parse(text)
			if err != nil || got != want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
			if hints := got.Hints(); len(hints) > 0 {
				t.Errorf("hints %q", hints)
			}
		})
	}
}

// fault is one thing wrong with the values, with the words that its message must hold.
type fault struct{ name, from, to, label, says string }

var faults = []fault{
	{"client id missing", "Client ID: " + client, "Client ID:", "Client ID", `is missing: copy it from the LTI block in Studio`},
	{"client id's whole line missing", "Client ID: " + client + "\n", "", "Client ID", "is missing"},
	{"deployment missing", "Deployment ID: 1\n", "\n", "Deployment ID", `begins with "Deployment ID:"`},
	{"key set missing", "Keyset URL: " + keyset, "Keyset URL: ", "Keyset URL", "is missing"},
	{"token missing", "Access Token URL: " + token, "", "Access Token URL", "is missing"},
	{"login missing", "Login URL: " + login, "", "Login URL", "is missing"},
	{"no TLS", keyset, strings.Replace(keyset, "https", "http", 1), "Keyset URL", "must begin with https://"},
	{"no address", keyset, "the_keyset", "Keyset URL", "is not an address: copy it whole"},
	{"an address that is no text", keyset, home + "/7\xe1\xe1", "Keyset URL", "is not an address"},
	{"issuer that is no text", "Login URL: ", "Issuer: https://lms.exam\xe1\xe1ple.org\nLogin URL: ", "Issuer", "leave it out"},
	{"no host", keyset, "https:///v1", "Keyset URL", "is not an address"},
	{"other scheme", keyset, "ftp://lms.example.org/x", "Keyset URL", "is not an address"},
	{"a user in it", token, "https://me@lms.example.org/x", "Access Token URL", "is not an address"},
	{"other host", token, strings.Replace(token, "lms", "studio", 1), "Access Token URL", "is on studio.example.org, but the Login URL is on lms.example.org: copy all five from one block."},
	{"two blocks", "Client ID: " + client, "Client ID: " + client + "\nClient ID: another", "Client ID", "stands twice, with different values: paste one block alone."},
	{"not ASCII", client, "f053\u00a02860", "Client ID", "not ASCII"},
	{"too long", client, strings.Repeat("c", 256), "Client ID", "longer than 255 characters"},
}

const studio = "Client ID: " + client + "\nDeployment ID: 1\nKeyset URL: " + keyset + "\nAccess Token URL: " + token + "\nLogin URL: " + login + "\n"

func TestR5SaysWhatToDoAboutAFault(t *testing.T) {
	t.Parallel()
	for _, row := range faults {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(studio, row.from, row.to, 1)
			if text == studio {
				t.Fatal("the row changes nothing")
			}
			_, err := openedx.Parse(text)
			got, ok := errors.AsType[openedx.Faults](err)
			if !ok || len(got) != 1 || got[0].Label != row.label || !strings.Contains(got[0].Message, row.says) {
				t.Errorf("got %v, want one fault of %s that says %q", err, row.label, row.says)
			}
		})
	}
}

func TestR5GivesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for _, nothing := range []string{"", "Dear colleague, the client of https://client:8000/token is ill.\n"} {
		_, err := openedx.Parse(nothing)
		if got, ok := errors.AsType[openedx.Faults](err); !ok || len(got) != 5 || strings.Count(err.Error(), "\n") != 4 {
			t.Errorf("%q: %v, want the five values missing", nothing, err)
		}
	}
}

func TestR5HintsAreNotFaults(t *testing.T) {
	t.Parallel()
	for from, says := range map[string]string{
		"/public_keysets/": "Keyset URL does not contain /api/lti_consumer/v1/public_keysets/",
		"/token/":          "Access Token URL does not contain /api/lti_consumer/v1/token/",
		"v1/launch/":       "Login URL does not contain /api/lti_consumer/v1/launch/",
		"/token/8":         "end differently",
	} {
		to := "/other/"
		if says == "end differently" {
			to = "/token/9"
		}
		got, err := openedx.Parse(strings.Replace(studio, from, to, 1))
		if hints := got.Hints(); err != nil || len(hints) != 1 || !strings.Contains(hints[0], says) {
			t.Errorf("%s: %v, hints %q", from, err, hints)
		}
	}
}

// An LMS on this machine needs no TLS, as in our own configuration.
func TestR5LoopbackNeedsNoTLS(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"http://localhost:18000", "http://127.0.0.1:18000", "http://[::1]:18000", "http://lms.localhost"} {
		if got, err := openedx.Parse(strings.ReplaceAll(studio, home, host)); err != nil || got.Issuer != host {
			t.Errorf("%s: issuer %s, %v", host, got.Issuer, err)
		}
	}
}

func TestR5IssuerCanBeGiven(t *testing.T) {
	t.Parallel()
	got, err := openedx.Parse(studio + "Issuer: https://courses.example.org/\n")
	if err != nil || openedx.Entry(got, []string{"web"}, nil).Issuer != "https://courses.example.org/" {
		t.Errorf("issuer %s, %v", got.Issuer, err)
	}
}

// configuration is a good one around a list of LTI.
func configuration(list, entry string) string {
	return `public_url: https://hooks.example.org/stack/
naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: a, secret: hunter2-hunter2-hunter2-hunter2-seal}]
labs: {web: {title: Web, template: labs/web.yaml}, db: {title: Databases, template: labs/web.yaml}}
` + openedx.Section(list, entry)
}

// From Studio through the entry into the configuration, nothing is lost.
func TestR5EntryRoundTrip(t *testing.T) {
	t.Parallel()
	for _, ancestors := range [][]string{nil, {home, "https://apps.lms.example.org"}} {
		v, err := openedx.Parse(studio)
		if err != nil {
			t.Fatal(err)
		}
		entry := openedx.Entry(v, []string{"web", "db"}, ancestors)
		entry.Tenant = "academy"
		loaded, err := config.Map(map[string]string{config.Variable: configuration("platforms", entry.YAML())}).Load()
		if err != nil {
			t.Fatal(err)
		}
		if ancestors == nil {
			ancestors = []string{home}
		}
		got := loaded.LTI.Platforms[0]
		if got.Issuer != home || got.ClientID != client || !slices.Equal(got.Deployments, []string{"1"}) || got.AuthURL != login || got.TokenURL != token ||
			got.JWKSURL != keyset || got.Tenant != "academy" || !slices.Equal(got.Labs, []string{"web", "db"}) ||
			!slices.Equal(got.FrameAncestors, ancestors) || !got.Instructors || !slices.Equal(got.Algorithms, []string{"RS256"}) {
			t.Errorf("the configuration has %+v", got)
		}
	}
}

// A deployment or client that looks like a number, or like anything of YAML's, stays the text that it is.
func TestR5EntryKeepsText(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"1", "1e3", "0x10", "true", "null", "~", "2026-11-22", "#5", "a:b", "-", "!x", "&y"} {
		v, err := openedx.Parse(studio)
		if err != nil {
			t.Fatal(err)
		}
		v.ClientID, v.Deployment = odd, odd
		text := configuration("platforms", openedx.Entry(v, []string{"web"}, nil).YAML())
		loaded, err := config.Map(map[string]string{config.Variable: text}).Load()
		if err != nil {
			t.Fatalf("%s: %v", odd, err)
		}
		if p := loaded.LTI.Platforms[0]; p.ClientID != odd || p.Deployments[0] != odd {
			t.Errorf("%s became %s and %s", odd, p.ClientID, p.Deployments[0])
		}
	}
}

func TestR5ConsumerRoundTrip(t *testing.T) {
	t.Parallel()
	given := config.Consumer{Key: "academy", Secret: "hunter2-hunter2-hunter2-hunter2-lti", Labs: []string{"web"}, FrameAncestors: []string{home}, Instructors: true}
	loaded, err := config.Map(map[string]string{config.Variable: configuration("consumers", openedx.ConsumerYAML(given))}).Load()
	if err != nil {
		t.Fatal(err)
	}
	got := loaded.LTI.Consumers[0]
	if got.Key != given.Key || got.Secret != given.Secret || !slices.Equal(got.Labs, given.Labs) || !slices.Equal(got.FrameAncestors, given.FrameAncestors) || !got.Instructors {
		t.Error("the configuration has another consumer")
	}
}

func TestR5PasteBack(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"https://hooks.example.org/stack", "https://hooks.example.org/stack/"} {
		got := map[string]string{}
		for _, v := range openedx.PasteBack(base, "web") {
			got[v.Label] = v.Value
			if v.Where == "" {
				t.Errorf("%s goes nowhere", v.Label)
			}
		}
		for label, value := range map[string]string{
			"Tool Launch URL": "https://hooks.example.org/stack/launch-lab/launch", "Tool Initiate Login URL": "https://hooks.example.org/stack/launch-lab/login",
			"Tool Keyset URL": "https://hooks.example.org/stack/launch-lab/jwks.json", "Tool Public Key Mode": "Keyset URL", "LTI Version": "LTI 1.3",
			"Custom Parameters": `["lab=web"]`, "Deep Linking Launch URL": "https://hooks.example.org/stack/launch-lab/launch",
		} {
			if got[label] != value {
				t.Errorf("%s: %q, want %q", label, got[label], value)
			}
		}
	}
	got := map[string]string{}
	for _, v := range openedx.PasteBackLegacy("https://hooks.example.org", "web", "stackhook", "academy", "hunter2") {
		got[v.Label] = v.Value
	}
	if got["LTI Passports"] != `"stackhook:academy:hunter2"` || got["LTI ID"] != "stackhook" || got["LTI URL"] != "https://hooks.example.org/launch-lab/launch" {
		t.Error("the values for LTI 1.1 are others")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range pasted {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := openedx.Parse(text)
		if err != nil {
			return
		}
		entry := configuration("platforms", openedx.Entry(v, []string{"web"}, nil).YAML())
		c, err := config.Map(map[string]string{config.Variable: entry}).Load()
		if err != nil {
			t.Fatalf("the entry of %+v: %v", v, err)
		}
		if p := c.LTI.Platforms[0]; p.ClientID != v.ClientID || p.Deployments[0] != v.Deployment || p.AuthURL != v.LoginURL || p.Issuer != v.Issuer {
			t.Errorf("%+v became %+v", v, p)
		}
	})
}
