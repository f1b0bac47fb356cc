package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// request is what a function is asked, before a runtime gives it its form.
type request struct {
	Method, Path, Type, Authorization, Cookie, Body string
}

// headers are the request's own, by their names in lower case.
func (r request) headers() map[string]string {
	h := map[string]string{}
	for name, value := range map[string]string{"content-type": r.Type, "authorization": r.Authorization, "cookie": r.Cookie} {
		if value != "" {
			h[name] = value
		}
	}
	return h
}

// wire is the request as HTTP/1.1 has it, ready to be written again and again.
func (r request) wire() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: hooks.example.org\r\nContent-Length: %d\r\n", r.Method, r.Path, len(r.Body))
	for name, value := range r.headers() {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&b, "\r\n%s", r.Body)
	return b.Bytes()
}

// fn is the request inside the POST that Oracle Fn's agent makes of it.
func (r request) fn() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /call HTTP/1.1\r\nHost: fn\r\nContent-Length: %d\r\nFn-Intent: httprequest\r\nFn-Call-Id: 01GXYZ\r\n", len(r.Body))
	fmt.Fprintf(&b, "Fn-Http-Method: %s\r\nFn-Http-Request-Url: http://gateway.example.org%s\r\n", r.Method, r.Path)
	for name, value := range r.headers() {
		if name != "content-type" {
			name = "fn-http-h-" + name
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&b, "\r\n%s", r.Body)
	return b.Bytes()
}

// event is the request as AWS's HTTP API sends it to Lambda.
func (r request) event() []byte {
	return encode(map[string]any{
		"version": "2.0", "rawPath": r.Path, "headers": r.headers(), "body": r.Body,
		"requestContext": map[string]any{"stage": "$default", "http": map[string]string{"method": r.Method, "path": r.Path}},
	})
}

// activation is the request as OpenWhisk's ActionLoop proxy hands on a raw web action's.
func (r request) activation() []byte {
	return append(encode(map[string]any{"activation_id": "a1", "value": map[string]any{
		"__ow_method": strings.ToLower(r.Method), "__ow_path": r.Path, "__ow_query": "", "__ow_headers": r.headers(), "__ow_body": r.whiskBody(),
	}}), '\n')
}

// whiskBody is in base64 where OpenWhisk takes the type for a binary one.
func (r request) whiskBody() string {
	if r.Type != "application/json" {
		return r.Body
	}
	return base64.StdEncoding.EncodeToString([]byte(r.Body))
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("encode request: " + err.Error()) // maps of strings always encode
	}
	return text
}

// answer is what came back, without a runtime's form.
type answer struct {
	Status int
	Header http.Header // empty where only Status and Body are read
	Body   string
}

// good is an error unless the function did what it was asked.
func (a answer) good() error {
	if a.Status < 200 || a.Status > 399 {
		return fmt.Errorf("the answer is %d: %s", a.Status, a.Body)
	}
	return nil
}
