package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

// firstSocket is the first descriptor that systemd passes (sd_listen_fds(3), SD_LISTEN_FDS_START).
const firstSocket = 3

// HTTP serves h on the listeners until ctx ends, goes on for drain so that whatever routes to us can notice, then lets
// requests finish. It returns nil after such an end.
func HTTP(ctx context.Context, h http.Handler, drain time.Duration, listeners ...net.Listener) error {
	server := &http.Server{
		Handler:           h,
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
