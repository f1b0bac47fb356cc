package stand

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one process of a function.
type Process struct {
	Name string
	// Stderr opens where it logs from its next start on; nil: a file in the stand's folder.
	Stderr func() (*os.File, error)

	function, port string
	stand          *Stand
	cmd            *exec.Cmd
	ended          chan error
}

// Start starts it, or starts it again.
func (p *Process) Start() error {
	open := p.Stderr
	if open == nil {
		open = p.logFile
	}
	stderr, err := open()
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.Name, err)
	}
	defer func() { _ = stderr.Close() }()                         // the process has its own
	cmd := exec.Command(filepath.Join(p.stand.o.Bin, p.function)) //nolint:gosec,noctx // our own program, which ends with Stop
	cmd.Env, cmd.Stderr = p.stand.environment(p.port), stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.ended = cmd, make(chan error, 1)
	go func(ended chan<- error) { ended <- cmd.Wait() }(p.ended)
	return nil
}

func (p *Process) logFile() (*os.File, error) {
	return os.OpenFile(p.stand.path(p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:wrapcheck // wrapped by the caller
}

// Up waits until it listens.
func (p *Process) Up(ctx context.Context) error { return answers(ctx, "127.0.0.1:"+p.port) }

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) } //nolint:wrapcheck // says all there is

// Wait gives its exit once it has ended.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s does not end: %w", p.Name, ctx.Err())
	case err := <-p.ended:
		p.ended <- err
		return err
	}
}

// Stop ends it as an orchestrator does: SIGTERM, and SIGKILL for who does not listen.
func (p *Process) Stop(ctx context.Context) error {
	if p.cmd == nil {
		return nil
	}
	_ = p.Signal(syscall.SIGTERM) // it may have ended
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	err := p.Wait(ctx)
	if ctx.Err() != nil {
		_ = p.cmd.Process.Kill()
	}
	return err
}

// Usage is what a process holds.
type Usage struct {
	RSS     int `json:"rss_kib"`
	Threads int `json:"threads"`
	Files   int `json:"open_files"`
}

var field = regexp.MustCompile(`(?m)^(VmRSS|Threads):\s+(\d+)`)

// Usage is read from /proc.
func (p *Process) Usage() (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	text, err := os.ReadFile(filepath.Join(dir, "status")) //nolint:gosec // in /proc
	if err != nil {
		return Usage{}, fmt.Errorf("look at %s: %w", p.Name, err)
	}
	var u Usage
	for _, found := range field.FindAllStringSubmatch(string(text), -1) {
		n, _ := strconv.Atoi(found[2]) // digits
		if found[1] == "VmRSS" {
			u.RSS = n
		} else {
			u.Threads = n
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return Usage{}, fmt.Errorf("look at %s: %w", p.Name, err)
	}
	u.Files = len(files)
	return u, nil
}

// Goroutines ends the process with SIGQUIT, and counts them in its last words.
func (p *Process) Goroutines(ctx context.Context) (int, error) {
	path := p.stand.path(p.Name + ".log")
	before, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("look at the log of %s: %w", p.Name, err)
	}
	if err := p.Signal(syscall.SIGQUIT); err != nil {
		return 0, fmt.Errorf("ask %s for its goroutines: %w", p.Name, err)
	}
	_ = p.Wait(ctx) // its exit is that of a crash
	p.cmd = nil
	text, err := os.ReadFile(path) //nolint:gosec // our own
	if err != nil {
		return 0, fmt.Errorf("read the log of %s: %w", p.Name, err)
	}
	return strings.Count(string(text[before.Size():]), "\ngoroutine "), nil
}

// answers waits until something listens.
func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close() //nolint:wrapcheck // nothing to add
		}
		t := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on %s: %w", address, err)
		case <-t.C:
		}
	}
}

// daemon is a program that is not ours.
type daemon struct {
	log  string
	args []string
	cmd  *exec.Cmd
}

func startDaemon(log string, args ...string) (*daemon, error) {
	d := &daemon{log: log, args: args}
	return d, d.start()
}

func (d *daemon) start() error {
	out, err := os.Create(d.log)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", d.args[0], err)
	}
	defer func() { _ = out.Close() }()
	d.cmd = exec.Command(d.args[0], d.args[1:]...) //nolint:gosec,noctx // named here, and ended by kill
	d.cmd.Stdout, d.cmd.Stderr = out, out
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start %s (scripts/test-deps installs it): %w", d.args[0], err)
	}
	return nil
}

func (d *daemon) kill() {
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Kill() // it may have ended
		_ = d.cmd.Wait()
		d.cmd = nil
	}
}
