package page

import "net/http"

// Register is the page of an LTI Dynamic Registration: first the question, then what came of it.
type Register struct {
	// Issuer and Product say which platform it is.
	Issuer, Product string
	// Action and Fields confirm the registration.
	Action string
	Fields []Field
	// Done says that the platform has registered us.
	Done bool
	// Entry is what the operator has to add to the configuration; empty if it was written.
	Entry string
	// Written is the name of the file that the entry was written to.
	Written   string
	Texts     Texts
	Ancestors []string
}

// Register answers with the question or the result.
func (p *Pages) Register(w http.ResponseWriter, r *http.Request, reg Register) {
	title := "register"
	if reg.Done {
		title = "registered"
	}
	s := sheet{
		status: http.StatusOK, template: "register.html", texts: reg.Texts, reference: true, policy: policy{ancestors: reg.Ancestors},
		data: map[string]any{
			"Title": reg.Texts.Word[title], "Issuer": reg.Issuer, "Product": reg.Product, "Action": reg.Action, "Fields": reg.Fields,
			"Done": reg.Done, "Entry": reg.Entry, "Written": reg.Written,
		},
	}
	if reg.Done {
		s.script = "register.js"
	} else {
		s.policy.forms = []string{own}
	}
	p.draw(w, r, s)
}
