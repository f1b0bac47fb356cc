package outcometest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // LTI 1.1 signs with it
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// envelope is the request, as far as a grade book reads it.
type envelope struct {
	XMLName xml.Name `xml:"http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0 imsx_POXEnvelopeRequest"`
	ID      string   `xml:"imsx_POXHeader>imsx_POXRequestHeaderInfo>imsx_messageIdentifier"`
	Sourced string   `xml:"imsx_POXBody>replaceResultRequest>resultRecord>sourcedGUID>sourcedId"`
	Score   string   `xml:"imsx_POXBody>replaceResultRequest>resultRecord>result>resultScore>textString"`
}

// plain is how LTI writes a score: no exponent, no comma.
var plain = regexp.MustCompile(`^(0(\.[0-9]+)?|1(\.0+)?)$`)

func (l *LMS) outcome(w http.ResponseWriter, r *http.Request) {
	l.note(r)
	body := readBody(r)
	var request envelope
	if err := xml.Unmarshal(body, &request); err != nil {
		l.fault("XML: " + err.Error())
		answerXML(w, "", "failure", "Request body XML parsing error: "+string(body))
		return
	}
	if r.Header.Get("Content-Type") != "application/xml" {
		l.fault("the content type is " + r.Header.Get("Content-Type"))
	}
	if !plain.MatchString(request.Score) || request.ID == "" {
		l.fault("score " + request.Score + ", message id " + request.ID)
	}
	if !l.signed(r, body) {
		answerXML(w, request.ID, "failure", "OAuth verification error: OAuth signature verification has failed.")
		return
	}
	mood := l.mood()
	if l.unwell(w, r, mood) {
		return
	}
	switch mood {
	case PastDue:
		answerXML(w, request.ID, "failure", "Grade is past due")
		return
	case Unsupporting:
		answerXML(w, request.ID, "unsupported", "Target does not support the requested operation.")
		return
	default:
	}
	score, err := strconv.ParseFloat(request.Score, 64)
	if err != nil {
		answerXML(w, request.ID, "failure", "score "+request.Score)
		return
	}
	l.set(request.Sourced, score, l.Now())
	if mood == LosesReply {
		panic(http.ErrAbortHandler)
	}
	// The sourced id as it is: with an & in it this is not XML.
	answerXML(w, request.ID, "success", "Score for "+request.Sourced+" is now "+request.Score)
}

func answerXML(w http.ResponseWriter, id, major, description string) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader><imsx_POXResponseHeaderInfo>
<imsx_version>V1.0</imsx_version><imsx_messageIdentifier>%s</imsx_messageIdentifier>
<imsx_statusInfo><imsx_codeMajor>%s</imsx_codeMajor><imsx_severity>status</imsx_severity><imsx_description>%s</imsx_description>
<imsx_messageRefIdentifier></imsx_messageRefIdentifier></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
<imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>`, id, major, description)
}

var oauthParameter = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// signed verifies key, body hash, signature and that the nonce is new.
func (l *LMS) signed(r *http.Request, body []byte) bool {
	values := map[string]string{}
	for _, found := range oauthParameter.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
		value, err := url.PathUnescape(found[2])
		if err != nil {
			l.fault("the OAuth header holds " + found[1] + " badly escaped")
		}
		values[found[1]] = value
	}
	hash := sha1.Sum(body) //nolint:gosec // see the import
	if values["oauth_body_hash"] != base64.StdEncoding.EncodeToString(hash[:]) {
		l.fault("the body hash is wrong")
		return false
	}
	address := l.rawURL(r)
	if l.DecodesURL {
		address = unquote(address)
	}
	var pairs []string
	for name, value := range values {
		if name != "oauth_signature" && name != "realm" {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	for name, list := range r.URL.Query() {
		for _, value := range list {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte(percent(Secret)+"&"))
	_, _ = io.WriteString(mac, "POST&"+percent(address)+"&"+percent(strings.Join(pairs, "&")))
	if values["oauth_consumer_key"] != Key || values["oauth_signature"] != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return false
	}
	l.mu.Lock()
	again := l.nonces[values["oauth_nonce"]]
	l.nonces[values["oauth_nonce"]] = true
	l.mu.Unlock()
	if again {
		l.fault("a nonce came twice")
	}
	return true
}

// percent escapes every byte that is not unreserved.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
