package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// reply is an answer in the form of an HTTP event's sender.
type reply struct {
	StatusCode        int         `json:"statusCode"`
	StatusDescription string      `json:"statusDescription,omitempty"`
	Headers           headers     `json:"headers,omitempty"`
	MultiValueHeaders http.Header `json:"multiValueHeaders,omitempty"`
	Cookies           []string    `json:"cookies,omitempty"`
	Body              string      `json:"body"`
	IsBase64Encoded   bool        `json:"isBase64Encoded"`
}

// answer puts a into the form that the event's sender reads.
func (e *event) answer(a *answer) any {
	status := a.finished()
	if e.form == bare {
		return bareAnswer(a)
	}
	out := reply{StatusCode: status, Body: a.body.String()}
	if !a.text() {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(a.body.Bytes()), true
	}
	switch e.form { //nolint:exhaustive // bare is done
	case gateway2:
		// Payload 2.0 has one value per header and refuses Set-Cookie among them.
		out.Cookies = a.header.Values("Set-Cookie")
		a.header.Del("Set-Cookie")
		out.Headers = single(a.header)
	case gateway1:
		out.MultiValueHeaders = a.header
	case balancer:
		out.StatusDescription = fmt.Sprintf("%d %s", status, http.StatusText(status))
		// A target group reads the one form or the other, the one that it sends.
		if e.MultiHeaders != nil {
			out.MultiValueHeaders = a.header
			break
		}
		if cookies := a.header.Values("Set-Cookie"); len(cookies) > 1 {
			a.header["Set-Cookie"] = cookies[:1] // cookies cannot be joined: without multi-value headers there is one
		}
		out.Headers = single(a.header)
	}
	return out
}

// single joins the values of each header (RFC 9110 §5.3).
func single(h http.Header) headers {
	out := headers{}
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}

// bareAnswer is the body alone: JSON as it is, anything else as a JSON string, nothing as null.
func bareAnswer(a *answer) any {
	text := a.body.Bytes()
	switch {
	case len(text) == 0:
		return nil
	case json.Valid(text):
		return json.RawMessage(text)
	case a.text():
		return a.body.String()
	}
	return base64.StdEncoding.EncodeToString(text)
}
