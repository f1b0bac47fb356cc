package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// form is which sender's shape an event has, and so which shape its answer must have.
type form int

const (
	bare     form = iota // an Invoke call or a scheduler: the event is the body of POST /
	gateway1             // API Gateway REST API, or HTTP API with payload 1.0
	gateway2             // API Gateway HTTP API with payload 2.0, and function URLs
	balancer             // application load balancer
)

// event holds the parts of all forms. What a form lacks stays empty.
type event struct {
	form form
	raw  []byte

	Version         string      `json:"version"`
	RawPath         string      `json:"rawPath"`
	RawQueryString  string      `json:"rawQueryString"`
	Cookies         []string    `json:"cookies"`
	HTTPMethod      string      `json:"httpMethod"`
	Path            string      `json:"path"`
	Headers         headers     `json:"headers"`
	MultiHeaders    http.Header `json:"multiValueHeaders"`
	Query           headers     `json:"queryStringParameters"`
	MultiQuery      url.Values  `json:"multiValueQueryStringParameters"`
	Body            string      `json:"body"`
	IsBase64Encoded bool        `json:"isBase64Encoded"`
	Context         *struct {
		ELB       json.RawMessage `json:"elb"`
		Stage     string          `json:"stage"`
		RequestID string          `json:"requestId"`
		Identity  struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		HTTP *struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

type headers map[string]string

// decodeEvent never fails: what is no HTTP event is a bare one.
func decodeEvent(raw []byte) *event {
	e := &event{raw: raw}
	if err := json.Unmarshal(raw, e); err != nil || e.Context == nil {
		return &event{raw: raw}
	}
	switch {
	case e.Version == "2.0" && e.Context.HTTP != nil:
		e.form = gateway2
	case e.HTTPMethod != "" && e.Context.ELB != nil:
		e.form = balancer
	case e.HTTPMethod != "":
		e.form = gateway1
	}
	return e
}

// request is the HTTP request that the event stands for. It always is one: what cannot be read becomes a body that fails
// to be read, which function.Wrap answers.
func (e *event) request(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r = r.WithContext(ctx)
	if e.form == bare {
		r.Header.Set("Content-Type", "application/json")
		setBody(r, string(e.raw), false)
		return r
	}
	r.Header = e.header()
	r.Host = r.Header.Get("Host")
	for _, name := range []string{"Host", "Transfer-Encoding", "Connection"} {
		r.Header.Del(name) // as net/http's server does
	}
	r = withCall(r, strings.TrimRight(e.Context.RequestID, "="))
	source := e.Context.Identity.SourceIP
	switch e.form { //nolint:exhaustive // bare is done
	case gateway2:
		r.Method, source = e.Context.HTTP.Method, e.Context.HTTP.SourceIP
		r.URL = location(e.RawPath, e.RawQueryString)
		// A named stage stands in the path of payload 2.0; the default one is called $default and does not.
		stripPrefix(r.URL, "/"+e.Context.Stage)
	case gateway1:
		r.Method = e.HTTPMethod
		r.URL = location(e.Path, e.query(url.QueryEscape))
	case balancer:
		r.Method = e.HTTPMethod
		// A load balancer passes query keys and values as they came, still escaped.
		r.URL = location(e.Path, e.query(func(escaped string) string { return escaped }))
	}
	r.RequestURI = r.URL.RequestURI()
	if source != "" {
		r.RemoteAddr = net.JoinHostPort(source, "0")
	}
	setBody(r, e.Body, e.IsBase64Encoded)
	return r
}

// header joins what the forms hold apart. Where a form has both single and multiple values, the multiple ones are complete.
func (e *event) header() http.Header {
	h := http.Header{}
	for name, value := range e.Headers {
		h.Set(name, value)
	}
	if len(e.MultiHeaders) > 0 {
		h = http.Header{}
	}
	for name, values := range e.MultiHeaders {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	// API Gateway moves cookies to a list of their own; a function URL fills both (aws-lambda-go issue 597).
	if len(e.Cookies) > 0 && h.Get("Cookie") == "" {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return h
}

// query writes the query parameters as a query string, by name.
func (e *event) query(escape func(string) string) string {
	all := e.MultiQuery
	if len(all) == 0 {
		all = url.Values{}
		for name, value := range e.Query {
			all[name] = []string{value}
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, value := range all[name] {
			parts = append(parts, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(parts, "&")
}

// location is the URL of a path that may or may not be escaped: senders differ, and function URLs differ from gateways.
func location(path, query string) *url.URL {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := &url.URL{Path: path, RawQuery: query}
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = plain, path // EscapedPath ignores RawPath where it is no escape of Path
	}
	return u
}

func setBody(r *http.Request, body string, encoded bool) {
	if !encoded {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		return
	}
	plain, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		r.Body, r.ContentLength = io.NopCloser(unreadable{}), -1
		return
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(plain))), int64(len(plain))
}

// unreadable is the body of an event whose base64 is broken.
type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("event says base64 and is not") }
