package serve_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The builders make the events that each sender would make of a request.

// payload is the body as gateways pass it: text as it is, forms and bytes in base64.
func (r request) payload() (string, bool) {
	if strings.Contains(r.header.Get("Content-Type"), "form") || !utf8.Valid(r.body) {
		return base64.StdEncoding.EncodeToString(r.body), true
	}
	return string(r.body), false
}

func (r request) incoming() http.Header {
	h := r.headers()
	h.Set("Host", "gateway.example.org")
	return h
}

func (r request) withCookieHeader() http.Header {
	h := r.incoming()
	if len(r.cookies) > 0 {
		h.Set("Cookie", strings.Join(r.cookies, "; "))
	}
	return h
}

// lower writes header names as HTTP/2 and most senders do.
func lower[V any](h map[string]V) map[string]V {
	out := map[string]V{}
	for name, value := range h {
		out[strings.ToLower(name)] = value
	}
	return out
}

func joined(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[name] = strings.Join(values, ",")
	}
	return out
}

func gateway1Event(r request) map[string]any {
	body, encoded := r.payload()
	h := r.withCookieHeader()
	return map[string]any{
		"resource": "/{proxy+}", "path": r.path, "httpMethod": r.method,
		"headers": last(h), "multiValueHeaders": h,
		"queryStringParameters": last(parsed(r.query)), "multiValueQueryStringParameters": parsed(r.query),
		"body": body, "isBase64Encoded": encoded,
		"requestContext": map[string]any{"stage": "prod", "requestId": "c6af9ac6-7b61-11e6", "identity": map[string]any{"sourceIp": "203.0.113.7"}},
	}
}

// gateway2Event has cookies in a list of their own.
func gateway2Event(r request) map[string]any {
	body, encoded := r.payload()
	return map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": r.path, "rawQueryString": r.query,
		"cookies": r.cookies, "headers": lower(joined(r.incoming())), "body": body, "isBase64Encoded": encoded,
		"queryStringParameters": joined(http.Header(parsed(r.query))),
		"requestContext": map[string]any{
			"stage": "$default", "requestId": "JKJaXmPLvHcESHA=", "http": map[string]any{"method": r.method, "path": r.path, "sourceIp": "2001:db8::7"},
		},
	}
}

// stagedEvent has a named stage, and so the stage in its path.
func stagedEvent(r request) map[string]any {
	e := gateway2Event(r)
	e["rawPath"] = "/prod" + r.path
	e["requestContext"].(map[string]any)["stage"] = "prod"
	return e
}

// functionURLEvent has cookies twice.
func functionURLEvent(r request) map[string]any {
	e := gateway2Event(r)
	e["headers"] = lower(joined(r.withCookieHeader()))
	return e
}

// escapedQuery is the query as a load balancer splits it: not unescaped.
func escapedQuery(query string) map[string][]string {
	out := map[string][]string{}
	for part := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(part, "="); name != "" {
			out[name] = append(out[name], value)
		}
	}
	return out
}

func balancerEvent(r request) map[string]any {
	body, encoded := r.payload()
	return map[string]any{
		"requestContext": map[string]any{"elb": map[string]any{"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
		"httpMethod":     r.method, "path": r.path,
		"headers": lower(last(r.withCookieHeader())), "queryStringParameters": last(escapedQuery(r.query)),
		"body": body, "isBase64Encoded": encoded,
	}
}

func multiBalancerEvent(r request) map[string]any {
	e := balancerEvent(r)
	delete(e, "headers")
	delete(e, "queryStringParameters")
	e["multiValueHeaders"] = lower(r.withCookieHeader())
	e["multiValueQueryStringParameters"] = escapedQuery(r.query)
	return e
}
