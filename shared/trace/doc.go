// Package trace says how long each part of a request took, to a collector of OpenTelemetry: one server span a request, one
// client span for each call that the request makes, exported by OTLP over HTTP in its JSON encoding
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). It is off unless a collector's address is set, and a
// nil *Tracer and a nil *Span do nothing, so that nobody has to ask.
//
// It reads the variables that every OpenTelemetry program reads: OTEL_EXPORTER_OTLP_ENDPOINT or …_TRACES_ENDPOINT,
// OTEL_EXPORTER_OTLP_HEADERS and …_TRACES_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and …_ARG,
// OTEL_TRACES_EXPORTER, OTEL_SDK_DISABLED.
//
// # When spans are sent
//
// A process that lives on gathers spans for a second and sends them from a goroutine of its own. Where the process is frozen
// after its answer, or ends with it (Options.Inline), a request sends its own spans before it is over, and waits for the
// collector for InlineTime at most: a collector that is not there must cost a learner no more than that, and costs the next
// requests nothing, since after a failure it is left alone for a while. What cannot be sent is dropped and counted. No
// request fails because of it.
//
// # What is in a span
//
// Methods, routes, status codes, problem codes, the ids of requests. Never an address's query, a path (tickets are in some), a
// learner, a token: where the conventions ask for url.full or url.path, a span has the route.
//
// # Why not OpenTelemetry's own SDK
//
// It was measured: go.opentelemetry.io/otel/sdk with otlptracehttp 1.47.0 makes launch-lab 5.2 MB larger (14.0 to 19.2, stripped),
// gRPC and protocol buffers among them, and it is started cold for a learner who waits. What is needed of it is this package.
package trace
