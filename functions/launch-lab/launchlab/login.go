package launchlab

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/page"
)

// login is the login initiation of LTI 1.3: the browser gets a secret to keep and goes on to its platform.
func (t *tool) login(w http.ResponseWriter, r *http.Request) {
	request, err := t.read(r)
	if err != nil {
		t.refuse(w, r, request, err)
		return
	}
	login, err := t.modern.Login(request)
	if err != nil {
		t.refuse(w, r, request, err)
		return
	}
	notePlatform(r, login.Registration)
	t.counts.verdict(r, accepted)
	http.SetCookie(w, bindingCookie(login.ID, login.Secret, bindingLife))
	t.pages.Login(w, r, page.Login{
		ID: login.ID, Secret: login.Secret, AuthURL: login.AuthURL, StorageTarget: login.StorageTarget, Opener: t.origin,
		Texts: page.TextsFor(language("", r)), Ancestors: login.Registration.Origins,
	})
}
