// Package function is what a function is: one http.Handler that answers one buffered request.
//
// Handle makes such a handler from func(ctx, In) (Out, error): it decodes, checks and encodes JSON, so that the function
// sees no HTTP. Wrap stands around everything a function serves: it names the request, bounds its size and its time,
// survives its panics and writes its log line. Fail answers an error as an RFC 9457 problem document; its caller reads a
// stable code and a sentence that says what to do, while the cause goes to the log under the same reference.
//
// Every runtime of shared/serve and the shim put Wrap around a function in the same way, and rely on what it guarantees: a
// complete answer of at most MaxBody bytes, half a second before the caller's patience ends.
package function
