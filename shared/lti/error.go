package lti

// Code names a refusal. Codes are part of the contract; README.md lists them.
type Code string

// Every reason to refuse a login or a launch; codes.go says what each means to a person.
const (
	CodeMethod          Code = "lti_method"
	CodeMediaType       Code = "lti_media_type"
	CodeTooLarge        Code = "lti_too_large"
	CodeEncoding        Code = "lti_encoding"
	CodeDuplicate       Code = "lti_duplicate"
	CodeQuery           Code = "lti_query"
	CodeMissing         Code = "lti_missing"
	CodeMessageType     Code = "lti_message_type"
	CodeVersion         Code = "lti_version"
	CodeSignatureMethod Code = "lti_signature_method"
	CodeSignature       Code = "lti_signature"
	CodeTimestamp       Code = "lti_timestamp"
	CodeStale           Code = "lti_stale"
	CodeFuture          Code = "lti_future"
	CodeReplayed        Code = "lti_replayed"
	CodeUnavailable     Code = "lti_unavailable"

	// Of LTI 1.3 only.
	CodePlatform       Code = "lti_platform"
	CodeClient         Code = "lti_client"
	CodeDeployment     Code = "lti_deployment"
	CodeTarget         Code = "lti_target"
	CodePlatformError  Code = "lti_platform_error"
	CodeState          Code = "lti_state"
	CodeStateExpired   Code = "lti_state_expired"
	CodeBinding        Code = "lti_binding"
	CodeToken          Code = "lti_token"
	CodeAlgorithm      Code = "lti_algorithm"
	CodeKey            Code = "lti_key"
	CodeKeyUnfit       Code = "lti_key_unfit"
	CodeTokenSignature Code = "lti_token_signature" //nolint:gosec // the name of a code, no credential
	CodeClaims         Code = "lti_claims"
	CodeIssuer         Code = "lti_issuer"
	CodeAudience       Code = "lti_audience"
	CodeNonce          Code = "lti_nonce"
	CodeDeepLink       Code = "lti_deep_link"
)

// Error is a refused login or launch. Public is for the person in front of the browser; Detail says to course staff and
// the operator which check failed and never holds a value that was sent; Fix says what they should change; Err is the
// cause, for the log.
type Error struct {
	Code   Code
	Status int
	Public string
	Detail string
	Fix    string
	Err    error
}

func (e *Error) Error() string {
	text := "refuse launch: " + string(e.Code)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

func refuse(code Code, detail string) *Error {
	a := answers[code]
	return &Error{Code: code, Status: a.status, Public: a.public, Detail: detail, Fix: a.fix}
}

func caused(code Code, detail string, cause error) *Error {
	fault := refuse(code, detail)
	fault.Err = cause
	return fault
}

// broken is a fault of ours: the configuration let something through that cannot work.
func broken(cause error) *Error {
	return &Error{Code: "internal", Status: 500, Public: "Something is wrong on our side. " + again, Err: cause}
}
