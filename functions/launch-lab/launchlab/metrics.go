package launchlab

import (
	"net/http"
	"slices"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/metrics"
)

// accepted is the code of what was not refused.
const accepted = "accepted"

// counts are what this process decided. Their only label is the code: who launched, and from where, is nobody's business
// who scrapes.
type counts struct {
	registry         *metrics.Registry
	launches, logins *metrics.Counter
}

// newCounts also shows how often platforms were asked for their keys, if keys says so; keyset.Cache does.
func newCounts(keys lti.Keys) counts {
	r := metrics.NewRegistry()
	c := counts{
		registry: r,
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

// metricsReaders are the tokens that may scrape.
func metricsReaders(c config.API) []caller.Credential {
	var readers []caller.Credential
	for _, t := range c.Tokens {
		if slices.Contains(t.May, "metrics") {
			readers = append(readers, caller.Credential{Kind: caller.API, Name: t.Name, Secret: t.Token.Reveal()})
		}
	}
	return readers
}

// metrics shows the counts to readers. A Keystone token proves nothing here, since OpenStack is not asked.
func (t *tool) metrics(readers []caller.Credential) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := caller.Identify(r, readers, nil)
		if !ok || who.Kind != caller.API {
			caller.Challenge(w)
			function.Fail(w, r, &function.Error{
				Code: "unauthorized", Status: http.StatusUnauthorized,
				Public: "Say who you are: send an API token that may read metrics, as Authorization: Bearer.",
			})
			return
		}
		logging.Note(r.Context(), "caller", string(who.Kind)+" "+who.Name)
		w.Header().Set("Content-Type", metrics.ContentType)
		_, _ = t.counts.registry.WriteTo(w) // the scraper may have gone
	}
}
