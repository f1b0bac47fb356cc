package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/serve/servetest"
)

// carrier brings a request to the probe in one runtime's way and its answer back: to the handler, or to the real binary.
type carrier struct {
	carry func(t *testing.T, h http.Handler, r request) result
	// patient says that the runtime tells its patience; textOnly that a form's bytes travel as text in JSON.
	patient, textOnly bool
}

// carriers are all runtimes. Those that run the binary have it started once, for the whole table.
func carriers(t *testing.T) map[string]carrier {
	t.Helper()
	list := map[string]carrier{"http": {carry: overHTTP, patient: true}}
	forms := map[string]func(request) map[string]any{
		"API Gateway v1": gateway1Event, "API Gateway v2": gateway2Event, "API Gateway v2 with a stage": stagedEvent,
		"function URL": functionURLEvent, "load balancer": balancerEvent, "load balancer, multiple value": multiBalancerEvent,
	}
	api, _ := lambdaProcess(t)
	for name, build := range forms {
		list[name] = carrier{carry: overEvent(build), patient: true}
		if name != "load balancer" { // it is left out of some rows by its name
			list[name+", binary"] = carrier{carry: overRuntimeAPI(api, build), patient: true}
		}
	}
	plain, _ := webProcess(t, "http", "PORT")
	list["http, binary"] = carrier{carry: overAddress(plain)}
	azure, _ := webProcess(t, "azure", "FUNCTIONS_CUSTOMHANDLER_PORT")
	list["Azure, binary"] = carrier{carry: overAddress(azure)}
	socket, _ := systemdProcess(t)
	list["systemd, binary"] = carrier{carry: overAddress(socket)}
	list["CGI, binary"] = carrier{carry: overCGI(bootstrap(t))}
	fn, _ := fnProcess(t)
	list["Fn, binary"] = carrier{carry: overFn(fn), patient: true}
	loop, _ := whiskProcess(t)
	list["OpenWhisk, binary"] = carrier{carry: overActionLoop(loop), patient: true, textOnly: true}
	return list
}

func lambdaProcess(t *testing.T) (*servetest.Runtime, *process) {
	t.Helper()
	api, err := servetest.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	_, p := start(t, "lambda", exec.CommandContext(t.Context(), bootstrap(t)), "AWS_LAMBDA_RUNTIME_API="+api.Address)
	return api, p
}

// start runs the binary and reads its log away. p.stopping is closed when it says that the process stops, or ends.
func start(t *testing.T, want string, cmd *exec.Cmd, env ...string) (address string, p *process) {
	t.Helper()
	p = launch(t, cmd, env...)
	runtime, address := p.serving(t)
	if runtime != want {
		t.Errorf("%v start it as %s, want %s", env, runtime, want)
	}
	p.stopping = make(chan struct{})
	go func() {
		said := sync.OnceFunc(func() { close(p.stopping) })
		defer said()
		for line := range p.lines {
			if strings.Contains(line, `"message":"stopping"`) {
				said()
			}
		}
	}()
	return address, p
}

func webProcess(t *testing.T, want, variable string) (address string, p *process) {
	t.Helper()
	port := freePort(t)
	_, p = start(t, want, exec.CommandContext(t.Context(), bootstrap(t)), variable+"="+port)
	return "127.0.0.1:" + port, p
}

func systemdProcess(t *testing.T) (address string, p *process) {
	t.Helper()
	socket := listener(t)
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ exec "$0"`, bootstrap(t))
	cmd.ExtraFiles = []*os.File{file}
	return start(t, "systemd", cmd, "LISTEN_FDS=1")
}

func fnProcess(t *testing.T) (socket string, p *process) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "lsnr.sock")
	_, p = start(t, "fn", exec.CommandContext(t.Context(), bootstrap(t)), "FN_FORMAT=http-stream", "FN_LISTENER=unix:"+socket)
	return socket, p
}

// overAddress carries to a process that speaks HTTP.
func overAddress(address string) func(*testing.T, http.Handler, request) result {
	return func(t *testing.T, _ http.Handler, r request) result {
		t.Helper()
		there := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { proxy(t, w, req, "http://"+address) })
		return overHTTP(t, there, r)
	}
}

func overRuntimeAPI(api *servetest.Runtime, build func(request) map[string]any) func(*testing.T, http.Handler, request) result {
	return func(t *testing.T, _ http.Handler, r request) result {
		t.Helper()
		event, err := json.Marshal(build(r))
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if r.patience > 0 {
			// The process serves one event after another: ours begins to count when it is taken.
			text, err := api.InvokeWithin(ctx, event, r.patience)
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			return readReply(t, text)
		}
		text, err := api.Invoke(ctx, event)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return readReply(t, text)
	}
}

// overCGI has a web server start the binary for the request, below a path of its own.
func overCGI(binary string) func(*testing.T, http.Handler, request) result {
	return func(t *testing.T, _ http.Handler, r request) result {
		t.Helper()
		var log bytes.Buffer
		server := &cgi.Handler{Path: binary, Root: "/cgi-bin/run", Env: []string{"STACKHOOK_CONFIG=" + testConfig}, Stderr: &log}
		r.path = "/cgi-bin/run" + r.path
		return overHTTP(t, server, r)
	}
}

// overFn calls as Fn's agent does: the request and the answer stand in the headers of a POST.
func overFn(socket string) func(*testing.T, http.Handler, request) result {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	return func(t *testing.T, _ http.Handler, r request) result {
		t.Helper()
		call, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://fn/call", bytes.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		call.Header.Set("Fn-Intent", "httprequest")
		call.Header.Set("Fn-Call-Id", "01GXYZ")
		call.Header.Set("Fn-Http-Method", r.method)
		call.Header.Set("Fn-Http-Request-Url", strings.TrimSuffix("http://gateway.example.org"+r.path+"?"+r.query, "?"))
		if r.patience > 0 {
			call.Header.Set("Fn-Deadline", time.Now().Add(r.patience).Format(time.RFC3339Nano))
		}
		for name, values := range r.withCookieHeader() {
			if name != "Content-Type" {
				name = "Fn-Http-H-" + name
			}
			call.Header[name] = values
		}
		res, err := transport.RoundTrip(call)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err := firstError(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			t.Errorf("Fn takes %d for a fault of the function", res.StatusCode)
		}
		status, err := strconv.Atoi(res.Header.Get("Fn-Http-Status"))
		if err != nil {
			t.Errorf("no status for the client: %v", res.Header)
		}
		h := http.Header{}
		if kind := res.Header.Get("Content-Type"); kind != "" {
			h.Set("Content-Type", kind)
		}
		for name, values := range res.Header {
			if name, ok := strings.CutPrefix(name, "Fn-Http-H-"); ok {
				h[name] = values
			}
		}
		return neutral(status, h, h.Values("Set-Cookie"), string(body))
	}
}

// whisk is the binary under an ActionLoop proxy: one line in, one line out, one at a time.
type whisk struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

func whiskProcess(t *testing.T) (*whisk, *process) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bootstrap(t))
	cmd.ExtraFiles = []*os.File{writer}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	_, p := start(t, "openwhisk", cmd, "__OW_WAIT_FOR_ACK=1", "__OW_EXECUTION_ENV=openwhisk/action-golang")
	w := &whisk{in: in, out: bufio.NewReader(reader)}
	t.Cleanup(func() { _ = reader.Close(); _ = writer.Close() })
	if line, err := w.out.ReadString('\n'); err != nil || line != "{\"ok\":true}\n" {
		t.Errorf("the first line is %q, %v", line, err)
	}
	return w, p
}

func (w *whisk) run(t *testing.T, activation map[string]any) []byte {
	t.Helper()
	line, err := json.Marshal(activation)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := fmt.Fprintf(w.in, "%s\n", line); err != nil {
		t.Fatal(err)
	}
	answer, err := w.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// overActionLoop makes the request a raw web action's, and reads the answer as OpenWhisk's controller does.
func overActionLoop(w *whisk) func(*testing.T, http.Handler, request) result {
	return func(t *testing.T, _ http.Handler, r request) result {
		t.Helper()
		kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
		body := string(r.body)
		if kind == "application/json" || kind == "" && len(body) > 1000 { // the large bodies have no type and are bytes
			body = base64.StdEncoding.EncodeToString(r.body)
		}
		h := lower(joined(r.withCookieHeader()))
		if kind == "" && len(r.body) > 1000 {
			h["content-type"] = "application/octet-stream"
		}
		activation := map[string]any{"activation_id": "a1", "value": map[string]any{
			"__ow_method": strings.ToLower(r.method), "__ow_path": r.path, "__ow_query": r.query, "__ow_headers": h, "__ow_body": body,
		}}
		if r.patience > 0 {
			activation["deadline"] = strconv.FormatInt(time.Now().Add(r.patience).UnixMilli(), 10)
		}
		var out struct {
			StatusCode int
			Headers    map[string]any
			Body       string
		}
		if line := w.run(t, activation); json.Unmarshal(line, &out) != nil {
			t.Fatalf("the answer is %s", line)
		}
		answer := http.Header{}
		for name, value := range out.Headers {
			switch v := value.(type) {
			case string:
				answer.Add(name, v)
			case []any:
				for _, one := range v {
					answer.Add(name, fmt.Sprint(one))
				}
			}
		}
		if kind, _, _ := mime.ParseMediaType(answer.Get("Content-Type")); kind != "" && kind != "application/json" && !strings.HasPrefix(kind, "text/") {
			plain, err := base64.StdEncoding.DecodeString(out.Body)
			if err != nil {
				t.Fatalf("%s is no base64: %v", kind, err)
			}
			out.Body = string(plain)
		}
		return neutral(out.StatusCode, answer, answer.Values("Set-Cookie"), out.Body)
	}
}

// What is no HTTP reaches POST / as it is, and its answer is an object, whatever it was.
func TestBareCalls(t *testing.T) {
	t.Parallel()
	w, _ := whiskProcess(t)
	if got := string(w.run(t, map[string]any{"value": map[string]any{"to": 3}})); !strings.Contains(got, `"code":"not_found"`) {
		t.Errorf("a bare activation: %s", got)
	}
	if got := string(w.run(t, map[string]any{"value": "text"})); !strings.Contains(got, `"code":"not_found"`) {
		t.Errorf("a bare text: %s", got)
	}
	socket, _ := fnProcess(t)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	res, err := client.Post("http://fn/call", "application/json", strings.NewReader(`{"to": 3}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.Header.Get("Fn-Http-Status") != "404" || !strings.Contains(string(body), `"code":"not_found"`) {
		t.Errorf("a bare call: %v %s", res.Header, body)
	}
}
