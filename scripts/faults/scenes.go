package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// scene is one fault: how it comes and how it goes.
type scene struct {
	name string
	kind string // of what it needs: network, ours, daemon
	// begin brings the fault; a fault that is an event and no state is over then.
	begin func(ctx context.Context, h *hall) error
	// end takes it away; nil: it goes by itself.
	end func(ctx context.Context, h *hall) error
}

const (
	network = "network" // between us and the cloud, or the cloud's own word
	ours    = "ours"    // our processes and what is beside them
	daemons = "daemon"  // the test cloud's daemons are killed: nobody else may be at work on it
)

// spoiled is a scene of one toxic on the answers of all services.
func spoiled(name, kind string, attributes map[string]int) scene {
	return scene{
		name: name, kind: network,
		begin: func(ctx context.Context, h *hall) error {
			return h.weather.spoil(ctx, kind, "downstream", attributes)
		},
		end: func(ctx context.Context, h *hall) error { return h.weather.clear(ctx) },
	}
}

// flickering comes and goes: connections that rest would else be spared or hit for good.
func flickering(name, kind, stream string, attributes map[string]int) scene {
	return scene{name: name, kind: network, begin: func(ctx context.Context, h *hall) error {
		for begun := time.Now(); time.Since(begun) < h.during; pause(ctx, 300*time.Millisecond) {
			if err := h.weather.spoil(ctx, kind, stream, attributes); err != nil {
				return err
			}
			pause(ctx, 300*time.Millisecond)
			if err := h.weather.clear(ctx); err != nil {
				return err
			}
		}
		return nil
	}}
}

func scenes() []scene {
	list := []scene{
		{
			name: "nothing", kind: network,
			begin: func(context.Context, *hall) error { return nil }, end: func(context.Context, *hall) error { return nil },
		},
		spoiled("every answer 200 ms late", "latency", map[string]int{"latency": 200}),
		spoiled("every answer 2 s late", "latency", map[string]int{"latency": 2000}),
		flickering("requests reset, every other 0.3 s", "reset_peer", "upstream", map[string]int{"timeout": 0}),
		flickering("answers reset, every other 0.3 s", "reset_peer", "downstream", map[string]int{"timeout": 0}),
		spoiled("every connection cut after 20 KB", "limit_data", map[string]int{"bytes": 20_000}),
		spoiled("accepted, then silence", "timeout", map[string]int{"timeout": 0}),
		spoiled("4 KB/s", "bandwidth", map[string]int{"rate": 4}),
		{
			name: "connections refused", kind: network,
			begin: func(ctx context.Context, h *hall) error { return h.weather.shut(ctx, false) },
			end:   func(ctx context.Context, h *hall) error { return h.weather.shut(ctx, true) },
		},
		{name: "our tokens revoked, 3 times", kind: network, begin: revoked},
		{name: "SIGTERM and start, one process after another", kind: ours, begin: rolled},
		{name: "log disk full", kind: ours, begin: fullDisk, end: logsAgain},
		{name: "log's reader gone", kind: ours, begin: noReader, end: logsAgain},
		{
			name: "Redis killed, and empty after", kind: ours,
			begin: func(_ context.Context, h *hall) error { h.stand.KillRedis(); return nil },
			end:   func(_ context.Context, h *hall) error { return h.stand.StartRedis() },
		},
	}
	for _, daemon := range []string{"heat-api", "heat-engine", "keystone", "rabbitmq", "mariadb"} {
		list = append(list, scene{
			name: daemon + " kill -9", kind: daemons,
			begin: func(ctx context.Context, h *hall) error {
				return h.devcloud(ctx, ". scripts/openstack/lib.sh; sweep "+daemon)
			},
			end: func(ctx context.Context, h *hall) error { return h.devcloud(ctx, "scripts/openstack-up "+h.cloudsYAML) },
		})
	}
	return list
}

// devcloud does something to the test cloud.
func (h *hall) devcloud(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -e; "+command) //nolint:gosec // commands of this file
	cmd.Dir = h.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return nil
}

func revoked(ctx context.Context, h *hall) error {
	for range 3 {
		if _, err := h.sky.revoke(ctx); err != nil {
			return err
		}
		pause(ctx, h.during/3)
	}
	return nil
}

// rolled stops and starts each process, as a deployment does.
func rolled(ctx context.Context, h *hall) error {
	for _, p := range h.stand.Processes() {
		if err := p.Stop(ctx); err != nil {
			return fmt.Errorf("%s did not end well: %w", p.Name, err)
		}
		if err := p.Start(); err != nil {
			return err //nolint:wrapcheck // says all
		}
		if err := p.Up(ctx); err != nil {
			return err //nolint:wrapcheck // says all
		}
		pause(ctx, 1500*time.Millisecond) // HAProxy looks twice a second
	}
	return nil
}

// fullDisk has the first instance log to a disk without a byte left, and the second to /dev/full.
func fullDisk(ctx context.Context, h *hall) error {
	disk := filepath.Join(h.dir, "full")
	if err := os.MkdirAll(disk, 0o750); err != nil { //nolint:gosec // in our own folder
		return fmt.Errorf("make a full disk: %w", err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4k"); err != nil {
		return fmt.Errorf("make a full disk: %w", err)
	}
	fill, err := os.Create(filepath.Join(disk, "log")) //nolint:gosec // in our own folder
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	for err == nil {
		_, err = fill.Write(make([]byte, 1<<10))
	}
	_ = fill.Close()
	return h.relog(ctx, func(instance int) (*os.File, error) {
		path := filepath.Join(disk, "log")
		if instance == 2 {
			path = "/dev/full"
		}
		return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // ours
	})
}

// noReader has all log into a pipe whose reader has gone.
func noReader(ctx context.Context, h *hall) error {
	return h.relog(ctx, func(int) (*os.File, error) {
		reader, writer, err := os.Pipe()
		if err == nil {
			err = reader.Close()
		}
		return writer, err
	})
}

// relog starts every process again with another log.
func (h *hall) relog(ctx context.Context, open func(instance int) (*os.File, error)) error {
	for i := range 2 {
		for _, p := range h.stand.Instance(i + 1) {
			if err := p.Stop(ctx); err != nil {
				return fmt.Errorf("%s did not end well: %w", p.Name, err)
			}
			if open == nil {
				p.Stderr = nil
			} else {
				p.Stderr = func() (*os.File, error) { return open(i + 1) }
			}
			if err := p.Start(); err != nil {
				return err //nolint:wrapcheck // says all
			}
			if err := p.Up(ctx); err != nil {
				return err //nolint:wrapcheck // says all
			}
		}
		pause(ctx, 1500*time.Millisecond)
	}
	return nil
}

func logsAgain(ctx context.Context, h *hall) error {
	err := h.relog(ctx, nil)
	_ = syscall.Unmount(filepath.Join(h.dir, "full"), 0) // it may not be there
	return err
}
