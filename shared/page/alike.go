package page

import (
	"bytes"
	"html"
	"io"
	"sync"
)

// alike keeps pages that differ in nothing but the nonce and the request's reference. A flood of refused launches is
// answered with them, and drawing or copying each anew would be most of the work.
type alike struct {
	mu    sync.Mutex
	drawn map[likeness][][]byte // cut at the stand-ins
}

// likeness is what such pages have in common. The zero likeness is of pages that are drawn each by itself.
type likeness struct{ lang, code, sentence string }

// The stand-ins are what pages are drawn with to be kept. Nothing else on a page of ours reads like that.
const (
	nonceHere     = "NONCE-GOES-HERE"
	referenceHere = "REFERENCE-GOES-HERE"
)

// mostAlike bounds what is kept: there are about eighty codes in four languages.
const mostAlike = 400

// kept is a page in pieces that nobody may write to; nil if it was not drawn yet.
func (a *alike) kept(l likeness) [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.drawn[l]
}

// keep cuts a page that was drawn with the stand-ins.
func (a *alike) keep(l likeness, drawn []byte) [][]byte {
	pieces := cut(bytes.Clone(drawn)) // a page is drawn into more room than it needs
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.drawn == nil || len(a.drawn) == mostAlike {
		a.drawn = map[likeness][][]byte{}
	}
	a.drawn[l] = pieces
	return pieces
}

// fill writes a page, with the nonce and the reference where their stand-ins are.
func fill(w io.Writer, pieces [][]byte, nonce, reference string) error {
	for _, piece := range pieces {
		var err error
		switch string(piece) {
		case nonceHere:
			_, err = io.WriteString(w, nonce)
		case referenceHere:
			_, err = io.WriteString(w, html.EscapeString(reference))
		default:
			_, err = w.Write(piece)
		}
		if err != nil {
			return err //nolint:wrapcheck // the caller knows what it writes to
		}
	}
	return nil
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
