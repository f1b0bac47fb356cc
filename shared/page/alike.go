package page

import (
	"bytes"
	"html/template"
	"sync"
)

// alike keeps pages that differ in nothing but the nonce and the request's reference. A flood of refused launches is
// answered with them, and drawing each anew would be most of the work.
type alike struct {
	mu    sync.Mutex
	drawn map[string][]byte // with the stand-ins
}

// The stand-ins are what pages are drawn with to be kept. Nothing else on a page of ours reads like that.
const (
	nonceHere     = "NONCE-GOES-HERE"
	referenceHere = "REFERENCE-GOES-HERE"
)

// mostAlike bounds what is kept: there are about eighty codes in four languages.
const mostAlike = 400

// text is the page of that name, drawn if it is not there.
func (a *alike) text(name, nonce, reference string, draw func(nonce, reference string) ([]byte, error)) ([]byte, error) {
	kept, err := a.keep(name, draw)
	if err != nil {
		return nil, err
	}
	text := bytes.ReplaceAll(kept, []byte(nonceHere), []byte(nonce))
	return bytes.ReplaceAll(text, []byte(referenceHere), []byte(template.HTMLEscapeString(reference))), nil
}

func (a *alike) keep(name string, draw func(nonce, reference string) ([]byte, error)) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kept, ok := a.drawn[name]; ok {
		return kept, nil
	}
	drawn, err := draw(nonceHere, referenceHere)
	if err != nil {
		return nil, err
	}
	if a.drawn == nil || len(a.drawn) == mostAlike {
		a.drawn = map[string][]byte{}
	}
	a.drawn[name] = drawn
	return drawn, nil
}
