package heattemplates_test

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// writeProgram writes a program that is to be run at once. No other test may start a process meanwhile: it would keep the file open
// for writing until it becomes what it runs, and the kernel refuses to run what is open for writing (ETXTBSY, go.dev/issue/22315).
func writeProgram(t *testing.T, file, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o700), os.Chmod(file, 0o700)); err != nil {
		t.Fatal(err)
	}
}
