package shim

import (
	"net/http"
	"slices"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/tender"
)

// round is something that tend-labs does with all labs.
type round struct {
	Key, Verb, Title, What string
	path                   string
	// Changes: it is asked about first.
	Changes bool
}

// rounds are all there are. A dry run says what the real one would do.
func rounds() []round {
	return []round{
		{Key: "tend-dry", Verb: "Tend, dry run", Title: "What tending would do", path: "/?dry_run=1"},
		{
			Key: "tend", Verb: "Tend now", Title: "What tending did", path: "/", Changes: true,
			What: "All that is due is done at once and not by the timer: idle labs go to sleep, those that have had their time are deleted, and the ready-made ones are brought to their number.",
		},
		{Key: "doctor-dry", Verb: "Doctor, dry run", Title: "What the doctor finds", path: "/doctor?dry_run=1"},
		{
			Key: "doctor", Verb: "Heal", Title: "What the doctor found and healed", path: "/doctor", Changes: true,
			What: "All that is due is done as in tending, and what is left over besides is tidied up: labs that nobody owns or that are there twice, claims, key pairs and addresses of labs that are gone.",
		},
	}
}

func roundOf(key string) (round, bool) {
	all := rounds()
	at := slices.IndexFunc(all, func(r round) bool { return r.Key == key })
	if at < 0 {
		return round{}, false
	}
	return all[at], true
}

// roundData fills operators-round.html.
type roundData struct {
	frameData
	Round round
}

// askRound shows what is about to be done.
func (o *operators) askRound(w http.ResponseWriter, r *http.Request) {
	which, ok := roundOf(r.PathValue("round"))
	if !ok {
		noSuchOrder(w, r)
		return
	}
	o.shim.render(w, r, "operators-round.html", operatorsPolicy, roundData{o.shim.frame(), which})
}

// reportData fills operators-report.html.
type reportData struct {
	frameData
	Round  round
	Report tender.Report
}

// round has tend-labs go round, and shows its report.
func (o *operators) round(w http.ResponseWriter, r *http.Request) {
	which, ok := roundOf(r.PathValue("round"))
	if !ok {
		noSuchOrder(w, r)
		return
	}
	data := reportData{frameData: o.shim.frame(), Round: which}
	fault, err := o.tend(r.Context(), http.MethodPost, which.path, []byte("{}"), &data.Report)
	switch {
	case err != nil:
		function.Fail(w, r, err)
	case fault != "":
		http.Redirect(w, r, operatorsPath+"?told="+o.told.put(which.Verb+": "+fault), http.StatusSeeOther)
	default:
		http.Redirect(w, r, operatorsPath+"/report/"+o.told.keep(data), http.StatusSeeOther)
	}
}

// report shows what a round came to, also when the page is loaded again.
func (o *operators) report(w http.ResponseWriter, r *http.Request) {
	data, ok := o.told.reports(r.PathValue("id"))
	if !ok {
		function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "This report is not kept any more. Go back to the labs and ask for another."})
		return
	}
	o.shim.render(w, r, "operators-report.html", operatorsPolicy, data)
}
