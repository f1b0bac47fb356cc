package cluster

import "time"

// Restored is the memory of a cluster whose own is gone, as an operator's update without --existing leaves it: every
// parameter that the update does not name is back at its default. The count is the one that Heat has made true by then, and
// drains are on the members; of the rest only this is sure, that somebody changed the cluster when it was last updated. So
// alarms may let it grow at once, and shrink after the cooldown.
func Restored(count int, updated time.Time) Memory {
	return Memory{
		From: count, To: count, At: updated.Unix(), In: updated.Unix(),
		Ring: []Entry{{At: updated.Unix(), Op: OpOutside, From: count, To: count, Code: Reset}},
	}
}
