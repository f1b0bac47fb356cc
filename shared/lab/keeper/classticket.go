package keeper

import (
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// ClassTicket is the right of course staff to all labs of one course. It is given out for a verified launch of somebody
// whom the platform calls an instructor, and the role is in nothing but this: a lab's ticket never opens a class.
type ClassTicket struct {
	// Tenant and Context are hashes, as in the stacks' tags.
	Tenant  string `json:"tenant"`
	Context string `json:"context"`
	// Own is the name of the instructor's own stack.
	Own      string    `json:"own,omitempty"`
	Launched time.Time `json:"launched"`
	// Shown is when the page that holds the ticket was drawn. More time is given once by each page.
	Shown     time.Time `json:"shown"`
	Ancestors []string  `json:"ancestors,omitempty"`
	Locale    string    `json:"locale,omitempty"`
	// Course is the course's title as the launch gave it.
	Course string `json:"course,omitempty"`
}

const (
	classPurpose = "class"
	classTime    = 8 * time.Hour
)

// AsStaff is the ticket of a learner whom a launch in a course of this title showed to be course staff.
func (t Ticket) AsStaff(course string) Ticket {
	t.Staff, t.Course = t.Launched, course
	return t
}

// ClassOf is the class ticket that goes with a lab ticket of course staff, as of the launch that showed them to be: a page
// that is drawn again leads to the class for no longer than the first did. It is empty for everybody else.
func (k *Keeper) ClassOf(own Ticket) ClassTicket {
	if own.Staff.IsZero() {
		return ClassTicket{}
	}
	return ClassTicket{
		Tenant: own.Tenant, Context: own.Context, Own: own.Stack, Launched: own.Staff, Shown: k.now().UTC().Truncate(time.Second),
		Ancestors: own.Ancestors, Locale: own.Locale, Course: own.Course,
	}
}

// SealClass makes a class ticket fit for a page that is drawn now. It is good for eight hours from the launch, or for as
// long as the lab of the catalogue that lives shortest. It is empty where there is no course: so there is no class.
func (k *Keeper) SealClass(t ClassTicket) (string, error) {
	if t.Tenant == "" || t.Context == "" {
		return "", nil
	}
	good := classTime
	for _, shelf := range k.entries {
		if lifetime := shelf.entry.Lifetime; lifetime > 0 {
			good = min(good, lifetime)
		}
	}
	t.Shown = k.now().UTC().Truncate(time.Second)
	return k.box.Seal(classPurpose, t, t.Launched.Add(good))
}

// OpenClass is the class ticket in sealed. Its errors are for the caller to answer with.
func (k *Keeper) OpenClass(sealed string) (ClassTicket, error) {
	var t ClassTicket
	if err := k.open(classPurpose, sealed, &t); err != nil {
		return ClassTicket{}, err
	}
	return t, nil
}

// tags are those of every stack of the class.
func (t ClassTicket) tags() []string {
	return []string{lab.Tag, "tenant=" + t.Tenant, "context=" + t.Context}
}

// has says whether a stack with these tags is one of the class. An empty hash would be a tag that anybody may have made.
func (t ClassTicket) has(tags []string) bool {
	for _, tag := range t.tags() {
		if !slices.Contains(tags, tag) {
			return false
		}
	}
	return t.Tenant != "" && t.Context != ""
}
