package site

import "time"

// Notice is what became of a site.
type Notice struct {
	// ID is that of Heat's own event: the same each time that the notice is given.
	ID    string    `json:"id"`
	Site  string    `json:"site"`
	State string    `json:"state"` // as Progress has it
	At    time.Time `json:"at"`
	// URL is where the site is found here.
	URL string `json:"url"`
}

// Noted is an event of a site's stack itself.
type Noted struct {
	ID             string
	At             time.Time
	Action, Status string
}

// Notices are what became of a site after one moment and until another, of its stack's events.
func Notices(name, url string, events []Noted, after, until time.Time) []Notice {
	var list []Notice
	for _, e := range events {
		state := StateOf(e.Action, e.Status)
		if state == "" || !e.At.After(after) || e.At.After(until) {
			continue
		}
		list = append(list, Notice{ID: e.ID, Site: name, State: state, At: e.At, URL: url})
	}
	return list
}
