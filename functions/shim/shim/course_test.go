package shim_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/scripts/peers"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var (
	indentedShell = regexp.MustCompile("(?s)   ```sh\n(.*?)   ```")
	tableRow      = regexp.MustCompile("(?m)^   \\| ([^|`]+) \\| `([^`]*)` \\|$")
	printedLine   = regexp.MustCompile(`(?m)^([A-Z][A-Za-z ]*[A-Za-z])  +(\S.*)$`)
)

// guide is a part of launch-lab's README, section "Put a lab in your course", followed on this machine: its names stand for these.
type guide struct {
	t             *testing.T
	public, lms   string
	text, printed string
	cloud         *openstacktest.Cloud // stands for mycloud
}

// follow reads the part and runs its first command.
func follow(t *testing.T, part, public, lms string) *guide {
	t.Helper()
	readme, err := os.ReadFile("../../launch-lab/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "\n### "+part+"\n")
	if !found {
		t.Fatalf("the README has no part %q", part)
	}
	text, _, _ = strings.Cut(text, "\n##")
	cloud, err := openstacktest.New(openstacktest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	g := &guide{t: t, public: public, lms: lms, cloud: cloud}
	g.text = strings.NewReplacer("https://hooks.example.org", public, "https://lms.example.org", lms).Replace(text)
	g.printed = g.run(0, "")
	return g
}

// run runs a command of the part, as it stands there but for its indentation, in the root of the repository.
func (g *guide) run(number int, configuration string) string {
	g.t.Helper()
	found := indentedShell.FindAllStringSubmatch(g.text, -1)
	if len(found) <= number {
		g.t.Fatalf("the part has %d commands", len(found))
	}
	command := strings.ReplaceAll("\n"+found[number][1], "\n   ", "\n")
	command = strings.ReplaceAll(command, "STACKHOOK_CONFIG=stackhook.yaml OS_CLOUD=mycloud", "STACKHOOK_CONFIG='"+configuration+"'")
	shell := exec.CommandContext(g.t.Context(), "bash", "-ec", command)
	shell.Dir, shell.Env = "../../..", os.Environ()
	for name, value := range g.cloud.Env() {
		shell.Env = append(shell.Env, name+"="+value)
	}
	var said bytes.Buffer
	shell.Stderr = &said
	out, err := shell.Output()
	if err != nil {
		g.t.Fatalf("%s\n%v: %s", command, err, said.String())
	}
	return string(out)
}

// studio are the values that the part says to put into Studio. What the command prints must be the same.
func (g *guide) studio() map[string]string {
	g.t.Helper()
	printed := map[string]string{}
	for _, line := range printedLine.FindAllStringSubmatch(g.printed, -1) {
		printed[line[1]] = line[2]
	}
	rows := tableRow.FindAllStringSubmatch(g.text, -1)
	if len(rows) < 3 {
		g.t.Fatalf("the part has %d values", len(rows))
	}
	for _, row := range rows {
		if printed[row[1]] != row[2] {
			g.t.Errorf("%s: the README says %s, the command %s", row[1], row[2], printed[row[1]])
		}
	}
	return printed
}

// start puts the printed entry into a configuration, checks that as the part says, and starts the shim on it.
func (g *guide) start() caller {
	g.t.Helper()
	entry, _, found := strings.Cut(g.printed, "\n# Into Studio")
	if !found {
		g.t.Fatalf("the command prints\n%s", g.printed)
	}
	text := `public_url: ` + g.public + `
naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: guide, secret: hunter2-hunter2-hunter2-hunter2-seal}]
labs: {web: {title: Web server basics, template: labs/web.yaml}}
` + entry + "\n"
	file := filepath.Join(g.t.TempDir(), "stackhook.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if checked := g.run(1, file); !strings.Contains(checked, g.public) {
		g.t.Errorf("-check says\n%s", checked)
	}
	s, err := shim.Start(g.t.Context(), shim.Options{
		Source: config.Map(map[string]string{config.Variable: file}), Listen: strings.TrimPrefix(g.public, "http://"), Fake: quick(),
	})
	if err != nil {
		g.t.Fatalf("start the shim: %v", err)
	}
	g.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			g.t.Errorf("close the shim: %v", err)
		}
	})
	return caller{g.t, s}
}

// ours is a public address on this machine that nobody listens on yet.
func ours(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// custom is what the block's custom parameters make of a launch: ["lab=web"].
func custom(t *testing.T, parameters string) (name, value string) {
	t.Helper()
	found := regexp.MustCompile(`^\["(\w+)=(\w+)"\]$`).FindStringSubmatch(parameters)
	if found == nil {
		t.Fatalf("custom parameters %s", parameters)
	}
	return found[1], found[2]
}

// By LTI 1.1, python3-lti signs with nothing but what the README and its command say.
func TestReadmeCourseByLTI11(t *testing.T) {
	t.Parallel()
	g := follow(t, "Open edX, LTI 1.1", ours(t), "https://lms.example.org")
	studio, c := g.studio(), g.start()
	passport := strings.Split(strings.Trim(studio["LTI Passports"], `"`), ":") // as lti_xblock.py reads it
	if len(passport) != 3 || passport[0] != studio["LTI ID"] {
		t.Fatal("the passport is not the LTI ID's")
	}
	name, value := custom(t, studio["Custom Parameters"])
	body := peers.Sign(t, peers.Signers()["python3-lti"], peers.Launch{URL: studio["LTI URL"], Key: passport[1], Secret: passport[2], Fields: map[string]string{
		"resource_link_id": "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c", "context_id": "course-v1:Academy+Web101+2026",
		"user_id": "8f1c0ffee", "roles": "Student,Learner", "custom_" + name: value,
	}})
	page := c.call(http.MethodPost, studio["LTI URL"], formKind, body)
	if page.code != http.StatusOK || ticketInPage.FindStringSubmatch(page.body) == nil {
		t.Errorf("launch: %d\n%s", page.code, page.body)
	}
	for _, origin := range []string{"https://lms.example.org", "https://apps.lms.example.org"} {
		if !strings.Contains(page.Get("Content-Security-Policy"), origin) {
			t.Errorf("%s may not show the lab", origin)
		}
	}
}

// By LTI 1.3, a platform with Open edX's addresses launches with nothing but what the README and its command say.
func TestReadmeCourseByLTI13(t *testing.T) {
	t.Parallel()
	var platform *ltitest.Platform
	// Open edX has its key set and its login elsewhere than ltitest.
	lms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/api/lti_consumer/v1/public_keysets/"):
			r.URL.Path = "/jwks.json"
		case path == "/api/lti_consumer/v1/launch/":
			r.URL.Path = "/auth"
		}
		platform.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(lms.Close)
	platform = ltitest.NewPlatform(lms.URL)
	g := follow(t, "Open edX, LTI 1.3", ours(t), lms.URL)
	studio, c := g.studio(), g.start()
	if platform.Fetches() == 0 {
		t.Error("the doctor did not ask for the platform's key set")
	}
	id := regexp.MustCompile(`Client ID: (\S+)\n\s+Deployment ID: (\S+)\n`).FindStringSubmatch(g.text)
	if id == nil {
		t.Fatal("the README has no client ID")
	}
	name, value := custom(t, studio["Custom Parameters"])
	page := c.follow(platform.LoginURL(studio["Tool Initiate Login URL"], ltitest.Link{
		ClientID: id[1], Deployment: id[2], Target: studio["Tool Launch URL"], User: "0a4c1f3e-5b1d-4c0e-8a71-93b1c6c1d2aa", Context: "course-v1:Academy+Web101+2026",
		ResourceLink: "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c", Custom: map[string]string{name: value},
	}))
	if page.code != http.StatusOK || ticketInPage.FindStringSubmatch(page.body) == nil {
		t.Errorf("launch: %d\n%s", page.code, page.body)
	}
}
