package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// Limits of a memory: it lives in one parameter of a stack, which everyone who may see the stack may read.
const (
	maxSeen   = 16
	maxRing   = 16
	maxBy     = 48
	maxMemory = 4 << 10
)

// Memory is what a cluster remembers of its decisions, kept in the stack's parameter scale_state.
type Memory struct {
	// Gen counts decisions.
	Gen int `json:"gen"`
	// Token is of the last decision alone: whoever reads it back knows that theirs stands.
	Token string `json:"token"`
	Op    Op     `json:"op"`
	From  int    `json:"from"`
	To    int    `json:"to"`
	By    string `json:"by,omitempty"`
	// At, Out and In are when the last decision, the last growth and the last shrinking were made; Unix seconds, 0 for
	// never.
	At   int64  `json:"at"`
	Out  int64  `json:"out,omitempty"`
	In   int64  `json:"in,omitempty"`
	Seen []Seen `json:"seen,omitempty"`
	// Fails counts the growths that failed one after another, up to the last decision.
	Fails int     `json:"fails,omitempty"`
	Ring  []Entry `json:"ring,omitempty"`
	// Kept are the nodes that the last removal left, to see afterwards that it took the right ones.
	Kept []string `json:"kept,omitempty"`
	// Heard and Asked say up to when what was kept for later is settled, of alarms and of persons; Unix milliseconds.
	Heard int64 `json:"heard,omitempty"`
	Asked int64 `json:"asked,omitempty"`
	// Swap is when a node was last replaced; Unix seconds.
	Swap int64 `json:"swap,omitempty"`
	// Halt says why alarms are not obeyed any more, until a person says a size or uses force.
	Halt string `json:"halt,omitempty"`
}

// Seen is a notification that was acted on.
type Seen struct {
	Key     string `json:"k"`
	Expires int64  `json:"x"`
}

// Entry is one past decision, newest last.
type Entry struct {
	At   int64  `json:"at"`
	Op   Op     `json:"op"`
	From int    `json:"from"`
	To   int    `json:"to"`
	Code Code   `json:"code"`
	By   string `json:"by,omitempty"`
}

// Remember reads a memory. What is not one, whatever the cause, is forgotten: false, and a new memory.
func Remember(text string) (Memory, bool) {
	var m Memory
	if len(text) > maxMemory || json.Unmarshal([]byte(text), &m) != nil || m.Gen < 1 || m.Token == "" {
		return Memory{}, false
	}
	return m, true
}

// String is the memory as it is kept: compact, and short enough whatever is in it.
func (m Memory) String() string {
	for {
		b, err := json.Marshal(m)
		if err != nil {
			return "" // no field of a Memory can fail to encode
		}
		if len(b) < maxMemory {
			return string(b)
		}
		switch {
		case len(m.Ring) > 0:
			m.Ring = m.Ring[1:]
		case len(m.Seen) > 0:
			m.Seen = m.Seen[1:]
		case len(m.Kept) > 0:
			m.Kept = nil // too many to check
		default:
			m.By, m.Halt, m.Token, m.Op = "", shorten(m.Halt), shorten(m.Token), Op(shorten(string(m.Op)))
		}
	}
}

// Record is the memory after a decision to go from one size to another: one of Decide's, or an operator's who gave the
// cluster new settings. token is the new decision's own.
func (m Memory) Record(op Op, from, to int, code Code, by, token string, now time.Time) Memory {
	by = shorten(by)
	ring := slices.Clone(m.Ring)
	if m.Gen > 0 && m.To != from {
		// Someone changed the size by other means since; say so instead of leaving a hole in the history.
		ring = append(ring, Entry{At: now.Unix(), Op: OpOutside, From: m.To, To: from, Code: Outside})
	}
	ring = append(ring, Entry{At: now.Unix(), Op: op, From: from, To: to, Code: code, By: by})
	next := Memory{
		Gen: m.Gen + 1, Token: token, Op: op, From: from, To: to, By: by,
		At: now.Unix(), Out: m.Out, In: m.In, Seen: m.fresh(now), Ring: ring[max(0, len(ring)-maxRing):],
		Heard: m.Heard, Asked: m.Asked, Swap: m.Swap,
	}
	switch {
	case to > from:
		next.Out = now.Unix()
	case to < from:
		next.In = now.Unix()
	}
	return next
}

// sawBy is the memory after a request was acted on, by all of its names.
func (m Memory) sawBy(r Request, now time.Time) Memory {
	return m.saw(r.Delivery, now.Add(r.DeliveryLife)).saw(r.Key, now.Add(r.KeyLife))
}

// saw is the memory with one more notification acted on.
func (m Memory) saw(key string, expires time.Time) Memory {
	if key == "" {
		return m
	}
	return m.remember(hash(key), expires)
}

// remember is saw for a key that is hashed already.
func (m Memory) remember(hashed string, expires time.Time) Memory {
	seen := slices.DeleteFunc(slices.Clone(m.Seen), func(s Seen) bool { return s.Key == hashed })
	seen = append(seen, Seen{Key: hashed, Expires: expires.Unix()})
	m.Seen = seen[max(0, len(seen)-maxSeen):]
	return m
}

// knows says whether the notification was acted on and is still the same one.
func (m Memory) knows(key string, now time.Time) bool {
	return key != "" && slices.ContainsFunc(m.Seen, func(s Seen) bool { return s.Key == hash(key) && now.Unix() < s.Expires })
}

func (m Memory) fresh(now time.Time) []Seen {
	return slices.DeleteFunc(slices.Clone(m.Seen), func(s Seen) bool { return now.Unix() >= s.Expires })
}

// hash keeps keys of any length and content at one length.
func hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:6])
}

// shorten cuts a text to maxBy bytes, at a rune's end where that is near: bytes that are no text keep their length.
func shorten(s string) string {
	if len(s) <= maxBy {
		return s
	}
	for limit := maxBy; limit > maxBy-utf8.UTFMax; limit-- {
		if utf8.RuneStart(s[limit]) {
			return s[:limit]
		}
	}
	return s[:maxBy]
}
