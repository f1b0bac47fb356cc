package viewlab

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/page"
)

func (v *viewer) console(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	address, err := v.keeper.Console(r.Context(), ticket, way(r))
	if err != nil {
		v.fail(w, r, ticket, before, err)
		return
	}
	v.pages.Console(w, r, address, page.TextsFor(ticket.Locale), ticket.Ancestors)
}

func (v *viewer) key(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	key, err := v.keeper.PrivateKey(r.Context(), ticket, way(r))
	if err != nil {
		v.fail(w, r, ticket, before, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", `attachment; filename="`+keyFile(ticket)+`"`)
	_, _ = w.Write([]byte(strings.TrimRight(key, "\n") + "\n")) // the browser may have gone
}

// password shows a password for this one answer. The script puts it into the page, and a form without script gets a page.
func (v *viewer) password(w http.ResponseWriter, r *http.Request) {
	before := sealed(r)
	ticket, err := v.keeper.Open(before)
	if err != nil {
		v.fail(w, r, ticket, "", err)
		return
	}
	number := way(r)
	password, err := v.keeper.Password(r.Context(), ticket, number)
	if err != nil {
		v.fail(w, r, ticket, before, err)
		return
	}
	if !wantsPage(r) {
		function.JSON(w, r, http.StatusOK, map[string]string{"password": password})
		return
	}
	texts, entered := page.TextsFor(ticket.Locale), v.keeper.Entry(ticket).Ways[number]
	if entered.Title == "" {
		entered.Title = texts.Ways[string(entered.Kind)]
	}
	v.pages.Password(w, r, page.Password{
		Title: entered.Title, User: entered.User, Password: password, Ticket: before, Texts: texts, Ancestors: ticket.Ancestors,
	})
}

// keyFile is what the lab's private key is called: each lab of a learner has its own.
func keyFile(t keeper.Ticket) string { return page.KeyFile(cmp.Or(t.Name, t.Stack)) }

// way is the number of the way in that the request names; what is no number is no way.
func way(r *http.Request) int {
	n, err := strconv.Atoi(r.PostFormValue("way"))
	if err != nil {
		return -1
	}
	return n
}
