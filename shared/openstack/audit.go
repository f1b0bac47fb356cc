package openstack

import (
	"context"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
)

// AuditMessage is the message of the line that every write to OpenStack leaves in the log of its request.
const AuditMessage = "audit"

// audit writes that line: who asked (the request's note caller), why (logging.Because, or what the request decided), what was
// done to what, and what OpenStack said. It is called by the transport, which every request goes through. A write outside of
// a request, such as a tool's, has no log.
//
// A line says that the call was made, not that it took effect: of two updates at once Heat accepts both, and without an answer
// nobody knows.
func (c call) audit(ctx context.Context, status int, id string) {
	line := logging.From(ctx).WithLevel(zerolog.InfoLevel).
		Str("who", orUnknown(logging.Noted(ctx, logging.Caller))).Str("why", orUnknown(reason(ctx))).
		Str("what", c.op).Str("call", c.route()).Str("result", result(status))
	if status > 0 {
		line = line.Int("code", status)
	}
	if id != "" {
		line = line.Str("openstack_request_id", id)
	}
	line.Msg(AuditMessage)
}

// reason is why a call is made, as closely as it was said.
func reason(ctx context.Context) string {
	if why := logging.Why(ctx); why != "" {
		return why
	}
	for _, note := range []string{"decision", "act", "verdict"} {
		if word := logging.Noted(ctx, note); word != "" {
			return word
		}
	}
	return ""
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// result is what the audit line says of a call: unknown without an answer, since it may have been carried out all the same.
func result(status int) string {
	switch {
	case status == 0:
		return "unknown"
	case status < http.StatusMultipleChoices:
		return "accepted"
	}
	return "refused"
}
