package serve_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/serve"
)

// A balancer has to see that we go while we still serve, and must keep no connection that we are about to close.
func TestDrainShows(t *testing.T) {
	t.Parallel()
	l := listener(t)
	ctx, stop := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("served")) })
	ended := make(chan error, 1)
	go func() { ended <- serve.HTTP(ctx, h, time.Hour, l) }()
	ask := func(path string) (int, bool) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Transport{}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Close
	}
	for _, path := range []string{"/", "/healthz", "/launch-lab/healthz"} {
		if status, closes := ask(path); status != http.StatusOK || closes {
			t.Errorf("before, %s: %d, closes %t", path, status, closes)
		}
	}
	stop()
	for path, want := range map[string]int{"/": http.StatusOK, "/healthz": http.StatusServiceUnavailable, "/launch-lab/healthz": http.StatusServiceUnavailable} {
		if status, closes := ask(path); status != want || !closes {
			t.Errorf("while draining, %s: %d, closes %t; want %d", path, status, closes, want)
		}
	}
	l.Close() // nobody waits for an hour
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("HTTP: %v", err)
	}
}

// SIGTERM on every runtime: what a process has begun gets its answer, and then it ends well.
func TestStopLosesNoRequest(t *testing.T) {
	t.Parallel()
	type carry = func(*testing.T, http.Handler, request) result
	begin := func(t *testing.T, name string) (carry, *process) {
		t.Helper()
		switch name {
		case "http":
			at, p := webProcess(t, "http", "PORT")
			return overAddress(at), p
		case "Azure":
			at, p := webProcess(t, "azure", "FUNCTIONS_CUSTOMHANDLER_PORT")
			return overAddress(at), p
		case "systemd":
			at, p := systemdProcess(t)
			return overAddress(at), p
		case "Fn":
			at, p := fnProcess(t)
			return overFn(at), p
		case "Lambda":
			at, p := lambdaProcess(t)
			return overRuntimeAPI(at, gateway2Event), p
		default:
			at, p := whiskProcess(t)
			return overActionLoop(at), p
		}
	}
	// One at a time is all that Lambda and OpenWhisk give a process.
	for name, atOnce := range map[string]int{"http": 8, "Azure": 8, "systemd": 8, "Fn": 8, "Lambda": 1, "OpenWhisk": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			carry, p := begin(t, name)
			socket := filepath.Join(t.TempDir(), "held")
			held, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			got := make([]result, atOnce)
			var all sync.WaitGroup
			for i := range got {
				all.Go(func() {
					got[i] = carry(t, nil, request{method: http.MethodGet, path: "/held", query: "socket=" + socket})
				})
			}
			under := make([]net.Conn, atOnce)
			for i := range under {
				if under[i], err = held.Accept(); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-p.stopping
			<-time.After(500 * time.Millisecond) // more than Lambda's library is given to send an answer
			for _, conn := range under {
				conn.Close()
			}
			all.Wait()
			for i, r := range got {
				if r.status != http.StatusOK || !strings.Contains(r.body, "finished") {
					t.Errorf("request %d: %d %q", i, r.status, r.body)
				}
			}
			if err := p.Wait(); err != nil {
				t.Errorf("the process ends with %v", err)
			}
		})
	}
}

// A process at rest ends as well.
func TestStopAtRest(t *testing.T) {
	t.Parallel()
	_, lambda := lambdaProcess(t)
	_, whisk := whiskProcess(t)
	for name, p := range map[string]*process{"Lambda": lambda, "OpenWhisk": whisk} {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: the process ends with %v", name, err)
		}
	}
}

// A log that takes no line more, because its disk is full or its reader gone, keeps nobody from an answer.
func TestLogThatTakesNothing(t *testing.T) {
	t.Parallel()
	t.Run("disk full", func(t *testing.T) {
		t.Parallel()
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		// A listener of ours takes connections before the process is up, so that there is nothing to wait for.
		l := listener(t)
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ exec "$0"`, bootstrap(t))
		cmd.ExtraFiles, cmd.Stderr = []*os.File{file}, full
		runQuiet(t, cmd, "LISTEN_FDS=1")
		answersTwice(t, l.Addr().String())
	})
	t.Run("reader gone", func(t *testing.T) {
		t.Parallel()
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), bootstrap(t))
		cmd.Stderr = writer
		port := freePort(t)
		runQuiet(t, cmd, "PORT="+port)
		writer.Close()
		if line, err := bufio.NewReader(reader).ReadString('\n'); err != nil || !strings.Contains(line, `"message":"serving"`) {
			t.Fatalf("%q %v", line, err)
		}
		reader.Close()
		answersTwice(t, "127.0.0.1:"+port)
	})
}

func runQuiet(t *testing.T, cmd *exec.Cmd, env ...string) {
	t.Helper()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "STACKHOOK_CONFIG=" + testConfig}, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

func answersTwice(t *testing.T, address string) {
	t.Helper()
	for range 2 {
		if status, body := fetch(t, "http://"+address+"/echo/x"); status != http.StatusAccepted {
			t.Errorf("%d %s", status, body)
		}
	}
}
