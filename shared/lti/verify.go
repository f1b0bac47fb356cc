package lti

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Request is what a launch came as. Nothing in it but PublicURL is believed.
type Request struct {
	Method    string
	MediaType string // the Content-Type header as it came
	RawQuery  string
	Body      string
	// PublicURL is where browsers reach this launch: the configured public URL and the raw path of the request, without
	// its query. It is never taken from Host or X-Forwarded-*, which anyone may send.
	PublicURL string
}

// Consumer is a tool consumer, as far as its launches need.
type Consumer struct {
	Key, Secret  string
	Origins      []string // where its pages live: the return URL must be on one of them
	OutcomeHosts []string // where grades may be sent, as host or host:port
	Instructors  bool     // whether roles above learner count
	Methods      []string // of signatures that count: HMAC-SHA1, HMAC-SHA256; empty means HMAC-SHA1 only
}

// Seen remembers nonces. shared/once has stores of this kind.
type Seen interface {
	// First says whether key is new, and remembers it for ttl, in one step.
	First(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// Verifier verifies launches of a fixed set of consumers.
type Verifier struct {
	Consumers map[string]Consumer // by key
	Seen      Seen
	Now       func() time.Time
	// Window is how far a launch's time may be from ours; zero means 5 minutes.
	Window time.Duration
}

const defaultWindow = 5 * time.Minute

// required must be there and not be empty. Open edX sends all of them; without user_id all learners would share one lab.
var required = []string{
	"oauth_consumer_key", "oauth_signature", "oauth_signature_method", "oauth_nonce", "oauth_timestamp",
	"lti_message_type", "lti_version", "resource_link_id", "user_id",
}

// Verify says whose launch r is, or why it is none: then the error is an *Error. The nonce is spent by the last step
// only, after everything else held.
func (v Verifier) Verify(ctx context.Context, r Request) (Launch, error) {
	f, _ := launches.Get().(*launchForm)
	defer f.done()
	if fault := f.read(r); fault != nil {
		return Launch{}, fault
	}
	if fault := checkProtocol(f.values); fault != nil {
		return Launch{}, fault
	}
	consumer, fault := v.checkSignature(r, f.fields, f.values)
	if fault != nil {
		return Launch{}, fault
	}
	if fault = v.checkTime(f.values["oauth_timestamp"]); fault != nil {
		return Launch{}, fault
	}
	if fault = v.spendNonce(ctx, f.values); fault != nil {
		return Launch{}, fault
	}
	return newLaunch(f.values, consumer), nil
}

// launchForm is a request taken apart: the list that was signed, and the same by name. It is used again for the next launch.
type launchForm struct {
	fields []field
	values map[string]string
}

var launches = sync.Pool{New: func() any { return &launchForm{values: map[string]string{}} }}

func (f *launchForm) read(r Request) *Error {
	fields, fault := readForm(f.fields, r, maxValue, protocolName)
	if fault != nil {
		return fault
	}
	f.fields = fields
	return name(f.values, fields)
}

// mostKept is more fields than launches have.
const mostKept = 64

func (f *launchForm) done() {
	if len(f.values) > mostKept {
		return
	}
	clear(f.fields[:cap(f.fields)]) // or the texts would stay
	f.fields = f.fields[:0]
	clear(f.values)
	launches.Put(f)
}

// protocolName says whether a name means something to LTI 1.1 or OAuth. Such names count only in the form.
func protocolName(name string) bool {
	switch name {
	case "user_id", "user_image", "roles", "role_scope_mentor", "ext_roles":
		return true
	}
	for _, prefix := range []string{"oauth_", "lti_", "lis_", "context_", "resource_link_", "tool_consumer_", "launch_presentation_", "custom_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func checkProtocol(values map[string]string) *Error {
	for _, name := range required {
		if values[name] == "" {
			return refuse(CodeMissing, name+" is missing or empty")
		}
	}
	if values["lti_message_type"] != "basic-lti-launch-request" {
		return refuse(CodeMessageType, "lti_message_type is not basic-lti-launch-request")
	}
	// LTI 1.1 and 1.2 consumers all say LTI-1p0.
	if values["lti_version"] != "LTI-1p0" {
		return refuse(CodeVersion, "lti_version is not LTI-1p0")
	}
	if version, sent := values["oauth_version"]; sent && version != "1.0" {
		return refuse(CodeVersion, "oauth_version is not 1.0")
	}
	if macs[values["oauth_signature_method"]] == nil {
		return refuse(CodeSignatureMethod, "oauth_signature_method is neither HMAC-SHA1 nor HMAC-SHA256")
	}
	return nil
}

// checkSignature gives an unknown key and a wrong signature one answer and the same work. Whether a consumer may use the
// method is said only to who has its secret: before, the answer would tell known keys from unknown ones.
func (v Verifier) checkSignature(r Request, fields []field, values map[string]string) (Consumer, *Error) {
	consumer, known := v.Consumers[values["oauth_consumer_key"]]
	if !known {
		consumer.Secret = "nobody has this secret, it only costs the time"
	}
	base, err := baseString(r.Method, r.PublicURL, fields)
	if err != nil {
		return Consumer{}, broken(err)
	}
	defer base.done()
	method := values["oauth_signature_method"]
	same := sameSignature(values["oauth_signature"], sign(macs[method], base.text, consumer.Secret, ""))
	if !same || !known {
		return Consumer{}, refuse(CodeSignature, "the signature does not hold for this key and "+r.PublicURL)
	}
	if !consumer.takes(method) {
		return Consumer{}, refuse(CodeSignatureMethod, "this consumer's signature_methods do not list the method")
	}
	return consumer, nil
}

func (c Consumer) takes(method string) bool {
	if len(c.Methods) == 0 {
		return method == "HMAC-SHA1"
	}
	return slices.Contains(c.Methods, method)
}

func (v Verifier) window() time.Duration {
	if v.Window > 0 {
		return v.Window
	}
	return defaultWindow
}

func (v Verifier) checkTime(text string) *Error {
	if strings.Trim(text, "0123456789") != "" {
		return refuse(CodeTimestamp, "oauth_timestamp is not made of digits")
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return refuse(CodeTimestamp, "oauth_timestamp is out of range")
	}
	// In whole seconds, as the timestamp is. Subtracting keeps clear of overflow: both sides are positive.
	switch age := v.Now().Unix() - seconds; {
	case age > int64(v.window()/time.Second):
		return refuse(CodeStale, "the launch is older than the window allows")
	case -age > int64(v.window()/time.Second):
		return refuse(CodeFuture, "the launch is from the future: compare the clocks")
	}
	return nil
}

// spendNonce makes the launch good for once. The parts go hashed, each with its length in front, so that neither long
// nor cleverly chosen ones can meet another launch's key.
func (v Verifier) spendNonce(ctx context.Context, values map[string]string) *Error {
	hash := sha256.New()
	for _, name := range []string{"oauth_consumer_key", "oauth_timestamp", "oauth_nonce"} {
		hash.Write([]byte(strconv.Itoa(len(values[name])) + ":" + values[name]))
	}
	return spend(ctx, v.Seen, "lti-nonce-"+hex.EncodeToString(hash.Sum(nil)), 2*v.window()+time.Minute)
}

// spend remembers a nonce, or says that it is remembered already. Without an answer from the store nobody is let in.
func spend(ctx context.Context, seen Seen, key string, ttl time.Duration) *Error {
	first, err := seen.First(ctx, key, ttl)
	if err != nil {
		return caused(CodeUnavailable, "ask the store of nonces", err)
	}
	if !first {
		return refuse(CodeReplayed, "this nonce was used before")
	}
	return nil
}
