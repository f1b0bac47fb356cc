package lti

import "net/http"

// Code names a refusal. Codes are part of the contract; README.md lists them.
type Code string

// Every reason to refuse a launch.
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
)

// Error is a refused launch. Public is for the person in front of the browser; Detail says to the operator which field
// it was and never holds a field's value; Err is the cause, for the log.
type Error struct {
	Code   Code
	Status int
	Public string
	Detail string
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

type answer struct {
	status int
	public string
}

const (
	again     = "Open the lab again from your course page."
	tellStaff = "Please tell your course staff, and give them the code on this page."
)

// answers is one table so that a code always has the same status and the same sentence.
var answers = map[Code]answer{
	CodeMethod:          {http.StatusMethodNotAllowed, "A lab is opened from a course page, not by its address. " + again},
	CodeMediaType:       {http.StatusUnsupportedMediaType, "Your course sent a form of a kind that we do not read. " + tellStaff},
	CodeTooLarge:        {http.StatusRequestEntityTooLarge, "Your course sent more than a launch may hold. " + tellStaff},
	CodeEncoding:        {http.StatusBadRequest, "Your course sent a form that cannot be read. " + tellStaff},
	CodeDuplicate:       {http.StatusBadRequest, "Your course sent one of the launch fields twice. " + tellStaff},
	CodeQuery:           {http.StatusBadRequest, "The launch address in the course settings holds launch fields, which belong in the form only. " + tellStaff},
	CodeMissing:         {http.StatusBadRequest, "Your course left out something that every launch needs. " + tellStaff},
	CodeMessageType:     {http.StatusBadRequest, "Your course asked for something other than a lab. " + tellStaff},
	CodeVersion:         {http.StatusBadRequest, "Your course uses a version of LTI or OAuth that we do not speak. " + tellStaff},
	CodeSignatureMethod: {http.StatusBadRequest, "Your course signs in a way that we do not accept. " + tellStaff},
	CodeSignature:       {http.StatusForbidden, "The link from your course is not signed as we expect: its key, its secret or its launch address is not the one we know. " + tellStaff},
	CodeTimestamp:       {http.StatusBadRequest, "Your course sent a time that cannot be read. " + tellStaff},
	CodeStale:           {http.StatusForbidden, "This launch has been waiting too long. " + again},
	CodeFuture:          {http.StatusForbidden, "The clock of your course site is ahead of ours. " + tellStaff},
	CodeReplayed:        {http.StatusConflict, "This page was reloaded, and a launch works only once. Nothing is lost. " + again},
	CodeUnavailable:     {http.StatusServiceUnavailable, "We cannot check your launch at the moment. Wait a minute, then open the lab again from your course page."},
}

func refuse(code Code, detail string) *Error {
	a := answers[code]
	return &Error{Code: code, Status: a.status, Public: a.public, Detail: detail}
}
