package scalecluster

import (
	"net/http"
	"strconv"

	"github.com/stackhook/stackhook/shared/alarm"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
)

// Headers by which a sender of CloudEvents asks whether it may send (CloudEvents http-webhook, 4).
const (
	requestOrigin = "Webhook-Request-Origin"
	requestRate   = "Webhook-Request-Rate"
	allowedOrigin = "Webhook-Allowed-Origin"
	allowedRate   = "Webhook-Allowed-Rate"
)

// mostRate is how many notifications a minute a sender is allowed; alarms come once a minute.
const mostRate = 120

// asksToSend says that the request is such a question. Any other OPTIONS is a method that we do not know.
func asksToSend(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get(requestOrigin) != ""
}

// agree answers it: whoever could send may. It asks nothing of OpenStack.
func agree(w http.ResponseWriter, r *http.Request) {
	origin, rate := r.Header.Get(requestOrigin), mostRate
	for _, c := range origin {
		if named := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '*'; !named {
			function.Fail(w, r, badRequest("bad_origin", "WebHook-Request-Origin is the sender's name in the DNS."))
			return
		}
	}
	if n, err := strconv.Atoi(r.Header.Get(requestRate)); err == nil && n > 0 {
		rate = min(n, mostRate)
	}
	w.Header().Set("Allow", http.MethodPost)
	w.Header().Set(allowedOrigin, origin)
	w.Header().Set(allowedRate, strconv.Itoa(rate))
	w.WriteHeader(http.StatusOK)
}

// codeHeader carries an answer's code where there is no body.
const codeHeader = "Stackhook-Code"

// emptyTo says that an answer must have no body: a broker takes one for an event of its own, finds that it is none, and
// calls the delivery failed (Knative, "received a non-empty response not recognized as CloudEvent").
func emptyTo(s alarm.Signal, o options, status int) bool {
	return s.Sender == alarm.CloudEvents && !o.dryRun && status < http.StatusBadRequest
}

// empty answers so: 202 for what was made, 204 for what was only heard.
func empty(w http.ResponseWriter, status int, code cluster.Code) {
	if status == http.StatusOK {
		status = http.StatusNoContent
	}
	w.Header().Set(codeHeader, string(code))
	w.WriteHeader(status)
}
