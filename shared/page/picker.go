package page

import (
	"html/template"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Picker lets an instructor choose labs for the course (LTI Deep Linking).
type Picker struct {
	Ticket string
	// Action is where the choice is posted: ticket, and lab once or several times.
	Action   string
	Labs     []PickerLab
	Course   string
	Multiple bool
	Texts    Texts
	// FormOrigins are further places that a form of this page may end up at.
	FormOrigins []string
	Ancestors   []string
}

// PickerLab is a lab to choose.
type PickerLab struct {
	Key, Title, Description string
	// Picture is a data: address of a picture, or empty.
	Picture string
	// Expected says how long it takes to build, in words: Texts.About.
	Expected string
	Cost     string
}

// Picker answers with the labs to choose from.
func (p *Pages) Picker(w http.ResponseWriter, r *http.Request, choice Picker) {
	type lab struct {
		PickerLab
		Image   template.URL
		Initial string // in place of a picture
	}
	labs := make([]lab, len(choice.Labs))
	for i, l := range choice.Labs {
		_, size := utf8.DecodeRuneInString(l.Title)
		labs[i] = lab{l, picture(l.Picture), l.Title[:size]}
	}
	p.draw(w, r, sheet{
		status: http.StatusOK, template: "picker.html", style: "picker.css", texts: choice.Texts, reference: true,
		policy: policy{ancestors: choice.Ancestors, forms: append([]string{own}, choice.FormOrigins...), pictures: true},
		data: map[string]any{
			"Title": choice.Texts.Word["pick"], "Ticket": choice.Ticket, "Action": choice.Action, "Labs": labs, "Course": choice.Course,
			"Multiple": choice.Multiple,
		},
	})
}

// picture lets through what a browser draws as a picture and nothing else: in an img, an SVG runs no script.
func picture(address string) template.URL {
	for _, kind := range []string{"svg+xml", "png", "jpeg"} {
		if strings.HasPrefix(address, "data:image/"+kind+";base64,") || strings.HasPrefix(address, "data:image/"+kind+",") {
			return template.URL(address) //nolint:gosec // a picture that is part of the page
		}
	}
	return ""
}

// Return is a form that goes back to the platform by itself.
type Return struct {
	Action    string
	Fields    []Field
	Texts     Texts
	Ancestors []string
}

// Return answers with a page that posts the fields to the platform.
func (p *Pages) Return(w http.ResponseWriter, r *http.Request, back Return) {
	s := sheet{
		status: http.StatusOK, template: "return.html", script: "return.js", texts: back.Texts, policy: policy{ancestors: back.Ancestors},
		data: map[string]any{"Title": back.Texts.Word["return"], "Action": back.Action, "Fields": back.Fields},
	}
	if origin := originOf(back.Action); origin != "" {
		s.policy.forms = []string{origin}
	}
	p.draw(w, r, s)
}
