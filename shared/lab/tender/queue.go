package tender

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// item is a stack, or an owner with several, that may be due.
type item struct {
	cloud int // where the stack is; of an owner, the first cloud
	ref   openstack.StackRef
	base  string // the owner's; empty for a stack of nobody
	// alone says that the owner has no other stack, and check that the stack has only to be read to know more.
	alone, check bool
	// claim is when a ready-made lab was claimed; zero: it was not.
	claim time.Time
}

// mostDue bounds what a pass holds of what is due; it cannot do more in its time. The rest is left to the next.
const mostDue = 1000

// queue holds what is due in one cloud, in the order in which it is done: changes that the list alone shows before labs
// that have to be looked at, and each as ids follow around a circle from start. Every pass starts elsewhere, so that none
// which is cut off leaves the same labs to wait; and ids are no order of time, so it does not matter where.
type queue struct {
	start id
	items []item
	left  int // dropped
}

// startOf is where the pass of this moment begins on the circle.
func startOf(now time.Time) id {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))) //nolint:gosec // any number will do
	return id(sum[:len(id{})])
}

func (q *queue) add(i item) {
	q.items = append(q.items, i)
	if len(q.items) >= 2*mostDue {
		q.sort()
	}
}

// sort puts the items in order and drops what is too much.
func (q *queue) sort() {
	slices.SortFunc(q.items, q.compare)
	if len(q.items) > mostDue {
		q.left += len(q.items) - mostDue
		q.items = slices.Clip(q.items[:mostDue])
	}
}

func (q *queue) compare(a, b item) int {
	if a.check != b.check {
		if a.check {
			return 1
		}
		return -1
	}
	x, y := idOf(a.ref.ID), idOf(b.ref.ID)
	beforeX, beforeY := bytes.Compare(x[:], q.start[:]) < 0, bytes.Compare(y[:], q.start[:]) < 0
	if beforeX != beforeY {
		if beforeX {
			return 1
		}
		return -1
	}
	return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.cloud, b.cloud))
}
