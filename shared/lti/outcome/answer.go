package outcome

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Answer is what an LMS's answer says: the code that decides, and its description, which may repeat what we sent.
type Answer struct { //nolint:recvcheck // only reading it changes it
	Major       string // success, processing, failure or unsupported
	Description string
}

// errUnreadable is an answer that does not say what became of the grade.
var errUnreadable = errors.New("the answer does not say what became of the grade")

// ReadAnswer reads the first status of an answer. It is lenient: Open edX writes the sourced id into the description as it
// is, so a raw & in it must not turn a success into a failure, and what is broken behind the code does not matter. It does
// not take a document type: nothing legitimate has one, and entities live there.
func ReadAnswer(text []byte) (Answer, error) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Strict = false
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the codes are ASCII in all of them
	var answer Answer
	var path []string
	for {
		token, err := decoder.Token()
		if err != nil { // the end, or where it is broken
			break
		}
		switch token := token.(type) {
		case xml.Directive:
			return Answer{}, errors.New("the answer has a document type")
		case xml.StartElement:
			path = append(path, token.Name.Local)
		case xml.EndElement:
			path = path[:max(0, len(path)-1)]
			if token.Name.Local == "imsx_statusInfo" && answer.Major != "" {
				return answer, nil
			}
		case xml.CharData:
			answer.take(path, strings.TrimSpace(string(token)))
		}
	}
	if answer.Major == "" {
		return Answer{}, errUnreadable
	}
	return answer, nil
}

// take keeps the first text of each: a description that holds somebody's XML has no second say.
func (a *Answer) take(path []string, text string) {
	if len(path) < 2 || path[len(path)-2] != "imsx_statusInfo" || text == "" {
		return
	}
	switch {
	case path[len(path)-1] == "imsx_codeMajor" && a.Major == "":
		a.Major = strings.ToLower(text)
	case path[len(path)-1] == "imsx_description" && a.Description == "":
		a.Description = text
	}
}
