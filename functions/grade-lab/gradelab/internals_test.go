package gradelab_test

import (
	"net/http"
	"testing"
)

// Whatever the cloud does, and whatever is sent, no answer tells of an error of Go's or OpenStack's: send looks at each.
func TestAnswersTellNoInternals(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.lab()
	everything := func() {
		for _, body := range []string{
			"", "{", `{"check": 1}`, `{"check": "nobody's", "passed": true}`, `{"check": "up", "passed": true}`, `{"heartbeat": true}`,
			`{"results": [{"check": "up", "passed": true}, {"check": "tls", "passed": "yes"}]}`,
		} {
			h.post(body)
			h.send(http.MethodPost, h.ticket("lab-ffffffffffffffffff"), body)
		}
		h.send(http.MethodPost, "/", "{}")
		h.send(http.MethodGet, h.path, "")
		h.send(http.MethodPost, h.path+"x", "{}")
	}
	h.InTrouble(everything)
	everything()
}
