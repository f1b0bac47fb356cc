package scalecluster

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/alarm"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

// verbs are the ends of addresses that scale.
const (
	verbOut  = "out"
	verbIn   = "in"
	verbAuto = "auto"
	verbSet  = "set"
	// verbReplace changes no size: broken nodes are made anew.
	verbReplace = "replace"
)

// scale answers POST /{cluster}/{verb}.
func (s *scaler) scale(w http.ResponseWriter, r *http.Request) {
	name, verb := r.PathValue("cluster"), r.PathValue("verb")
	if !slices.Contains([]string{verbOut, verbIn, verbAuto, verbSet, verbReplace}, verb) {
		notFound(w, r)
		return
	}
	asks := asksToSend(r)
	if r.Method != http.MethodPost && !asks {
		wrongMethod(w, r, http.MethodPost, "Only POST scales a cluster; send the request as POST and without redirects.")
		return
	}
	logging.Note(r.Context(), "cluster", name)
	who, grant, ok := s.proof(r, name, verb)
	if !ok {
		unauthorized(w, r)
		return
	}
	if asks {
		agree(w, r)
		return
	}
	signal, err := read(r, who)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	o, err := optionsOf(r, signal)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	logging.Note(r.Context(), "sender", string(signal.Sender))
	t := s.target(name)
	if signal.State != alarm.Alarm {
		s.quiet(w, r, who, signal, o, t, verb)
		return
	}
	request, err := requestOf(verb, named(r, signal, who), who, o)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if who.Kind == caller.Signed {
		request.Min, request.Max = grant.Min, grant.Max
		if grant.Percent > 0 {
			request.Percent, request.MinStep = &grant.Percent, grant.MinStep
		}
	}
	decision, err := s.decide(r.Context(), who, t, request, !signal.Wish)
	if err != nil {
		failTo(w, r, signal, name, who, err)
		return
	}
	answerTo(w, r, signal, o, name, answerOf(decision))
}

// quiet answers an alarm that does not fire: it is no request, but it may be the occasion to do what is due.
func (s *scaler) quiet(w http.ResponseWriter, r *http.Request, who caller.Caller, signal alarm.Signal, o options, t target, verb string) {
	a := quiet(signal, verb)
	s.counts.decided(cluster.Decision{Op: cluster.Op(verb), Code: a.Code, DryRun: o.dryRun})
	if t.policy.NeedsPass() {
		request := cluster.Request{Op: cluster.OpPass, Who: string(signal.Sender) + " " + signal.Name, DryRun: o.dryRun}
		pass, err := s.decide(r.Context(), who, t, request, false)
		if err != nil {
			failTo(w, r, signal, t.name, who, err)
			return
		}
		a.Pass = &step{pass.Applied, pass.Code, pass.Reason, pass.Victims}
	}
	answerTo(w, r, signal, o, t.name, a)
}

// reconcile answers POST /{cluster}/reconcile, whatever the body says: a timer has nothing to say.
func (s *scaler) reconcile(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		wrongMethod(w, r, http.MethodPost, "Only POST does what is due; send the request as POST and without redirects.")
		return
	}
	name, who, ok := s.letIn(w, r)
	if !ok {
		return
	}
	signal := timerSignal()
	o, err := optionsOf(r, signal)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	request := cluster.Request{Op: cluster.OpPass, Who: "reconcile by " + string(who.Kind), DryRun: o.dryRun, Force: o.force}
	decision, err := s.decide(r.Context(), who, s.target(name), request, false)
	if err != nil {
		failTo(w, r, signal, name, who, err)
		return
	}
	answerTo(w, r, signal, o, name, answerOf(decision))
}

// timer is the sender of a reconcile pass: it comes again, so an answer is never "send it again".
const timer alarm.Sender = "timer"

func timerSignal() alarm.Signal { return alarm.Signal{Sender: timer, Wish: true} }

// letIn says who asks about which cluster, by other means than a signed address; it answers whoever says neither.
func (s *scaler) letIn(w http.ResponseWriter, r *http.Request) (name string, who caller.Caller, ok bool) {
	name = r.PathValue("cluster")
	logging.Note(r.Context(), "cluster", name)
	if who, ok = s.identify(r, name, nil); !ok {
		unauthorized(w, r)
	}
	return name, who, ok
}

// identify says who calls, by the credentials of the cluster and those that open all.
func (s *scaler) identify(r *http.Request, name string, signed func(url.Values) bool) (caller.Caller, bool) {
	accepted := s.credentials[""]
	if name != "" {
		accepted = slices.Concat(accepted, s.credentials[name])
	}
	who, ok := caller.Identify(r, accepted, signed)
	if ok {
		logging.Note(r.Context(), logging.Caller, string(who.Kind)+" "+who.Name)
	}
	return who, ok
}

// proof is identify for an address that may be signed, with what its signature allows.
func (s *scaler) proof(r *http.Request, name, verb string) (who caller.Caller, grant caller.Grant, ok bool) {
	var signed func(url.Values) bool
	if verb == verbOut || verb == verbIn || verb == verbReplace {
		signed = func(query url.Values) (good bool) {
			grant, good = caller.Granted(s.box, name, verb, query, s.now())
			return good
		}
	}
	who, ok = s.identify(r, name, signed)
	return who, grant, ok
}

// read takes the signal from the body.
func read(r *http.Request, who caller.Caller) (alarm.Signal, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, function.MaxBody))
	if err != nil {
		return alarm.Signal{}, err //nolint:wrapcheck // Fail knows what a body too large is
	}
	signal, err := alarm.Parse(r.Header, body)
	if bad, ok := errors.AsType[*alarm.Error](err); ok {
		status := http.StatusBadRequest
		if bad.Code == alarm.MediaType || bad.Code == alarm.Schema {
			status = http.StatusUnsupportedMediaType
		}
		return alarm.Signal{}, &function.Error{Code: bad.Code, Status: status, Public: bad.Message}
	}
	if err != nil {
		return alarm.Signal{}, err //nolint:wrapcheck // Parse has no other error
	}
	if who.Kind == caller.Signed && signal.Wish {
		// Everyone who may read the alarm reads its address; what they may do with it is what the alarm does.
		return alarm.Signal{}, &function.Error{
			Code: "alarms_only", Status: http.StatusForbidden,
			Public: "A signed address is for alarms. Scale with a Keystone token (X-Auth-Token) or an API token instead.",
		}
	}
	return signal, nil
}

// options are the switches in the query.
type options struct{ dryRun, strict, force bool }

func optionsOf(r *http.Request, signal alarm.Signal) (options, error) {
	var o options
	query := r.URL.Query()
	for name, value := range map[string]*bool{"dry_run": &o.dryRun, "strict": &o.strict, "force": &o.force} {
		switch query.Get(name) {
		case "", "0", "false":
		case "1", "true":
			*value = true
		default:
			return options{}, &function.Error{Code: "bad_option", Status: http.StatusBadRequest, Public: "The option " + name + " is 1 or 0."}
		}
	}
	if o.force && !signal.Wish {
		return options{}, &function.Error{Code: "bad_option", Status: http.StatusBadRequest, Public: "Only a person or their program may use force: an alarm has to wait for the cooldown."}
	}
	return o, nil
}

// personKeyLife is how long a person's Idempotency-Key stands for the same request.
const personKeyLife = 24 * time.Hour

// named gives a person's request the key they chose for it, if they did: sent again, it is the same request. Two people
// who choose the same key mean two things.
func named(r *http.Request, s alarm.Signal, who caller.Caller) alarm.Signal {
	if key := r.Header.Get("Idempotency-Key"); key != "" && s.Sender == alarm.Person {
		s.Key, s.KeyLife = string(who.Kind)+" "+who.Name+" "+key, personKeyLife
	}
	return s
}

// requestOf makes a request to the cluster of a signal and the address it came to.
func requestOf(verb string, s alarm.Signal, who caller.Caller, o options) (cluster.Request, error) {
	r := cluster.Request{
		By: s.By, Percent: s.Percent, MinStep: s.MinStep, Value: s.Value, Nodes: s.Nodes, Key: s.Key, KeyLife: s.KeyLife, Force: o.force, DryRun: o.dryRun, Who: string(s.Sender) + " " + s.Name,
		Person: s.Wish, Repeats: s.Repeats,
	}
	if s.Sender == alarm.Person {
		r.Who, r.Strict = who.Name, o.strict
	}
	if s.Sender == alarm.Person && who.Kind == caller.Keystone {
		r.Who = "OpenStack user"
	}
	if verb == verbAuto {
		verb = string(s.Direction)
		if s.To != nil {
			verb = verbSet
		}
	}
	switch {
	case verb == verbSet && s.To == nil:
		return r, badRequest("size_missing", `Say the number of nodes wanted: {"to": 3}.`)
	case verb == verbSet:
		r.Op, r.To = cluster.OpSet, *s.To
	case verb == "":
		return r, badRequest("direction_missing", `The body does not say where to: add "direction" ("out", "in" or "replace"), or the label "scale" to the alert, or post to /out or /in.`)
	case verb == verbReplace && s.Wish && (len(s.Nodes) > 1 || s.By > 0 || s.Percent != nil || s.To != nil):
		return r, badRequest("one_at_a_time", `One node is replaced at a time: name it in "nodes", or leave that out for one that is broken.`)
	case len(s.Nodes) > 0 && s.Wish && verb != verbIn && verb != verbReplace:
		return r, badRequest("nodes_not_in", `"nodes" names those to take away: post it to /in or /replace, or to /auto with the "direction" "in" or "replace".`)
	case s.To != nil:
		return r, badRequest("direction_or_size", `"to" names the size wanted: post it to /set or /auto.`)
	case s.Wish && s.Direction != "" && string(s.Direction) != verb:
		return r, badRequest("directions_differ", `"direction" says another thing than the address; post to /auto, or leave it out.`)
	default:
		r.Op = cluster.Op(verb)
	}
	if !s.Wish && verb != verbReplace {
		r.Nodes = nil // an alarm about nodes at an address of another kind is an alarm like others
	}
	return r, nil
}

func badRequest(code, public string) error {
	return &function.Error{Code: code, Status: http.StatusBadRequest, Public: public}
}

func unauthorized(w http.ResponseWriter, r *http.Request) {
	caller.Challenge(w)
	function.Fail(w, r, &function.Error{
		Code: "unauthorized", Status: http.StatusUnauthorized,
		Public: "Say who you are: a signed address, a credential of the cluster, an API token, or a Keystone token in X-Auth-Token.",
	})
}

func wrongMethod(w http.ResponseWriter, r *http.Request, allow, public string) {
	w.Header().Set("Allow", allow)
	function.Fail(w, r, &function.Error{Code: "method", Status: http.StatusMethodNotAllowed, Public: public})
}
