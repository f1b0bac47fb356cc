package openstack

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
)

// bodies are used again: status calls read a stack each, all day long. What is decoded shares nothing with its body.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept is more than a stack has. Lists are larger, and would hold their memory for ever.
const largestKept = 64 << 10

// decode reads a body to its end and decodes it.
func decode(body io.Reader, into any) error {
	text, _ := bodies.Get().(*bytes.Buffer)
	defer func() {
		if text.Cap() <= largestKept {
			text.Reset()
			bodies.Put(text)
		}
	}()
	if _, err := text.ReadFrom(body); err != nil {
		return err
	}
	err := json.Unmarshal(text.Bytes(), into)
	if text.Len() > 0 && err != nil && err.Error() == cutOff {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutOff is encoding/json's word for a text that stops in the middle (scanner.eof): half an answer, and none in another format.
const cutOff = "unexpected end of JSON input"
