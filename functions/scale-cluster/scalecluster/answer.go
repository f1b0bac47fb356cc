package scalecluster

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/alarm"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// answer is what callers read of a decision. Numbers are left out where the cluster was not looked at.
type answer struct {
	Cluster   string       `json:"cluster"`
	Direction string       `json:"direction"`
	Asked     *int         `json:"asked,omitempty"`
	From      *int         `json:"from,omitempty"`
	To        *int         `json:"to,omitempty"`
	Victims   []string     `json:"victims,omitempty"`
	Applied   bool         `json:"applied"`
	DryRun    bool         `json:"dry_run,omitempty"`
	Code      cluster.Code `json:"code"`
	Reason    string       `json:"reason"`
	// RetryAfter is in seconds.
	RetryAfter int `json:"retry_after,omitempty"`
	// Pass is what was due besides, where an alarm was the occasion to do it.
	Pass *step `json:"pass,omitempty"`
	// Decisions are the last ones that were made true, newest first.
	Decisions []past `json:"decisions,omitempty"`
	Reference string `json:"reference"`
}

// step is what a reconcile pass did.
type step struct {
	Applied bool         `json:"applied"`
	Code    cluster.Code `json:"code"`
	Reason  string       `json:"reason"`
	Victims []string     `json:"victims,omitempty"`
}

// refusal is an answer whose status says that nothing was done: a problem document (RFC 9457) with the answer's fields.
type refusal struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	answer
}

// unavailable is the code of an answer to Aodh while the cloud does not answer us.
const unavailable cluster.Code = "unavailable"

func answerOf(o outcome) answer {
	d := o.Decision
	a := answer{
		Direction: string(d.Op), Asked: &d.Asked, From: &d.From, To: &d.To, Applied: d.Applied, DryRun: d.DryRun,
		Victims: d.Victims, Code: d.Code, Reason: d.Reason, RetryAfter: seconds(d.RetryAfter), Decisions: history(d.Ring),
	}
	if p := o.pass; p != nil {
		a.Pass = &step{p.Applied, p.Code, p.Reason, p.Victims}
		a.Decisions = history(p.Ring)
	}
	return a
}

// quiet answers an alarm that does not fire: it is no request.
func quiet(s alarm.Signal, verb string) answer {
	reason := "The alarm says that all is well; nothing was changed."
	if s.State == alarm.Unknown {
		reason = "The alarm has too little data to say anything; nothing was changed."
	}
	return answer{Direction: verb, Code: cluster.NotAlarm, Reason: reason}
}

// answerTo answers in the way the sender understands; the package's comment has the table.
func answerTo(w http.ResponseWriter, r *http.Request, s alarm.Signal, o options, name string, a answer) {
	a.Cluster, a.Reference = name, logging.RequestID(r.Context())
	logging.Note(r.Context(), "decision", string(a.Code))
	logging.Note(r.Context(), "reason", a.Reason)
	if a.From != nil && a.To != nil {
		logging.Note(r.Context(), "nodes", strconv.Itoa(*a.From)+" to "+strconv.Itoa(*a.To))
	}
	if a.Pass != nil {
		logging.Note(r.Context(), "pass", string(a.Pass.Code))
	}
	status := statusOf(s, o, a)
	if emptyTo(s, o, status) {
		empty(w, status, a.Code)
		return
	}
	if status < http.StatusBadRequest {
		function.JSON(w, r, status, a)
		return
	}
	logging.Note(r.Context(), "problem", string(a.Code))
	w.Header().Set("Content-Type", "application/problem+json")
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	w.WriteHeader(status)
	text := refusal{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: a.Reason, answer: a}
	_ = json.NewEncoder(w).Encode(text) // it always encodes, and the caller may have gone
}

func statusOf(s alarm.Signal, o options, a answer) int {
	later := a.Code == cluster.Busy || a.Code == cluster.Superseded || a.Code == cluster.Lost
	down := a.Code == cluster.LBBroken
	wrong := a.Code == cluster.UnknownNode || a.Code == cluster.Protected && s.Wish
	strict := o.strict && s.Sender == alarm.Person && a.Code != cluster.Scaled && a.Code != cluster.Unchanged && !a.DryRun
	switch {
	case a.Applied, a.Pass != nil && a.Pass.Applied, (later || down) && s.Sender == alarm.Aodh:
		return http.StatusAccepted
	case down:
		return http.StatusServiceUnavailable
	case later && (s.Sender == alarm.Alertmanager || s.Sender == alarm.CloudEvents):
		return http.StatusServiceUnavailable
	case later && s.Sender != timer:
		return http.StatusConflict
	case wrong, strict:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// failTo answers when OpenStack failed us. Aodh cannot do anything about it, and its next notification is the retry.
func failTo(w http.ResponseWriter, r *http.Request, s alarm.Signal, name string, who caller.Caller, err error) {
	err = explain(err, who)
	e, ok := errors.AsType[*function.Error](err)
	theirs := ok && who.Kind == caller.Keystone && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
	if ok && s.Sender == alarm.Aodh && e.Status != http.StatusGone && e.Status != http.StatusNotFound && !theirs {
		const reason = "OpenStack did not do it; nothing is known to have changed. The alarm's next notification tries again."
		logging.From(r.Context()).Warn().Err(err).Msg("alarm not acted on")
		logging.Note(r.Context(), "decision", string(unavailable))
		logging.Note(r.Context(), "reason", reason)
		function.JSON(w, r, http.StatusAccepted, answer{
			Cluster: name, Code: unavailable, RetryAfter: seconds(e.RetryAfter), Reference: logging.RequestID(r.Context()), Reason: reason,
		})
		return
	}
	if ok {
		logging.Note(r.Context(), "decision", e.Code)
		logging.Note(r.Context(), "reason", e.Public)
	}
	function.Fail(w, r, err)
}

// explain makes an answer of an OpenStack error that has none yet.
func explain(err error, who caller.Caller) error {
	if _, done := errors.AsType[*function.Error](err); done {
		return err
	}
	failed, ok := errors.AsType[*openstack.Error](err)
	if !ok {
		return err
	}
	status, retry := failed.Code.HTTP()
	e := &function.Error{Code: string(failed.Code), Status: status, RetryAfter: retry, Err: err}
	switch {
	case failed.Code == openstack.Forbidden && who.Kind == caller.Keystone && failed.Status == http.StatusUnauthorized:
		e.Code, e.Status, e.Public = "unauthorized", http.StatusUnauthorized, "OpenStack does not accept the token in X-Auth-Token. Get a new one and send the request again."
	case failed.Code == openstack.Forbidden && who.Kind == caller.Keystone:
		e.Status, e.Public = http.StatusForbidden, "Your rights in OpenStack do not allow it. Use a token of the project that owns the cluster, with a role that may change stacks."
	case failed.Code == openstack.Unavailable:
		e.Public = "OpenStack does not answer. Send the request again; what was begun is not done twice."
	case failed.Code == openstack.Gone:
		e.Status, e.Public = http.StatusGone, "The cluster's stack does not exist any more. Deploy it again, or remove the alarm."
	case failed.Code == openstack.Quota:
		e.Public = "The project's quota at OpenStack is used up. Ask the operator to raise it."
	case failed.Code == openstack.Busy:
		e.Public = "OpenStack is at work on the cluster. Send the request again when it is done."
	default:
		e.Public = "OpenStack refused the request. Give the reference to the operator; the log has the cause."
	}
	return e
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
