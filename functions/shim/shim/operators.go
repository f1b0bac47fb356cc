package shim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
)

const (
	operatorsPath = "/dev/labs"
	// operatorsPolicy: the page has no script, and nothing of it leaves this address.
	operatorsPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// operators is the page from which operators see all labs and order them. It asks tend-labs, with a token that stays here.
type operators struct {
	*player

	told board
}

// routes are the page's own. Whatever changes something is asked about on a page of its own, and then posted.
func (o *operators) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+operatorsPath, o.fleet)
	mux.HandleFunc("GET "+operatorsPath+"/order/{act}", o.question)
	mux.HandleFunc("POST "+operatorsPath+"/order/{act}", o.order)
	mux.HandleFunc("POST "+operatorsPath+"/round/{round}", o.round)
	mux.HandleFunc("GET "+operatorsPath+"/round/{round}", o.askRound)
	mux.HandleFunc("GET "+operatorsPath+"/report/{id}", o.report)
}

// tend calls tend-labs and reads its answer into out. What it refuses is a fault to show.
func (o *operators) tend(ctx context.Context, method, path string, body []byte, out any) (fault string, err error) {
	return o.ask(ctx, "labs", method, "/tend-labs"+path, body, out)
}

// fleetData fills operators.html.
type fleetData struct {
	frameData
	Fault  string
	Notice string
	Query  tender.Query
	Fleet  tender.Fleet
	Shown  string
	Keys   []string // of labs
	States []lab.State
}

// frameData is what every page of the operators' has.
type frameData struct{ Version, Cloud string }

func (s *Shim) frame() frameData { return frameData{short(s.version), s.cloudText()} }

// fleet shows all labs.
func (o *operators) fleet(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	data := fleetData{
		frameData: o.shim.frame(), Notice: o.told.take(query.Get("told")), Keys: o.keys(), States: states(),
		Query: tender.Query{Cloud: query.Get("cloud"), Lab: query.Get("lab"), State: lab.State(query.Get("state")), After: query.Get("after")},
	}
	asked := url.Values{}
	for _, name := range []string{"cloud", "lab", "state", "after"} {
		if value := query.Get(name); value != "" {
			asked.Set(name, value)
		}
	}
	var err error
	if data.Fault, err = o.tend(r.Context(), http.MethodGet, "/labs?"+asked.Encode(), nil, &data.Fleet); err != nil {
		function.Fail(w, r, err)
		return
	}
	data.Shown = iso(data.Fleet.At) // to the second, which is as fine as a lab's tags remember it
	o.shim.render(w, r, "operators.html", operatorsPolicy, data)
}

// keys are the labs of the catalogue.
func (o *operators) keys() []string {
	keys := make([]string, 0, len(o.shim.cfg.Labs))
	for key := range o.shim.cfg.Labs {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// orderData fills operators-order.html.
type orderData struct {
	frameData
	Words     words
	Ref, Name string
	Shown     string
}

// words are how an act is spoken of.
type words struct {
	Act               string
	Verb, Title, What string
	Danger            bool
}

// orders are what an operator may order.
func orders() []words {
	return []words{
		{Act: string(lab.ActSuspend), Verb: "Suspend", Title: "Suspend this lab?", What: "Its machines go to sleep. Whoever works in it is interrupted; what is on its disks and in memory stays, and the learner’s next launch wakes it."},
		{Act: string(lab.ActExtend), Verb: "Extend", Title: "Give this lab more time?", What: "It gets one extension of its catalogue entry, which uses up none of the learner’s own."},
		{Act: string(lab.ActUndo), Verb: "Undo the reset", Title: "Go back to the lab before the reset?", What: "The new lab is deleted with all that is in it, and the one before it counts again.", Danger: true},
		{Act: string(lab.ActEnd), Verb: "End", Title: "End this lab?", What: "It is deleted with all that is in it, and nobody can get it back.", Danger: true},
	}
}

func wordsOf(act string) (words, bool) {
	all := orders()
	at := slices.IndexFunc(all, func(w words) bool { return w.Act == act })
	if at < 0 {
		return words{}, false
	}
	return all[at], true
}

// question shows what is about to be ordered.
func (o *operators) question(w http.ResponseWriter, r *http.Request) {
	spoken, ok := wordsOf(r.PathValue("act"))
	query := r.URL.Query()
	if !ok || query.Get("ref") == "" {
		noSuchOrder(w, r)
		return
	}
	o.shim.render(w, r, "operators-order.html", operatorsPolicy, orderData{
		o.shim.frame(), spoken, query.Get("ref"), nameIn(query.Get("ref")), query.Get("shown"),
	})
}

func noSuchOrder(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "There is no such order. Go back to the labs and choose one there."})
}

// nameIn is the stack's name in a reference: cloud:name:id.
func nameIn(ref string) string {
	parts := strings.Split(ref, ":")
	return parts[max(0, len(parts)-2)]
}

// order gives an order to tend-labs and goes back to the labs with what became of it.
func (o *operators) order(w http.ResponseWriter, r *http.Request) {
	spoken, ok := wordsOf(r.PathValue("act"))
	ref := r.PostFormValue("ref")
	if !ok || ref == "" {
		noSuchOrder(w, r)
		return
	}
	in := map[string]any{"ref": ref}
	if shown, err := time.Parse(time.RFC3339, r.PostFormValue("shown")); err == nil {
		in["shown"] = shown
	}
	body, err := json.Marshal(in)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	var out tender.Outcome
	fault, err := o.tend(r.Context(), http.MethodPost, "/labs/"+spoken.Act, body, &out)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if fault == "" {
		fault = spoken.Verb + " " + nameIn(ref) + ": " + became(out)
	}
	http.Redirect(w, r, operatorsPath+"?told="+o.told.put(fault), http.StatusSeeOther) //nolint:gosec // to a page of ours: put draws an id
}

// became says what became of an order.
func became(out tender.Outcome) string {
	why := ""
	if out.Why != "" {
		why = " (" + out.Why + ")"
	}
	switch out.Verdict {
	case lab.Now:
		if out.Until != nil {
			return "done, it lives until " + moment(*out.Until) + "."
		}
		return "under way."
	case lab.Already:
		return "it was so already" + why + "."
	case lab.Later:
		return "not yet" + why + ". Heat is at work on it: give the order again in a few seconds."
	case lab.Never:
	}
	return "that cannot be done" + why + "."
}

func states() []lab.State {
	return []lab.State{lab.Starting, lab.Building, lab.Ready, lab.Suspended, lab.Resuming, lab.Broken, lab.Gone}
}
