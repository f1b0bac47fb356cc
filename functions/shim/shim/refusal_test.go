package shim_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
)

// run is the command with an environment of its own, for what ends at once.
func run(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = shim.Main(args, config.Map(env), &out, &errs)
	return code, out.String(), errs.String()
}

func TestRefusesDevelopmentKeysWhereOthersCanReachThem(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.7:80", "example.org:80"} {
		code, _, stderr := run(nil, "-listen", address)
		if code != 2 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "Development keys are refused") {
			t.Errorf("-listen %s: exit %d, said %q", address, code, stderr)
		}
	}
}

func TestRefusesATakenPort(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL(), "http://"), ":")
	code, _, stderr := run(nil, "-listen", "127.0.0.1:"+port)
	if code != 2 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "is taken by another program") {
		t.Errorf("exit %d, said %q", code, stderr)
	}
}

func TestRefusesWrongArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-listen", "8080"}, {"start"}, {"-verbose"}} {
		if code, _, stderr := run(nil, args...); code != 2 || stderr == "" {
			t.Errorf("%q: exit %d, said %q", args, code, stderr)
		}
	}
}

func TestBadConfigurationPrintsEveryFault(t *testing.T) {
	t.Parallel()
	code, _, stderr := run(map[string]string{"STACKHOOK_CONFIG": "naming_key: short\nlabz: {}\nstore: tape\n"}, "-listen", "127.0.0.1:0")
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	for _, word := range []string{"naming_key", "labz", "store", "seal_keys"} {
		if !strings.Contains(stderr, "  line ") || !strings.Contains(stderr, word) {
			t.Errorf("nothing is said of %s:\n%s", word, stderr)
		}
	}
	if strings.Contains(stderr, "public_url must") || strings.Contains(stderr, "public_url is") {
		t.Errorf("public_url is asked for, though the shim has an address of its own:\n%s", stderr)
	}
	if code, _, stderr := run(map[string]string{"STACKHOOK_CONFIG": "/nowhere/stackhook.yaml"}, "-listen", "127.0.0.1:0"); code != 2 || !strings.Contains(stderr, "STACKHOOK_CONFIG") {
		t.Errorf("a missing file: exit %d, said %q", code, stderr)
	}
}

func TestNewConfigIsGoodAndFreshAndGivesNoPageAway(t *testing.T) {
	t.Parallel()
	code, first, _ := run(nil, "-new-config")
	_, second, _ := run(nil, "-new-config")
	if code != 0 || first == second {
		t.Fatalf("exit %d; two configurations are the same: %t", code, first == second)
	}
	file := filepath.Join(t.TempDir(), "stackhook.yaml")
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{first, file} {
		s, err := shim.Start(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": value}), Listen: "127.0.0.1:0", Fake: quick()})
		if err != nil {
			t.Fatalf("start on %.40q: %v", value, err)
		}
		page := caller{t, s}.call(http.MethodGet, "/", "", "")
		if strings.Contains(page.body, s.Keys().ConsumerSecret) || strings.Contains(page.body, "Development keys") {
			t.Error("the page shows a secret that is not for development")
		}
		var said strings.Builder
		s.Greet(&said)
		if strings.Contains(said.String(), s.Keys().APIToken) {
			t.Error("the greeting gives away a token that is not for development")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	// The page signs for whoever asks, so it is not shown to other machines, even with keys of one's own.
	text := first + "\npublic_url: https://hooks.example.org/stack\n"
	s, err := shim.New(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text}), Listen: "0.0.0.0:0", Fake: quick()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for path, want := range map[string]int{"/": 404, "/dev/state": 404, "/dev/launch": 404, "/healthz": 200, "/stack/launch-lab/healthz": 200, "/launch-lab/healthz": 200} {
		if got := serve(s, http.MethodGet, path, nil); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
}

// The entry for the shim's own platform, commented out in a new configuration, works once it is let in; where others can
// reach the shim, there is no platform whatever the configuration says.
func TestNewConfigsPlatformEntry(t *testing.T) {
	t.Parallel()
	_, text, _ := run(nil, "-new-config")
	at := ours(t)
	text = strings.ReplaceAll(text, "http://"+shim.DefaultListen, at)
	before, rest, found := strings.Cut(text, "  # platforms:\n")
	if !found {
		t.Fatalf("no entry to let in:\n%s", text)
	}
	entry, after, _ := strings.Cut(rest, "  # Our own key")
	text = before + "  platforms:\n" + strings.ReplaceAll(entry, "  #   ", "    ") + "  # Our own key" + after
	s, err := shim.Start(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text}), Listen: strings.TrimPrefix(at, "http://"), Fake: quick()})
	if err != nil {
		t.Fatalf("start: %v\n%s", err, text)
	}
	if page := (caller{t, s}).played("/dev/launch", launchForm()); page.code != http.StatusOK {
		t.Errorf("launch: %d\n%s", page.code, page.body)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s, err = shim.New(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text + "\npublic_url: " + at + "\n"}), Listen: "0.0.0.0:0", Fake: quick()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/platform/jwks.json", "/platform/auth", "/platform/picked"} {
		if got := serve(s, http.MethodGet, path, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got.Code)
		}
	}
}

func TestPageIsForThisMachineAndItsOwnOrigin(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, row := range []struct {
		name, method, path, host, site string
		want                           int
	}{
		{"own name", http.MethodGet, "/", "", "", 200},
		{"localhost", http.MethodGet, "/", "localhost:9000", "", 200},
		{"another name that points here", http.MethodGet, "/", "evil.example.org", "", 421},
		{"its state", http.MethodGet, "/dev/state", "evil.example.org:8080", "", 421},
		{"another site's form", http.MethodPost, "/dev/launch", "", "cross-site", 403},
		{"another site's pick", http.MethodPost, "/dev/pick", "", "cross-site", 403},
		{"the platform's keys", http.MethodGet, "/platform/jwks.json", "", "", 200},
		{"the platform's keys, by another name", http.MethodGet, "/platform/jwks.json", "evil.example.org", "", 421},
		{"a login that nobody began", http.MethodGet, "/platform/auth", "", "", 400},
		{"another site's alarm", http.MethodPost, "/dev/alarm", "", "cross-site", 403},
		{"own form that is empty", http.MethodPost, "/dev/launch", "", "same-origin", 422},
		{"own alarm that is empty", http.MethodPost, "/dev/alarm", "", "same-origin", 422},
		{"reading by another method", http.MethodPost, "/dev/state", "", "same-origin", 404},
		{"no such file", http.MethodGet, "/dev/assets/page.html", "", "", 404},
		{"nothing there", http.MethodGet, "/nothing", "", "", 404},
	} {
		headers := map[string]string{"Sec-Fetch-Site": row.site}
		if row.host != "" {
			headers["Host"] = row.host
		}
		if got := serve(s, row.method, row.path, headers); got.Code != row.want {
			t.Errorf("%s: %d, want %d: %.200s", row.name, got.Code, row.want, got.Body)
		}
	}
}
