package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/openedx"
)

const pasted = `Client ID: f0532860-cb34-47a9-b16c-53deb077d4de
Deployment ID: 1
Keyset URL: https://lms.example.org/api/lti_consumer/v1/public_keysets/88e45ecb
Access Token URL: https://lms.example.org/api/lti_consumer/v1/token/88e45ecb
Login URL: https://lms.example.org/api/lti_consumer/v1/launch/
`

func typed(in, line string) (code int, out, complaints string) {
	var o, c bytes.Buffer
	code = run(strings.Fields(line), strings.NewReader(in), &o, &c)
	return code, o.String(), c.String()
}

// loaded is a configuration with the lti section that was printed, whose comments and values for Studio are no YAML.
func loaded(t *testing.T, printed string) *config.Config {
	t.Helper()
	entry, _, _ := strings.Cut(printed, "\n# Into Studio")
	c, err := config.Map(map[string]string{config.Variable: `public_url: https://hooks.example.org
naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: a, secret: hunter2-hunter2-hunter2-hunter2-seal}]
labs: {web: {title: Web, template: labs/web.yaml}, db: {title: Databases, template: labs/web.yaml}}
` + entry}).Load()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return c
}

func TestPrintsAnEntryThatLoads(t *testing.T) {
	t.Parallel()
	code, out, complaints := typed(pasted, "-public-url https://hooks.example.org -labs web,db -ancestors https://lms.example.org,https://apps.lms.example.org -tenant academy")
	if code != 0 || complaints != "" || strings.Contains(out, openedx.FramesHint) {
		t.Fatalf("exit %d: %s%s", code, complaints, out)
	}
	p := loaded(t, out).LTI.Platforms[0]
	if p.Issuer != "https://lms.example.org" || p.Tenant != "academy" || len(p.Labs) != 2 || len(p.FrameAncestors) != 2 {
		t.Errorf("%+v", p)
	}
	for _, v := range openedx.PasteBack("https://hooks.example.org", "web") {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(v.Label) + ` +` + regexp.QuoteMeta(v.Value) + `$`).MatchString(out) {
			t.Errorf("%s is not printed:\n%s", v.Label, out)
		}
	}
	if _, out, _ = typed(pasted, "-public-url https://hooks.example.org -labs web -issuer https://courses.example.org"); loaded(t, out).LTI.Platforms[0].Issuer != "https://courses.example.org" || !strings.Contains(out, "# "+openedx.FramesHint) {
		t.Errorf("another issuer:\n%s", out)
	}
	if _, out, _ = typed(strings.Replace(pasted, "/token/", "/keys/", 1), "-public-url https://hooks.example.org -labs web"); !strings.Contains(out, "# Access Token URL") || loaded(t, out) == nil {
		t.Errorf("no hint:\n%s", out)
	}
}

// Into a file of lti.platforms_dir, the entry needs no hand to paste it.
func TestWritesTheEntry(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	code, out, complaints := typed(pasted, "-public-url https://hooks.example.org -labs web -write "+filepath.Join(folder, "academy.yaml"))
	if code != 0 || strings.Contains(out, "client_id") || !strings.Contains(out, "Tool Launch URL") {
		t.Errorf("exit %d: %s%s", code, out, complaints)
	}
	if p := loaded(t, "lti: {platforms_dir: "+folder+"}\n").LTI.Platforms; len(p) != 1 || p[0].Issuer != "https://lms.example.org" {
		t.Errorf("the configuration has %+v", p)
	}
	if code, _, _ := typed(pasted, "-labs web -write "+filepath.Join(folder, "not.yaml")); code != 2 {
		t.Errorf("without -public-url: exit %d", code)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v: an entry was written in spite of a fault", len(files), err)
	}
	if code, _, complaints := typed(pasted, "-public-url https://hooks.example.org -labs web -write "+filepath.Join(folder, "none", "x.yaml")); code != 2 || !strings.Contains(complaints, "-write cannot") {
		t.Errorf("exit %d: %s", code, complaints)
	}
}

func TestPrintsAPassport(t *testing.T) {
	t.Parallel()
	const line = "-11 -key academy -public-url https://hooks.example.org -labs web -ancestors https://lms.example.org"
	passport := func(out string) string {
		found := regexp.MustCompile(`(?m)^LTI Passports +"(.*)"$`).FindStringSubmatch(out)
		if found == nil {
			t.Fatal("no passport is printed")
		}
		return found[1]
	}
	code, first, complaints := typed("", line)
	_, second, _ := typed("", line)
	if code != 0 || complaints != "" || passport(first) == passport(second) {
		t.Errorf("exit %d: %s", code, complaints)
	}
	c := loaded(t, first).LTI.Consumers[0]
	if passport(first) != "stackhook:academy:"+c.Secret.Reveal() || c.Key != "academy" {
		t.Error("the passport is not the entry's")
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hunter2-hunter2-hunter2-hunter2-lti\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for in, name := range map[string]string{"": file, "hunter2-hunter2-hunter2-hunter2-lti": "-"} {
		if code, out, _ := typed(in, line+" -id lab -secret-file "+name); code != 0 || passport(out) != "lab:academy:hunter2-hunter2-hunter2-hunter2-lti" {
			t.Errorf("secret from %s: exit %d", name, code)
		}
	}
}

func TestSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in, line string
		says           []string
	}{
		{"nothing at all", "", "", []string{"-public-url", "-labs", "Client ID is", "Deployment ID is", "Keyset URL is", "Access Token URL is", "Login URL is"}},
		{"no public URL", pasted, "-labs web", []string{"-public-url must"}},
		{"no labs", pasted, "-public-url https://h.example.org", []string{"-labs must"}},
		{"an ancestor with a path", pasted, "-public-url https://h.example.org -labs web -ancestors https://lms.example.org/x", []string{"-ancestors has"}},
		{"no key, ID or ancestors", "", "-11 -id a:b -public-url https://h.example.org -labs web", []string{"-key must", "-id must", "-ancestors must"}},
		{"a consumer into a file", "", "-11 -key a -public-url https://h.example.org -labs web -ancestors https://l.example.org -write x.yaml", []string{"-write is for"}},
		{"a short secret", "hunter2", "-11 -key a -public-url https://h.example.org -labs web -ancestors https://l.example.org -secret-file -", []string{"-secret-file must"}},
		{"no such file", "", "-11 -key a -public-url https://h.example.org -labs web -ancestors https://l.example.org -secret-file testdata/none", []string{"-secret-file cannot"}},
	} {
		code, out, complaints := typed(row.in, row.line)
		if code != 2 || out != "" || strings.Count(complaints, "\n") != len(row.says) {
			t.Errorf("%s: exit %d, printed %q\n%s", row.name, code, out, complaints)
		}
		for _, words := range row.says {
			if !strings.Contains(complaints, words) {
				t.Errorf("%s: nothing is said of %s:\n%s", row.name, words, complaints)
			}
		}
	}
	if code, _, complaints := typed("", "-nonsense"); code != 2 || complaints == "" {
		t.Errorf("a wrong flag: exit %d", code)
	}
}

// The example of -help works as it stands there.
func TestHelpsWithAnExampleThatWorks(t *testing.T) {
	t.Parallel()
	code, _, help := typed("", "-help")
	_, example, found := strings.Cut(help, "go run ./scripts/open-edx ")
	line, rest, _ := strings.Cut(example, " <<'END'\n")
	values, _, _ := strings.Cut(rest, "  END")
	if code != 0 || !found {
		t.Fatalf("exit %d: %s", code, help)
	}
	if code, _, complaints := typed(values, line); code != 0 {
		t.Errorf("the example: exit %d: %s", code, complaints)
	}
	_, legacy, _ := strings.Cut(rest, "go run ./scripts/open-edx ")
	line, _, _ = strings.Cut(legacy, "\n")
	if code, _, complaints := typed("", line); code != 0 {
		t.Errorf("%s: exit %d: %s", line, code, complaints)
	}
}
