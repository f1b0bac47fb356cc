package chaos_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
)

// book is the grade book of a course, behind the platform's outcome service.
type book struct {
	mu      sync.Mutex
	entries map[string][]float64 // what each learner's grade became, in order, without repeats
	repeats int
	sentBy  map[string]map[int]bool // which hosts sent a learner's grade in this play
}

func newBook() *book {
	return &book{entries: map[string][]float64{}, sentBy: map[string]map[int]bool{}}
}

// hostHeader tells the grade book which host it was; no platform would know.
const hostHeader = "X-Host"

var (
	sourcedID = regexp.MustCompile(`<sourcedId>([^<]*)</sourcedId>`)
	written   = regexp.MustCompile(`<textString>([^<]*)</textString>`)
)

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body) // from memory
	who, score := sourcedID.FindSubmatch(text), written.FindSubmatch(text)
	value, err := strconv.ParseFloat(string(score[1]), 64)
	major := "success"
	if err != nil || value < 0 || value > 1 {
		major = "failure"
	} else {
		host, _ := strconv.Atoi(r.Header.Get(hostHeader))
		b.write(string(who[1]), value, host)
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_statusInfo><imsx_codeMajor>%s</imsx_codeMajor></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader><imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>`, major)
}

func (b *book) write(who string, value float64, host int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sentBy[who] == nil {
		b.sentBy[who] = map[int]bool{}
	}
	b.sentBy[who][host] = true
	have := b.entries[who]
	if len(have) > 0 && have[len(have)-1] == value {
		b.repeats++
		return
	}
	b.entries[who] = append(have, value)
}

// grade is the learner's; false if there is none.
func (b *book) grade(who string) (float64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	have := b.entries[who]
	if len(have) == 0 {
		return 0, false
	}
	return have[len(have)-1], true
}
