package peers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"testing"
	"time"
)

// Program is a running program of this folder that takes commands in lines of JSON (lines.js).
type Program struct {
	mu    sync.Mutex
	in    io.WriteCloser
	lines *bufio.Reader
	said  *tail
	name  string
}

// ends is how long a program may take to end once its input has ended.
const ends = 10 * time.Second

// Start starts a program; the test's end ends it.
func Start(tb testing.TB, program string, args ...string) *Program {
	tb.Helper()
	c := command(tb, program, args...)
	p := &Program{said: &tail{}, name: program}
	c.Stderr = p.said
	// The test's context is over before its clean-up: the program must then end by itself, and tidy up, before it is killed.
	c.Cancel = func() error { return p.in.Close() }
	c.WaitDelay = ends
	var err error
	if p.in, err = c.StdinPipe(); err != nil {
		tb.Fatalf("start %s: %v", program, err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatalf("start %s: %v", program, err)
	}
	p.lines = bufio.NewReaderSize(out, 1<<16)
	if err := c.Start(); err != nil {
		tb.Fatalf("start %s: %v", program, err)
	}
	tb.Cleanup(func() {
		_ = p.in.Close() // the context's end may have done it
		_ = c.Wait()     // how it ended matters to nobody
	})
	return p
}

// Do runs a command and reads its answer into out, unless that is nil.
func (p *Program) Do(command string, given map[string]any, out any) error {
	all := map[string]any{"do": command}
	maps.Copy(all, given)
	line, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("write the command %s: %w", command, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return p.gone(err)
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := p.read(&answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	if out == nil {
		return nil
	}
	return p.decode(answer.Value, out)
}

// read reads the next line.
func (p *Program) read(out any) error {
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return p.gone(err)
	}
	return p.decode(line, out)
}

func (p *Program) decode(text []byte, out any) error {
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read what %s answered: %w", p.name, err)
	}
	return nil
}

func (p *Program) gone(err error) error {
	return fmt.Errorf("%s is gone (%w); it said: %s", p.name, err, p.said)
}

// tail keeps the end of what a program says on standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
