package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one of the programs while it runs, and what it says on standard error.
type process struct {
	*exec.Cmd

	begun   time.Time
	serving chan struct{} // closed once it said that it serves

	mu   sync.Mutex
	tail []byte // the end of it
}

// tailLength is how much of it is kept for the message of a failure, in bytes.
const tailLength = 2 << 10

// begin starts a program with this environment and no other.
func begin(cmd *exec.Cmd, env []string) (*process, error) {
	p := &process{Cmd: cmd, serving: make(chan struct{})}
	cmd.Env = env
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe for log: %w", err)
	}
	p.begun = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go p.read(log)
	return p, nil
}

// read takes the log away to the end of the process: as it is written until the program serves, then in gulps, as collectors of logs
// do, or it would wake for every line and take its share of the processors from what is measured.
func (p *process) read(log io.Reader) {
	beat := time.NewTicker(gulp)
	defer beat.Stop()
	text, up := make([]byte, 64<<10), false
	for {
		n, err := log.Read(text)
		p.keep(text[:n])
		switch {
		case err != nil:
			return
		case up:
			<-beat.C
		case strings.Contains(p.end(), `"message":"serving"`):
			up = true
			close(p.serving)
		}
	}
}

// gulp is how long lines are left to gather. A pipe holds 64 KiB, some hundreds of them.
const gulp = 2 * time.Millisecond

func (p *process) keep(text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, text...)
	p.tail = p.tail[max(0, len(p.tail)-tailLength):]
}

// end is what the process said last.
func (p *process) end() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.tail)
}

// explained is err with what the process said last.
func (p *process) explained(err error) error {
	return fmt.Errorf("%w; the end of the log of %s: %s", err, filepath.Base(p.Path), p.end())
}

// untilServing waits for the line that every runtime with a socket of ours logs.
func (p *process) untilServing(ctx context.Context) error {
	select {
	case <-p.serving:
		return nil
	case <-ctx.Done():
		return p.explained(fmt.Errorf("wait for the program to serve: %w", ctx.Err()))
	}
}

// stop ends it at once: some runtimes' programs wait for a next request for ever.
func (p *process) stop() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// tick is the unit of processor time in /proc (proc_pid_stat(5)): USER_HZ, which is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// processor is the processor time that the process has had so far, of its own and the kernel's for it.
func (p *process) processor() (time.Duration, error) {
	text, err := p.about("stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, ") ") // the program's name may hold blanks
	fields := strings.Fields(rest)
	const user, system = 11, 12 // of those after the name
	if len(fields) <= system {
		return 0, errors.New("/proc/<pid>/stat is not as expected")
	}
	var sum time.Duration
	for _, field := range []string{fields[user], fields[system]} {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read /proc/<pid>/stat: %w", err)
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
}

// memory is how much of the machine's memory the process has now, and the most it had, in bytes.
func (p *process) memory() (now, most float64, err error) {
	text, err := p.about("status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		switch kilobytes, _ := strconv.ParseFloat(number, 64); name {
		case "VmRSS":
			now = kilobytes * 1024
		case "VmHWM":
			most = kilobytes * 1024
		}
	}
	return now, most, nil
}

func (p *process) about(what string) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Process.Pid), what)) //nolint:gosec // of a process that we started
	if err != nil {
		return "", fmt.Errorf("look at process: %w", err)
	}
	return string(text), nil
}
