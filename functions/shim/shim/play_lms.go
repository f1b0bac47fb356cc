package shim

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// launchData fills launch.html.
type launchData struct {
	Nonce, Action string
	Fields        []field
}

type field struct{ Name, Value string }

// launch answers what an LMS answers when a learner opens the unit: a signed form that posts itself to the tool
// (xblock-lti-consumer, templates/html/lti_launch.html). It needs no script of the page, and no script at all if the
// learner presses the button.
func (p *player) launch(w http.ResponseWriter, r *http.Request) {
	learner, course := strings.TrimSpace(r.PostFormValue("learner")), strings.TrimSpace(r.PostFormValue("course"))
	lab := r.PostFormValue("lab")
	if learner == "" || len(learner) > 200 {
		badForm(w, r, "learner", "is missing or too long")
		return
	}
	consumer, ok := p.consumer(lab)
	if !ok {
		badForm(w, r, "lab", "is none that a consumer of the configuration may launch")
		return
	}
	signed := p.sign(consumer, learner, cmp.Or(course, "Web servers 101"), lab, r.PostFormValue("role"))
	data := launchData{Nonce: rand.Text(), Action: signed.URL}
	form := signed.Form()
	for name, values := range form {
		for _, value := range values {
			data.Fields = append(data.Fields, field{name, value})
		}
	}
	slices.SortFunc(data.Fields, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	policy := "default-src 'none'; script-src 'nonce-" + data.Nonce + "'; style-src 'nonce-" + data.Nonce + "'; " +
		"form-action 'self' " + p.shim.origin() + "; base-uri 'none'; frame-ancestors 'self'"
	p.shim.render(w, r, "launch.html", policy, data)
}

// consumer is the first that may launch the lab.
func (p *player) consumer(lab string) (config.Consumer, bool) {
	list := p.shim.cfg.LTI.Consumers
	i := slices.IndexFunc(list, func(c config.Consumer) bool { return slices.Contains(c.Labs, lab) })
	if i < 0 {
		return config.Consumer{}, false
	}
	return list[i], true
}

// sign is a launch as Open edX sends it: the learner is known by an anonymous id that is theirs in this course.
func (p *player) sign(c config.Consumer, learner, course, lab, role string) ltitest.Launch {
	id := sha256.Sum256([]byte(course + "\x00" + learner))
	roles := "Student,Learner"
	if role == "instructor" {
		roles = "Instructor"
	}
	return ltitest.New(p.shim.launchURL(), c.Key, c.Secret.Reveal(), hex.EncodeToString(id[:16]), time.Now()).
		With("roles", roles).
		With("context_id", "course-v1:Academy+"+courseKey(course)+"+2026").
		With("context_title", course).
		With("resource_link_id", "block-v1:Academy+"+courseKey(course)+"+2026+type@lti_consumer+block@"+hex.EncodeToString(id[16:24])[:8]).
		With("lis_person_name_full", learner).
		With("custom_component_display_name", p.shim.cfg.Labs[lab].Title).
		With("custom_lab", lab)
}

// courseKey is a course's name as it stands in a course key.
func courseKey(course string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, course)
}
