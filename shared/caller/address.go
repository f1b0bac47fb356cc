package caller

import (
	"net/url"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/seal"
)

// scalePurpose is what scaling addresses are signed for.
const scalePurpose = "scale"

// Names in the query of a scaling address.
const (
	paramSignature = "sig"
	paramExpires   = "expires" // Unix seconds
	paramMin       = "min"
	paramMax       = "max"
	paramPercent   = "percent"
	paramMinStep   = "min_step"
)

// Grant is what a signed address allows: to scale one cluster in one direction, within bounds and by a step of its own.
type Grant struct {
	Cluster, Direction string
	// Min and Max are sizes that the address may not scale below or above, beside the cluster's own; 0 for none.
	Min, Max int
	// Percent is the step as a part of the cluster, at least MinStep nodes; 0 leaves it to the alarm. Aodh has no body of
	// its own to say it in.
	Percent, MinStep int
	// Expires is when the address ends; zero for never.
	Expires time.Time
}

// Address is where an alarm with this grant calls scale-cluster, below publicURL.
func (g Grant) Address(box *seal.Box, publicURL string) string {
	query := g.limits()
	query.Set(paramSignature, box.Sign(scalePurpose, g.text()))
	return publicURL + "/scale-cluster/" + url.PathEscape(g.Cluster) + "/" + g.Direction + "?" + query.Encode()
}

// Granted is what the query of an address of this cluster and direction allows now; false if it was not signed so, or
// has expired. A live key of the box must have signed cluster, direction and every limit together, so that none can be
// changed or left out.
func Granted(box *seal.Box, cluster, direction string, query url.Values, now time.Time) (Grant, bool) {
	g := Grant{Cluster: cluster, Direction: direction}
	sound := true
	number := func(name string) int {
		n, err := strconv.Atoi(query.Get(name))
		sound = sound && len(query[name]) < 2 && (query.Get(name) == "" || err == nil && n > 0)
		return n
	}
	g.Min, g.Max, g.Percent, g.MinStep = number(paramMin), number(paramMax), number(paramPercent), number(paramMinStep)
	if at := number(paramExpires); at != 0 {
		g.Expires = time.Unix(int64(at), 0)
	}
	good := box.Verify(scalePurpose, g.text(), query.Get(paramSignature))
	return g, good && sound && (g.Expires.IsZero() || now.Before(g.Expires))
}

// text is what is signed. Without limits it is the cluster and the direction alone.
func (g Grant) text() string {
	text := g.Cluster + "/" + g.Direction
	if limits := g.limits().Encode(); limits != "" {
		text += "?" + limits
	}
	return text
}

func (g Grant) limits() url.Values {
	query := url.Values{}
	for name, n := range map[string]int64{
		paramMin: int64(g.Min), paramMax: int64(g.Max), paramPercent: int64(g.Percent), paramMinStep: int64(g.MinStep), paramExpires: g.expiry(),
	} {
		if n != 0 {
			query.Set(name, strconv.FormatInt(n, 10))
		}
	}
	return query
}

func (g Grant) expiry() int64 {
	if g.Expires.IsZero() {
		return 0
	}
	return g.Expires.Unix()
}

// ScaleAddress is the address of a grant without limits: good for ever, within the cluster's own bounds.
func ScaleAddress(box *seal.Box, publicURL, cluster, direction string) string {
	return Grant{Cluster: cluster, Direction: direction}.Address(box, publicURL)
}
