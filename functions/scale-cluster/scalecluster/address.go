package scalecluster

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/alarm"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
)

// maxDays bounds how long a limited address is good for.
const maxDays = 3650

// signedAddress is GET /{cluster}/address.
type signedAddress struct {
	Cluster   string     `json:"cluster"`
	Direction string     `json:"direction"`
	Address   string     `json:"address"`
	Min       int        `json:"min,omitempty"`
	Max       int        `json:"max,omitempty"`
	Percent   int        `json:"percent,omitempty"`
	MinStep   int        `json:"min_step,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
}

// address answers GET /{cluster}/address: an address for an alarm of the caller's own, signed for one direction and, if
// asked for, for bounds, a step and a time. It asks nothing of OpenStack. Only a token of the configuration may have it: every
// other caller could make itself an address that outlives its own rights.
func (s *scaler) address(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		wrongMethod(w, r, http.MethodGet, "Get the address here.")
		return
	}
	name, who, ok := s.letIn(w, r)
	if !ok {
		return
	}
	if who.Kind != caller.API {
		function.Fail(w, r, &function.Error{
			Code: "forbidden", Status: http.StatusForbidden, Public: "Only an API token may make addresses.",
		})
		return
	}
	grant, err := grantOf(name, r.URL.Query(), s.now())
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	out := signedAddress{
		Cluster: name, Direction: grant.Direction, Address: grant.Address(s.box, s.publicURL), Min: grant.Min, Max: grant.Max,
		Percent: grant.Percent, MinStep: grant.MinStep,
	}
	if !grant.Expires.IsZero() {
		expires := grant.Expires.UTC()
		out.Expires = &expires
	}
	w.Header().Set("Cache-Control", "no-store")
	function.JSON(w, r, http.StatusOK, out)
}

// grantOf reads what the address is to allow.
func grantOf(name string, query url.Values, now time.Time) (caller.Grant, error) {
	g := caller.Grant{Cluster: name, Direction: query.Get("direction")}
	if g.Direction != string(cluster.OpOut) && g.Direction != string(cluster.OpIn) {
		return g, badRequest("direction_missing", "Say what the address is for: ?direction=out or ?direction=in.")
	}
	days := 0
	for key, value := range map[string]*int{"min": &g.Min, "max": &g.Max, "percent": &g.Percent, "min_step": &g.MinStep, "days": &days} {
		if text := query.Get(key); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxDays {
				return g, badRequest("bad_option", "The option "+key+" is a whole number of 1 or more.")
			}
			*value = n
		}
	}
	if g.Max > 0 && g.Min > g.Max {
		return g, badRequest("bad_option", "The option min is not above max.")
	}
	if g.MinStep > 0 && g.Percent == 0 || g.Percent > alarm.MaxPercent {
		return g, badRequest("bad_option", "The option percent is at most 1000, and min_step needs it beside it.")
	}
	if days > 0 {
		g.Expires = now.Add(time.Duration(days) * 24 * time.Hour)
	}
	return g, nil
}
