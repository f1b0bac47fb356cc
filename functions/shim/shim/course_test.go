package shim_test

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/scripts/peers"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var (
	indentedShell = regexp.MustCompile("(?s)   ```sh\n(.*?)   ```")
	shownValues   = regexp.MustCompile("(?s)```text\n(.*?)```")
	tableRow      = regexp.MustCompile("(?m)^\\| ([^|`]+) \\| `([^`]*)` \\|$")
	printedLine   = regexp.MustCompile(`(?m)^([A-Z][A-Za-z ]*[A-Za-z])  +(\S.*)$`)
)

// guide is how launch-lab's README puts a lab into a course, followed on this machine: its names stand for these.
type guide struct {
	t             *testing.T
	public, lms   string
	steps, values string // the part with the steps, and the one with Studio's values
	printed       string
	cloud         *openstacktest.Cloud // stands for mycloud
}

// part is a part of launch-lab's README.
func part(t *testing.T, title string) string {
	t.Helper()
	readme, err := os.ReadFile("../../launch-lab/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "\n### "+title+"\n")
	if !found {
		t.Fatalf("the README has no part %q", title)
	}
	text, _, _ = strings.Cut(text, "\n##")
	return text
}

// follow reads the parts of a version of LTI and runs the first command.
func follow(t *testing.T, version, public, lms string) *guide {
	t.Helper()
	cloud, err := openstacktest.New(openstacktest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	here := strings.NewReplacer("https://hooks.example.org", public, "https://lms.example.org", lms)
	g := &guide{
		t: t, public: public, lms: lms, cloud: cloud,
		steps: here.Replace(part(t, "Open edX, "+version)), values: here.Replace(part(t, "Studio's values, "+version)),
	}
	g.isShort()
	g.printed = g.run(0, "")
	return g
}

// isShort holds the steps to ten lines, blank ones and fences apart.
func (g *guide) isShort() {
	g.t.Helper()
	lines := slices.DeleteFunc(strings.Split(g.steps, "\n"), func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || strings.HasPrefix(line, "```")
	})
	if len(lines) > 10 {
		g.t.Errorf("the steps take %d lines, want 10 at most", len(lines))
	}
}

// run runs a command of the steps, as it stands there but for its indentation, in the root of the repository.
func (g *guide) run(number int, configuration string) string {
	g.t.Helper()
	found := indentedShell.FindAllStringSubmatch(g.steps, -1)
	if len(found) <= number {
		g.t.Fatalf("the steps have %d commands", len(found))
	}
	command := strings.ReplaceAll("\n"+found[number][1], "\n   ", "\n")
	command = strings.ReplaceAll(command, "STACKHOOK_CONFIG=stackhook.yaml OS_CLOUD=mycloud", "STACKHOOK_CONFIG='"+configuration+"'")
	if strings.Contains(command, "<studio.txt") {
		command = strings.ReplaceAll(command, "studio.txt", "'"+g.shown()+"'")
	}
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

// shown is a file with the values that Studio shows.
func (g *guide) shown() string {
	g.t.Helper()
	values := shownValues.FindStringSubmatch(g.values)
	if values == nil {
		g.t.Fatal("the README does not say what Studio shows")
	}
	file := filepath.Join(g.t.TempDir(), "studio.txt")
	if err := os.WriteFile(file, []byte(values[1]), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// studio are the values that the README says to put into Studio. What the command prints must be the same.
func (g *guide) studio() map[string]string {
	g.t.Helper()
	printed := map[string]string{}
	for _, line := range printedLine.FindAllStringSubmatch(g.printed, -1) {
		printed[line[1]] = line[2]
	}
	rows := tableRow.FindAllStringSubmatch(g.values, -1)
	if len(rows) < 3 {
		g.t.Fatalf("the README has %d values", len(rows))
	}
	for _, row := range rows {
		if printed[row[1]] != row[2] {
			g.t.Errorf("%s: the README says %s, the command %s", row[1], row[2], printed[row[1]])
		}
	}
	return printed
}

// start puts the printed entry into a configuration, checks that as the steps say, and starts the shim on it.
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
	g := follow(t, "LTI 1.1", ours(t), "https://lms.example.org")
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

// By LTI 1.3, the platform on jose, at Open edX's addresses, launches with nothing but what the README and its command say.
func TestReadmeCourseByLTI13(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`Client ID: (\S+)\nDeployment ID: (\S+)\n`).FindStringSubmatch(part(t, "Studio's values, LTI 1.3"))
	if id == nil {
		t.Fatal("the README has no client ID")
	}
	platform := peers.StartPlatform(t, peers.PlatformOptions{ClientID: id[1], Deployment: id[2]})
	g := follow(t, "LTI 1.3", ours(t), platform.Issuer)
	studio, c := g.studio(), g.start()
	if !slices.ContainsFunc(platform.Asked(t), func(asked string) bool { return strings.HasPrefix(asked, "GET /api/lti_consumer/v1/public_keysets/") }) {
		t.Error("the doctor did not ask for the platform's key set")
	}
	platform.SetTool(t, peers.Tool{Login: studio["Tool Initiate Login URL"], Launch: studio["Tool Launch URL"], JWKS: studio["Tool Keyset URL"]})
	name, value := custom(t, studio["Custom Parameters"])
	page := c.follow(c.noRedirect(http.MethodGet, platform.Issuer+"/start?"+url.Values{name: {value}}.Encode(), "").Get("Location"))
	if page.code != http.StatusOK || ticketInPage.FindStringSubmatch(page.body) == nil {
		t.Errorf("launch: %d\n%s", page.code, page.body)
	}
}
