package gradelab

import (
	"errors"
	"net/http"

	"github.com/stackhook/stackhook/shared/function"
)

// Read is read for tests.
func Read(r *http.Request) ([]entry, error) { return read(r) }

// Check is an entry's check for tests.
func Check(e entry, known ...string) (entry, error) { return e.check(known) }

// StatusOf is what an error is answered with.
func StatusOf(err error) int {
	if fault, ok := errors.AsType[*function.Error](err); ok {
		return fault.Status
	}
	return http.StatusInternalServerError
}
