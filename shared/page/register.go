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
	s := sheet{
		name: "register", status: http.StatusOK, styles: []string{"parts.css"}, texts: reg.Texts, reference: true, policy: policy{ancestors: reg.Ancestors, forms: ownForms},
		title: reg.Texts.Word["register"], state: "building", content: registerContent(reg),
	}
	if reg.Done {
		s.title, s.state, s.script, s.policy.forms = reg.Texts.Word["registered"], "ready", "register.js", nil
	}
	p.draw(w, r, s)
}
