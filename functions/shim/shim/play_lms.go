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

// click is somebody in a course who opens a unit.
type click struct {
	learner, course, lab, language string
	instructor                     bool
}

// clicked reads the form; the answer is given already where it is not complete.
func clicked(w http.ResponseWriter, r *http.Request) (click, bool) {
	c := click{
		learner: strings.TrimSpace(r.PostFormValue("learner")), course: cmp.Or(strings.TrimSpace(r.PostFormValue("course")), "Web servers 101"),
		lab: r.PostFormValue("lab"), language: r.PostFormValue("language"), instructor: r.PostFormValue("role") == "instructor",
	}
	const longest = 200
	if c.learner == "" || len(c.learner) > longest {
		badForm(w, r, "learner", "is missing or too long")
		return c, false
	}
	return c, true
}

// launch answers what an LMS answers when a learner opens the unit. By LTI 1.1 that is a signed form that posts itself to
// the tool (xblock-lti-consumer, templates/html/lti_launch.html): it needs no script of the page, and no script at all if
// the learner presses the button. By LTI 1.3 it is the way to the tool's login.
func (p *player) launch(w http.ResponseWriter, r *http.Request) {
	c, ok := clicked(w, r)
	if !ok {
		return
	}
	if r.PostFormValue("version") == "1.3" {
		p.login(w, r, c, "")
		return
	}
	consumer, ok := p.consumer(c.lab)
	if !ok {
		badForm(w, r, "lab", "is none that a consumer of the configuration may launch")
		return
	}
	signed := p.sign(consumer, c)
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

// sign is a launch by LTI 1.1 as Open edX sends it.
func (p *player) sign(consumer config.Consumer, c click) ltitest.Launch {
	roles := "Student,Learner"
	if c.instructor {
		roles = "Instructor"
	}
	return ltitest.New(p.shim.launchURL(), consumer.Key, consumer.Secret.Reveal(), c.user(), time.Now()).
		With("roles", roles).
		With("context_id", c.context()).
		With("context_title", c.course).
		With("resource_link_id", c.link()).
		With("lis_person_name_full", c.learner).
		With("launch_presentation_locale", cmp.Or(c.language, "en")).
		With("custom_component_display_name", p.shim.cfg.Labs[c.lab].Title).
		With("custom_lab", c.lab)
}

// user is an anonymous id, the learner's own in this course.
func (c click) user() string {
	id := c.sum()
	return hex.EncodeToString(id[:16])
}

func (c click) sum() [sha256.Size]byte { return sha256.Sum256([]byte(c.course + "\x00" + c.learner)) }

// context is the key of the course.
func (c click) context() string { return "course-v1:" + c.run() }

// link is the key of the block in the course.
func (c click) link() string {
	id := sha256.Sum256([]byte(c.course))
	return "block-v1:" + c.run() + "+type@lti_consumer+block@" + hex.EncodeToString(id[:4])
}

// run is the course's name as it stands in its key.
func (c click) run() string {
	return "Academy+" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, c.course) + "+2026"
}
