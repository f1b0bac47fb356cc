package viewlab_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// W15: who may do what is in the sealed ticket and nowhere else. Every address asks for one, each ticket reaches its own lab
// alone, and nothing in the request's address, fields or headers makes it reach further: not another lab's name or id, not a
// word that says who one is or that one only looks.
func TestW15TheTicketIsTheOnlyRight(t *testing.T) {
	t.Parallel()
	s := start(t)
	mine := s.ready(t, lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "one"})
	theirs := s.ready(t, lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "two"})
	other, err := s.keeper.Open(theirs)
	if err != nil {
		t.Fatal(err)
	}
	ways := []string{"/start", "/extend", "/suspend", "/reset", "/undo", "/end", "/check", "/heartbeat", "/console", "/key", "/password", "/class", "/class/end"}
	s.ResetCalls()
	for _, way := range ways {
		for name, ticket := range map[string]string{"none": "", "made up": "v1.a.bm8", "cut": mine[:len(mine)-2], "of the other, turned round": theirs[1:] + theirs[:1]} {
			w := s.ask(http.MethodPost, way+"?read_only=0&stack="+other.Stack+"&id="+other.ID, ticket)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s with a ticket that is %s: %d", way, name, w.Code)
			}
		}
	}
	if calls := s.CallNames(); len(calls) > 0 {
		t.Errorf("without a ticket the cloud was asked %v", calls)
	}
	fields := url.Values{"ticket": {mine}, "stack": {other.Stack}, "id": {other.ID}, "learner": {other.Learner}, "lab": {other.Stack + ":" + other.ID}, "read_only": {"0"}}
	if w := s.post("/end", fields); w.Code != http.StatusOK {
		t.Fatalf("the end of my own lab: %d", w.Code)
	}
	s.Advance(time.Minute)
	for _, stack := range s.Stacks() {
		if stack.ID != other.ID || !strings.HasSuffix(stack.State, "_COMPLETE") {
			t.Errorf("%s %s is left, and %s of the other learner is not as it was", stack.ID, stack.State, other.ID)
		}
	}
	if got := len(s.Stacks()); got != 1 {
		t.Errorf("%d labs are left, want the other learner's", got)
	}
}

// Row 7: the page needs no cookie and no script. It sets none and reads none; its form brings the page again; and its ticket
// is worth nothing once it is cut, changed, another function's, or too old. (That it gets so far in browsers that block
// cookies is TestRound of the shim.)
func TestRow7PageWithoutCookieOrScript(t *testing.T) {
	t.Parallel()
	s := start(t)
	ticket := s.ready(t, lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "one"})
	page := s.post("/", url.Values{"ticket": {ticket}})
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `href="http://`) || !strings.Contains(page.Body.String(), `name="ticket"`) {
		t.Fatalf("the page without script: %d", page.Code)
	}
	for _, w := range []http.Header{page.Header(), s.ask(http.MethodGet, "/status", ticket).Header()} {
		if w.Get("Set-Cookie") != "" {
			t.Errorf("a cookie is set: %s", w.Get("Set-Cookie"))
		}
	}
	changed := []byte(ticket)
	changed[len(changed)/2] ^= 1
	for name, bad := range map[string]string{"changed": string(changed), "cut": ticket[:len(ticket)-1], "empty": "", "of a class": "class." + ticket} {
		if w := s.post("/", url.Values{"ticket": {bad}}); w.Code != http.StatusUnauthorized {
			t.Errorf("a ticket that is %s: %d", name, w.Code)
		}
	}
	s.ahead.Add(int64(9 * time.Hour)) // past the lab's lifetime
	if w := s.post("/", url.Values{"ticket": {ticket}}); w.Code != http.StatusUnauthorized {
		t.Errorf("a ticket that is too old: %d", w.Code)
	}
}
