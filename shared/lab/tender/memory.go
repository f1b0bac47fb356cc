package tender

import (
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// id is a stack's id in sixteen bytes.
type id [16]byte

// idOf reads Heat's form. Of a text that is none the beginning counts: it only has to tell stacks apart.
func idOf(text string) id {
	var out id
	if raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", "")); err == nil && len(raw) == len(out) {
		return id(raw)
	}
	copy(out[:], text)
	return out
}

// memory is what one process remembers of earlier passes: until when something need not be done to a stack again, because it
// was done, or tried in vain, a moment ago. A process that knows nothing asks more, and does the same.
type memory struct {
	mu    sync.Mutex
	deeds map[deed]rest
}

// deed is one thing that is done to one stack.
type deed struct {
	stack id
	do    string
}

type rest struct {
	until int64 // Unix seconds
	tries uint8 // 0: it was not tried in vain
}

func newMemory() *memory { return &memory{deeds: map[deed]rest{}} }

// resting says that this need not be done to the stack now, and tried, that it was a change. Another thing to do is not held
// up by it.
func (m *memory) resting(stack id, do string, now time.Time) (rests, tried bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known := m.deeds[deed{stack, do}]
	return known && now.Unix() < r.until, r.tries > 0
}

// tries is how often it was tried of late.
func (m *memory) tries(stack id, do string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(m.deeds[deed{stack, do}].tries)
}

// done remembers that this need not be done to the stack before next.
func (m *memory) done(stack id, do string, next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deeds[deed{stack, do}] = rest{until: next.Unix()}
}

const (
	firstRest = 4 * time.Minute
	mostRest  = 16 * time.Minute // a lab that has had its time is tried a few times more within the hour
	mostTries = 10               // as far as they are counted
)

// tried remembers that a change was sent. Whatever it came to, the stack is left alone for a while, longer each time: the
// change may end badly after it was accepted, and nobody else's labs shall wait for this one.
func (m *memory) tried(stack id, do string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tries := min(m.deeds[deed{stack, do}].tries, mostTries) + 1
	pause := min(firstRest<<(tries-1), mostRest)
	m.deeds[deed{stack, do}] = rest{until: now.Add(pause).Unix(), tries: tries}
}

// forgetful is how long a stack is remembered after its rest: it may have gone, or be tried again.
const forgetful = time.Hour

// forget drops what no longer matters.
func (m *memory) forget(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for d, r := range m.deeds {
		if now.Unix() > r.until+int64(forgetful/time.Second) {
			delete(m.deeds, d)
		}
	}
}
