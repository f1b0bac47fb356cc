package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/serve/servetest"
)

// built is the test program, built as for Lambda: once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "serve")
	if err != nil {
		return "", err
	}
	builtIn.Store(dir)
	binary := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X github.com/stackhook/stackhook/shared/serve.version=v1.2.3",
		"-tags=lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-o", binary, "./testdata/program")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return binary, fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

// builtIn is its folder, if a test needed it.
var builtIn atomic.Value

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, ok := builtIn.Load().(string); ok {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

func bootstrap(t *testing.T) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return binary
}

// process is a running binary and its log.
type process struct {
	*exec.Cmd
	lines chan string
	// stopping is closed when the log says that the process stops, or ends; only if start began the process.
	stopping chan struct{}
	mu       sync.Mutex
	log      strings.Builder
	out      strings.Builder
}

func launch(t *testing.T, cmd *exec.Cmd, env ...string) *process {
	t.Helper()
	p := &process{Cmd: cmd, lines: make(chan string, 100)}
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "STACKHOOK_CONFIG=" + testConfig}, env...)
	cmd.Stdout = &p.out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			p.mu.Lock()
			p.log.WriteString(scanner.Text() + "\n")
			p.mu.Unlock()
			p.lines <- scanner.Text()
		}
	}()
	return p
}

// serving waits for the line that says how the process is reached.
func (p *process) serving(t *testing.T) (runtime, address string) {
	t.Helper()
	for line := range p.lines {
		var said struct{ Message, Runtime, Address string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Message == "serving" {
			return said.Runtime, said.Address
		}
	}
	t.Fatalf("the process never served: %s", p.text())
	return "", ""
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// ends drains the log, waits and gives the exit status.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	for range p.lines {
		continue
	}
	_ = p.Wait()
	if p.out.Len() > 0 {
		t.Errorf("written to stdout: %s", p.out.String())
	}
	return p.ProcessState.ExitCode()
}

func freePort(t *testing.T) string {
	t.Helper()
	l := listener(t)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// The binary answers before Lambda's deadline, and says nothing of the query in its log.
func TestBinaryAnswersInTime(t *testing.T) {
	t.Parallel()
	api, err := servetest.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	function := launch(t, exec.CommandContext(t.Context(), bootstrap(t)), "AWS_LAMBDA_RUNTIME_API="+api.Address, "PORT=1")
	if runtime, _ := function.serving(t); runtime != "lambda" {
		t.Errorf("with AWS_LAMBDA_RUNTIME_API the runtime is %s", runtime)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	event, err := json.Marshal(gateway1Event(request{method: "GET", path: "/slow", query: "a=1"}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := api.Invoke(ctx, event)
	if err != nil {
		t.Fatalf("a slow answer came after the platform's deadline: %v", err)
	}
	if got := readReply(t, text); got.status != http.StatusGatewayTimeout {
		t.Errorf("slow: %d %s", got.status, got.body)
	}
	if strings.Contains(function.text(), "a=1") {
		t.Error("a query is in the log")
	}
}

// proxy passes a request on as it is.
func proxy(t *testing.T, w http.ResponseWriter, r *http.Request, to string) {
	t.Helper()
	out, err := http.NewRequestWithContext(r.Context(), r.Method, to+r.RequestURI, r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	out.Header, out.Host = r.Header, r.Host
	res, err := (&http.Transport{}).RoundTrip(out)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

func TestBinaryStopsGracefully(t *testing.T) {
	t.Parallel()
	binary := bootstrap(t)
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := launch(t, exec.CommandContext(t.Context(), binary), "PORT="+freePort(t), "STACKHOOK_DRAIN_DELAY=1s")
		_, address := p.serving(t)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, body := fetch(t, "http://127.0.0.1:"+port+"/healthz"); body != "probe is up\n" {
			t.Errorf("health: %q", body)
		}
		slow := make(chan string, 1)
		go func() {
			_, body := fetch(t, "http://127.0.0.1:"+port+"/work")
			slow <- body
		}()
		<-time.After(500 * time.Millisecond) // the request is on its way
		if err := p.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if body := <-slow; body != "\"finished\"\n" {
			t.Errorf("%v: the request under way got %q", signal, body)
		}
		if status := p.ends(t); status != 0 {
			t.Errorf("%v: exit status %d, want 0", signal, status)
		}
	}
}

// systemd hands over open sockets from descriptor 3 on and names the process they are for.
func TestBinaryOnSystemdSockets(t *testing.T) {
	t.Parallel()
	binary := bootstrap(t)
	first, second := listener(t), listener(t)
	var files []*os.File
	for _, l := range []net.Listener{first, second} {
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ exec "$0"`, binary)
	cmd.ExtraFiles = files
	p := launch(t, cmd, "LISTEN_FDS=2")
	if runtime, address := p.serving(t); runtime != "systemd" || address != first.Addr().String() {
		t.Errorf("serving as %s on %s", runtime, address)
	}
	for _, l := range []net.Listener{first, second} {
		if _, body := fetch(t, "http://"+l.Addr().String()+"/healthz"); body != "probe is up\n" {
			t.Errorf("%s: %q", l.Addr(), body)
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := p.ends(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	// Variables that another process left behind mean nothing.
	other := launch(t, exec.CommandContext(t.Context(), binary), "LISTEN_FDS=2", "LISTEN_PID=1", "PORT="+freePort(t))
	if runtime, _ := other.serving(t); runtime != "http" {
		t.Errorf("with another's LISTEN_PID the runtime is %s", runtime)
	}
}

func TestBinaryVersion(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), bootstrap(t), "-version").Output()
	if err != nil || !strings.HasPrefix(string(out), "probe v1.2.3 go1.") {
		t.Errorf("-version says %q, %v", out, err)
	}
}
