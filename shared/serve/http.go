package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

// firstSocket is the first descriptor that systemd passes (sd_listen_fds(3), SD_LISTEN_FDS_START).
const firstSocket = 3

// HTTP serves h on the listeners until ctx ends, goes on for drain so that whatever routes to us can notice, then lets
// requests finish. It returns nil after such an end. What it does to be noticed is in leaving.
func HTTP(ctx context.Context, h http.Handler, drain time.Duration, listeners ...net.Listener) error {
	server := &http.Server{
		Handler:           leaving(ctx, h),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second, // 1 MB at 70 kB/s
		WriteTimeout:      function.MaxTime + 20*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serve: %w", err), server.Close())
	case <-ctx.Done():
	}
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serve while draining: %w", err), server.Close())
	case <-time.After(drain):
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), function.MaxTime+time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("finish requests: %w", err)
	}
	return nil
}

// leaving shows, once ctx has ended, that we go: probes are refused, so that a balancer takes us out while we still serve, and
// every answer closes its connection. A balancer sends its next request on a connection that rests, and when we stop and close it
// at that very moment the request is lost: to HAProxy as to most others a POST is nothing that may be sent again.
func leaving(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() == nil {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		if strings.HasSuffix(r.URL.Path, function.HealthPath) {
			http.Error(w, "going", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// sockets are the listeners that systemd opened for us.
func sockets(count string) ([]net.Listener, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("LISTEN_FDS is %q; it must be the number of sockets", count)
	}
	var listeners []net.Listener
	for fd := firstSocket; fd < firstSocket+n; fd++ {
		file := os.NewFile(uintptr(fd), "systemd socket "+strconv.Itoa(fd))
		listener, err := net.FileListener(file) // works on a copy of the descriptor
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("take over socket %d from systemd: %w", fd, err)
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}
