package openstacktest

import (
	"net/http"
	"strings"
)

// inTrouble is what the cloud says in InTrouble.
const inTrouble = "said by a service of the cloud to its operator"

// internals are words of Go's errors and traces, of the library below us, and of OpenStack's errors.
var internals = []string{
	"goroutine", ".go:", "nil pointer", "dial tcp", "unexpected EOF", "context deadline", "invalid character", "json:", "127.0.0.1:",
	"gophercloud", "StackExists", "StackValidationFailed", "EntityNotFound", "could not be found", "Traceback", inTrouble,
}

// InTrouble calls ask once for each way in which all services of the cloud can fail.
func (c *Cloud) InTrouble(ask func()) {
	faults := []Fault{{DropRequest: true}, {DropReply: true}}
	for _, status := range []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
	} {
		faults = append(faults, Fault{Status: status, Message: inTrouble})
	}
	for _, f := range faults {
		c.Inject(f)
		ask()
		c.ClearFaults()
	}
}

// Reporter is the part of testing.TB that NoInternals needs.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// NoInternals checks that an answer of ours tells nothing of what is behind it: no error of Go, no stack trace, no message of
// OpenStack, and none of the other words.
func NoInternals(t Reporter, answer string, hidden ...string) {
	t.Helper()
	for _, word := range append(hidden, internals...) {
		if strings.Contains(answer, word) {
			t.Errorf("the answer holds %q: %s", word, answer)
		}
	}
}
