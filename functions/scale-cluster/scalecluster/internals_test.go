package scalecluster_test

import (
	"net/http"
	"testing"
)

// Whatever the cloud does, and whatever is sent, no answer tells of an error of Go's or OpenStack's: send looks at each.
func TestAnswersTellNoInternals(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1, "stackhook")
	everything := func() {
		for _, body := range []string{"", `{"reason": "test"}`, "{", `{"reason": 1}`, `"\ud800"`} {
			for _, path := range []string{
				"/academy/out", "/academy/in", "/academy/auto", "/academy/set", "/academy/reconcile", "/academy/sweep", "/academy/pause",
				"/academy/resume", "/academy/address", "/reconcile", "/nowhere/out",
			} {
				h.post(path, body, ci())
			}
		}
		h.post("/academy/out", aodh("alarm", 1), theAlarm())
		h.post("/academy/out", aodh("alarm", 1), []string{"X-Auth-Token", "nobody's"})
		for _, path := range []string{"/academy", "/nowhere", "/"} {
			h.send(http.MethodGet, path, "", ci())
		}
	}
	everything()
	h.cloud.InTrouble(everything)
}
