package registration

import "net/http"

// Code names a refusal. Codes are part of the contract; functions/launch-lab/README.md lists them.
type Code string

// Every reason not to register.
const (
	CodeLink        Code = "registration_link"
	CodeIssuer      Code = "registration_issuer"
	CodeRequest     Code = "registration_request"
	CodeUnreachable Code = "registration_unreachable"
	CodePlatform    Code = "registration_platform"
	CodeBusy        Code = "registration_busy"
	CodeUsed        Code = "registration_used"
	CodeRefused     Code = "registration_refused"
	CodeUnclear     Code = "registration_unclear"
	CodeUnavailable Code = "registration_unavailable"
)

// Error is a registration that did not come about. Public is for the administrator in front of the browser, who runs the
// platform and perhaps not us; Detail is which check failed, for the log; Err is the cause.
type Error struct {
	Code   Code
	Status int
	Public string
	Detail string
	Err    error
}

func (e *Error) Error() string {
	text := "register: " + string(e.Code) + ": " + e.Detail
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

const newLink = "Ask whoever runs this tool for a new registration link."

var answers = map[Code]struct {
	status int
	public string
}{
	CodeLink: {
		http.StatusForbidden,
		"This registration link is not one of ours, or it is more than a day old. " + newLink,
	},
	CodeIssuer: {
		http.StatusForbidden,
		"Your platform may not register itself with this tool. Ask whoever runs this tool to allow it.",
	},
	CodeRequest: {
		http.StatusBadRequest,
		"This page must be opened by the platform that the link was made for. " +
			"Begin the registration there, with the link as the tool's registration address.",
	},
	CodeUnreachable: {
		http.StatusBadGateway,
		"Your platform's description of itself cannot be fetched from here. Nothing was registered; the link can be used again. " +
			"Check that your platform is reachable from outside.",
	},
	CodePlatform: {
		http.StatusBadGateway,
		"Your platform's description of itself cannot be used. Nothing was registered; the link can be used again. " +
			"Ask whoever runs this tool what is wrong, and give them the reference.",
	},
	CodeBusy: {
		http.StatusConflict,
		"This link is being used at this moment. " +
			"Wait half a minute, look whether the tool has appeared in your platform, and try again if it has not.",
	},
	CodeUsed: {
		http.StatusConflict,
		"This registration link was used before, and works only once. " + newLink,
	},
	CodeRefused: {
		http.StatusBadGateway,
		"Your platform refused the registration. Nothing was registered. " +
			"Wait half a minute, then begin the registration in your platform again, with the same link.",
	},
	CodeUnclear: {
		http.StatusBadGateway,
		"Your platform did not say clearly whether the registration came about. If the tool appears there, remove it. " + newLink,
	},
	CodeUnavailable: {
		http.StatusServiceUnavailable,
		"We cannot check your registration link at the moment. Nothing was registered. Wait a minute, then try again.",
	},
}

func refuse(code Code, detail string, err error) *Error {
	a := answers[code]
	return &Error{Code: code, Status: a.status, Public: a.public, Detail: detail, Err: err}
}

// Codes are all codes with their status, for documentation to be held against.
func Codes() map[string]int {
	list := map[string]int{}
	for code, a := range answers {
		list[string(code)] = a.status
	}
	return list
}
