package lti

import (
	"crypto/subtle"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Claims of LTI are named by addresses; in faults they go by what follows these prefixes.
const (
	claimPrefix    = "https://purl.imsglobal.org/spec/lti/claim/"
	deepLinkPrefix = "https://purl.imsglobal.org/spec/lti-dl/claim/"
)

const (
	maxID = 255 // bytes, of LTI's ids
	// maxTime is the year 9999 in Unix seconds. A time beyond it is a mistake or an attempt to overflow something.
	maxTime = 253402300799
	// skew is how far a platform's clock may be from ours, maxTokenAge how old a token may be, in seconds.
	skew        = 60
	maxTokenAge = 600
)

// object is a JSON object of the claims and where it is found, for faults: "" or "context.".
type object struct {
	path    string
	members map[string]any
}

func (o object) called(name string) string {
	return o.path + strings.TrimPrefix(strings.TrimPrefix(name, claimPrefix), deepLinkPrefix)
}

// claims reads a token's claims and keeps the first fault, so that a check can ask for several and look once.
type claims struct {
	top   object
	fault *Error
}

func (c *claims) refuse(code Code, detail string) {
	if c.fault == nil {
		c.fault = refuse(code, detail)
	}
}

func (c *claims) need(there bool, name string) {
	if !there {
		c.refuse(CodeMissing, name+" is missing or empty")
	}
}

// member is a member of o as a T; what is not there, or null, is the zero value and false.
func member[T any](c *claims, o object, name, kind string) (T, bool) {
	var none T
	value := o.members[name]
	if value == nil {
		return none, false
	}
	typed, ok := value.(T)
	if !ok {
		c.refuse(CodeClaims, o.called(name)+" is not "+kind)
	}
	return typed, ok
}

func (c *claims) text(o object, name string) string {
	text, _ := member[string](c, o, name, "a string")
	return text
}

func (c *claims) needText(o object, name string) string {
	text := c.text(o, name)
	c.need(text != "", o.called(name))
	return text
}

// id is a text that tells people, courses or places apart. encoding/json writes U+FFFD for half of a surrogate pair, so
// two ids could become one; nobody's id holds it otherwise.
func (c *claims) id(o object, name string) string {
	id := c.text(o, name)
	if len(id) > maxID {
		c.refuse(CodeClaims, o.called(name)+" is longer than 255 bytes")
	}
	if strings.ContainsRune(id, utf8.RuneError) {
		c.refuse(CodeClaims, o.called(name)+" is not sound Unicode")
	}
	return id
}

func (c *claims) needID(o object, name string) string {
	id := c.id(o, name)
	c.need(id != "", o.called(name))
	return id
}

func (c *claims) object(name string) object {
	o := object{path: c.top.called(name) + "."}
	if list, ok := c.top.members[name].([]any); ok && len(list) == 0 {
		return o // what PHP makes of an empty object
	}
	o.members, _ = member[map[string]any](c, c.top, name, "an object")
	return o
}

func (c *claims) texts(o object, name string) ([]string, bool) {
	list, there := member[[]any](c, o, name, "an array")
	texts := make([]string, 0, len(list))
	for _, element := range list {
		text, ok := element.(string)
		if !ok {
			c.refuse(CodeClaims, o.called(name)+" holds something else than strings")
		}
		texts = append(texts, text)
	}
	return texts, there
}

func (c *claims) time(name string) (float64, bool) {
	number, there := member[json.Number](c, c.top, name, "a number")
	if !there {
		return 0, false
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > maxTime {
		c.refuse(CodeClaims, name+" is no time")
	}
	return seconds, true
}

// checkClaims says whose launch these claims are.
func (t Tool) checkClaims(a Answer, all map[string]any) (Launch, *Error) {
	c := &claims{top: object{members: all}}
	c.checkParties(a.Registration)
	c.checkTimes(float64(t.Now().Unix()))
	c.checkNonce(a.state.Nonce)
	launch := Launch{
		Version: "1.3", Issuer: a.Registration.Issuer, ClientID: a.Registration.ClientID,
		Deployment: c.deployment(a.Registration), LoginTarget: a.state.Target,
	}
	kind := c.message()
	if launch.Target = c.needText(c.top, claimPrefix+"target_link_uri"); !t.ours(launch.Target) {
		c.refuse(CodeTarget, "the token's target_link_uri is not "+t.LaunchURL)
	}
	c.person(&launch, a.Registration)
	c.place(&launch, a.Registration)
	launch.Scores = c.scores(a.Registration)
	if kind == deepLinkingRequest {
		launch.DeepLink = c.deepLink(a.Registration)
	} else {
		launch.ResourceLink = c.needID(c.object(claimPrefix+"resource_link"), "id")
	}
	return launch, c.fault
}

// checkParties: who made the token, and for whom (C08, C11). One with two audiences would be good at another tool too.
func (c *claims) checkParties(reg Registration) {
	if c.needText(c.top, "iss") != reg.Issuer {
		c.refuse(CodeIssuer, "iss is not the issuer of this login")
	}
	audience := c.top.members["aud"]
	c.need(audience != nil, "aud")
	if list, ok := audience.([]any); ok {
		if len(list) != 1 {
			c.refuse(CodeAudience, "aud is not our client id alone")
			return
		}
		audience = list[0]
	}
	if _, ok := audience.(string); !ok {
		c.refuse(CodeClaims, "aud is neither a string nor an array of one")
	}
	if audience != reg.ClientID {
		c.refuse(CodeAudience, "aud is not our client id")
	}
	if party, there := member[string](c, c.top, "azp", "a string"); there && party != reg.ClientID {
		c.refuse(CodeAudience, "azp is not our client id")
	}
}

// checkTimes is C09.
func (c *claims) checkTimes(now float64) {
	expires, there := c.time("exp")
	c.need(there, "exp")
	issued, there := c.time("iat")
	c.need(there, "iat")
	from, _ := c.time("nbf")
	switch {
	case expires <= now-skew:
		c.refuse(CodeStale, "exp has passed")
	case issued < now-maxTokenAge:
		c.refuse(CodeStale, "iat is more than ten minutes ago")
	case issued > now+skew:
		c.refuse(CodeFuture, "iat is in the future")
	case from > now+skew:
		c.refuse(CodeFuture, "nbf is in the future")
	}
}

// checkNonce is the half of C10 that needs no store.
func (c *claims) checkNonce(want string) {
	if subtle.ConstantTimeCompare([]byte(digest(c.needText(c.top, "nonce"))), []byte(want)) != 1 {
		c.refuse(CodeNonce, "nonce is not the one of this login")
	}
}

// deployment is C12.
func (c *claims) deployment(reg Registration) string {
	id := c.needText(c.top, claimPrefix+"deployment_id")
	if !reg.deploys(id) {
		c.refuse(CodeDeployment, "deployment_id is not configured for this platform")
	}
	return id
}

const (
	resourceLinkRequest = "LtiResourceLinkRequest"
	deepLinkingRequest  = "LtiDeepLinkingRequest"
)

// message is C13.
func (c *claims) message() string {
	if c.needText(c.top, claimPrefix+"version") != "1.3.0" {
		c.refuse(CodeVersion, "version is not 1.3.0")
	}
	kind := c.needText(c.top, claimPrefix+"message_type")
	if kind != resourceLinkRequest && kind != deepLinkingRequest {
		c.refuse(CodeMessageType, "message_type is neither "+resourceLinkRequest+" nor "+deepLinkingRequest)
	}
	return kind
}

// person is who launched. Roles may be none, but whoever leaves them out does not speak LTI (C15, C16).
func (c *claims) person(l *Launch, reg Registration) {
	roles, there := c.texts(c.top, claimPrefix+"roles")
	c.need(there, "roles")
	l.User, l.Name, l.Role = c.needID(c.top, "sub"), c.text(c.top, "name"), roleOf13(roles, reg.Instructors)
}

// place is where from. document_target is not looked at: Open edX says "iframe" even in a new window.
func (c *claims) place(l *Launch, reg Registration) {
	course, shown := c.object(claimPrefix+"context"), c.object(claimPrefix+"launch_presentation")
	l.Context, l.ContextTitle = c.id(course, "id"), c.text(course, "title")
	l.Locale = c.text(shown, "locale")
	if back := c.text(shown, "return_url"); reg.owns(back) {
		l.ReturnURL = back
	}
	l.Custom = custom13(c.object(claimPrefix + "custom").members)
}

// custom13 keeps what has one spelling as a text; platforms send numbers and booleans where authors typed them.
func custom13(sent map[string]any) map[string]string {
	custom := make(map[string]string, len(sent))
	for name, value := range sent {
		switch v := value.(type) {
		case string:
			custom[name] = v
		case json.Number:
			custom[name] = v.String()
		case bool:
			custom[name] = map[bool]string{true: "true", false: "false"}[v]
		}
	}
	return custom
}
