package shim

import (
	"crypto/rand"
	"slices"
	"sync"
)

// keptTold is how many words and reports are kept; a page that is older has lost its own.
const keptTold = 50

// board keeps what operators are to be told on the page after the one that they sent: a sentence once, a report until there
// are many newer ones. Nobody can make the page say something by a link.
type board struct {
	mu   sync.Mutex
	told []told // newest first
}

type told struct {
	id       string
	sentence string
	report   *reportData
}

// put keeps a sentence.
func (b *board) put(sentence string) (id string) { return b.add(told{sentence: sentence}) }

// keep keeps a report.
func (b *board) keep(report reportData) (id string) { return b.add(told{report: &report}) }

func (b *board) add(t told) string {
	t.id = rand.Text()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = slices.Insert(b.told, 0, t)
	b.told = b.told[:min(len(b.told), keptTold)]
	return t.id
}

// take is the sentence, which is forgotten with it; empty if there is none.
func (b *board) take(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.told, func(t told) bool { return t.id == id && t.report == nil })
	if at < 0 {
		return ""
	}
	sentence := b.told[at].sentence
	b.told = slices.Delete(b.told, at, at+1)
	return sentence
}

func (b *board) reports(id string) (reportData, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.told, func(t told) bool { return t.id == id && t.report != nil })
	if at < 0 {
		return reportData{}, false
	}
	return *b.told[at].report, true
}
