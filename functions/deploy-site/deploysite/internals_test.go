package deploysite_test

import (
	"net/http"
	"testing"
)

// Whatever the cloud does, and whatever is sent, no answer tells of an error of Go's or OpenStack's: send looks at each.
func TestAnswersTellNoInternals(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	everything := func() {
		for _, body := range []string{"", "{", `{"hosts": 1}`, "hosts: [", spec()} {
			h.put(academy, body)
			h.put("new", body)
			for _, verb := range []string{"preview", "cancel", "roll", "recover", "check", "rotate", "import"} {
				h.send(http.MethodPost, "/sites/"+academy+"/"+verb, body)
			}
		}
		for _, path := range []string{
			"/sites", "/sites/" + academy, "/sites/nowhere", "/sites/" + academy + "/export", "/sites/" + academy + "/page", "/notices", "/leftovers", "/",
		} {
			h.send(http.MethodGet, path, "")
		}
		h.send(http.MethodGet, "/sites", "", "X-Auth-Token", "nobody's")
		h.send(http.MethodDelete, "/sites/"+academy, "")
	}
	everything()
	h.cloud.InTrouble(everything)
}
