package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/serve"
)

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	text, err := io.ReadAll(res.Body)
	if err := firstError(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestStopLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	l := listener(t)
	ctx, stop := context.WithCancel(t.Context())
	entered, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-finish
		_, _ = io.WriteString(w, "finished")
	})
	ended := make(chan error, 1)
	go func() { ended <- serve.HTTP(ctx, h, 0, l) }()
	got := make(chan string, 1)
	go func() {
		_, body := fetch(t, "http://"+l.Addr().String())
		got <- body
	}()
	<-entered
	stop()
	select {
	case err := <-ended:
		t.Fatalf("ended (%v) with a request under way", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(finish)
	if body := <-got; body != "finished" {
		t.Errorf("the request under way got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("HTTP: %v", err)
	}
}

func TestDrainGoesOnServing(t *testing.T) {
	t.Parallel()
	l, second := listener(t), listener(t)
	ctx, stop := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })
	ended := make(chan error, 1)
	go func() { ended <- serve.HTTP(ctx, h, 3*time.Second, l, second) }()
	stop()
	for _, at := range []net.Listener{l, second} {
		if _, body := fetch(t, "http://"+at.Addr().String()); body != "served" {
			t.Errorf("while draining: %q", body)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("HTTP: %v", err)
	}
	if status, _ := fetch(t, "http://"+l.Addr().String()); status != 0 {
		t.Error("still serving after the end")
	}
}

func TestListenerThatBreaks(t *testing.T) {
	t.Parallel()
	l := listener(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := serve.HTTP(t.Context(), http.NotFoundHandler(), 0, l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("HTTP: %v", err)
	}
}
