package page

import (
	"bytes"
	"html"
	"slices"
	"sync"
)

// alike keeps pages that differ in nothing but the nonce and the request's reference. A flood of refused launches is
// answered with them, and drawing or copying each anew would be most of the work.
type alike struct {
	mu    sync.Mutex
	drawn map[string][][]byte // cut at the stand-ins
}

// The stand-ins are what pages are drawn with to be kept. Nothing else on a page of ours reads like that.
const (
	nonceHere     = "NONCE-GOES-HERE"
	referenceHere = "REFERENCE-GOES-HERE"
)

// mostAlike bounds what is kept: there are about eighty codes in four languages.
const mostAlike = 400

// text is the page of that name, drawn if it is not there, in pieces that nobody may write to.
func (a *alike) text(name, nonce, reference string, draw func(nonce, reference string) ([]byte, error)) ([][]byte, error) {
	kept, err := a.keep(name, draw)
	if err != nil {
		return nil, err
	}
	pieces := slices.Clone(kept)
	for i, piece := range pieces {
		switch string(piece) {
		case nonceHere:
			pieces[i] = []byte(nonce)
		case referenceHere:
			pieces[i] = []byte(html.EscapeString(reference))
		}
	}
	return pieces, nil
}

func (a *alike) keep(name string, draw func(nonce, reference string) ([]byte, error)) ([][]byte, error) {
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
		a.drawn = map[string][][]byte{}
	}
	kept := cut(bytes.Clone(drawn)) // a page is drawn into more room than it needs
	a.drawn[name] = kept
	return kept, nil
}

// cut makes each stand-in a piece of its own.
func cut(text []byte) [][]byte {
	pieces := [][]byte{text}
	for _, here := range []string{nonceHere, referenceHere} {
		var finer [][]byte
		for _, piece := range pieces {
			for i, part := range bytes.Split(piece, []byte(here)) {
				if i > 0 {
					finer = append(finer, []byte(here))
				}
				finer = append(finer, part)
			}
		}
		pieces = finer
	}
	return pieces
}
