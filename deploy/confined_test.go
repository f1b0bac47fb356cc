package deploy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// asked is what each function is asked so that it goes to the cloud, by method and path.
var asked = map[string]string{
	"launch-lab":    "GET /metrics", // without a launch it asks nobody anything
	"view-lab":      "GET /status",
	"tend-labs":     "POST /",
	"grade-lab":     "POST /no-ticket",
	"scale-cluster": "GET /academy",
	"deploy-site":   "GET /sites",
}

const (
	hunter   = "hunter2-hunter2-hunter2-hunter2-hunter2"
	settings = `{public_url: "https://hooks.example.org", naming_key: ` + hunter + `, seal_keys: [{id: a, secret: ` + hunter + `}],
lti: {consumers: [{key: academy, secret: ` + hunter + `, labs: [web]}]},
labs: {web: {title: Web, template: labs/web.yaml, access: [{kind: url, output: lab_url, title: Open}]}},
clusters: {academy: {stack: academy, min: 1, max: 3}},
api: {tokens: [{name: ci, token: ` + hunter + `, may: [sites, clusters, labs, metrics]}]}}`
)

// A function runs no other program, writes no file, listens where it is told to and talks to the cloud alone: it needs
// neither a root file system that it may write to, nor a user of its own, nor a network with more in it.
func TestFunctionsStayWithinBounds(t *testing.T) {
	t.Parallel()
	if want, have := functions(t), len(asked); len(want) != have {
		t.Fatalf("%d functions are asked; there are %v", have, want)
	}
	for function, request := range asked {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			cloud, err := openstacktest.New(openstacktest.Options{Wall: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cloud.Close)
			traced := watch(t, function, cloud.Env(), func(address string) {
				method, path, _ := strings.Cut(request, " ")
				for _, r := range [][2]string{{http.MethodGet, "/healthz"}, {method, path}, {http.MethodPost, "/launch"}} {
					ask(t, r[0], "http://"+address+r[1])
				}
			})
			for _, fault := range outside(traced, own(t, cloud.Env()["OS_AUTH_URL"])) {
				t.Error(fault)
			}
			calls := len(cloud.Calls()) > 0
			if goes := slices.Contains([]string{"tend-labs", "scale-cluster", "deploy-site"}, function); goes != calls {
				t.Errorf("asked the cloud: %v", calls)
			}
		})
	}
}

// The check finds what it is there to find.
func TestBoundsAreSeen(t *testing.T) {
	t.Parallel()
	const begin = `1 execve("/x/launch-lab", ["launch-lab"], 0x7ffc /* 5 vars */) = 0` + "\n"
	for line, fault := range map[string]bool{
		`1 execve("/bin/sh", ["sh"], 0xc0 /* 5 vars */) = 0`:                                                            true,
		`1 openat(AT_FDCWD, "/tmp/x", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3`:                                              true,
		`1 mkdirat(AT_FDCWD, "/tmp/x", 0755) = 0`:                                                                       true,
		`1 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}, 16) = 0`:                true,
		`1 connect(3, {sa_family=AF_UNIX, sun_path="/run/x.sock"}, 110) = 0`:                                            true,
		`1 connect(3, {sa_family=AF_INET, sin_port=htons(5000), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS`: false,
		`1 openat(AT_FDCWD, "/etc/ssl/certs/ca-certificates.crt", O_RDONLY|O_CLOEXEC) = 3`:                              false,
		`1 newfstatat(AT_FDCWD, "/etc/x", 0xc0, 0) = -1 ENOENT`:                                                         false,
	} {
		if got := len(outside(begin+line, "127.0.0.1:5000")) > 0; got != fault {
			t.Errorf("%s: a fault %v, want %v", line, got, fault)
		}
	}
	if len(outside("", "127.0.0.1:5000")) == 0 {
		t.Error("a trace of nothing is no trace")
	}
}

var (
	call     = regexp.MustCompile(`(?m)^\d+ +(\w+)\((.*)$`)
	internet = regexp.MustCompile(`sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)`)
)

// outside are the calls of a trace that a function has no need of. cloud is the one address that it may connect to.
func outside(trace, cloud string) []string {
	var faults []string
	started := 0
	for _, found := range call.FindAllStringSubmatch(trace, -1) {
		name, args := found[1], found[2]
		switch {
		case name == "execve":
			started++
		case name == "connect":
			to := internet.FindStringSubmatch(args)
			if to == nil || net.JoinHostPort(to[2], to[1]) != cloud {
				faults = append(faults, "connects: "+args)
			}
		case strings.HasPrefix(name, "open") && !regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT`).MatchString(args), readsOnly[name]:
		default:
			faults = append(faults, name+": "+args)
		}
	}
	if started != 1 {
		faults = append(faults, "programs that were started are more than one, or none was seen")
	}
	return faults
}

var readsOnly = map[string]bool{"access": true, "faccessat2": true, "getcwd": true, "newfstatat": true, "readlink": true, "readlinkat": true, "stat": true, "lstat": true, "statx": true}

// watch runs a function under strace, as nobody if we may, while it is used, and gives what was traced.
func watch(t *testing.T, function string, env map[string]string, use func(address string)) string {
	t.Helper()
	address, trace := free(t), filepath.Join(t.TempDir(), "trace")
	args := []string{"-f", "-qq", "--seccomp-bpf", "-o", trace, "-e", "trace=%file,execve,execveat,connect"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "nobody")
	}
	_, port, _ := net.SplitHostPort(address)
	process := exec.Command("strace", append(args, filepath.Join(programs(t), function))...)
	process.Env = []string{"STACKHOOK_CONFIG=" + settings, "PORT=" + port}
	for name, value := range env {
		process.Env = append(process.Env, name+"="+value)
	}
	var log strings.Builder
	process.Stderr = &log
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // strace passes no signal on
	if err := process.Start(); err != nil {
		t.Fatalf("scripts/test-deps installs strace: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) })
	use(address)
	_ = syscall.Kill(-process.Process.Pid, syscall.SIGTERM)
	if err := process.Wait(); err != nil {
		t.Errorf("%s ended with %v: %s", function, err, log.String())
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ask sends one request, to a program that may have only just begun.
func ask(t *testing.T, method, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+hunter)
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func own(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// built are the functions' programs, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "functions")
	if err != nil {
		return "", err
	}
	builtIn.Store(folder)
	if err := os.Chmod(folder, 0o755); err != nil { // for nobody
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-tags=lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-ldflags=-s -w", "-o", folder, "../functions/...")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return folder, build.Run()
})

// builtIn is their folder, if a test needed them.
var builtIn atomic.Value

func programs(t *testing.T) string {
	t.Helper()
	folder, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestMain(m *testing.M) {
	status := m.Run()
	if folder, ok := builtIn.Load().(string); ok {
		_ = os.RemoveAll(folder)
	}
	os.Exit(status)
}
