package outcometest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const scope = "https://purl.imsglobal.org/spec/lti-ags/scope/"

// token verifies the tool's assertion (RFC 7523) and gives a token for the scopes that exist.
func (l *LMS) token(w http.ResponseWriter, r *http.Request) {
	l.note(r)
	if err := r.ParseForm(); err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		l.fault("the token request is no form")
	}
	for name, want := range map[string]string{
		"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
	} {
		if r.PostForm.Get(name) != want {
			l.fault(name + " is " + r.PostForm.Get(name))
		}
	}
	if problem := l.assertion(r.PostForm.Get("client_assertion")); problem != "" {
		l.fault(problem)
		http.Error(w, `{"error": "invalid_client"}`, http.StatusBadRequest)
		return
	}
	var granted []string
	for wanted := range strings.FieldsSeq(r.PostForm.Get("scope")) {
		if slices.Contains([]string{"score", "lineitem", "lineitem.readonly"}, strings.TrimPrefix(wanted, scope)) {
			granted = append(granted, wanted)
		}
	}
	token := "hunter2-" + rand.Text()
	l.mu.Lock()
	l.tokens[token] = granted
	l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller may have gone
		"access_token": token, "token_type": "bearer", "expires_in": 3600, "scope": strings.Join(granted, " "),
	})
}

func (l *LMS) assertion(text string) string {
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "the assertion is no JWT"
	}
	payload, err := signed.Verify(l.PublicKey)
	if err != nil {
		return "the assertion's signature does not hold"
	}
	var claims struct {
		Iss, Sub, Aud, Jti string
		Iat, Exp           int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "the assertion's claims are of the wrong type"
	}
	now := l.Now().Unix()
	switch {
	case claims.Iss != ClientID || claims.Sub != ClientID || claims.Aud != l.URL+"/token":
		return "the assertion is of or for somebody else"
	case claims.Iat > now+5 || claims.Exp <= now || claims.Exp-claims.Iat > 300:
		return "the assertion's times are wrong"
	case claims.Jti == "" || signed.Signatures[0].Header.KeyID == "":
		return "the assertion has no jti or kid"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nonces[claims.Jti] {
		return "a jti came twice"
	}
	l.nonces[claims.Jti] = true
	return ""
}

// may says whether the request has a token for the scope.
func (l *LMS) may(w http.ResponseWriter, r *http.Request, wanted ...string) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	l.mu.Lock()
	granted, known := l.tokens[token]
	l.mu.Unlock()
	switch {
	case !known:
		http.Error(w, `{"detail": "no such token"}`, http.StatusUnauthorized)
	case !slices.ContainsFunc(wanted, func(s string) bool { return slices.Contains(granted, scope+s) }):
		http.Error(w, `{"detail": "not allowed"}`, http.StatusForbidden)
	default:
		return true
	}
	return false
}

func (l *LMS) score(w http.ResponseWriter, r *http.Request) {
	l.note(r)
	if !l.may(w, r, "score") {
		return
	}
	var sent struct {
		Timestamp, ActivityProgress, GradingProgress, UserID string
		ScoreGiven, ScoreMaximum                             *float64
	}
	if err := json.Unmarshal(readBody(r), &sent); err != nil || r.Header.Get("Content-Type") != "application/vnd.ims.lis.v1.score+json" {
		l.fault("the score is not JSON of its media type")
	}
	at, err := time.Parse("2006-01-02T15:04:05.000Z", sent.Timestamp)
	if err != nil || at.After(l.Now().Add(time.Second)) {
		l.fault("the timestamp is " + sent.Timestamp)
	}
	if sent.ScoreGiven == nil || sent.ScoreMaximum == nil || sent.GradingProgress != "FullyGraded" || sent.UserID == "" {
		l.fault("the score lacks something")
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	mood := l.mood()
	if l.unwell(w, r, mood) {
		return
	}
	if mood == PastDue || mood == Unsupporting {
		http.Error(w, `{"detail": "no"}`, http.StatusForbidden)
		return
	}
	who := r.PathValue("item") + "/" + sent.UserID
	if had := l.at(who); had.taken && !at.After(had.at) {
		status := http.StatusBadRequest
		if l.Conflicts {
			status = http.StatusConflict
		}
		http.Error(w, `{"timestamp": ["Score timestamp can only be updated to a later point in time"]}`, status)
		return
	}
	l.set(who, *sent.ScoreGiven / *sent.ScoreMaximum, at)
	if mood == LosesReply {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
}

// items lists the line items of a link, on pages of one; the first is another link's, as platforms without the filter do.
func (l *LMS) items(w http.ResponseWriter, r *http.Request) {
	l.note(r)
	if !l.may(w, r, "lineitem", "lineitem.readonly") {
		return
	}
	if r.Header.Get("Accept") != "application/vnd.ims.lis.v2.lineitemcontainer+json" {
		l.fault("line items are asked for as " + r.Header.Get("Accept"))
	}
	link := r.URL.Query().Get("resource_link_id")
	if strings.Contains(r.URL.RawQuery, "+") { // Open edX reads it as a space
		l.fault("the filter holds a + that is not escaped")
	}
	w.Header().Set("Content-Type", "application/vnd.ims.lis.v2.lineitemcontainer+json")
	page := []map[string]any{{"id": l.URL + "/items/1", "resourceLinkId": "another link", "label": "A", "scoreMaximum": 1}}
	if r.URL.Query().Get("Page") == "Two" {
		page = []map[string]any{{"id": l.LineItem(), "resourceLinkId": link, "label": "B", "scoreMaximum": 1}}
		if link == "nowhere" {
			page = nil
		}
	} else {
		query := r.URL.Query()
		query.Set("Page", "Two")
		w.Header().Set("Link", `<`+l.URL+`/first>; rel="first", <`+l.URL+`/items?`+query.Encode()+`>; rel="next"`)
	}
	if page == nil {
		page = []map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(page) // the caller may have gone
}
