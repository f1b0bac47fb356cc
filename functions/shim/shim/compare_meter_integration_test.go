//go:build integration && compare

package shim_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
)

// meter is a proxy before all services of the test cloud, which counts what a client asks of them. The services know
// nothing of it: their addresses are put right in what they answer, the catalog before all. What they ask of each other
// is not counted.
type meter struct {
	mu sync.Mutex
	by map[string]int
}

// services are those of the test cloud's services (scripts/openstack/config.sh).
var services = map[string]string{
	"5000": "keystone", "8004": "heat", "8774": "nova", "8776": "cinder", "9292": "glance", "9696": "neutron", "9876": "octavia", "8042": "aodh",
}

var serviceAddress = regexp.MustCompile(`http://127\.0\.0\.1:([0-9]{4,5})`)

// newMeter starts one, and gives the environment of a client that goes through it.
func newMeter(t *testing.T) (*meter, config.Source) {
	t.Helper()
	m := &meter{by: map[string]int{}}
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	through := func(text []byte) []byte {
		return serviceAddress.ReplaceAllFunc(text, func(address []byte) []byte {
			port := string(serviceAddress.FindSubmatch(address)[1])
			if services[port] == "" {
				return address
			}
			return []byte(server.URL + "/" + port)
		})
	}
	server.Config.Handler = m.proxy(t, through)

	file := os.Getenv("OS_CLIENT_CONFIG_FILE")
	if file == "" {
		t.Fatal("name the clouds.yaml of the test cloud in OS_CLIENT_CONFIG_FILE")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(mine, through(text), 0o600); err != nil {
		t.Fatal(err)
	}
	src, _ := realCloud(t)
	outer := src.Getenv
	src.Getenv = func(name string) string {
		if name == "OS_CLIENT_CONFIG_FILE" {
			return mine
		}
		return outer(name)
	}
	return m, src
}

// proxy serves /PORT/PATH with what that port of the loopback says to PATH.
func (m *meter) proxy(t *testing.T, through func([]byte) []byte) http.Handler {
	t.Helper()
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			port, path, _ := strings.Cut(strings.TrimPrefix(r.In.URL.EscapedPath(), "/"), "/")
			m.count(services[port] + " " + r.In.Method)
			target, err := url.Parse("http://127.0.0.1:" + port + "/" + path)
			if err != nil {
				t.Errorf("request for %s: %v", r.In.URL, err)
				return
			}
			target.RawQuery = r.In.URL.RawQuery
			r.Out.URL, r.Out.Host = target, target.Host
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			if location := r.Header.Get("Location"); location != "" {
				r.Header.Set("Location", string(through([]byte(location))))
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			_ = r.Body.Close()
			body = through(body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			if r.Request.Method != http.MethodHead {
				r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			}
			return nil
		},
	}
}

func (m *meter) count(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by[what]++
}

// measure says what do took.
func (m *meter) measure(do func()) effort {
	m.mu.Lock()
	clear(m.by)
	m.mu.Unlock()
	load, begun := machineLoad(), time.Now()
	do()
	took := time.Since(begun)
	m.mu.Lock()
	defer m.mu.Unlock()
	e := effort{Seconds: took.Seconds(), By: maps.Clone(m.by), Load: load}
	for _, n := range m.by {
		e.Calls += n
	}
	return e
}

// machineLoad is the machine's, of the last minute; 0 where it cannot be told.
func machineLoad() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}
