package page

import (
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
	p.draw(w, r, sheet{
		name: "picker", status: http.StatusOK, styles: []string{"parts.css", "picker.css"}, texts: choice.Texts, reference: true,
		policy: policy{ancestors: choice.Ancestors, forms: append([]string{own}, choice.FormOrigins...), pictures: true},
		title:  choice.Texts.Word["pick"], state: "ready", wide: true, content: pickerContent(choice),
	})
}

// input is what a lab is chosen with.
func (p Picker) input() string {
	if p.Multiple {
		return "checkbox"
	}
	return "radio"
}

// initial stands in place of a picture.
func initial(title string) string {
	_, size := utf8.DecodeRuneInString(title)
	return title[:size]
}

// picture lets through what a browser draws as a picture and nothing else: in an img, an SVG runs no script.
func picture(address string) string {
	for _, kind := range []string{"svg+xml", "png", "jpeg"} {
		if strings.HasPrefix(address, "data:image/"+kind+";base64,") || strings.HasPrefix(address, "data:image/"+kind+",") {
			return address
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
		name: "return", status: http.StatusOK, styles: []string{"parts.css"}, script: "return.js", texts: back.Texts, policy: policy{ancestors: back.Ancestors},
		title: back.Texts.Word["return"], state: "building", content: returnContent(back),
	}
	if origin := originOf(back.Action); origin != "" {
		s.policy.forms = []string{origin}
	}
	p.draw(w, r, s)
}
