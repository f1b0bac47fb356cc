package site

import "slices"

// Serving is what a load balancer says of a site's application nodes.
type Serving struct {
	Members int `json:"members"`
	Online  int `json:"online"`
	// Broken are those that it says it does not reach. Of the rest it has not said anything: there is no health monitor, or
	// it has not asked yet.
	Broken int `json:"broken"`
}

// ServingOf counts members by their operating statuses, which LBaaSv2 does not have.
func ServingOf(statuses []string) Serving {
	s := Serving{Members: len(statuses)}
	for _, status := range statuses {
		switch {
		case slices.Contains([]string{"ONLINE", "DRAINING"}, status):
			s.Online++
		case slices.Contains([]string{"ERROR", "DEGRADED"}, status):
			s.Broken++
		}
	}
	return s
}

// Nobody says that the load balancer has no node, or reaches none of those it has.
func (s Serving) Nobody() bool { return s.Broken == s.Members }
