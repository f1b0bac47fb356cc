package tender_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// A lab that its learner has just woken is not put back to sleep, whatever was extended before: neither once the launch is
// written down, nor in the moment before. Later it sleeps as any other.
func TestRow3WokenLabStaysAwake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		renewed bool // the page has written down the launch
		lease   lab.Lease
		calls   []string // of the pass after the launch
	}{
		{"not written down yet", false, lab.Lease{}, []string{list, read, events}},
		{"renewed", true, lab.Lease{}, []string{list}},
		{"extended before", true, lab.Lease{Extended: 1}, []string{list}},
		{"given time before", true, lab.Lease{Extended: 2, Given: time.Unix(1, 0)}, []string{list}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := open(t, 1)
			ref := f.lab(t, 0, "web", "u1")
			f.advance(time.Hour)
			report, _ := f.pass(t)
			wantDone(t, report, "suspend "+ref.Name)
			f.settle()
			f.reborn()
			f.act(t, 0, ref, openstack.Resume)
			if c.renewed {
				e, _ := f.parts.Catalogue.Entry("web")
				c.lease.Until = e.Lease(f.now()).Until
				f.retag(t, 0, ref, c.lease)
			}
			report, calls := f.pass(t)
			wantDone(t, report)
			wantCalls(t, calls, c.calls...)
			_, calls = f.pass(t)
			wantCalls(t, calls, list)
			f.advance(45 * time.Minute)
			report, _ = f.pass(t)
			wantDone(t, report, "suspend "+ref.Name)
		})
	}
}

const events = "heat GET /stacks/{}/{}/events"
