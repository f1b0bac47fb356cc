package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// Roster is a class: who will use which lab in which course.
type Roster struct {
	Tenant  string `json:"tenant"`  // as its labs are kept: the consumer's key, or its tenant in the configuration
	Context string `json:"context"` // the course's id as the platform sends it
	Lab     string `json:"lab"`     // the catalogue's key
	// Learners are the platform's ids of the learners, as a launch has them (LTI 1.1 user_id, LTI 1.3 sub).
	Learners []string `json:"learners"`
}

// maxID is how long an id of a learner may be, as in a launch.
const maxID = 255

// ReadLearners reads the first column of CSV: one learner's id a line, with or without a heading user_id, sub or learner.
// Empty lines are left out.
func ReadLearners(r io.Reader) ([]string, error) {
	text := bufio.NewReader(r)
	const mark = "\xef\xbb\xbf" // spreadsheets begin a file with it
	if head, _ := text.Peek(len(mark)); bytes.Equal(head, []byte(mark)) {
		_, _ = text.Discard(len(mark))
	}
	rows := csv.NewReader(text)
	rows.FieldsPerRecord, rows.TrimLeadingSpace = -1, true
	var ids []string
	for line := 1; ; line++ {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			return ids, nil
		case err != nil:
			return nil, refusal(codeBadRoster, http.StatusBadRequest, fmt.Sprintf("The roster is no CSV: %v. Give one learner's id a line.", err))
		}
		id := strings.TrimSpace(row[0])
		heading := line == 1 && slices.Contains([]string{"user_id", "sub", "learner"}, strings.ToLower(id))
		if id != "" && !heading {
			ids = append(ids, id)
		}
	}
}

// class is a roster that was checked: the owners without doubles, and the lease that their labs get.
type class struct {
	shelf  keeper.Shelf
	owners []lab.Owner
	lease  lab.Lease
	opens  time.Time // zero: it is open
}

func (p *Planner) class(r Roster) (class, error) {
	var c class
	var err error
	if c.shelf, err = p.shelf(r.Lab); err != nil {
		return c, err
	}
	if c.owners, err = p.owners(r); err != nil {
		return c, err
	}
	return c, p.lend(&c)
}

// owners are the roster's, each once, in its order.
func (p *Planner) owners(r Roster) ([]lab.Owner, error) {
	switch {
	case r.Tenant == "":
		return nil, refusal(codeBadRoster, http.StatusBadRequest, "tenant is missing; give the consumer's key, or its tenant in the configuration.")
	case len(r.Learners) == 0:
		return nil, refusal(codeBadRoster, http.StatusBadRequest, "The roster has no learners; give the platform's id of each.")
	case len(r.Learners) > maxLearners:
		return nil, refusal(codeBadRoster, http.StatusBadRequest, fmt.Sprintf("The roster has %d learners; send at most %d at once.", len(r.Learners), maxLearners))
	}
	seen := map[string]bool{}
	owners := make([]lab.Owner, 0, len(r.Learners))
	for i, id := range r.Learners {
		if id == "" || len(id) > maxID {
			return nil, refusal(codeBadRoster, http.StatusBadRequest, fmt.Sprintf("Learner %d of the roster has no id, or one of more than %d bytes.", i+1, maxID))
		}
		owner := lab.Identity{Tenant: r.Tenant, Context: r.Context, Lab: r.Lab, Learner: id}.Hide(p.NamingKey)
		if !seen[owner.Stack] {
			seen[owner.Stack] = true
			owners = append(owners, owner)
		}
	}
	return owners, nil
}

// lend sets the lease of labs that are made now. Where the course opens later it counts from then: a lab must not have had
// its time before anybody could come.
func (p *Planner) lend(c *class) error {
	now, entry, course := p.Now(), c.shelf.Entry, c.owners[0]
	from := now
	if opening := entry.Window(course.Tenant, course.Context, now); !opening.Open {
		if opening.Opens.IsZero() {
			return refusal(codeClosed, http.StatusConflict, "The lab is closed for this course, and no window is ahead. Add one to windows in the configuration.")
		}
		from, c.opens = opening.Opens, opening.Opens
	}
	if entry.MaxAge > 0 && from.Sub(now) >= entry.MaxAge {
		return refusal(codeTooEarly, http.StatusConflict, fmt.Sprintf(
			"The lab opens at %s, and labs of this kind live for %s at most. Build them later than %s.",
			from.UTC().Format(time.RFC3339), entry.MaxAge, from.Add(-entry.MaxAge).UTC().Format(time.RFC3339)))
	}
	c.lease = entry.In(course.Tenant, course.Context, now).Lease(from)
	return nil
}

// stack is the request for one owner's lab, the same that a launch would make.
func (p *Planner) stack(c class, owner lab.Owner) (name string, tags []string) {
	return lab.NameOf(owner.Stack, 0), append(c.lease.Retag(owner.Tags()), lab.TagRev+c.shelf.Entry.Revision)
}
