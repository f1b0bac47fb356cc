package traffic

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Settle follows every page, as its script would, until its lab is ready or failed; for so long at most. It gives how many are
// neither.
func (d *Driver) Settle(ctx context.Context, patience time.Duration) (open int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	turns := make(chan *learner)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range 8 {
		workers.Go(func() {
			for l := range turns {
				if !d.follow(ctx, l) {
					mu.Lock()
					open++
					mu.Unlock()
				}
			}
		})
	}
	for _, l := range d.class() {
		turns <- l
	}
	close(turns)
	workers.Wait()
	return open
}

// follow is true when the page has come to an end. Who never got a page comes again, as people do.
func (d *Driver) follow(ctx context.Context, l *learner) bool {
	for ctx.Err() == nil {
		ticket, _, final := l.known()
		if final {
			return true
		}
		l.mu.Lock()
		pause := min(time.Until(l.due), 5*time.Second)
		l.mu.Unlock()
		if ticket == "" {
			d.launch(context.WithoutCancel(ctx), l)
			continue
		}
		if !wait(ctx, pause) {
			break
		}
		d.look(context.WithoutCancel(ctx), l)
	}
	_, _, final := l.known()
	return final
}

// wait is false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Account is what Heat has, held against what the learners were told.
type Account struct {
	Learners int `json:"learners"`
	Stacks   int `json:"stacks"`
	Lost     int `json:"lost"`    // a learner was told of a lab that is not there
	Doubled  int `json:"doubled"` // a learner has several
	// Failed are stacks that Heat calls failed; Untrue are pages that say something else than Heat.
	Failed int `json:"failed"`
	Untrue int `json:"untrue"`
}

func (a Account) String() string {
	return fmt.Sprintf("%d learners, %d stacks: %d lost, %d doubled, %d failed, %d pages untrue", a.Learners, a.Stacks, a.Lost, a.Doubled, a.Failed, a.Untrue)
}

// Account asks Heat, past all faults.
func (d *Driver) Account(ctx context.Context, cloud *openstack.Cloud) (Account, error) {
	states := map[string][]string{}
	for stack, err := range cloud.Stacks(ctx, lab.Tag) {
		if err != nil {
			return Account{}, fmt.Errorf("list stacks: %w", err)
		}
		if stack.Action != "DELETE" {
			states[stack.Name] = append(states[stack.Name], stack.Status)
		}
	}
	var a Account
	for _, l := range d.class() {
		a.Learners++
		there := states[d.house.stack(l.id)]
		a.Stacks += len(there)
		l.mu.Lock()
		told, says := l.told, l.page.State
		l.mu.Unlock()
		switch {
		case len(there) == 0 && told:
			a.Lost++
		case len(there) > 1:
			a.Doubled++
		}
		if len(there) == 0 {
			continue
		}
		failed := there[0] == "FAILED"
		if failed {
			a.Failed++
		}
		if failed != (says == "failed") && len(there) == 1 {
			a.Untrue++
		}
	}
	return a, nil
}

// Remove deletes the stacks of all learners.
func (d *Driver) Remove(ctx context.Context, cloud *openstack.Cloud) error {
	ours := map[string]bool{}
	for _, l := range d.class() {
		ours[d.house.stack(l.id)] = true
	}
	var refs []openstack.StackRef
	for stack, err := range cloud.Stacks(ctx, lab.Tag) {
		if err != nil {
			return fmt.Errorf("list stacks: %w", err)
		}
		if ours[stack.Name] {
			refs = append(refs, stack.StackRef)
		}
	}
	for _, ref := range refs {
		if err := cloud.DeleteStack(ctx, ref); err != nil && openstack.CodeOf(err) != openstack.Gone {
			return fmt.Errorf("delete %s: %w", ref.Name, err)
		}
	}
	return nil
}
