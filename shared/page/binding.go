package page

import "net/http"

// Login is the page that keeps the browser's secret of an LTI 1.3 login and goes on to the platform.
type Login struct {
	// ID names the login, and with "stackhook-" in front the browser's storage entry.
	ID     string
	Secret string
	// AuthURL is the platform's, with the authentication request as its query.
	AuthURL string
	// StorageTarget names the platform's frame that stores for tools (1EdTech lti-cs-pm); empty if there is none.
	StorageTarget string
	// Opener is our own origin: a page of it that opened this one in a new tab is given the secret.
	Opener    string
	Texts     Texts
	Ancestors []string
}

// Login answers with a page that goes on to the platform.
func (p *Pages) Login(w http.ResponseWriter, r *http.Request, l Login) {
	p.draw(w, r, sheet{
		status: http.StatusOK, template: "login.html", script: "login.js", texts: l.Texts, policy: policy{ancestors: l.Ancestors},
		data: map[string]any{
			"Title": l.Texts.Word["login"], "Address": l.AuthURL,
			"Data": map[string]string{
				"id": l.ID, "key": storageKey(l.ID), "secret": l.Secret, "address": l.AuthURL,
				"target": l.StorageTarget, "platform": originOf(l.AuthURL), "opener": l.Opener,
			},
		},
	})
}

// Bind is the page for an LTI 1.3 launch whose cookie did not come back: it looks for the browser's secret elsewhere and
// posts the launch again with it.
type Bind struct {
	ID             string
	StorageTarget  string
	PlatformOrigin string
	// Action is the launch address, and Fields the launch (id_token and state).
	Action string
	Fields []Field
	// LoginAction and Again begin the login anew in another tab. Without Again that has to be done in the course.
	LoginAction string
	Again       []Field
	Texts       Texts
	Ancestors   []string
}

// Bind answers with a page that proves that the launch belongs to this browser. Its form says truthfully where it comes
// from, which is why this page alone sends a referrer, and to ourselves only.
func (p *Pages) Bind(w http.ResponseWriter, r *http.Request, b Bind) {
	p.draw(w, r, sheet{
		status: http.StatusOK, template: "bind.html", script: "bind.js", texts: b.Texts, referrer: "same-origin", reference: true,
		policy: policy{ancestors: b.Ancestors, forms: []string{own}},
		data: map[string]any{
			"Title": b.Texts.Word["bind"], "Action": b.Action, "Fields": b.Fields, "LoginAction": b.LoginAction, "Again": b.Again,
			"Data": map[string]string{
				"id": b.ID, "key": storageKey(b.ID), "target": b.StorageTarget, "platform": originOf(b.PlatformOrigin),
			},
		},
	})
}

func storageKey(id string) string { return "stackhook-" + id }
