package traffic

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Act is a kind of request.
type Act string

// The acts.
const (
	Launch11  Act = "launch, LTI 1.1"
	Launch13  Act = "launch, LTI 1.3"
	Status    Act = "status of a page"
	Heartbeat Act = "heartbeat"
	Alarm     Act = "alarm"
	Sites     Act = "sites"
)

// Acts are all of them, in the order of tables.
func Acts() []Act { return []Act{Launch11, Launch13, Status, Heartbeat, Alarm, Sites} }

// Class is what an answer is worth.
type Class int

// The classes. Later means that the answer says truthfully that it cannot serve now, and when to come back; Told that it says
// that a lab has failed, which Heat has to confirm.
const (
	Right Class = iota
	Later
	Told
	Wrong
)

// Answer is what came back.
type Answer struct {
	Code   int
	Header http.Header
	Body   string
	Err    error // there was none
	Took   time.Duration
}

// Verdict is an answer judged, with what it says.
type Verdict struct {
	Class Class
	Why   string // of all but Right
	page  page
}

// page is what a lab page, or its status, says.
type page struct {
	State  string
	Reason *struct{ Code string }
	Ticket string
	Access []struct{ URL string }
	Next   *struct {
		Method, URL string
		AfterMS     int64 `json:"after_ms"`
	}
}

func (p page) address() string {
	if p.State == "ready" && len(p.Access) > 0 {
		return p.Access[0].URL
	}
	return ""
}

// Judge says what an answer to act is worth.
func Judge(act Act, a Answer) Verdict {
	switch {
	case a.Err != nil:
		return Verdict{Class: Wrong, Why: "no answer: " + lastWords(a.Err.Error())}
	case retryable(a):
		return Verdict{Class: Later, Why: strconv.Itoa(a.Code) + " " + problemCode(a)}
	}
	switch act {
	case Launch11, Launch13:
		return judgeLaunch(a)
	case Status:
		return judgeStatus(a)
	case Heartbeat:
		return expect(a, http.StatusNoContent)
	case Alarm:
		return judgeAlarm(a)
	case Sites:
		return expect(a, http.StatusOK)
	}
	return wrong(a)
}

// retryable is a refusal of ours that says when to come back. A balancer's own 503 does not, and a request lost in front of us is
// lost.
func retryable(a Answer) bool {
	switch a.Code {
	case http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after, err := strconv.Atoi(a.Header.Get("Retry-After"))
		return err == nil && after > 0
	}
	return false
}

func expect(a Answer, code int) Verdict {
	if a.Code != code {
		return wrong(a)
	}
	return Verdict{}
}

func wrong(a Answer) Verdict {
	return Verdict{Class: Wrong, Why: strings.TrimSpace(strconv.Itoa(a.Code) + " " + problemCode(a))}
}

var (
	ticketInPage = regexp.MustCompile(`name="ticket" value="([^"]+)"`)
	stateInPage  = regexp.MustCompile(`<main data-state="([a-z]+)" id="lab">`)
	dataInPage   = regexp.MustCompile(`(?s)<script type="application/json"[^>]*>(.*?)</script>`)
	codeInPage   = regexp.MustCompile(`<code[^>]*>([a-z_0-9]+)</code>`)
)

func judgeLaunch(a Answer) Verdict {
	ticket, state := ticketInPage.FindStringSubmatch(a.Body), stateInPage.FindStringSubmatch(a.Body)
	if a.Code != http.StatusOK || ticket == nil || state == nil {
		return wrong(a)
	}
	var shown struct{ Status page }
	if data := dataInPage.FindStringSubmatch(a.Body); data != nil {
		_ = json.Unmarshal([]byte(data[1]), &shown) // without it the state in the page will do
	}
	p := shown.Status
	p.State, p.Ticket = state[1], ticket[1]
	return judgePage(p)
}

func judgeStatus(a Answer) Verdict {
	var p page
	if a.Code != http.StatusOK && a.Code != http.StatusAccepted {
		return wrong(a)
	}
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil || p.State == "" {
		return Verdict{Class: Wrong, Why: "a status that cannot be read"}
	}
	return judgePage(p)
}

// judgePage: the states of a lab that is or will be there are right. One that waits for its cloud says so.
func judgePage(p page) Verdict {
	reason := ""
	if p.Reason != nil {
		reason = p.Reason.Code
	}
	switch p.State {
	case "building", "ready", "waiting", "suspended", "resuming":
		return Verdict{page: p}
	case "starting":
		switch reason {
		case "cloud_trouble", "unanswered":
			return Verdict{Class: Later, Why: "starting, " + reason, page: p}
		case "", "missing", "clearing":
			return Verdict{page: p}
		}
	case "failed":
		return Verdict{Class: Told, Why: "failed, " + reason, page: p}
	}
	return Verdict{Class: Wrong, Why: p.State + ", " + reason, page: p}
}

// judgeAlarm reads the code: Aodh ignores a status, so that the code alone says what was done.
func judgeAlarm(a Answer) Verdict {
	var said struct{ Code string }
	if a.Code >= http.StatusMultipleChoices || json.Unmarshal([]byte(a.Body), &said) != nil {
		return wrong(a)
	}
	switch said.Code {
	case "scaled", "capped", "kept", "at_max", "at_min", "unchanged", "cooldown", "stabilizing", "not_ready", "duplicate", "draining", "undrained":
		return Verdict{}
	case "unavailable", "busy", "lost", "superseded", "back_off", "unhealthy":
		return Verdict{Class: Later, Why: said.Code}
	}
	return Verdict{Class: Wrong, Why: said.Code}
}

// problemCode is the code of a problem document or page, empty if it is neither.
func problemCode(a Answer) string {
	var problem struct{ Code string }
	if json.Unmarshal([]byte(a.Body), &problem) == nil && problem.Code != "" {
		return problem.Code
	}
	if found := codeInPage.FindStringSubmatch(a.Body); found != nil {
		return found[1]
	}
	return ""
}

// lastWords are an error without the addresses in front of it, so that equal ones are counted together.
func lastWords(text string) string {
	if at := strings.LastIndex(text, ": "); at >= 0 {
		return text[at+2:]
	}
	return text
}
