// Package loggingtest catches what a function under test logs and sees to it that no secret is in there.
package loggingtest

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// Secret is part of every secret in tests, so that one look finds them all.
const Secret = "hunter2"

// Log is a log that parallel requests may write.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Catch is an empty log. When the test is over, neither Secret nor any of the other words may be in it.
func Catch(tb testing.TB, hidden ...string) *Log {
	tb.Helper()
	l := &Log{}
	tb.Cleanup(func() {
		text := l.String()
		for _, word := range append(hidden, Secret) {
			if strings.Contains(text, word) {
				tb.Errorf("the log holds %q", word)
			}
		}
	})
	return l
}

// Write takes what a logger writes.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is all that was logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
