package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// weather is Toxiproxy between our programs and the cloud: a proxy for each service, and what spoils their connections.
type weather struct {
	api     string
	cmd     *exec.Cmd
	proxies []string
	toxics  []string // paths of those at work
	client  *http.Client
}

// newWeather builds Toxiproxy from its own module and starts it.
func newWeather(ctx context.Context, root, dir string) (*weather, error) {
	program := filepath.Join(dir, "toxiproxy")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/Shopify/toxiproxy/v2/cmd/server") //nolint:gosec // a fixed command
	build.Dir = filepath.Join(root, "scripts/toxiproxy")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build Toxiproxy: %w\n%s", err, out)
	}
	_, port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	w := &weather{api: "http://127.0.0.1:" + port, client: &http.Client{Timeout: 10 * time.Second}}
	w.cmd = exec.Command(program, "-host", "127.0.0.1", "-port", port)                  //nolint:gosec,noctx // built just now; ended by close
	if w.cmd.Stderr, err = os.Create(filepath.Join(dir, "toxiproxy.log")); err != nil { //nolint:gosec // in our own folder
		return nil, fmt.Errorf("open Toxiproxy's log: %w", err)
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Toxiproxy: %w", err)
	}
	for range 100 {
		if err = w.call(ctx, http.MethodGet, "/version", nil); err == nil {
			return w, nil
		}
		pause(ctx, 50*time.Millisecond)
	}
	w.close()
	return nil, err
}

func (w *weather) close() {
	_ = w.cmd.Process.Kill() // it may have ended
	_ = w.cmd.Wait()
}

// over puts a proxy before an address and gives its own.
func (w *weather) over(ctx context.Context, name, upstream string) (address string, err error) {
	address, _, err = freePort(ctx)
	if err != nil {
		return "", err
	}
	err = w.call(ctx, http.MethodPost, "/proxies", map[string]any{"name": name, "listen": address, "upstream": upstream, "enabled": true})
	w.proxies = append(w.proxies, name)
	return address, err
}

// spoil adds a toxic to every connection.
func (w *weather) spoil(ctx context.Context, kind, stream string, attributes map[string]int) error {
	for _, proxy := range w.proxies {
		name := kind + "-" + stream
		err := w.call(ctx, http.MethodPost, "/proxies/"+proxy+"/toxics", map[string]any{
			"name": name, "type": kind, "stream": stream, "toxicity": 1, "attributes": attributes,
		})
		if err != nil {
			return err
		}
		w.toxics = append(w.toxics, "/proxies/"+proxy+"/toxics/"+name)
	}
	return nil
}

// shut refuses all connections, and cuts those that are open; open ends that.
func (w *weather) shut(ctx context.Context, enabled bool) error {
	for _, proxy := range w.proxies {
		if err := w.call(ctx, http.MethodPost, "/proxies/"+proxy, map[string]any{"enabled": enabled}); err != nil {
			return err
		}
	}
	return nil
}

// clear takes all toxics away.
func (w *weather) clear(ctx context.Context) error {
	for _, path := range w.toxics {
		if err := w.call(ctx, http.MethodDelete, path, nil); err != nil {
			return err
		}
	}
	w.toxics = nil
	return nil
}

func (w *weather) call(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("ask Toxiproxy: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, w.api+path, bytes.NewReader(text)) //nolint:gosec // on loopback
	if err != nil {
		return fmt.Errorf("ask Toxiproxy: %w", err)
	}
	response, err := w.client.Do(request) //nolint:gosec // on loopback
	if err != nil {
		return fmt.Errorf("ask Toxiproxy: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, _ := io.ReadAll(response.Body); response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("ask Toxiproxy: %s %s: %d %s", method, path, response.StatusCode, answer)
	}
	return nil
}

// freePort is an address on loopback that was free a moment ago.
func freePort(ctx context.Context) (address, port string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	address = l.Addr().String()
	_, port, err = net.SplitHostPort(address)
	return address, port, err //nolint:wrapcheck // the listener's own address
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
