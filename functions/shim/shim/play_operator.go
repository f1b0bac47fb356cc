package shim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stackhook/stackhook/shared/function"
)

// deploy asks deploy-site for a site, as an operator or CI would. The page asks for numbers alone; the names are made up.
func (p *player) deploy(w http.ResponseWriter, r *http.Request) {
	app := map[string]any{}
	for _, name := range []string{"nodes", "min", "max"} {
		text := r.PostFormValue(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			badForm(w, r, name, "is not a whole number")
			return
		}
		app[name] = n
	}
	spec := map[string]any{
		"hosts":         map[string]string{"lms": r.PostFormValue("name") + ".example.org"},
		"contact_email": "operator@example.org",
		"app":           app,
	}
	if cooldown := r.PostFormValue("cooldown"); cooldown != "" {
		spec["cooldowns"] = map[string]string{"out": cooldown, "in": cooldown}
	}
	body, err := json.Marshal(spec)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	address := p.site(r.PostFormValue("name"))
	a, err := p.send(r.Context(), http.MethodPut, address, p.shim.Keys().APIToken, body)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	a.Curl = curl(http.MethodPut, address, body, true)
	a.read()
	function.JSON(w, r, http.StatusOK, a)
}

// follow asks how far a site is.
func (p *player) follow(w http.ResponseWriter, r *http.Request) {
	a, err := p.send(r.Context(), http.MethodGet, p.site(r.URL.Query().Get("name")), p.shim.Keys().APIToken, nil)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	a.read()
	function.JSON(w, r, http.StatusOK, a)
}

func (p *player) site(name string) string {
	return p.shim.base + "/deploy-site/sites/" + url.PathEscape(name)
}

// read takes out of deploy-site's answer what the page shows of it.
func (a *answer) read() {
	var site struct {
		State   string
		Percent int
		Steps   []step
		Address string
	}
	if a.Code >= http.StatusBadRequest || json.Unmarshal(a.Answer, &site) != nil {
		return
	}
	a.Percent, a.Steps, a.Address = site.Percent, site.Steps, site.Address
	switch site.State {
	case "ready":
		a.Done, a.Title = true, "The site stands."
	case "failed":
		a.Done, a.Failed, a.Title = true, true, "The site could not be built. The log on the terminal says why."
	case "creating":
		a.Title = "The site is being built."
	case "updating":
		a.Title = "The site is being changed."
	case "suspended", "deleting":
		a.Done, a.Title = true, "The site is "+site.State+"."
	}
}
