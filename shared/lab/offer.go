package lab

import "time"

// Offer is a catalogue entry as an instructor sees it who chooses a lab for a course.
type Offer struct {
	Key, Title, Description string
	Picture                 string        // a data: URI, or empty
	Expected                time.Duration // of a build; zero: unknown
	Cost                    string        // in words
}

// Member is one lab of a course as its instructors see it.
type Member struct {
	Title   string
	Status  Status
	Created time.Time
	Gen     int       // its generation
	Active  time.Time // when it was last in use; zero: unknown
	Code    string    // the owner's, see Owner.Code
	Mine    bool      // the instructor's own
	Ref     string    // what names the lab in a request
}
