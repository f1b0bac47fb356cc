package deploysite_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Row 7.0.24: who comes while a change is made is told which, and may overtake it, but not one that is at the data nodes.
func TestRow7024QueuedChanges(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.put(academy+"?wins=latest", three()).want(t, http.StatusConflict, "busy") // a site that is being made
	h.cloud.Settle()
	first := h.put(academy, three())
	first.want(t, http.StatusAccepted, "changed")
	operation := first.str("operation")
	if operation == "" || h.get(academy).str("operation") != operation {
		t.Errorf("operation %q: %s", operation, h.get(academy).text)
	}
	five := spec("app", `{"nodes": 5, "min": 1, "max": 5}`)
	r := h.put(academy, five)
	r.want(t, http.StatusConflict, "busy")
	if !slices.Equal(r.faults(), []string{"operation"}) || !strings.Contains(r.text, operation) {
		t.Errorf("%s", r.text)
	}
	h.put(academy+"?wins=mine", five).want(t, http.StatusUnprocessableEntity, "invalid")
	h.cloud.Advance(time.Second)
	latest := h.put(academy+"?wins=latest", five)
	latest.want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if got := h.get(academy); got.str("state") != "ready" || got.str("operation") != latest.str("operation") || len(h.cloud.Members()) != 5 {
		t.Errorf("%d members: %s", len(h.cloud.Members()), got.text)
	}
	h.nodesSay("join", map[int]int{0: 1, 1: 1, 2: 1})
	h.post(academy+"/roll?node=2", "").want(t, http.StatusAccepted, "rolling")
	h.put(academy+"?wins=latest", spec()).want(t, http.StatusConflict, "busy")
}
