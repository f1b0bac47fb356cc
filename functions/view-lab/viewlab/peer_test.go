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
