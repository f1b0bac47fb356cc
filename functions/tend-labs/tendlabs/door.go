package tendlabs

import (
	"net/http"
	"slices"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

// holders are the API tokens that may do this.
func holders(c config.API, may string) []caller.Credential {
	var out []caller.Credential
	for _, t := range c.Tokens {
		if slices.Contains(t.May, may) {
			out = append(out, caller.Credential{Kind: caller.API, Name: t.Name, Secret: t.Token.Reveal()})
		}
	}
	return out
}

// only lets one method in, and callers with a token that may. A GET may be a HEAD.
func (t *tending) only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", method)
			function.Fail(w, r, &function.Error{
				Code: "method", Status: http.StatusMethodNotAllowed, Public: "Send this request as " + method + ", and without redirects: only POST changes anything.",
			})
			return
		}
		if letIn(w, r, t.may, "may: [labs]") {
			h(w, r)
		}
	}
}

// letIn answers whoever has none of the tokens. A Keystone token proves nothing here: labs are everybody's of the project.
func letIn(w http.ResponseWriter, r *http.Request, tokens []caller.Credential, need string) bool {
	who, ok := caller.Identify(r, tokens, nil)
	if !ok || who.Kind != caller.API {
		caller.Challenge(w)
		function.Fail(w, r, &function.Error{
			Code: "unauthorized", Status: http.StatusUnauthorized, Public: "Say who you are: send an API token with " + need + ", as Authorization: Bearer.",
		})
		return false
	}
	logging.Note(r.Context(), "caller", string(who.Kind)+" "+who.Name)
	return true
}
