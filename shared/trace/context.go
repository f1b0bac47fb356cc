package trace

import (
	"encoding/binary"
	"encoding/hex"
	"net/http"
)

type (
	traceID [16]byte
	spanID  [8]byte
)

func (t traceID) String() string { return hex.EncodeToString(t[:]) }
func (s spanID) String() string  { return hex.EncodeToString(s[:]) }

// number is what the ratio sampler compares, as the SDKs do: the low 8 bytes without the lowest bit.
func (t traceID) number() uint64 { return binary.BigEndian.Uint64(t[8:]) >> 1 }

// origin is what a caller says of the trace that its request belongs to (https://www.w3.org/TR/trace-context/).
type origin struct {
	trace   traceID
	parent  spanID
	sampled bool
	state   string // tracestate, handed on as it came
}

const (
	headerParent = "Traceparent"
	headerState  = "Tracestate"
	// parentSize is the length of version 00: 2, 32, 16 and 2 hexadecimal digits with hyphens between.
	parentSize = 55
	// mostState is what must be handed on (§3.3.1.5); more is dropped, as the caller's to keep short.
	mostState = 512
)

// originOf is false for a header that is not there or not well formed: then the trace begins here.
func originOf(h http.Header) (origin, bool) {
	var o origin
	text := h.Get(headerParent)
	if len(text) < parentSize || text[2] != '-' || text[35] != '-' || text[52] != '-' || len(h.Values(headerParent)) != 1 {
		return o, false
	}
	var version, flags [1]byte
	if !lower(text[:parentSize]) || !decode(version[:], text[:2]) || !decode(o.trace[:], text[3:35]) || !decode(o.parent[:], text[36:52]) || !decode(flags[:], text[53:55]) {
		return o, false
	}
	longer := len(text) > parentSize
	if version[0] == 0xff || version[0] == 0 && longer || longer && text[parentSize] != '-' || o.trace == (traceID{}) || o.parent == (spanID{}) {
		return o, false
	}
	o.sampled = flags[0]&1 == 1
	if state := h.Get(headerState); len(state) <= mostState {
		o.state = state
	}
	return o, true
}

func decode(into []byte, text string) bool {
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

// lower says that there are no capitals, which §3.2.2 forbids.
func lower(text string) bool {
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	return true
}
