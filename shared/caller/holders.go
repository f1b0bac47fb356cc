package caller

import (
	"net/http"
	"slices"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

// Holders are the API tokens that may do something: one of the words of config.APIToken's May.
func Holders(api config.API, may string) []Credential {
	var list []Credential
	for _, t := range api.Tokens {
		if slices.Contains(t.May, may) {
			list = append(list, Credential{Kind: API, Name: t.Name, Secret: t.Token.Reveal()})
		}
	}
	return list
}

// LetIn lets the holders of API tokens in and answers everybody else: may is what their tokens lack. A Keystone token is
// none of these; OpenStack would have to be asked what it is worth.
func LetIn(w http.ResponseWriter, r *http.Request, holders []Credential, may string) bool {
	who, ok := Identify(r, holders, nil)
	if !ok || who.Kind != API {
		Challenge(w)
		function.Fail(w, r, &function.Error{
			Code: "unauthorized", Status: http.StatusUnauthorized,
			Public: "Say who you are: send an API token with may: [" + may + "], as Authorization: Bearer.",
		})
		return false
	}
	logging.Note(r.Context(), logging.Caller, string(who.Kind)+" "+who.Name)
	return true
}
