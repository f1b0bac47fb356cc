package openstacktest

import (
	"errors"
	"fmt"
	"net/http"
)

// heatError is heat/api/middleware/fault.py's shape.
func heatError(status int, typ, message string) reply {
	explanation := map[int]string{
		http.StatusBadRequest:          "The server could not comply with the request since it is either malformed or otherwise incorrect.",
		http.StatusForbidden:           "Access was denied to this resource.",
		http.StatusNotFound:            "The resource could not be found.",
		http.StatusConflict:            "There was a conflict when trying to complete your request.",
		http.StatusInternalServerError: "The server has either erred or is incapable of performing the requested operation.",
	}[status]
	return reply{status: status, body: map[string]any{
		"code": status, "title": http.StatusText(status), "explanation": or(explanation, http.StatusText(status)),
		"error": map[string]any{"message": message, "traceback": nil, "type": typ},
	}}
}

// said is an error in Heat's own words, which begin with a capital.
func said(format string, args ...any) error { return fmt.Errorf(format, args...) }

// badRequest is the 400 for an error of parsing, parameters or validation.
func badRequest(err error) reply {
	if p, ok := errors.AsType[parameterError](err); ok {
		return heatError(http.StatusBadRequest, p.typ, p.message)
	}
	return heatError(http.StatusBadRequest, "StackValidationFailed", err.Error())
}

func stackNotFound(name string) reply {
	return heatError(http.StatusNotFound, "EntityNotFound", "The Stack ("+name+") could not be found.")
}
