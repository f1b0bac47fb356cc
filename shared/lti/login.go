package lti

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// Login is a login to be continued at the platform.
type Login struct {
	ID     string // names the cookie (see CookieName) and the browser's storage entry
	Secret string // the browser's secret; the state holds its hash only
	State  string
	// AuthURL is the platform's authorization address with our request as its query: where the browser goes next.
	AuthURL string
	// StorageTarget names the platform's frame that keeps values for tools; empty if the platform did not offer one.
	StorageTarget string
	Registration  Registration
}

const (
	maxParameter = 8 << 10
	// maxAgain is how much of an initiation travels in the state to be repeated: the state is part of an address, and web
	// servers take 4 to 8 KiB of those.
	maxAgain = 2 << 10
)

// initiation are the parameters of a login initiation; whatever else a platform sends is not looked at.
var initiation = []string{"iss", "client_id", "login_hint", "lti_message_hint", "lti_deployment_id", "target_link_uri", "lti_storage_target"}

var frameName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// Login answers a login initiation: it says where the browser goes next and what it must keep (B01–B06). It calls nobody;
// a fault is an *Error.
func (t Tool) Login(r Request) (Login, error) {
	sent, fault := readInitiation(r)
	if fault != nil {
		return Login{}, fault
	}
	reg, fault := t.checkInitiation(sent)
	if fault != nil {
		return Login{}, fault
	}
	login := Login{ID: rand.Text(), Secret: rand.Text(), Registration: reg, StorageTarget: storageTarget(sent["lti_storage_target"])}
	nonce := rand.Text() // like the others, 130 random bits
	var err error
	if login.State, err = t.sealState(login, sent, nonce); err != nil {
		return Login{}, broken(err)
	}
	if login.AuthURL, err = withQuery(reg.AuthURL, t.request(login, sent, nonce)); err != nil {
		return Login{}, broken(err)
	}
	return login, nil
}

// readInitiation takes GET and POST (B01). The query of a POST is part of our address, so it may hold anything but the
// parameters themselves.
func readInitiation(r Request) (map[string]string, *Error) {
	var fields []field
	var fault *Error
	switch r.Method {
	case http.MethodGet:
		if len(r.RawQuery) > maxQuery {
			return nil, refuse(CodeTooLarge, "the query is larger than 16 KiB")
		}
		fields, fault = parseForm(nil, r.RawQuery, maxParameter)
	case http.MethodPost:
		fields, fault = readForm(nil, r, maxParameter, func(name string) bool { return slices.Contains(initiation, name) })
	default:
		fault = refuse(CodeMethod, "a login is begun by GET or POST")
	}
	if fault != nil {
		return nil, fault
	}
	return byName(fields)
}

func (t Tool) checkInitiation(sent map[string]string) (Registration, *Error) {
	for _, name := range []string{"iss", "login_hint", "target_link_uri"} {
		if sent[name] == "" {
			return Registration{}, refuse(CodeMissing, name+" is missing or empty")
		}
	}
	reg, fault := t.registration(sent["iss"], sent["client_id"])
	if fault != nil {
		return Registration{}, fault
	}
	if id, there := sent["lti_deployment_id"]; there && !reg.deploys(id) {
		return Registration{}, refuse(CodeDeployment, "lti_deployment_id is not configured for this platform")
	}
	if !t.ours(sent["target_link_uri"]) {
		return Registration{}, refuse(CodeTarget, "target_link_uri is not "+t.LaunchURL)
	}
	return reg, nil
}

// storageTarget keeps what can be the name of a frame. Platform storage is an offer: without a usable name there is none.
func storageTarget(name string) string {
	if frameName.MatchString(name) {
		return name
	}
	return ""
}

func (t Tool) sealState(login Login, sent map[string]string, nonce string) (string, error) {
	s := state{
		ID: login.ID, Issuer: login.Registration.Issuer, ClientID: login.Registration.ClientID, Target: sent["target_link_uri"],
		Nonce: digest(nonce), Secret: digest(login.Secret), Storage: login.StorageTarget,
	}
	rest := url.Values{}
	for _, name := range []string{"iss", "client_id", "login_hint", "lti_message_hint", "lti_deployment_id"} {
		if value, there := sent[name]; there {
			rest.Set(name, value)
		}
	}
	if text := rest.Encode(); len(text)+len(s.Target) <= maxAgain {
		s.Again = text
	}
	return t.Box.Seal(statePurpose, s, t.Now().Add(stateLife))
}

// request is the authentication request (B05). Hints go back as they came: they are the platform's own.
func (t Tool) request(login Login, sent map[string]string, nonce string) url.Values {
	q := url.Values{
		"scope": {"openid"}, "response_type": {"id_token"}, "response_mode": {"form_post"}, "prompt": {"none"},
		"client_id": {login.Registration.ClientID}, "redirect_uri": {t.LaunchURL}, "login_hint": {sent["login_hint"]},
		"state": {login.State}, "nonce": {nonce},
	}
	if hint, there := sent["lti_message_hint"]; there {
		q.Set("lti_message_hint", hint)
	}
	return q
}
