package checks

import (
	"slices"
	"strings"
	"sync"
)

// kept is how much of a standard error is remembered: enough for its last line.
const kept = 8 << 10 // bytes

// tail remembers the end of what is written to it, and hangs up on who writes too much. Standard output counts, too.
type tail struct {
	hangUp func() error

	mu    sync.Mutex
	end   []byte
	total int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.end = append(t.end, p...)
	if over := len(t.end) - kept; over > 0 {
		t.end = append(t.end[:0], t.end[over:]...)
	}
	t.mu.Unlock()
	return t.count(len(p))
}

// count adds up what was written.
func (t *tail) count(n int) (int, error) {
	t.mu.Lock()
	t.total += n
	over := t.total > maxOutput
	t.mu.Unlock()
	if over {
		_ = t.hangUp()
		return 0, ErrOutput
	}
	return n, nil
}

func (t *tail) tooMuch() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total > maxOutput
}

// lastLine is the last one that is not empty.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.FieldsFunc(string(t.end), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		if line = clean(line); line != "" {
			return line
		}
	}
	return ""
}

// counter only counts.
type counter struct{ tail *tail }

func (c counter) Write(p []byte) (int, error) { return c.tail.count(len(p)) }
