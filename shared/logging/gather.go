package logging

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// Gatherer hands finished lines on, one by one as long as they come one by one. Under load the lines that end requests well wait
// for each other, for no longer than gathering: to write each by itself was an eighth of what a refused launch cost. Any other
// line, such as one about a change in the cloud, is written at once, with all that wait.
//
// It is safe for concurrent use, and nothing for a process that is frozen between two requests.
type Gatherer struct {
	w io.Writer

	mu      sync.Mutex
	held    []byte
	written time.Time // when something last was
	due     bool      // a flush is on its way
}

const (
	// gathering is what the end of a process may take with it, if it is killed.
	gathering = 10 * time.Millisecond
	// most is what a pipe takes in one piece, so that lines of processes that share one do not mix (pipe(7), PIPE_BUF).
	most = 4 << 10
)

// NewGatherer hands lines on to w.
func NewGatherer(w io.Writer) *Gatherer { return &Gatherer{w: w} }

// Write takes one line.
func (g *Gatherer) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	if len(g.held)+len(line) > most {
		err = g.flush()
	}
	g.held = append(g.held, line...)
	switch {
	case err != nil:
		return 0, err
	case !patient(line) || time.Since(g.written) >= gathering:
		err = g.flush()
	case !g.due:
		g.due = true
		time.AfterFunc(gathering, g.Flush)
	}
	if err != nil {
		return 0, err
	}
	return len(line), nil
}

// Flush writes what waits. There is nobody to tell when that fails: it was the log.
func (g *Gatherer) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = false
	_ = g.flush()
}

func (g *Gatherer) flush() error {
	if len(g.held) == 0 {
		return nil
	}
	_, err := g.w.Write(g.held)
	g.held, g.written = g.held[:0], time.Now()
	if err != nil {
		return fmt.Errorf("write log lines: %w", err)
	}
	return nil
}

// patient says that a line is of a request that ended as it should.
func patient(line []byte) bool {
	return bytes.HasPrefix(line, []byte(`{"level":"info"`)) && bytes.HasSuffix(line, []byte(`"message":"`+Ended+`"}`+"\n"))
}

// Ended is the message of the line that ends a request.
const Ended = "request"
