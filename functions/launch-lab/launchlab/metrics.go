package launchlab

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/metrics"
)

// accepted is the code of what was not refused.
const accepted = "accepted"

// counts are what this process decided. Their only label is the code: who launched, and from where, is nobody's business
// who scrapes.
type counts struct {
	launches, logins *metrics.Counter
}

// newCounts also shows how often platforms were asked for their keys, if keys says so; keyset.Cache does.
func newCounts(r *metrics.Registry, keys lti.Keys) counts {
	c := counts{
		launches: r.Counter("stackhook_launches_total", "Launches that were decided, by their code.", "code"),
		logins:   r.Counter("stackhook_logins_total", "LTI 1.3 login initiations, by their code.", "code"),
	}
	// Shown from the beginning, so that the first one is an increase.
	c.launches.Add(0, accepted)
	c.logins.Add(0, accepted)
	if cache, ok := keys.(interface{ Fetches() int64 }); ok {
		r.Func("stackhook_key_set_fetches_total", "Requests to platforms for their key sets.", cache.Fetches)
	}
	return c
}

// verdict counts the code with which a launch or a login ends; other addresses are not counted.
func (c counts) verdict(r *http.Request, code string) {
	switch r.URL.Path {
	case "/launch":
		c.launches.Add(1, code)
	case "/login":
		c.logins.Add(1, code)
	}
}
