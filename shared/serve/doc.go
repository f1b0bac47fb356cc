// Package serve runs a function's http.Handler on whatever started the process: a socket handed over by systemd, a port
// given by a container platform, AWS Lambda, Oracle Fn, Apache OpenWhisk, Azure Functions or a web server's CGI. It is the
// only package that knows them.
//
// Main is a function's whole program. It picks the runtime by the environment in this order, and RUNTIME overrides it:
//
//	AWS_LAMBDA_RUNTIME_API        lambda     API Gateway v1 and v2, function URL, load balancer, bare events
//	GATEWAY_INTERFACE             cgi        one request a process, which logs in to OpenStack each time
//	__OW_…                        openwhisk  ActionLoop: lines of JSON; web actions with raw-http, or bare values
//	LISTEN_FDS with LISTEN_PID    systemd    the sockets that systemd opened
//	FN_LISTENER                   fn         Oracle Fn's http-stream on a Unix socket
//	FUNCTIONS_CUSTOMHANDLER_PORT  azure      a custom handler that Azure's host forwards requests to
//	PORT                          http       all addresses, that port
//	none of these                 http       127.0.0.1:8080
//
// # Paths
//
// A function's routes begin at its root, whatever stands before it. In front of a route these are taken away, each once
// and only as whole segments: the stage of an API Gateway, the path of public_url, the function's own name. So
// /prod/hooks/launch-lab/launch, /launch-lab/launch and /launch all reach /launch, and one domain can route to several
// functions.
//
// # Configuration
//
// The files that a configuration was read from are looked at by the requests, at most every two seconds. When one changed,
// the function is built again and takes the next requests, while those under way end as they began. A configuration with a
// fault changes nothing; each of its faults is logged once. What a process remembers in its memory it keeps.
//
// # Why adapters of our own
//
// A Lambda event is a request whose parts arrive in a different shape from each sender; getting a form's base64, cookies
// and query escapes right is what LTI signatures hang on. The bridges that exist stream, return Go errors or are no longer
// kept. One conformance table drives the same requests through every form and demands equal answers.
package serve
