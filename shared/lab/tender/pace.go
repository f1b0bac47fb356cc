package tender

import (
	"context"
	"time"
)

// Ticks gives so many ticks a second until stop is called.
type Ticks func(perSecond int) (ticks <-chan time.Time, stop func())

// realTicks are those of the clock on the wall.
func realTicks(perSecond int) (<-chan time.Time, func()) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	return ticker.C, ticker.Stop
}

// turn waits until one more change may be sent to the cloud; false once no more may be begun.
func turn(ctx context.Context, ticks <-chan time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-ticks:
		return true
	}
}

const (
	// lastWrite is before the end of a pass: what was sent then may still be answered.
	lastWrite = 5 * time.Second
	// lastAnswer is before the end of a pass: then the report is written.
	lastAnswer = time.Second
)

// phases are contexts within ctx that end one after the other: first nothing more is listed, so that there is time to do
// what is due of the labs that were seen, then nothing more is begun, and in the end nothing is waited for. Without a
// deadline all are ctx.
func phases(ctx context.Context) (look, begin, answer context.Context, cancel context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, ctx, ctx, func() {}
	}
	answer, first := context.WithDeadline(ctx, deadline.Add(-lastAnswer))
	begin, second := context.WithDeadline(answer, deadline.Add(-lastWrite))
	const part, of = 3, 5
	look, third := context.WithTimeout(begin, (time.Until(deadline)-lastWrite)*part/of)
	return look, begin, answer, func() { third(); second(); first() }
}
