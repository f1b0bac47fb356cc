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
		name: "login", status: http.StatusOK, styles: []string{"parts.css"}, script: "login.js", texts: l.Texts, policy: policy{ancestors: l.Ancestors},
		title: l.Texts.Word["login"], state: "building", head: refreshWithoutScript(l.AuthURL), content: loginContent(l, l.Texts.Word),
		data: loginData{
			ID: l.ID, Key: storageKey(l.ID), Secret: l.Secret, Address: l.AuthURL, Target: l.StorageTarget, Platform: originOf(l.AuthURL), Opener: l.Opener,
		},
	})
}

// loginData is what login.js is told.
type loginData struct {
	Address  string `json:"address"`
	ID       string `json:"id"`
	Key      string `json:"key"`
	Opener   string `json:"opener"`
	Platform string `json:"platform"`
	Secret   string `json:"secret"`
	Target   string `json:"target"`
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
		name: "bind", status: http.StatusOK, styles: []string{"parts.css"}, script: "bind.js", texts: b.Texts, referrer: "same-origin", reference: true,
		policy: policy{ancestors: b.Ancestors, forms: ownForms},
		title:  b.Texts.Word["bind"], state: "building", content: bindContent(b, b.Texts.Word),
		data: bindData{ID: b.ID, Key: storageKey(b.ID), Platform: originOf(b.PlatformOrigin), Target: b.StorageTarget},
	})
}

// bindData is what bind.js is told.
type bindData struct {
	ID       string `json:"id"`
	Key      string `json:"key"`
	Platform string `json:"platform"`
	Target   string `json:"target"`
}

func storageKey(id string) string { return "stackhook-" + id }
