package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/serve"
)

const hidden = "hunter2-hunter2-hunter2-hunter2-"

// settings is a configuration that shows in what the function answers.
func settings(image string) string {
	return "public_url: https://hooks.example.org\nseal_keys: [{id: a, secret: " + hidden + "}]\nsites: {defaults: {image: " + image + "}}\n"
}

// shows builds a function that answers with a setting, seals and opens.
func shows(_ context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, err
	}
	box, err := c.Box()
	if err != nil {
		return nil, err
	}
	if c.Sites.Defaults.Image == "panic" {
		panic("on purpose")
	}
	if c.Sites.Defaults.Image == "unbuildable" {
		return nil, errors.New("there is no such image")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/image", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.Sites.Defaults.Image) })
	mux.HandleFunc("/seal", func(w http.ResponseWriter, _ *http.Request) {
		sealed, err := box.Seal("test", "state", time.Now().Add(time.Hour))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, sealed)
	})
	mux.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) {
		var v string
		if err := box.Open("test", r.URL.Query().Get("v"), &v, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		io.WriteString(w, v)
	})
	return mux, nil
}

type reloadable struct {
	t    *testing.T
	h    http.Handler
	path string
	log  *loggingtest.Log
}

// newReloadable is a function on a configuration file, which looks at it every so often.
func newReloadable(t *testing.T, text string, every time.Duration) *reloadable {
	t.Helper()
	r := &reloadable{t: t, path: filepath.Join(t.TempDir(), "config.yaml"), log: loggingtest.Catch(t)}
	r.write(text)
	p := serve.Program{Name: "probe", Build: shows, Source: config.Map(map[string]string{config.Variable: r.path})}
	h, err := p.LookingEvery(every).Handler(t.Context(), zerolog.New(r.log))
	if err != nil {
		t.Fatal(err)
	}
	r.h = h
	return r
}

// write replaces the file in one step, as a mount does.
func (r *reloadable) write(text string) {
	r.t.Helper()
	if err := errors.Join(os.WriteFile(r.path+".new", []byte(text), 0o600), os.Rename(r.path+".new", r.path)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reloadable) get(target string) (int, string) {
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

func (r *reloadable) image(want string) {
	r.t.Helper()
	if status, got := r.get("/image"); status != http.StatusOK || got != want {
		r.t.Errorf("%d %q, want %q", status, got, want)
	}
}

func TestR4ReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, settings("first"), time.Millisecond)
	var requests atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, body := r.get("/image"); status != http.StatusOK || body != "first" && body != "second" {
					t.Errorf("a request failed: %d %q", status, body)
				}
				requests.Add(1)
			}
		})
	}
	served := func() { // until all have passed through a look at the files
		for enough := requests.Load() + 200; requests.Load() < enough; {
			time.Sleep(5 * time.Millisecond)
		}
	}
	becomes := func(want string) { // whoever builds it may be slower than those who do not wait for it
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, got := r.get("/image"); got == want {
				return
			}
		}
		r.image(want)
	}
	for range 3 {
		r.write(settings("second"))
		becomes("second")
		r.write(settings("[bad]") + "colour: red\n")
		served()
		r.image("second")
		if err := os.WriteFile(r.path, []byte(settings("first")), 0o600); err != nil { // not in one step, as some editors
			t.Fatal(err)
		}
		becomes("first")
	}
	close(stop)
	wg.Wait()
}

func TestR4SaysEveryFaultOnceForEachChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"two faults":      {strings.Replace(settings("x"), hidden, "hunter2", 1) + "colour: red\n", []string{"line 4: colour is not a known key", "seal_keys[0].secret must have at least 32"}},
		"no YAML":         {"a: [", []string{"is not YAML"}},
		"build refuses":   {settings("unbuildable"), []string{"there is no such image"}},
		"build panics":    {settings("panic"), []string{"on purpose"}},
		"the file is not": {"", []string{"cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReloadable(t, settings("good"), time.Nanosecond)
			r.write(c.text)
			if c.text == "" {
				if err := os.Remove(r.path); err != nil {
					t.Fatal(err)
				}
			}
			for range 5 {
				r.image("good")
			}
			for _, words := range c.words {
				if got := strings.Count(r.log.String(), words); got != 1 {
					t.Errorf("%q is logged %d times, want once:\n%s", words, got, r.log.String())
				}
			}
			r.write(c.text + "\n# still bad\n")
			r.image("good")
			r.write(settings("better"))
			r.image("better")
			if !strings.Contains(r.log.String(), "is in force") {
				t.Error("nothing says that the new configuration is in force")
			}
		})
	}
}

func TestR4LooksOnlyEverySoOften(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, settings("first"), time.Hour)
	r.image("first") // looks, and then not for an hour
	r.write(settings("second"))
	r.image("first")
}

// Whoever comes while one request builds goes on with what there is.
func TestR4NobodyWaitsForTheBuild(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	write := func(image string) {
		if err := errors.Join(os.WriteFile(path+".new", []byte(settings(image)), 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	building, release := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context, src config.Source) (http.Handler, error) {
		if c, err := src.Load(); err == nil && c.Sites.Defaults.Image == "second" {
			close(building)
			<-release
		}
		return shows(ctx, src)
	}
	p := serve.Program{Name: "probe", Build: slow, Source: config.Map(map[string]string{config.Variable: path})}
	h, err := p.LookingEvery(time.Nanosecond).Handler(t.Context(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	r := &reloadable{t: t, h: h}
	write("second")
	var wg sync.WaitGroup
	wg.Go(func() { r.image("second") })
	<-building
	for range 10 {
		r.image("first")
	}
	close(release)
	wg.Wait()
	r.image("second")
}

func TestR4SecretsAndPlatformsInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "platforms"), 0o700); err != nil {
		t.Fatal(err)
	}
	put("key", hidden+"1")
	// The text itself is in the variable; only what it names is in files.
	text := fmt.Sprintf("public_url: https://hooks.example.org\nseal_keys: [{id: a, secret_file: %s/key}]\nlti: {platforms_dir: %s/platforms}\n", dir, dir)
	var built atomic.Int64
	count := func(ctx context.Context, src config.Source) (http.Handler, error) {
		built.Add(1)
		return shows(ctx, src)
	}
	log := loggingtest.Catch(t)
	p := serve.Program{Name: "probe", Build: count, Source: config.Map(map[string]string{config.Variable: text})}
	h, err := p.LookingEvery(time.Nanosecond).Handler(t.Context(), zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	r := &reloadable{t: t, h: h}
	r.image("")
	if built.Load() != 1 {
		t.Errorf("built %d times, and nothing has changed", built.Load())
	}
	put("key", hidden+"22")
	r.image("")
	if built.Load() != 2 {
		t.Error("a secret's file changed, and nobody noticed")
	}
	put("platforms/a.yaml", "issuer: x\n")
	r.image("")
	if !strings.Contains(log.String(), "lti.platforms_dir/a.yaml: client_id is missing") {
		t.Error("a platform came, and nobody noticed")
	}
}

// A launch that began before the keys were rotated ends after it.
func TestR6SealedBeforeARotation(t *testing.T) {
	t.Parallel()
	keys := func(ids ...string) string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = "{id: " + id + ", secret: " + hidden + id + "}"
		}
		return "public_url: https://hooks.example.org\nseal_keys: [" + strings.Join(list, ", ") + "]\n"
	}
	r := newReloadable(t, keys("old"), time.Nanosecond)
	_, sealed := r.get("/seal")
	r.write(keys("new", "old"))
	if status, body := r.get("/open?v=" + sealed); status != http.StatusOK || body != "state" {
		t.Errorf("after a rotation: %d %q", status, body)
	}
	if _, again := r.get("/seal"); !strings.HasPrefix(again, "new.") {
		t.Errorf("sealed by %q, want the new key", strings.Split(again, ".")[0])
	}
	r.write(keys("new"))
	if status, _ := r.get("/open?v=" + sealed); status != http.StatusForbidden {
		t.Errorf("once the old key is gone: %d", status)
	}
}
