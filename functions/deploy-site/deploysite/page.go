package deploysite

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/site"
)

// pageTime is how long a link to a site's page is good.
const pageTime = 24 * time.Hour

// purposePage is what links to pages are sealed for.
const purposePage = "site-page"

// pagePause is how often the page asks again, in seconds; browsers do it without a script.
const pagePause = "10"

// pageTicket is what a link to a page allows: to look at one site.
type pageTicket struct {
	Site string `json:"site"`
}

// pageLink is the address of a site's page for those who have no login; empty if there is none.
func (d *deployer) pageLink(v visit) string {
	if !v.door.shared {
		return "" // whoever opens it sees the site with our rights: only who has those may hand it on
	}
	sealed, err := d.box.Seal(purposePage, pageTicket{v.name}, d.now().Add(pageTime))
	if err != nil {
		return ""
	}
	return d.address(v.name) + "/page?ticket=" + sealed
}

// page shows a site to whoever has a link to it.
func (d *deployer) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		function.Fail(w, r, &function.Error{Code: "method", Status: http.StatusMethodNotAllowed, Public: "This address takes GET, HEAD alone."})
		return
	}
	var ticket pageTicket
	err := d.box.Open(purposePage, r.URL.Query().Get("ticket"), &ticket, d.now())
	if err != nil || ticket.Site != r.PathValue("name") {
		function.Fail(w, r, &function.Error{
			Code: "ticket", Status: http.StatusUnauthorized, Err: err,
			Public: "The link is not good, or not any more. Ask whoever gave it to you for a new one.",
		})
		return
	}
	v := visit{who: caller.Caller{Kind: caller.Signed, Name: "page"}, door: d.own, name: ticket.Site}
	out, err := d.see(r.Context(), v)
	if err != nil {
		function.Fail(w, r, v.explain(err))
		return
	}
	draw(w, r, out)
}

func draw(w http.ResponseWriter, r *http.Request, out view) {
	nonce := rand.Text()
	var body bytes.Buffer
	moving := out.State != site.Ready && out.State != site.Suspended
	if err := pageContent(out, nonce, moving).Render(context.WithoutCancel(r.Context()), &body); err != nil {
		function.Fail(w, r, fmt.Errorf("draw page of site: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	if moving {
		h.Set("Refresh", pagePause)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body.Bytes()) // the browser may have gone
}
