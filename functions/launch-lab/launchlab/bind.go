package launchlab

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/page"
)

// bindingLife is as long as a login's state: ten minutes.
const bindingLife = 600

// bindingCookie binds a browser to one login. In a frame it is a third party's: SameSite=None is needed in every display
// mode, since the platform's form is a POST from another site, and Partitioned keeps it where third-party cookies are
// blocked (CHIPS). __Host- keeps others of our domain from setting it.
func bindingCookie(id, secret string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // SameSite=None, see above
		Name: lti.CookieName(id), Value: secret, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	}
}

// secretOf is what the browser shows of the login that a answers: its cookie, or what a page of ours found in the browser's
// storage and posted. found is false if it shows nothing; what was posted and does not fit counts as shown, and is refused
// later: a second look into the storage would find the same.
func (t *tool) secretOf(r *http.Request, a lti.Answer) (secret string, found bool) {
	for _, cookie := range r.CookiesNamed(lti.CookieName(a.ID)) {
		if a.Bound(cookie.Value) {
			return cookie.Value, true
		}
	}
	if a.Posted != "" && t.sameOrigin(r) {
		return a.Posted, true
	}
	return "", false
}

// sameOrigin says that a page of ours made this request, by a header that no script can set. A browser without
// Sec-Fetch-Site sends the origin with every POST; the page that binds lets it tell the truth.
func (t *tool) sameOrigin(r *http.Request) bool {
	if sites := r.Header.Values("Sec-Fetch-Site"); len(sites) > 0 {
		return slices.Equal(sites, []string{"same-origin"})
	}
	return slices.Equal(r.Header.Values("Origin"), []string{t.origin})
}

// bind answers a launch whose browser showed nothing. Nothing is started and nobody asked: the page looks where else the
// browser may have kept the secret, and if it finds none offers a new tab, where cookies are not a third party's.
func (t *tool) bind(w http.ResponseWriter, r *http.Request, a lti.Answer) {
	t.pages.Bind(w, r, page.Bind{
		ID: a.ID, StorageTarget: a.StorageTarget, PlatformOrigin: a.Registration.AuthURL,
		Action: t.base + "/launch", Fields: fieldsOf(a), LoginAction: t.base + "/login", Again: fieldsFrom(a.Again),
		Texts: page.TextsFor(language("", r)), Ancestors: a.Registration.Origins,
	})
}

func fieldsOf(a lti.Answer) []page.Field {
	fields := make([]page.Field, len(a.Fields))
	for i, f := range a.Fields {
		fields[i] = page.Field{Name: f[0], Value: f[1]}
	}
	return fields
}

// fieldsFrom puts values in an order, so that the same page comes out the same.
func fieldsFrom(values url.Values) []page.Field {
	var fields []page.Field
	for name, list := range values {
		for _, value := range list {
			fields = append(fields, page.Field{Name: name, Value: value})
		}
	}
	slices.SortFunc(fields, func(a, b page.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}
