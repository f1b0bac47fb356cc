package keeper_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// Nothing opens as a ticket but what was sealed as one, whatever is made of a good one.
func FuzzTicket(f *testing.F) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	k := catalogueOf(f, nil, func() time.Time { return now })
	own := k.Ticket(learner("ada")).AsStaff("A course")
	ticket, err := k.Seal(own)
	if err != nil {
		f.Fatal(err)
	}
	class, err := k.SealClass(k.ClassOf(own))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, 0, "")
	f.Add(len(ticket), 0, "")
	f.Add(1, 1, "x")
	f.Add(3, 1, ".")
	f.Add(len(ticket)-1, 1, "A")
	f.Add(10, 40, "=")
	// Each process seals afresh, so that what is fuzzed is the change: so many bytes at a place give way to others.
	f.Fuzz(func(t *testing.T, at, cut int, put string) {
		for _, good := range []string{ticket, class} {
			from := min(max(at, 0), len(good))
			to := min(from+min(max(cut, 0), len(good)), len(good))
			sealed := good[:from] + put + good[to:]
			got, err := k.Open(sealed)
			if (err == nil) != (sealed == ticket) || err != nil && !reflect.DeepEqual(got, keeper.Ticket{}) {
				t.Errorf("%q opens as %+v, %v", sealed, got, err)
			}
			staff, err := k.OpenClass(sealed)
			if (err == nil) != (sealed == class) || err != nil && !reflect.DeepEqual(staff, keeper.ClassTicket{}) {
				t.Errorf("%q opens as %+v, %v", sealed, staff, err)
			}
		}
	})
}
