package config_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
)

const withLab = minimal + "naming_key: " + key32 + "\nlabs: {web: {title: W, template: t.yaml}}\n"

// platform is a section with one platform, whose entry ends in rest.
func platform(rest string) string {
	return "lti: {platforms: [{issuer: https://lms.example.org, client_id: c, deployments: [\"1\"], auth_url: https://lms.example.org/auth, " +
		"jwks_url: https://lms.example.org/keys, labs: [web]" + rest + "}]}\n"
}

func TestPlatformFaults(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string { return withLab + strings.Replace(platform(""), from, to, 1) }
	for name, c := range map[string]struct{ text, path, words string }{
		"no issuer":             {change("issuer: https://lms.example.org, ", ""), "issuer", "is missing"},
		"long issuer":           {change("issuer: https://lms.example.org", "issuer: "+strings.Repeat("x", 256)), "issuer", "at most 255"},
		"no client id":          {change("client_id: c, ", ""), "client_id", "is missing"},
		"no deployments":        {change(`deployments: ["1"], `, ""), "deployments", "is missing"},
		"empty deployment":      {change(`["1"]`, `[""]`), "deployments[0]", "is missing"},
		"a deployment twice":    {change(`["1"]`, `["1", 1]`), "deployments", "same entry twice"},
		"no auth_url":           {change("auth_url: https://lms.example.org/auth, ", ""), "auth_url", "is missing"},
		"auth_url no URL":       {change("auth_url: https://lms.example.org/auth", "auth_url: lms/auth"), "auth_url", "full URL"},
		"auth_url of a script":  {change("auth_url: https://lms.example.org/auth", "auth_url: 'javascript:alert(1)'"), "auth_url", "full URL"},
		"auth_url without TLS":  {change("auth_url: https", "auth_url: http"), "auth_url", "https://"},
		"jwks_url without TLS":  {change("jwks_url: https", "jwks_url: http"), "jwks_url", "https://"},
		"token_url without TLS": {withLab + platform(", token_url: http://lms.example.org/token"), "token_url", "https://"},
		"no jwks_url":           {change("jwks_url: https://lms.example.org/keys, ", ""), "jwks_url", "is missing"},
		"no labs":               {change("[web]", "[]"), "labs", "at least 1"},
		"missing lab":           {change("[web]", "[web, db]"), "labs[1]", `"db"`},
		"ancestor":              {withLab + platform(", frame_ancestors: [https://lms.example.org/]"), "frame_ancestors[0]", "nothing after it"},
		"algorithm":             {withLab + platform(", algorithms: [HS256]"), "algorithms[0]", "one of: RS256"},
		"no algorithm":          {withLab + platform(", algorithms: []"), "algorithms", "at least 1"},
		"long tenant":           {withLab + platform(", tenant: "+strings.Repeat("x", 129)), "tenant", "at most 128"},
		"a secret":              {withLab + platform(", secret: s"), "secret", "not a known key"},
		"switch":                {withLab + platform(", instructors: some"), "instructors", "true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, c.text)
			if len(got) != 1 || got[0].Path != "lti.platforms[0]."+c.path || !strings.Contains(got[0].Message, c.words) {
				t.Errorf("want one fault of %s with %q, got:\n%v", c.path, c.words, got)
			}
		})
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	twice := func(second string) string {
		entry := strings.TrimSuffix(strings.TrimPrefix(platform(""), "lti: {platforms: ["), "]}\n")
		return withLab + "lti: {platforms: [" + entry + ", " + strings.Replace(entry, "client_id: c", second, 1) + "]}\n"
	}
	for name, text := range map[string]string{
		"on this machine":           withLab + strings.ReplaceAll(platform(", token_url: 'http://[::1]/t'"), "https://lms.example.org/", "http://127.0.0.1:8000/"),
		"two clients of one issuer": twice("client_id: d"),
		"more algorithms":           withLab + platform(", algorithms: [RS512, RS256]"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load(t, text)
		})
	}
	got := faults(t, twice("client_id: c"))
	if len(got) != 1 || got[0].Path != "lti.platforms[1]" || !strings.Contains(got[0].Message, "another platform") {
		t.Errorf("the same platform twice: %v", got)
	}
	got = faults(t, minimal+"labs: {web: {title: W, template: t.yaml}}\n"+platform(""))
	if len(got) != 1 || got[0].Path != "naming_key" {
		t.Errorf("without naming_key: %v", got)
	}
}

func TestRegistrationFaults(t *testing.T) {
	t.Parallel()
	section := func(entries string) string { return withLab + "lti: {registration: [" + entries + "]}\n" }
	for name, c := range map[string]struct{ text, path, words string }{
		"no issuer":    {section("{labs: [web]}"), "[0].issuer", "is missing"},
		"no URL":       {section("{issuer: lms, labs: [web]}"), "[0].issuer", "full URL"},
		"without TLS":  {section("{issuer: http://lms.example.org, labs: [web]}"), "[0].issuer", "https://"},
		"no labs":      {section("{issuer: https://lms.example.org}"), "[0].labs", "is missing"},
		"missing lab":  {section("{issuer: https://lms.example.org, labs: [db]}"), "[0].labs[0]", `"db"`},
		"issuer twice": {section("{issuer: https://a.example, labs: [web]}, {issuer: https://a.example, labs: [web]}"), "", "same issuer twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, c.text)
			if len(got) != 1 || got[0].Path != "lti.registration"+c.path || !strings.Contains(got[0].Message, c.words) {
				t.Errorf("want one fault of %s with %q, got:\n%v", c.path, c.words, got)
			}
		})
	}
}

var toolKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func privatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(toolKey())}))
}

func publicPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&toolKey().PublicKey)}))
}

func TestToolKeys(t *testing.T) {
	t.Parallel()
	indented := func(text string) string {
		return "|\n      " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n      ") + "\n"
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	write(t, file, privatePEM())
	for name, text := range map[string]string{
		"in the text": "current: " + indented(privatePEM()),
		"in a file":   "current_file: " + file + "\n",
		"all three":   "current_file: " + file + "\n    next: " + indented(privatePEM()) + "    previous: " + indented(publicPEM()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := load(t, minimal+"lti:\n  tool_keys:\n    "+text).LTI.ToolKeys
			if block, _ := pem.Decode([]byte(keys.Current.Reveal())); block == nil {
				t.Error("the key is not read as PEM")
			}
		})
	}
	for name, c := range map[string]struct{ text, path, words string }{
		"no PEM":         {"current: " + key32 + "\n", "current", "openssl genrsa 2048"},
		"public current": {"current: " + indented(publicPEM()), "current", "public key"},
		"next alone":     {"next_file: " + file + "\n", "current", "is missing"},
		"next no PEM":    {"current_file: " + file + "\n    next: " + key32 + "\n", "next", "next_file"},
		"previous":       {"current_file: " + file + "\n    previous: " + key32 + "\n", "previous", "previous_file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, minimal+"lti:\n  tool_keys:\n    "+c.text)
			if len(got) != 1 || got[0].Path != "lti.tool_keys."+c.path || !strings.Contains(got[0].Message, c.words) {
				t.Errorf("want one fault of %s with %q, got:\n%v", c.path, c.words, got)
			}
			if strings.Contains(got.Error(), "hunter2") {
				t.Error("a fault holds the key")
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const entry = `issuer: https://lms.example.org
client_id: c
deployments: ["1"]
auth_url: https://lms.example.org/auth
jwks_url: https://lms.example.org/keys
labs: [web]
`

// folder is a configuration file with a directory of platforms beside it.
func folder(t *testing.T, section string, files map[string]string) (path, dir string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.yaml")
	dir = filepath.Join(filepath.Dir(path), "platforms")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, withLab+section)
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return path, dir
}

func TestPlatformsDir(t *testing.T) {
	t.Parallel()
	client := func(id string) string { return strings.Replace(entry, "client_id: c", "client_id: "+id, 1) }
	item := func(id string) string {
		return "- " + strings.ReplaceAll(strings.TrimSpace(client(id)), "\n", "\n  ") + "\n"
	}
	path, dir := folder(t, strings.Replace(platform(""), "lti: {", "lti: {platforms_dir: platforms, ", 1), map[string]string{
		"b.yaml": client("b"), "a.yaml": item("a1") + item("a2"), "c.txt": "no", ".new-1": "half", "empty.yaml.bak": "",
	})
	if err := os.Mkdir(filepath.Join(dir, "more.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := load(t, path)
	var got []string
	for _, p := range c.LTI.Platforms {
		got = append(got, p.ClientID+strings.Join(p.Algorithms, ""))
	}
	if want := []string{"cRS256", "a1RS256", "a2RS256", "bRS256"}; !slices.Equal(got, want) {
		t.Errorf("platforms %v, want %v", got, want)
	}
}

func TestPlatformsDirFaults(t *testing.T) {
	t.Parallel()
	const section = "lti:\n  platforms_dir: platforms\n"
	for name, c := range map[string]struct {
		section string
		files   map[string]string
		want    string
		words   string
	}{
		"missing":       {"lti:\n  platforms_dir: nowhere\n", nil, "line 6: lti.platforms_dir cannot be listed", "make the directory"},
		"a field":       {section, map[string]string{"a.yaml": strings.Replace(entry, "auth_url: https", "auth_url: http", 1)}, "line 4: lti.platforms_dir/a.yaml: auth_url must begin", ""},
		"a list":        {section, map[string]string{"a.yaml": "- {issuer: i}\n"}, "line 1: lti.platforms_dir/a.yaml: [0].client_id is missing", "deployments"},
		"unknown key":   {section, map[string]string{"a.yaml": entry + "colour: red\n"}, "line 7: lti.platforms_dir/a.yaml: colour is not a known key", ""},
		"no YAML":       {section, map[string]string{"a.yaml": "a: ["}, "lti.platforms_dir/a.yaml: is not YAML", ""},
		"empty":         {section, map[string]string{"a.yaml": "# later\n"}, "lti.platforms_dir/a.yaml: holds no platform", ""},
		"two documents": {section, map[string]string{"a.yaml": entry + "---\n" + entry}, "lti.platforms_dir/a.yaml: holds more than one", ""},
		"a text":        {section, map[string]string{"a.yaml": "hello"}, "line 1: lti.platforms_dir/a.yaml: must hold keys", ""},
		"twice":         {section, map[string]string{"a.yaml": entry, "b.yaml": entry}, "line 1: lti.platforms_dir/b.yaml: has the issuer and client_id of another", ""},
		"twice, and in the main file": {
			strings.Replace(platform(""), "lti: {", "lti: {platforms_dir: platforms, ", 1),
			map[string]string{"a.yaml": entry},
			"line 1: lti.platforms_dir/a.yaml: has the issuer and client_id of another", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := folder(t, c.section, c.files)
			got := faults(t, path)
			if text := got[0].String(); !strings.HasPrefix(text, c.want) || !strings.Contains(got.Error(), c.words) {
				t.Errorf("got  %v\nwant %s", got, c.want)
			}
		})
	}
	t.Run("not readable", func(t *testing.T) {
		t.Parallel()
		path, _ := folder(t, section, map[string]string{"a.yaml": entry})
		src := source(path)
		src.ReadFile = func(name string) ([]byte, error) {
			if filepath.Base(name) == "a.yaml" {
				return nil, os.ErrPermission
			}
			return os.ReadFile(name)
		}
		_, err := src.Load()
		if err == nil || !strings.Contains(err.Error(), "lti.platforms_dir/a.yaml: cannot be read (permission denied)") {
			t.Errorf("%v", err)
		}
	})
}

func newPlatform() config.Platform {
	return config.Platform{
		Issuer: "https://lms.example.org", ClientID: "new: \"client\" #1\n", Deployments: []string{"1", "null", "yes"},
		AuthURL: "https://lms.example.org/auth?a=b&c=d", TokenURL: "https://lms.example.org/token", JWKSURL: "https://lms.example.org/keys",
		Labs: []string{"web"}, FrameAncestors: []string{"https://lms.example.org"}, Instructors: true, Algorithms: []string{"RS256"},
	}
}

func TestAddPlatform(t *testing.T) {
	t.Parallel()
	path, dir := folder(t, "lti:\n  platforms_dir: platforms\n", map[string]string{"a.yaml": entry})
	c, p := load(t, path), newPlatform()
	var wg sync.WaitGroup
	for range 10 { // at once, and again
		wg.Go(func() {
			file, err := c.AddPlatform(p)
			if err != nil {
				t.Error(err)
				return
			}
			if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 || filepath.Dir(file) != dir {
				t.Errorf("%s: %v, %v", file, info, err)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("the directory holds %v, %v; want the old platform and the new", entries, err)
	}
	after := load(t, path)
	if len(after.LTI.Platforms) != 2 || !equal(after.LTI.Platforms[1], p) {
		t.Fatalf("loaded again: %+v\nwant %+v", after.LTI.Platforms, p)
	}
	if _, err := after.AddPlatform(p); err != nil {
		t.Errorf("once it is loaded: %v", err)
	}
	bare := newPlatform()
	bare.ClientID, bare.Algorithms = "bare", nil
	if _, err := after.AddPlatform(bare); err != nil {
		t.Errorf("without algorithms: %v", err)
	}
	p.Deployments = []string{"2"}
	if _, err := after.AddPlatform(p); err == nil || !strings.Contains(err.Error(), "is there and differs") {
		t.Errorf("another form of the same: %v", err)
	}
}

func equal(a, b config.Platform) bool {
	return a.YAML() == b.YAML() && a.Issuer == b.Issuer && a.ClientID == b.ClientID && slices.Equal(a.Deployments, b.Deployments)
}

func TestAddPlatformRefuses(t *testing.T) {
	t.Parallel()
	path, dir := folder(t, "lti:\n  platforms_dir: platforms\n", map[string]string{"a.yaml": entry})
	c := load(t, path)
	for name, change := range map[string]func(*config.Platform){
		"must begin with https://": func(p *config.Platform) { p.JWKSURL = "http://lms.example.org/keys" },
		"is missing":               func(p *config.Platform) { p.Deployments = nil },
		"names the lab":            func(p *config.Platform) { p.Labs = []string{"db"} },
		"another platform":         func(p *config.Platform) { p.ClientID = "c" },
	} {
		p := newPlatform()
		change(&p)
		_, err := c.AddPlatform(p)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "the new platform:") {
			t.Errorf("want %q, got %v", name, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("refused platforms left files: %v, %v", entries, err)
	}
	if _, err := load(t, minimal).AddPlatform(newPlatform()); err == nil || !strings.Contains(err.Error(), "platforms_dir is not set") {
		t.Errorf("without a directory: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddPlatform(newPlatform()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory went: %v", err)
	}
}

func TestPlatformAsYAML(t *testing.T) {
	t.Parallel()
	p := newPlatform()
	p.TokenURL, p.Tenant, p.Instructors = "", "", false
	pasted := withLab + "lti:\n  platforms:\n    " + strings.ReplaceAll(strings.TrimSpace(p.YAML()), "\n", "\n    ") + "\n"
	if got := load(t, pasted).LTI.Platforms; len(got) != 1 || !equal(got[0], p) {
		t.Errorf("pasted it reads %+v\n%s", got, pasted)
	}
	if strings.Contains(p.YAML(), "tenant") || strings.Contains(p.YAML(), "instructors") {
		t.Errorf("what is not set is in there:\n%s", p.YAML())
	}
}
