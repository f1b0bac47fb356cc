package keeper

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
)

const (
	// launchPatience is how long a learner looks at an empty window before a page comes in any case: with it the answer
	// takes less than a second. Fifty creates at once keep Heat busy for eight.
	launchPatience = 700 * time.Millisecond
	// underWay is how long a start that nobody waits for may still come to something. It ends after patience here; Heat
	// may have its request in a queue for longer.
	underWay = 20 * time.Second
)

// Launch is Start for a learner who looks at an empty window until the page comes. A start that takes longer goes on, and
// the page asks for what came of it. It must not be cut off and begun anew: Heat works on a request whose sender has gone,
// and of two creates within a second it may keep both.
func (k *Keeper) Launch(ctx context.Context, t Ticket) (Ticket, lab.Status) {
	type outcome struct {
		ticket Ticket
		status lab.Status
	}
	done := make(chan outcome, 1)
	late := make(chan struct{})
	going := context.WithoutCancel(ctx)
	go func() {
		defer k.survive(going)
		ticket, status := k.Start(going, t)
		done <- outcome{ticket, status}
		select {
		case <-late:
			logging.From(going).Info().EmbedObject(logging.FactsOf(going)).Msg("launch went on after its answer")
		default:
		}
	}()
	patience := time.NewTimer(launchPatience)
	defer patience.Stop()
	select {
	case o := <-done:
		return o.ticket, o.status
	case <-patience.C:
	case <-ctx.Done():
	}
	close(late)
	asked := k.unanswered(t) // the start goes on with its own
	asked.Wake = true
	return asked, lab.Unseen(k.Entry(asked), lab.Unanswered)
}

// survive keeps a panic after the answer from ending the process; the page begins again by itself.
func (k *Keeper) survive(ctx context.Context) {
	if cause := recover(); cause != nil {
		logging.From(ctx).Error().Str("panic", fmt.Sprint(cause)).Bytes("stack", debug.Stack()).Msg("launch panicked")
	}
}

// absent is the status of a lab that is not there yet: nobody began with it, or a launch did a moment ago, or the learner
// waits in line.
func (k *Keeper) absent(t Ticket) lab.Status {
	if !t.Asked.IsZero() && k.now().Sub(t.Asked) < underWay {
		return lab.Unseen(k.Entry(t), lab.Unanswered)
	}
	return lab.Unseen(k.Entry(t), lab.Missing)
}
