package openstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// HTTP is what a function should answer when a call failed with this code, and after how long a repeat makes sense
// (zero: a repeat does not help).
func (c Code) HTTP() (status int, retryAfter time.Duration) {
	switch c {
	case Busy:
		return http.StatusConflict, 30 * time.Second
	case Conflict:
		return http.StatusConflict, 0
	case Gone:
		return http.StatusNotFound, 0
	case Quota:
		return http.StatusServiceUnavailable, time.Minute
	case Unavailable:
		return http.StatusServiceUnavailable, 5 * time.Second
	case Forbidden, Refused, Broken:
		return http.StatusBadGateway, 0
	default:
		return http.StatusBadGateway, 0
	}
}

// answer is the useful part of an OpenStack error reply. Every service has its own shape for it.
type answer struct {
	status  int
	kind    string // Heat's and Neutron's exception name, e.g. StackExists
	message string
	request string // the service's request id, to find the cause in its log
}

func (a *answer) Error() string {
	parts := []string{strconv.Itoa(a.status), a.kind, a.message, a.request}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ")
}

// maxMessage bounds how much of a foreign message reaches the log: Heat sends whole tracebacks when debugging is on.
const maxMessage = 300

// failure turns what a call returned into an *Error; nil stays nil.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	reply, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	if !ok {
		return &Error{Code: codeWithoutReply(err), Op: op, Err: err}
	}
	a := parseAnswer(reply)
	return &Error{Code: a.code(), Op: op, Status: a.status, Err: a}
}

// broken is for a successful answer without the parts it must have.
func broken(op, why string) error {
	return &Error{Code: Broken, Op: op, Err: errors.New(why)}
}

// codeWithoutReply tells an answer that is not JSON of the expected shape from no answer at all. Only the latter may have
// taken effect without our knowing.
func codeWithoutReply(err error) Code {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return Unavailable
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	if syntax || shape || errors.Is(err, io.EOF) {
		return Broken
	}
	return Unavailable
}

// code maps a status. Where one status means two things, the exception's name decides, then the word quota.
func (a *answer) code() Code {
	switch {
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		return Gone
	case a.status == http.StatusConflict:
		return a.conflictCode()
	case a.status == http.StatusUnauthorized:
		return Forbidden
	case a.status == http.StatusForbidden:
		// Heat: StackResourceLimitExceeded; Nova and Octavia: "Quota exceeded for …", "Quota has been met for …".
		if a.kind == "StackResourceLimitExceeded" || a.speaksOfQuota() {
			return Quota
		}
		return Forbidden
	case a.status == http.StatusRequestEntityTooLarge:
		return Quota
	case a.status == http.StatusTooManyRequests, a.status == http.StatusRequestTimeout:
		return Unavailable
	case a.status == http.StatusNotImplemented:
		// An option the load balancer's provider does not have (octavia/common/exceptions.py ProviderUnsupportedOptionError).
		return Refused
	case a.status >= 500:
		return Unavailable
	case a.status >= 400:
		// heat/engine/service.py _validate_new_stack: "You have reached the maximum stacks per tenant". The same type
		// also refuses a body that is too large.
		if a.kind == "RequestLimitExceeded" && strings.Contains(a.message, "maximum stacks") {
			return Quota
		}
		return Refused
	default:
		return Broken
	}
}

func (a *answer) conflictCode() Code {
	switch {
	case a.kind == "StackExists":
		return Conflict
	case a.kind == "ActionInProgress":
		return Busy
	case a.kind == "OverQuota" || a.speaksOfQuota():
		return Quota
	case strings.Contains(a.message, "already"):
		// Octavia, LBaaSv2 and Nova have no name for it: "Another member on this pool is already using …",
		// "Key pair '…' already exists."
		return Conflict
	default:
		// Octavia says "… is immutable and cannot be updated." for PENDING_* and for ERROR alike: LoadBalancerStatus knows
		// which, a second question here would cost every caller a request.
		return Busy
	}
}

func (a *answer) speaksOfQuota() bool {
	return strings.Contains(strings.ToLower(a.message), "quota")
}

func parseAnswer(reply gophercloud.ErrUnexpectedResponseCode) *answer {
	a := &answer{status: reply.Actual, request: requestIDOf(reply.ResponseHeader)}
	var body map[string]json.RawMessage
	if json.Unmarshal(reply.Body, &body) != nil {
		return a // HTML of a proxy: the status says it all
	}
	a.kind, a.message = kindAndMessage(body)
	a.message, _, _ = strings.Cut(a.message, "\n")
	if len(a.message) > maxMessage {
		a.message = strings.ToValidUTF8(a.message[:maxMessage], "") + "…"
	}
	return a
}

// kindAndMessage knows the shapes: Heat and Keystone {"error": {"type", "message", "title"}}, Octavia {"faultstring"},
// Neutron {"NeutronError": {"type", "message"}}, Nova {"forbidden": {"message"}}.
func kindAndMessage(body map[string]json.RawMessage) (kind, message string) {
	if text, ok := body["faultstring"]; ok {
		_ = json.Unmarshal(text, &message) // not a string: no message, which is what we have then
		return "", message
	}
	for _, part := range body {
		var detail struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		}
		if bytes.HasPrefix(bytes.TrimSpace(part), []byte("{")) && json.Unmarshal(part, &detail) == nil && detail.Message != "" {
			return detail.Type, detail.Message
		}
	}
	return "", ""
}
